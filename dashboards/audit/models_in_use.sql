-- Question: Which models answered, and was each registered, deployed or promoted for its app?
-- For: EU AI Act 26(1), GDPR 28
-- Not answered: Whether the use is as the provider's instructions say: what is registered is what people hold to be so. Models of experiments: production alone.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    t.app AS app,
    t.environment AS environment,
    t.model AS model,
    t.first_time AS first_time,
    t.last_time AS last_time,
    t.answers AS answers,
    r.acts AS allowed_by,
    nullIf(r.since, toDateTime64(0, 6, 'UTC')) AS allowed_since,
    multiIf(notEmpty(allowed_by), 'allowed', app IN (SELECT app FROM v_registered_models), 'not allowed',
        'no models are registered for this app') AS verdict
FROM
(
    SELECT v.app AS app, v.environment AS environment, v.model AS model, min(v.first_time) AS first_time,
        max(v.last_time) AS last_time, sum(v.events) AS answers
    FROM v_prompt_versions AS v
    WHERE v.hour >= {since:Date} AND v.hour < {until:Date} + 1
    GROUP BY app, environment, model
) AS t
LEFT JOIN
(
    SELECT m.app AS app, m.model AS model, arraySort(groupUniqArray(m.action)) AS acts, min(m.time) AS since
    FROM v_registered_models AS m
    GROUP BY app, model
) AS r ON t.app = r.app AND t.model = r.model
ORDER BY app, environment, model
