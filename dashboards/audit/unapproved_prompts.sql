-- Question: Which prompts answered that nobody had approved and promoted, when, how often, and what is wrong with each?
-- For: SOC 2 CC8.1, EU AI Act 26(1)
-- Not answered: Prompts of apps that keep none in the audit trail. That an answer came of the prompt whose hash the app says: the app stamps it.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    p.app AS app,
    p.environment AS environment,
    p.prompt_name AS prompt_name,
    p.prompt_version AS prompt_version,
    p.prompt_hash AS prompt_hash,
    p.why AS why,
    min(p.hour) AS first_hour,
    max(p.hour) AS last_hour,
    sum(p.events) AS answers
FROM v_unapproved_prompts AS p
WHERE p.hour >= {since:Date} AND p.hour < {until:Date} + 1
GROUP BY app, environment, prompt_name, prompt_version, prompt_hash, why
ORDER BY last_hour DESC, app, prompt_name
