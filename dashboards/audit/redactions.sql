-- Question: How much personal data of which kind was taken out before storage, day by day?
-- For: GDPR 25, GDPR 32
-- Not answered: What was not found and so not taken out. What the raw topic held until its retention ended.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    toDate(time) AS day,
    app,
    environment,
    redaction.1 AS entity_type,
    count() AS interactions,
    sum(redaction.2) AS replaced
FROM v_interactions
ARRAY JOIN CAST(redactions AS Array(Tuple(String, UInt64))) AS redaction
WHERE time >= {since:Date} AND time < {until:Date} + 1
GROUP BY day, app, environment, entity_type
ORDER BY day, app, environment, entity_type
