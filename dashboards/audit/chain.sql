-- Question: Does each stored entry of the audit trail follow on the one before it, and where not first?
-- For: SOC 2 CC7.2, HIPAA 164.312(c)
-- Not answered: Whether an entry holds what was signed, and whether the end was cut off: hashes, signatures and anchors are checked by `watchline audit verify`, and the anchors lie outside the store. A tail that was rewritten as a whole looks whole here.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    log,
    count() AS entries,
    min(position) AS first_position,
    max(position) AS last_position,
    toUInt64(last_position - first_position + 1 - entries) AS missing,
    countIf(breaks) AS broken_links,
    if(broken_links = 0, NULL, minIf(position, breaks)) AS first_broken,
    countIf(NOT accepted) AS refused,
    argMax(hash, position) AS head,
    argMax(time, position) AS last_time
FROM
(
    SELECT log, position, time, accepted, hash, previous,
        lagInFrame(hash, 1, '') OVER before AS hash_before,
        row_number() OVER before > 1 AND previous != hash_before OR position = 0 AND previous != log AS breaks
    FROM v_governance AS g
    INNER JOIN
    (
        SELECT log AS of_log, min(b.position) AS least, max(b.position) AS greatest
        FROM v_governance AS b
        WHERE b.time >= {since:Date} AND b.time < {until:Date} + 1
        GROUP BY of_log
    ) AS bounds ON g.log = bounds.of_log
    WHERE g.position >= bounds.least AND g.position <= bounds.greatest
    WINDOW before AS (PARTITION BY log ORDER BY position ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
GROUP BY log
ORDER BY log
