-- Question: Who oversees each app, what did the monitor tell them, and what did they do?
-- For: EU AI Act 26(2), EU AI Act 26(5), EU AI Act 14
-- Not answered: Which alerts fired: `alerts_fired`. Who silenced or acknowledged some is recorded without the app: `acts`. Whether who oversees is able to.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
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
    a.app AS app,
    u.risk_class AS risk_class,
    u.contact AS contact,
    a.people AS people,
    a.approvals AS approvals,
    a.rollbacks AS rollbacks,
    a.emergencies AS emergencies,
    a.reviews AS reviews,
    s.signals AS signals,
    s.pages AS pages,
    f.rated AS rated,
    f.bad AS rated_bad
FROM
(
    SELECT if(details['app'] != '', details['app'], target) AS app, arraySort(groupUniqArray(actor)) AS people,
        countIf(action IN ('prompt_approved', 'model_approved')) AS approvals,
        countIf(action IN ('prompt_rolled_back', 'model_rolled_back', 'prompt_withdrawn', 'model_withdrawn')) AS rollbacks,
        countIf(action = 'emergency_promoted') AS emergencies,
        countIf(action = 'emergency_reviewed') AS reviews
    FROM v_governance
    WHERE accepted AND action NOT IN ('incident_began', 'inputs_sent') AND time >= {since:Date} AND time < {until:Date} + 1
        AND (details['app'] != '' OR action IN ('use_case_registered', 'model_deployed', 'document_set_registered'))
    GROUP BY app
) AS a
LEFT JOIN use_cases AS u ON a.app = u.app
LEFT JOIN
(
    SELECT d.app AS app, count() AS signals, countIf(d.page) AS pages FROM v_signals AS d WHERE d.time >= {since:Date} AND d.time < {until:Date} + 1 GROUP BY app
) AS s ON a.app = s.app
LEFT JOIN
(
    SELECT b.app AS app, count() AS rated, countIf(b.score < 0.5) AS bad FROM v_feedback AS b WHERE b.time >= {since:Date} AND b.time < {until:Date} + 1 GROUP BY app
) AS f ON a.app = f.app
ORDER BY app
