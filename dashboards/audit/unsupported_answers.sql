-- Question: Which answers claimed what their sources don't say, in which words, and what did the sources say?
-- For: EU AI Act 26(5)
-- Not answered: Whether the sources are right. What was not checked: `coverage`.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
-- Parameter: limit = 1000 (most rows, the latest first)
SELECT
    time,
    event_id,
    app,
    environment,
    tenant,
    prompt_name,
    prompt_version,
    model,
    detector_version,
    score,
    alert,
    input AS question,
    text AS unsupported,
    evidence_texts AS sources,
    evidence_fields AS source_fields
FROM v_spans
WHERE detector = 'groundedness' AND flagged AND time >= {since:Date} AND time < {until:Date} + 1
ORDER BY time DESC, event_id, number
LIMIT {limit:UInt64}
