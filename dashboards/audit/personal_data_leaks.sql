-- Question: Which answers held personal data that nobody had named, in which app and hour, of how many people's conversations, and since when is it known?
-- For: GDPR 33
-- Not answered: Whose data it was: only who asked has a pseudonym, and what leaked is stored redacted. How bad it is, and whether it must be notified, people decide. The 72 hours begin when somebody becomes aware, which is not before `first_known`. The auditor's login may not read pseudonyms.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
WITH leaks AS
(
    SELECT f.event_id AS event_id, f.time AS time, f.app AS app, f.environment AS environment, f.tenant AS tenant,
        f.stored_at AS stored_at
    FROM v_findings AS f
    WHERE f.detector = 'pii' AND f.scores['LEAK'] >= f.threshold AND f.decision = 'evaluated' AND f.time >= {since:Date} AND f.time < {until:Date} + 1
)
SELECT
    l.app AS app,
    l.environment AS environment,
    toStartOfHour(l.time) AS hour,
    count() AS answers,
    uniqExactIf(i.subject, i.subject != '') AS people_who_asked,
    countIf(i.subject = '') AS without_pseudonym,
    arraySort(groupUniqArray(l.tenant)) AS tenants,
    min(l.stored_at) AS first_known,
    first_known + INTERVAL 72 HOUR AS notify_before
FROM v_interactions AS i
INNER JOIN leaks AS l ON i.event_id = l.event_id
WHERE i.time >= {since:Date} AND i.time < {until:Date} + 1
GROUP BY app, environment, hour
ORDER BY hour, app, environment
