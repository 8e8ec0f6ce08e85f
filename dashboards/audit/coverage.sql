-- Question: Was every interaction checked by every detector planned for it, day by day, and if not, what came of it?
-- For: EU AI Act 12, SOC 2 CC7.2
-- Not answered: Events that never came: `lost_events`. Whether a verdict is right.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    toDate(c.time) AS day,
    c.app AS app,
    c.environment AS environment,
    c.detector AS detector,
    sum(c.planned) AS planned,
    sum(c.evaluated) AS evaluated,
    sum(c.not_applicable) AS not_applicable,
    sum(c.not_sampled) AS not_sampled,
    sum(c.shed) AS shed,
    sum(c.failed) AS failed,
    sum(c.missing) AS missing,
    sum(c.lost) AS lost,
    any(r.reasons) AS reasons
FROM v_coverage AS c
LEFT JOIN
(
    SELECT toDate(f.time) AS day, f.app AS app, f.environment AS environment, toString(f.detector) AS detector,
        arraySort(groupUniqArray(10)(f.reason)) AS reasons
    FROM v_findings AS f
    WHERE f.reason != '' AND f.time >= {since:Date} AND f.time < {until:Date} + 1
    GROUP BY day, app, environment, detector
) AS r ON toDate(c.time) = r.day AND c.app = r.app AND c.environment = r.environment AND c.detector = r.detector
WHERE c.time >= {since:Date} AND c.time < {until:Date} + 1
GROUP BY day, app, environment, detector
ORDER BY day, app, environment, detector
