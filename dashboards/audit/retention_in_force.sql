-- Question: For how long is each class of data kept, who set that, and is it what is in force?
-- For: GDPR 5(1)(e), GDPR 30(1)(f)
-- Not answered: Whether the tables and topics keep to it: `watchline retention report` measures them. Backups and exports.
-- Parameter: until = 2100-01-01 (as it was at the end of this day, UTC)
SELECT
    if(s.class != '', s.class, toString(f.class)) AS class,
    if(s.class != '', s.app, toString(f.app)) AS app,
    s.days AS days_set,
    s.actor AS set_by,
    nullIf(s.set_at, toDateTime64(0, 6, 'UTC')) AS set_at,
    nullIf(f.days, 0) AS days_in_force,
    nullIf(f.since, toDateTime64(0, 3, 'UTC')) AS in_force_since,
    multiIf(days_in_force IS NULL, 'not in force: watchline retention apply', days_set IS NULL, 'in force, by default',
        days_set = days_in_force, 'in force', 'another one is in force: watchline retention apply') AS verdict
FROM
(
    SELECT splitByString('/app:', target)[1] AS class, splitByString('/app:', target)[2] AS app,
        toUInt16OrNull(argMax(details['days'], position)) AS days, argMax(actor, position) AS actor,
        argMax(time, position) AS set_at
    FROM v_governance
    WHERE accepted AND action = 'retention_set' AND time < {until:Date} + 1
    GROUP BY target
) AS s
FULL JOIN v_retention AS f ON s.class = f.class AND s.app = f.app
ORDER BY class, app
