-- Question: Who read what, when, by which door, and how many rows; what was refused?
-- For: HIPAA 164.312(b), SOC 2 CC6.1
-- Not answered: Which rows: a read is recorded by the shape of its statement, without what was searched for. Who read past Watchline's doors: the server's own query log.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
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
WHERE time >= {since:Date} AND time < {until:Date} + 1 AND ({who:String} = '*' OR who = {who:String}) AND ({view:String} = '*' OR has(views, {view:String}))
ORDER BY time, who, door, shape
