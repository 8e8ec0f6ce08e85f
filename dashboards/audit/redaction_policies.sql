-- Question: What takes the place of personal data in each app's texts, since when, and who set it?
-- For: GDPR 25, GDPR 32
-- Not answered: That a worker obeys it: it does from when it reads the file (`watchline governance redaction`). What was taken out: `redactions`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT time, position, substring(target, 5) AS app, details['fields'] AS fields, actor,
    nullIf(leadInFrame(time, 1, toDateTime64(0, 6, 'UTC')) OVER (
        PARTITION BY log, target ORDER BY position ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING),
        toDateTime64(0, 6, 'UTC')) AS replaced_at
FROM v_governance
WHERE accepted AND action = 'policy_set' AND time >= {since:Date} AND time < {until:Date} + 1
ORDER BY time, position
