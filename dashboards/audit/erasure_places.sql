-- Question: What became of an erasure in each place, on which ground, and until when does something stay?
-- For: GDPR 17, GDPR 19
-- Not answered: Places that cannot be reached from here (backups, exports, servers' own logs, the apps): `watchline erase status ID` names them and who must act.
-- Parameter: erasure =  (only this one; empty for all)
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    substring(target, 9) AS erasure,
    certified_at,
    entry.1 AS place,
    JSONExtractString(entry.2, 1) AS word,
    JSONExtractString(entry.2, 2) AS ground,
    JSONExtractInt(entry.2, 3) AS row_count,
    JSONExtractString(entry.2, 4) AS until_time
FROM
(
    SELECT target, argMax(time, position) AS certified_at, argMax(details['places'], position) AS places
    FROM v_governance
    WHERE accepted AND action = 'erasure_certified' AND time >= {since:Date} AND time < {until:Date} + 1
        AND ({erasure:String} = '' OR target = concat('erasure:', {erasure:String}))
    GROUP BY target
)
ARRAY JOIN JSONExtractKeysAndValuesRaw(places) AS entry
ORDER BY certified_at, erasure, place
