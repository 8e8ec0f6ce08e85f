-- Question: What did one person promote in an emergency, why, and who has reviewed it within 48 hours?
-- For: SOC 2 CC8.1
-- Not answered: What the review found: its text `note`, in v_governance_texts. Whether it was an emergency.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: hours = 48 (within which another person is to review it)
SELECT
    e.time AS time,
    e.app AS app,
    e.environment AS environment,
    e.target AS target,
    e.target_version AS target_version,
    e.actor AS promoted_by,
    e.why AS why,
    e.reviewed_at AS reviewed_at,
    e.reviewed_by AS reviewed_by,
    dateDiff('second', e.time, ifNull(e.reviewed_at, now64(6, 'UTC'))) / 3600 AS hours,
    hours > {hours:UInt32} AS late
FROM v_emergencies AS e
WHERE e.time >= {since:Date} AND e.time < {until:Date} + 1
ORDER BY time, app
