-- Question: Which models, knowledge bases and prompts were put to use, when, by whom, and which came before?
-- For: SOC 2 CC8.1, EU AI Act 12
-- Not answered: What was deployed without an act: `models_in_use` and `unregistered_traffic` show what answered. Why: the text `reason` of the act.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT time, app, action, what, before, actor, environment
FROM
(
    SELECT
        time,
        action,
        actor,
        if(details['app'] != '', details['app'], target) AS app,
        details['environment'] AS environment,
        multiIf(action = 'model_deployed', concat('model ', details['model'], if(details['variant'] = '', '', concat(' ', details['variant']))),
            action = 'document_set_registered', concat('document set ', details['document_set']),
            concat(target, ' version ', ifNull(target_version, ''))) AS what,
        lagInFrame(what, 1, '') OVER (
            PARTITION BY log, app, environment, if(details['app'] = '', action, target) ORDER BY position
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before
    FROM v_governance
    WHERE accepted AND time < {until:Date} + 1
        AND action IN ('model_deployed', 'document_set_registered', 'prompt_promoted', 'model_promoted', 'emergency_promoted')
)
WHERE time >= {since:Date}
ORDER BY time, app, what
