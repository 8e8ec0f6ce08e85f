-- Question: Which events were never scored, how many, where were they lost and why?
-- For: SOC 2 CC7.2, SOC 2 PI1.4
-- Not answered: What an app never handed to its producer, and what was in its memory when it was killed. Rows that were deleted in the store: v_missing_events.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- A dead letter that had a producer's number is among that producer's missing ones too: don't add the two up.
SELECT place, source, reason, first_time, last_time, events
FROM
(
    SELECT
        'dead letter' AS place,
        concat(topic, '/', toString(partition)) AS source,
        concat(toString(d.kind), if(d.field = '', '', concat(' (', d.field, ')')), ', such as: ', any(d.reason)) AS reason,
        toDateTime64(min(time), 6, 'UTC') AS first_time,
        toDateTime64(max(time), 6, 'UTC') AS last_time,
        count() AS events
    FROM v_dead_letters AS d
    WHERE NOT d.resolved AND d.time >= {since:Date} AND d.time < {until:Date} + 1
    GROUP BY source, d.kind, d.field
    UNION ALL
    SELECT
        'producer',
        concat(app, ' (', environment, ') ', toString(producer_id)),
        concat('numbered but not stored; ', toString(sum(g.dropped)), ' dropped in the app',
            if(empty(sumMap(g.dropped_by) AS by), '', ': '),
            arrayStringConcat(arrayMap((k, n) -> concat(k, ' ', toString(n)), mapKeys(by), mapValues(by)), ', ')),
        min(g.first_time),
        max(g.last_time),
        sum(g.missing) AS missing
    FROM v_producer_gaps AS g
    WHERE g.time >= {since:Date} AND g.time < {until:Date} + 1
    GROUP BY producer_id, app, environment
    HAVING missing > 0
    UNION ALL
    SELECT
        'Kafka',
        concat(topic, '/', toString(partition)),
        concat('messages (of one or more events) gone before they were read, from offset ', toString(first_missing)),
        toDateTime64(time, 6, 'UTC'),
        toDateTime64(time, 6, 'UTC'),
        next_offset - first_missing
    FROM v_offset_gaps
    WHERE time >= {since:Date} AND time < {until:Date} + 1
)
ORDER BY place, first_time
