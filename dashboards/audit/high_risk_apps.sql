-- Question: What happened in the apps of a risk class: how much, what was flagged, what drifted, what went out unapproved?
-- For: GDPR 35, EU AI Act 9
-- Not answered: Whether the risk is acceptable, and what was done against it. An app that nobody has registered has no class: `unregistered_traffic` lists it.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: risk_class = high (minimal, limited or high)
WITH use_cases AS
(
    SELECT
        target AS app,
        argMax(details['risk_class'], position) AS risk_class,
        argMax(details['legal_basis'], position) AS legal_basis,
        argMax(details['contact'], position) AS contact
    FROM v_governance
    WHERE accepted AND action = 'use_case_registered' AND time < {until:Date} + 1
    GROUP BY target
)
SELECT
    u.app AS app,
    u.risk_class AS risk_class,
    u.legal_basis AS legal_basis,
    u.contact AS contact,
    v.events AS answers,
    v.evaluated AS evaluated,
    v.flagged AS flagged,
    v.alerts AS alerts,
    s.signals AS signals,
    s.pages AS pages,
    e.emergencies AS emergencies,
    e.open AS emergencies_without_review
FROM use_cases AS u
LEFT JOIN
(
    SELECT app, sum(of_events) AS events, sum(of_evaluated) AS evaluated, sum(of_flagged) AS flagged, sum(of_alerts) AS alerts
    FROM
    (
        SELECT w.app AS app, w.events AS of_events, 0 AS of_evaluated, 0 AS of_flagged, 0 AS of_alerts
        FROM v_prompt_versions AS w WHERE w.hour >= {since:Date} AND w.hour < {until:Date} + 1
        UNION ALL
        SELECT x.app, 0, x.evaluated, x.flagged_events, x.alert_events
        FROM v_quality AS x WHERE x.hour >= {since:Date} AND x.hour < {until:Date} + 1
    )
    GROUP BY app
) AS v ON u.app = v.app
LEFT JOIN
(
    SELECT d.app AS app, count() AS signals, countIf(d.page) AS pages FROM v_signals AS d WHERE d.time >= {since:Date} AND d.time < {until:Date} + 1 GROUP BY app
) AS s ON u.app = s.app
LEFT JOIN
(
    SELECT m.app AS app, count() AS emergencies, countIf(m.reviewed_at IS NULL) AS open
    FROM v_emergencies AS m WHERE m.time >= {since:Date} AND m.time < {until:Date} + 1 GROUP BY app
) AS e ON u.app = e.app
WHERE u.risk_class = {risk_class:String}
ORDER BY answers DESC, app
