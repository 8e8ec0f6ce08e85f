-- Question: Was every interaction checked by every detector planned for it, day by day, and if not, what came of it?
-- Parameter: since = 1970-01-01 (first day, UTC)
-- Parameter: until = 2100-01-01 (last day, UTC)
SELECT
    toDate(time) AS day,
    app,
    environment,
    detector,
    count() AS planned,
    countIf(decision = 'evaluated') AS evaluated,
    countIf(decision = 'not_applicable') AS not_applicable,
    countIf(decision = 'not_sampled') AS not_sampled,
    countIf(decision = 'shed') AS shed,
    countIf(decision = 'failed') AS failed,
    countIf(decision = 'missing') AS missing,
    arraySort(groupUniqArrayIf(10)(reason, reason != '')) AS reasons
FROM v_decisions
WHERE time >= {since:Date} AND time < {until:Date} + 1
GROUP BY day, app, environment, detector
ORDER BY day, app, environment, detector
