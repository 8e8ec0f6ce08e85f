-- Question: Which changes did the monitor see: what moved, from what to what, since when, in which part of the traffic?
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
    events_before,
    events_after,
    method,
    statistic,
    p_value,
    attribution,
    signal_id,
    event_id
FROM v_signals AS s
WHERE time >= {since:Date}
ORDER BY time, signal_id
