-- Question: Which version of each detector judged with which thresholds, from when to when, and how often?
-- For: EU AI Act 12, SOC 2 CC8.1
-- Not answered: Who changed them: `threshold_changes`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    f.app AS app,
    f.detector AS detector,
    f.detector_version AS detector_version,
    f.calibration_version AS calibration_version,
    round(f.threshold, 4) AS threshold,
    round(f.alert_threshold, 4) AS alert_threshold,
    min(f.time) AS first_time,
    max(f.time) AS last_time,
    count() AS evaluated,
    countIf(f.flagged) AS flagged
FROM v_findings AS f
WHERE f.decision = 'evaluated' AND f.time >= {since:Date} AND f.time < {until:Date} + 1
GROUP BY app, detector, detector_version, calibration_version, threshold, alert_threshold
ORDER BY app, detector, first_time
