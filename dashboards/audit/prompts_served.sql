-- Question: Which prompt versions and models answered, from when to when, how often, and how often were they flagged?
-- For: SOC 2 CC8.1, EU AI Act 12
-- Not answered: Who approved them: `promotions`. Subjects that apps do not name.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: app =  (only this app; empty for all)
-- Parameter: prompt =  (only the prompt of this name; empty for all)
WITH flags AS
(
    SELECT event_id, countIf(f.flagged) > 0 AS flagged, countIf(f.alert) > 0 AS alert
    FROM v_findings AS f
    WHERE (f.flagged OR f.alert) AND time >= {since:Date} AND time < {until:Date} + 1
    GROUP BY event_id
)
SELECT
    i.app AS app,
    i.environment AS environment,
    i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version,
    i.prompt_hash AS prompt_hash,
    i.model AS model,
    min(i.time) AS first_time,
    max(i.time) AS last_time,
    count() AS interactions,
    uniqExactIf(i.subject, i.subject != '') AS subjects,
    countIf(flags.flagged) AS flagged,
    countIf(flags.alert) AS alerts
FROM v_interactions AS i
LEFT ANY JOIN flags ON flags.event_id = i.event_id
WHERE i.time >= {since:Date} AND i.time < {until:Date} + 1 AND ({app:String} = '' OR i.app = {app:String}) AND ({prompt:String} = '' OR i.prompt_name = {prompt:String})
GROUP BY app, environment, prompt_name, prompt_version, prompt_hash, model
ORDER BY app, environment, prompt_name, first_time
