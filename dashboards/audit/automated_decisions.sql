-- Question: Which models answer in which app, registered for what risk and on which legal basis, and do people look at the answers?
-- For: GDPR 22, EU AI Act 14
-- Not answered: Whether an answer has legal effect, and whether a person stands between it and the effect: the app knows, and its purpose says (`records_of_processing`). People who look without rating leave nothing here.
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
    t.app AS app,
    t.environment AS environment,
    t.model AS model,
    if(u.app = '', 'not registered', u.risk_class) AS risk_class,
    u.legal_basis AS legal_basis,
    u.contact AS contact,
    t.answers AS answers,
    t.prompts AS prompts,
    b.rated AS rated_in_app,
    b.bad AS rated_bad_in_app
FROM
(
    SELECT v.app AS app, v.environment AS environment, v.model AS model, sum(v.events) AS answers,
        uniqExact(v.prompt_name, v.prompt_version) AS prompts
    FROM v_prompt_versions AS v
    WHERE v.hour >= {since:Date} AND v.hour < {until:Date} + 1
    GROUP BY app, environment, model
) AS t
LEFT JOIN use_cases AS u ON t.app = u.app
LEFT JOIN
(
    SELECT f.app AS app, f.environment AS environment, count() AS rated, countIf(f.score < 0.5) AS bad
    FROM v_feedback AS f
    WHERE f.time >= {since:Date} AND f.time < {until:Date} + 1
    GROUP BY app, environment
) AS b ON t.app = b.app AND t.environment = b.environment
ORDER BY app, environment, answers DESC
