-- Question: Which records came again and said otherwise than what was stored first, of which app and detector, and when?
-- For: SOC 2 CC7.2, HIPAA 164.312(c)
-- Not answered: Which of the two is right: what was stored first is shown. A row that was changed in the table itself: `watchline prove`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    toDate(c.stored_at) AS day,
    c.app AS app,
    if(c.detector = '', 'texts', c.detector) AS of,
    uniqExact(c.event_id) AS events,
    min(c.stored_at) AS first_time,
    max(c.stored_at) AS last_time,
    any(c.event_id) AS example
FROM v_conflicts AS c
WHERE c.stored_at >= {since:Date} AND c.stored_at < {until:Date} + 1
GROUP BY day, app, of
ORDER BY day, app, of
