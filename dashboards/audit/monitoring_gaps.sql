-- Question: When was nothing recorded, though it should have been: for how long came no test event through which partition?
-- For: EU AI Act 12, SOC 2 CC7.2
-- Not answered: What was before the first test event, and whether apps sent in a gap: `lost_events` counts what is gone. Test events are kept for 30 days: of the time before, the gaps that each night's proof has recorded. That every app sends is not shown: `recorded_fields` has what came.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: minutes = 5 (shortest gap that counts)
SELECT topic, partition, gap_from, gap_to, dateDiff('second', gap_from, gap_to) / 60 AS minutes, is_open
FROM
(
    SELECT topic, partition, stored_at AS gap_to,
        lagInFrame(stored_at, 1, stored_at) OVER (
            PARTITION BY topic, partition ORDER BY stored_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS gap_from,
        false AS is_open
    FROM v_canaries
    WHERE stored_at >= {since:Date} AND stored_at < {until:Date} + 1
    UNION ALL
    SELECT topic, partition, least(now64(3, 'UTC'), toDateTime64({until:Date} + 1, 3, 'UTC')) AS gap_to,
        max(c.stored_at) AS gap_from, true AS is_open
    FROM v_canaries AS c
    WHERE c.stored_at >= {since:Date} AND c.stored_at < {until:Date} + 1
    GROUP BY topic, partition
    UNION ALL
    SELECT DISTINCT blind.1 AS topic, blind.2 AS partition, parseDateTime64BestEffort(blind.4, 3, 'UTC') AS gap_to,
        parseDateTime64BestEffort(blind.3, 3, 'UTC') AS gap_from, false AS is_open
    FROM
    (
        SELECT arrayJoin(JSONExtract(details['blind'], 'Array(Tuple(String, UInt32, String, String))')) AS blind
        FROM v_governance WHERE accepted AND action = 'proved' AND details['blind'] != ''
    )
    WHERE gap_to >= {since:Date} AND gap_from < {until:Date} + 1
        AND gap_to < (SELECT if(count() = 0, now64(3, 'UTC'), min(stored_at)) FROM v_canaries)
)
WHERE gap_to >= gap_from + toIntervalMinute({minutes:UInt32})
ORDER BY gap_from, topic, partition
