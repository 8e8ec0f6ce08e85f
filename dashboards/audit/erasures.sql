-- Question: Which erasures were asked for, when was each done and certified, and which are overdue?
-- For: GDPR 17, GDPR 12(3)
-- Not answered: Whose they are: the trail holds salted hashes. That files and topics hold nothing more is in the certificate (`erasure_places`), not in a table. When the person asked: the month begins then, and the trail knows when it was recorded.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: days = 30 (for how many days an erasure may be open)
SELECT
    r.erasure AS erasure,
    r.time AS asked_at,
    r.actor AS asked_by,
    r.kind AS kind,
    r.app AS app,
    if(c.target = '', 'not certified', c.whole) AS whole,
    nullIf(c.certified_at, toDateTime64(0, 6, 'UTC')) AS certified_at,
    c.certified_by AS certified_by,
    e.events AS events_erased,
    whole = 'pending' AS held,
    whole IN ('complete', 'nothing found') AS done,
    dateDiff('hour', asked_at, if(done, c.certified_at, now64(6, 'UTC'))) / 24 AS days,
    days > {days:UInt32} AS overdue
FROM
(
    SELECT target, substring(target, 9) AS erasure, time, actor, details['kind'] AS kind, details['app'] AS app
    FROM v_governance
    WHERE accepted AND action = 'erasure_requested' AND time >= {since:Date} AND time < {until:Date} + 1
) AS r
LEFT JOIN
(
    SELECT target, argMax(details['whole'], position) AS whole, argMax(time, position) AS certified_at,
        argMax(actor, position) AS certified_by
    FROM v_governance
    WHERE accepted AND action = 'erasure_certified' AND time >= {since:Date}
    GROUP BY target
) AS c ON r.target = c.target
LEFT JOIN
(
    SELECT certificate, count() AS events FROM v_erased WHERE hidden_at >= {since:Date} GROUP BY certificate
) AS e ON r.erasure = e.certificate
ORDER BY asked_at, erasure
