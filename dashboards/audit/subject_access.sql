-- Question: What is held of one person: how much of what, in which apps, from when to when?
-- For: GDPR 15
-- Not answered: What it says, and what topics and files hold: `watchline subject export` writes that. What stands under another pseudonym, after a change of the key, needs a run of its own. The auditor's login may not read pseudonyms: for the data protection officer.
-- Parameter: subject =  (the pseudonym, as v_interactions has it; without one nothing is found)
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
WITH mine AS
(
    SELECT i.event_id AS event_id, i.app AS app, i.environment AS environment, i.time AS time
    FROM v_interactions AS i
    WHERE i.subject = {subject:String} AND i.subject != '' AND i.time >= {since:Date} AND i.time < {until:Date} + 1
)
SELECT what, app, environment, min(at) AS first_time, max(at) AS last_time, count() AS records
FROM
(
    SELECT 'interactions' AS what, app, environment, time AS at FROM mine
    UNION ALL
    SELECT 'feedback', b.app, b.environment, b.time
    FROM v_feedback AS b
    WHERE (b.subject = {subject:String} AND b.subject != '' OR b.event_id IN (SELECT event_id FROM mine))
        AND b.time >= {since:Date} AND b.time < {until:Date} + 1
    UNION ALL
    SELECT concat('findings of ', f.detector), f.app, f.environment, f.time
    FROM v_findings AS f
    WHERE f.event_id IN (SELECT event_id FROM mine) AND f.time >= {since:Date} AND f.time < {until:Date} + 1
)
GROUP BY what, app, environment
ORDER BY what, app, environment
