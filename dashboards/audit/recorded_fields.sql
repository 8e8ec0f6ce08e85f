-- Question: What was recorded by itself of each app, day by day: how many answers, and how many of them lead to model, prompt and sources?
-- For: EU AI Act 12
-- Not answered: That records cannot be changed: article 12 asks for automatic recording, and `chain` and `watchline prove` go further. What the app itself decided or did.
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    toDate(i.time) AS day,
    i.app AS app,
    i.environment AS environment,
    count() AS events,
    countIf(i.model != '') AS with_model,
    countIf(i.prompt_name != '' AND i.prompt_version != '') AS with_prompt_version,
    countIf(i.prompt_hash != '') AS with_prompt_hash,
    countIf(i.conversation_id != '') AS with_conversation,
    countIf(i.document_set != '') AS with_document_set,
    countIf(notEmpty(i.planned)) AS with_planned_checks,
    countIf(notEmpty(i.truncated)) AS with_cut_texts,
    countIf(notEmpty(i.unreadable) OR notEmpty(i.invalid_fields)) AS with_unreadable_fields,
    max(dateDiff('second', i.time, i.stored_at)) AS stored_after_s_at_most
FROM v_interactions AS i
WHERE i.time >= {since:Date} AND i.time < {until:Date} + 1
GROUP BY day, app, environment
ORDER BY day, app, environment
