-- Question: Which apps sent that nobody has registered, and which models answered that their app may not use?
-- For: EU AI Act 26(1), GDPR 30
-- Not answered: What does not send to Watchline. Where no app is registered at all, nothing is held to be unregistered.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT u.app AS app, u.environment AS environment, u.what AS what, if(what = 'model', u.model, '') AS model,
    min(u.hour) AS first_hour, max(u.hour) AS last_hour, sum(u.events) AS answers
FROM v_unregistered AS u
WHERE u.hour >= {since:Date} AND u.hour < {until:Date} + 1
GROUP BY app, environment, what, model
ORDER BY app, environment, what, model
