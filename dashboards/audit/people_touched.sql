-- Question: Which people got answers with personal data that nobody had named, when, and how often?
-- For: GDPR 33(3)(a), GDPR 34
-- Not answered: Names: a pseudonym leads to a person in the app alone. Whose data it was. The auditor's login may not read pseudonyms: for the data protection officer.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: app =  (only this app; empty for all)
-- Parameter: limit = 10000 (most rows, the latest first)
SELECT
    i.subject AS subject,
    i.app AS app,
    i.tenant AS tenant,
    min(i.time) AS first_time,
    max(i.time) AS last_time,
    count() AS answers,
    uniqExact(i.conversation_id) AS conversations
FROM v_interactions AS i
WHERE i.time >= {since:Date} AND i.time < {until:Date} + 1 AND ({app:String} = '' OR i.app = {app:String})
    AND i.event_id IN
    (
        SELECT f.event_id FROM v_findings AS f
        WHERE f.detector = 'pii' AND f.scores['LEAK'] >= f.threshold AND f.decision = 'evaluated' AND f.time >= {since:Date} AND f.time < {until:Date} + 1
    )
GROUP BY subject, app, tenant
ORDER BY last_time DESC, subject
LIMIT {limit:UInt64}
