-- Question: What is each app registered for, on which legal basis, whose data is it and who gets it where, how long is what kept, and how much came?
-- For: GDPR 30
-- Not answered: Whether what was registered is true. What nobody has registered is empty; `watchline audit records` prints the record with room for it. People's words need the login of the auditor or the data protection officer.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
WITH
    (SELECT mapFromArrays(groupArray(concat(k.class, '/', k.app)), groupArray(k.days)) FROM v_retention AS k) AS kept
SELECT
    u.app AS app,
    multiIf(u.purpose_hash = '', '', hex(SHA256(t.text)) = upper(u.purpose_hash), substring(t.text, position(t.text, ':') + 1),
        'erased, or not what was signed') AS purpose,
    u.risk_class AS risk_class,
    u.legal_basis AS legal_basis,
    u.contact AS contact,
    u.people AS people,
    u.recipients AS recipients,
    u.transfers AS transfers,
    u.models AS models,
    u.prompts AS prompts,
    u.registered_by AS registered_by,
    u.registered_at AS registered_at,
    nullIf(if(mapContains(kept, concat('text/', app)), kept[concat('text/', app)], kept['text/']), 0) AS text_days,
    nullIf(if(mapContains(kept, concat('rows/', app)), kept[concat('rows/', app)], kept['rows/']), 0) AS rows_days,
    nullIf(if(mapContains(kept, concat('metrics/', app)), kept[concat('metrics/', app)], kept['metrics/']), 0) AS metrics_days,
    p.policy AS redaction_policy,
    v.events AS events
FROM
(
    SELECT target AS app, argMax(governance_id, position) AS governance_id,
        argMax(details['sha256:purpose'], position) AS purpose_hash,
        argMax(details['risk_class'], position) AS risk_class, argMax(details['legal_basis'], position) AS legal_basis,
        argMax(details['contact'], position) AS contact, argMax(details['people'], position) AS people,
        argMax(details['recipients'], position) AS recipients, argMax(details['transfers'], position) AS transfers,
        argMax(details['models'], position) AS models,
        argMax(details['prompts'], position) AS prompts, argMax(actor, position) AS registered_by,
        argMax(time, position) AS registered_at
    FROM v_governance
    WHERE accepted AND action = 'use_case_registered' AND time < {until:Date} + 1
    GROUP BY target
) AS u
LEFT JOIN (SELECT governance_id, text FROM v_governance_texts WHERE name = 'purpose') AS t
    ON u.governance_id = t.governance_id
LEFT JOIN
(
    SELECT substring(target, 5) AS app, argMax(details['fields'], position) AS policy
    FROM v_governance
    WHERE accepted AND action = 'policy_set' AND time < {until:Date} + 1
    GROUP BY app
) AS p ON u.app = p.app
LEFT JOIN
(
    SELECT w.app AS app, sum(w.events) AS events FROM v_prompt_versions AS w WHERE w.hour >= {since:Date} AND w.hour < {until:Date} + 1 GROUP BY app
) AS v ON u.app = v.app
ORDER BY app
