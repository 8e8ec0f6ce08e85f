-- Question: Which changes did the monitor see: what moved, from what to what, since when, in which part of the traffic?
-- For: EU AI Act 26(5), SOC 2 CC7.2
-- Not answered: What nobody measures. What people did about it.
-- Parameter: since = 1970-01-01 (first day, UTC)
SELECT
    time,
    app,
    environment,
    prompt_name,
    kind,
    measure,
    slice,
    baseline,
    before,
    after,
    s.since AS changed_at,
    since_from AS changed_from,
    since_to AS changed_to,
    events_before,
    events_after,
    method,
    statistic,
    p_value,
    cause,
    cause_value,
    cause_kind,
    attribution,
    ruled_out,
    moved_with,
    page,
    examples_before,
    examples_after,
    signal_id,
    event_id
FROM v_signals AS s
WHERE time >= {since:Date}
ORDER BY time, signal_id
