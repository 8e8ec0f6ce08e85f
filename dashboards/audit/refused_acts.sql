-- Question: Which acts did the rules refuse, when, who claims to have done them, and why were they refused?
-- For: SOC 2 CC6.8, SOC 2 CC7.2
-- Not answered: Who sent them: whoever can write to the topic can claim any name. An honest mistake looks like an attack here; the reason tells.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: limit = 10000 (most rows, the latest first)
SELECT time, position, actor AS claimed_by, action, target, target_version, reason, arraySort(mapKeys(signatures)) AS keys
FROM v_governance
WHERE NOT accepted AND time >= {since:Date} AND time < {until:Date} + 1
ORDER BY position DESC
LIMIT {limit:UInt64}
