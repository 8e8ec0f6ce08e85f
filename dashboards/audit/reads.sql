-- Question: Who read what, when, by which door, and how many rows; what was refused?
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: who = * (an id or a name; * for all)
-- Parameter: view = * (a view that was read; * for all)
SELECT
    time,
    until,
    who,
    proven,
    door,
    shape,
    views,
    reads,
    row_count,
    how,
    why
FROM v_reads
WHERE time >= {since:Date} AND {who:String} IN ('*', who) AND ({view:String} = '*' OR has(views, {view:String}))
ORDER BY time, who, door, shape
