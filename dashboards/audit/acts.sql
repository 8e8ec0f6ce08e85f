-- Question: Who did what to what, when, and did the rules allow it?
-- For: HIPAA 164.312(b), SOC 2 CC6.1
-- Not answered: Who read what: `reads`. What people wrote about an act: v_governance_texts. That no act is missing: `watchline audit verify`.
-- Parameter: actor =  (only this person or service; empty for all)
-- Parameter: action =  (only this act; empty for all)
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: limit = 10000 (most rows, the latest first)
SELECT
    time,
    position,
    actor,
    action,
    target,
    target_version,
    accepted,
    reason,
    mapFilter((name, value) -> NOT startsWith(name, 'sha256:') AND name NOT IN ('salt', 'scope', 'searched', 'places', 'public',
        'keys', 'reads'), details) AS details,
    length(signatures) AS signatures
FROM v_governance
WHERE time >= {since:Date} AND time < {until:Date} + 1 AND ({actor:String} = '' OR actor = {actor:String})
    AND ({action:String} = '' OR action = {action:String})
ORDER BY position DESC
LIMIT {limit:UInt64}
