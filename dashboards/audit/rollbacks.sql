-- Question: Which versions were taken back or withdrawn, by whom, and for how long had apps got them?
-- For: SOC 2 CC7.4, SOC 2 CC8.1
-- Not answered: When the last app had it no more: each answer is stamped with its version (`prompts_served`). Of several times that apps were given it, since the last.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    r.time AS time,
    r.app AS app,
    r.environment AS environment,
    r.action AS action,
    r.target AS target,
    r.target_version AS target_version,
    r.actor AS actor,
    nullIf(arrayMax(arrayMap(each -> each.2, arrayPushFront(arrayFilter(each -> each.1 < r.position
        AND (r.environment = '' OR each.3 = r.environment), p.given),
        (0, toDateTime64(0, 6, 'UTC'), '')))), toDateTime64(0, 6, 'UTC')) AS live_since,
    dateDiff('second', live_since, r.time) / 3600 AS live_hours
FROM
(
    SELECT log, position, time, details['app'] AS app, details['environment'] AS environment, action, target, target_version,
        content_hash, actor
    FROM v_governance
    WHERE accepted AND time >= {since:Date} AND time < {until:Date} + 1
        AND action IN ('prompt_rolled_back', 'model_rolled_back', 'prompt_withdrawn', 'model_withdrawn')
) AS r
LEFT JOIN
(
    SELECT log, details['app'] AS app, content_hash, groupArray((position, time, details['environment'])) AS given
    FROM v_governance
    WHERE accepted AND time < {until:Date} + 1
        AND action IN ('prompt_promoted', 'model_promoted', 'prompt_canaried', 'model_canaried', 'emergency_promoted')
    GROUP BY log, app, content_hash
) AS p ON r.log = p.log AND r.app = p.app AND r.content_hash = p.content_hash
ORDER BY time, app, target
