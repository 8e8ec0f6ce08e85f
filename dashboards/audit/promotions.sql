-- Question: Which versions of prompts and models did apps get, who wrote each, who approved exactly this content, and who promoted it?
-- For: SOC 2 CC8.1
-- Not answered: Whether an approval had expired or was barred by a rollback: the rules looked when they accepted the promotion, and `watchline prompts log` shows it. What was changed: `watchline prompts diff`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: app =  (only this app; empty for all)
WITH
    approvals AS
    (
        SELECT log, details['app'] AS app, content_hash, groupArray((position, actor)) AS given
        FROM v_governance
        WHERE accepted AND action IN ('prompt_approved', 'model_approved') AND time < {until:Date} + 1
        GROUP BY log, app, content_hash
    ),
    drafts AS
    (
        SELECT log, details['app'] AS app, content_hash, argMin(actor, position) AS author,
            argMin(details['for'], position) AS written_for, min(time) AS drafted_at
        FROM v_governance
        WHERE accepted AND action IN ('prompt_drafted', 'model_drafted') AND time < {until:Date} + 1
        GROUP BY log, app, content_hash
    )
SELECT
    p.time AS time,
    p.app AS app,
    p.environment AS environment,
    p.action AS action,
    p.target AS target,
    p.target_version AS target_version,
    p.share AS percent,
    p.content_hash AS content_hash,
    d.author AS author,
    d.written_for AS written_for,
    nullIf(d.drafted_at, toDateTime64(0, 6, 'UTC')) AS drafted_at,
    arraySort(arrayDistinct(arrayMap(each -> each.2, arrayFilter(each -> each.1 < p.position, a.given)))) AS approved_by,
    p.actor AS promoted_by
FROM
(
    SELECT log, position, time, details['app'] AS app, details['environment'] AS environment, action, target, target_version,
        details['share'] AS share, content_hash, actor
    FROM v_governance
    WHERE accepted AND time >= {since:Date} AND time < {until:Date} + 1 AND ({app:String} = '' OR details['app'] = {app:String})
        AND action IN ('prompt_promoted', 'model_promoted', 'prompt_canaried', 'model_canaried', 'emergency_promoted')
) AS p
LEFT JOIN drafts AS d ON p.log = d.log AND p.app = d.app AND p.content_hash = d.content_hash
LEFT JOIN approvals AS a ON p.log = a.log AND p.app = a.app AND p.content_hash = a.content_hash
ORDER BY time, app, target
