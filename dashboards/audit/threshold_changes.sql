-- Question: Who changed which threshold of a detector, when, from what to what?
-- For: SOC 2 CC8.1, EU AI Act 12
-- Not answered: Why: the text `reason` of the act. That workers judge by it: `thresholds_in_force`. A threshold that was changed in the settings of a worker, without an act.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT time, detector, label, threshold_before, threshold, alert_threshold_before, alert_threshold, actor
FROM
(
    SELECT
        time,
        target AS detector,
        details['label'] AS label,
        details['threshold'] AS threshold,
        details['alert_threshold'] AS alert_threshold,
        actor,
        lagInFrame(threshold, 1, '') OVER before AS threshold_before,
        lagInFrame(alert_threshold, 1, '') OVER before AS alert_threshold_before
    FROM v_governance
    WHERE accepted AND action = 'threshold_changed' AND time < {until:Date} + 1
    WINDOW before AS (PARTITION BY log, detector, label ORDER BY position ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE time >= {since:Date}
ORDER BY time, detector, label
