-- Question: Which automated judgements were made on what one person asked and got, by which version and threshold?
-- For: GDPR 15(1)(h), GDPR 22
-- Not answered: What was done because of them: Watchline judges and decides nothing. Judgements that a later version of a detector made are in v_rescored. The auditor's login may not read pseudonyms: for the data protection officer.
-- Parameter: subject =  (the pseudonym, as v_interactions has it; without one nothing is found)
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: limit = 10000 (most rows, the latest first)
WITH mine AS
(
    SELECT i.event_id AS event_id, i.app AS app, i.environment AS environment, i.time AS time
    FROM v_interactions AS i
    WHERE i.subject = {subject:String} AND i.subject != '' AND i.time >= {since:Date} AND i.time < {until:Date} + 1
)
SELECT
    f.time AS time,
    f.event_id AS event_id,
    f.app AS app,
    f.detector AS detector,
    f.detector_version AS detector_version,
    f.calibration_version AS calibration_version,
    f.decision AS decision,
    f.reason AS reason,
    f.score AS score,
    f.threshold AS threshold,
    f.flagged AS flagged,
    f.alert AS alert
FROM v_findings AS f
WHERE f.event_id IN (SELECT event_id FROM mine) AND f.time >= {since:Date} AND f.time < {until:Date} + 1
ORDER BY time DESC, event_id, detector
LIMIT {limit:UInt64}
