-- Question: Which models answered under the name that was asked for, in which builds, from when to when?
-- For: EU AI Act 26(5), SOC 2 CC9.2
-- Not answered: A change that the provider does not name. Whether answers became worse: `signals`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    i.app AS app,
    i.environment AS environment,
    i.provider AS provider,
    i.request_model AS request_model,
    i.response_model AS response_model,
    i.system_fingerprint AS system_fingerprint,
    min(i.time) AS first_time,
    max(i.time) AS last_time,
    count() AS events
FROM v_interactions AS i
WHERE i.time >= {since:Date} AND i.time < {until:Date} + 1 AND i.source = 'production'
GROUP BY app, environment, provider, request_model, response_model, system_fingerprint
ORDER BY app, environment, provider, request_model, first_time
