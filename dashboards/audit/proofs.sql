-- Question: For which times was it proven that nothing was lost, when, and how many events had no explanation?
-- For: SOC 2 CC7.2, SOC 2 A1.2
-- Not answered: What was lost since: `watchline prove` tells for any time. Times that no row covers were not proven.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    time,
    position,
    actor,
    splitByChar('/', target)[1] AS proven_from,
    splitByChar('/', target)[2] AS proven_to,
    toUInt64OrZero(details['rows']) AS events,
    toUInt64OrZero(details['unexplained']) AS unexplained,
    details['explained'] AS explained,
    details['sha256'] AS sha256
FROM v_governance
WHERE accepted AND action = 'proved' AND time >= {since:Date} AND time < {until:Date} + 1
ORDER BY time, position
