-- Question: Whose keys may sign, with which roles, since when, which were revoked, and when did each sign last?
-- For: SOC 2 CC6.1, SOC 2 CC6.2, SOC 2 CC6.3
-- Not answered: Root keys: they stand in a file that topics cannot change, and what replaces them is an act `roots_replaced` (`acts`). Logins of Kafka and ClickHouse: `SHOW GRANTS` there. Whether a key was lent.
-- Parameter: until = 2100-01-01 (as it was at the end of this day, UTC)
SELECT
    r.target AS key,
    r.details['holder'] AS holder,
    r.details['kind'] AS kind,
    r.details['roles'] AS roles,
    r.time AS registered_at,
    arraySort(mapKeys(r.signatures)) AS registered_by_keys,
    nullIf(v.time, toDateTime64(0, 6, 'UTC')) AS revoked_at,
    revoked_at IS NULL AS in_force,
    s.acts AS acts,
    nullIf(s.last_time, toDateTime64(0, 6, 'UTC')) AS last_signed
FROM
(
    SELECT target, details, signatures, time FROM v_governance
    WHERE accepted AND action = 'key_registered' AND time < {until:Date} + 1
) AS r
LEFT JOIN
(
    SELECT target, time FROM v_governance WHERE accepted AND action = 'key_revoked' AND time < {until:Date} + 1
) AS v ON r.target = v.target
LEFT JOIN
(
    SELECT arrayJoin(mapKeys(signatures)) AS key, count() AS acts, max(time) AS last_time
    FROM v_governance
    WHERE accepted AND time < {until:Date} + 1
    GROUP BY key
) AS s ON r.target = s.key
ORDER BY holder, registered_at, key
