-- What readers use. Exact whether or not parts have merged (FINAL), made anew by every `watchline migrate`.
-- A view runs with the rights of who migrated, so that a reader needs a grant on the views and none on the tables.

CREATE OR REPLACE VIEW v_interactions SQL SECURITY DEFINER AS
SELECT *,
    arrayElement(if(arrayExists(m -> m.1 = 'user', input_messages), arrayFilter(m -> m.1 = 'user', input_messages),
        input_messages), -1).2 AS input,
    arrayStringConcat(arrayMap(m -> m.2, output_messages), '\n') AS output
FROM interactions FINAL;

-- A finding is shown once its interaction is: the interaction row is the commit mark. A join and not IN, so that a
-- reader's filter on time or event_id limits what is read of both tables.
CREATE OR REPLACE VIEW v_findings SQL SECURITY DEFINER AS
SELECT f.* FROM findings AS f FINAL
LEFT SEMI JOIN interactions AS i ON f.time = i.time AND f.event_id = i.event_id;

-- planned = evaluated + not_applicable + failed + missing + not_sampled + shed. Read from left to right: an interaction
-- that is seen was stored after its findings. The detector '' stands for the event itself, so that `events` is of the
-- same moment.
CREATE OR REPLACE VIEW v_coverage SQL SECURITY DEFINER AS
SELECT detector, events, planned, evaluated, not_applicable, failed, missing, not_sampled, shed
FROM
(
    SELECT
        p.detector AS detector,
        count() AS planned,
        max(if(detector = '', planned, 0)) OVER () AS events,
        countIf(f.decision = 'evaluated') AS evaluated,
        countIf(f.decision = 'not_applicable') AS not_applicable,
        countIf(f.decision = 'failed') AS failed,
        countIf(f.decision = '') AS missing,
        countIf(f.decision = 'not_sampled') AS not_sampled,
        countIf(f.decision = 'shed') AS shed
    FROM (SELECT time, event_id, arrayJoin(arrayPushBack(mapKeys(planned), '')) AS detector FROM interactions FINAL) AS p
    LEFT JOIN (SELECT time, event_id, detector, toString(decision) AS decision FROM findings FINAL) AS f
        ON p.time = f.time AND p.event_id = f.event_id AND p.detector = f.detector
    GROUP BY detector
)
WHERE detector != ''
ORDER BY detector;

-- One row for each event and detector planned for it: what became of it (`missing`: no finding came). v_coverage
-- by time, app and prompt version.
CREATE OR REPLACE VIEW v_decisions SQL SECURITY DEFINER AS
SELECT
    p.time AS time,
    p.app AS app,
    p.environment AS environment,
    p.tenant AS tenant,
    p.prompt_name AS prompt_name,
    p.prompt_version AS prompt_version,
    p.event_id AS event_id,
    p.detector AS detector,
    coalesce(nullIf(f.decision, ''), 'missing') AS decision,
    coalesce(f.reason, '') AS reason
FROM
(
    SELECT time, app, environment, tenant, prompt_name, prompt_version, event_id, arrayJoin(mapKeys(planned)) AS detector
    FROM interactions FINAL
) AS p
LEFT JOIN (SELECT time, event_id, detector, toString(decision) AS decision, reason FROM findings FINAL) AS f
    ON p.time = f.time AND p.event_id = f.event_id AND p.detector = f.detector;

-- One row for each span of a finding, with its text and the texts it was held against. The offsets are code points;
-- the texts bear the names that schemas/texts.py gives them. The findings are the right side: it is held in memory.
CREATE OR REPLACE VIEW v_spans SQL SECURITY DEFINER AS
WITH
    mapFromArrays(
        arrayConcat(
            ['system'],
            arrayMap(n -> concat('input:', toString(n)), range(length(i.input_messages))),
            arrayMap(n -> concat('output:', toString(n)), range(length(i.output_messages))),
            arrayMap(n -> concat('document:', toString(n)), range(length(i.documents))),
            arrayMap(n -> concat('tool_call:', toString(n)), range(length(i.tool_calls))),
            arrayMap(n -> concat('tool_call_result:', toString(n)), range(length(i.tool_calls)))
        ),
        arrayConcat(
            [i.system_instructions],
            arrayMap(m -> m.2, i.input_messages),
            arrayMap(m -> m.2, i.output_messages),
            arrayMap(d -> d.1, i.documents),
            arrayMap(c -> c.2, i.tool_calls),
            arrayMap(c -> c.3, i.tool_calls)
        )
    ) AS texts
SELECT
    f.time AS time,
    f.app AS app,
    f.environment AS environment,
    f.tenant AS tenant,
    f.prompt_name AS prompt_name,
    f.prompt_version AS prompt_version,
    f.model AS model,
    f.event_id AS event_id,
    f.detector AS detector,
    f.detector_version AS detector_version,
    f.score AS score,
    f.flagged AS flagged,
    f.alert AS alert,
    f.number AS number,
    f.span.1 AS field,
    f.span.4 AS label,
    f.span.5 AS span_score,
    substringUTF8(texts[f.span.1], f.span.2 + 1, f.span.3 - f.span.2) AS text,
    arrayMap(
        e -> substringUTF8(texts[e.2], e.3 + 1, e.4 - e.3),
        arrayFilter(e -> e.1 = f.number, f.evidence)
    ) AS evidence_texts,
    arrayMap(e -> e.2, arrayFilter(e -> e.1 = f.number, f.evidence)) AS evidence_fields,
    i.input AS input
FROM v_interactions AS i
INNER JOIN
(
    SELECT *, number, span FROM findings FINAL ARRAY JOIN spans AS span, range(length(spans)) AS number
) AS f ON i.time = f.time AND i.event_id = f.event_id;

-- One row for each producer instance; `missing` events were numbered by it but never stored: dropped in the app,
-- lost on the way, or dead letters; for a moment, those that are still in Kafka. `dropped` and `dropped_by` are what it
-- says itself, whether or not events came after: one that Kafka took without acknowledging it is stored all the same.
CREATE OR REPLACE VIEW v_producer_gaps SQL SECURITY DEFINER AS
SELECT
    producer_id,
    any(app) AS app,
    any(environment) AS environment,
    min(time) AS first_time,
    max(time) AS last_time,
    uniqExactIf(next_sequence, is_event) AS stored,
    max(next_sequence) - stored AS missing,
    max(producer_dropped) AS dropped,
    argMaxIf(reasons, (producer_dropped, feedback), NOT is_event) AS dropped_by,
    max(feedback) AS feedback_dropped
FROM
(
    SELECT producer_id, app, environment, time, true AS is_event, producer_sequence + 1 AS next_sequence,
        producer_dropped, CAST(map(), 'Map(LowCardinality(String), UInt64)') AS reasons, 0 AS feedback
    FROM interactions FINAL
    UNION ALL
    SELECT producer_id, app, environment, time, false, next_sequence, dropped, dropped_by, feedback_dropped
    FROM producer_reports FINAL
)
GROUP BY producer_id;

CREATE OR REPLACE VIEW v_prompt_versions SQL SECURITY DEFINER AS
SELECT
    i.app AS app,
    i.environment AS environment,
    i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version,
    groupUniqArrayIf(10)(i.prompt_hash, i.prompt_hash != '') AS prompt_hashes,
    groupUniqArray(10)(i.model) AS models,
    min(i.time) AS first_time,
    max(i.time) AS last_time,
    count() AS events,
    countIf(i.error_type != '') AS errors,
    quantileExact(0.5)(i.latency_s) AS latency_p50_s,
    quantileExact(0.95)(i.latency_s) AS latency_p95_s,
    sum(i.input_tokens) AS input_tokens,
    sum(i.output_tokens) AS output_tokens,
    sum(i.cost) AS cost
FROM interactions AS i FINAL
GROUP BY app, environment, prompt_name, prompt_version;

-- Share of flagged answers by prompt version and detector, with the 95 % Wilson interval.
CREATE OR REPLACE VIEW v_quality SQL SECURITY DEFINER AS
SELECT
    app, environment, prompt_name, prompt_version, detector,
    countIf(decision = 'evaluated') AS evaluated,
    countIf(flagged) AS flagged_events,
    countIf(alert) AS alert_events,
    flagged_events / nullIf(evaluated, 0) AS rate,
    (rate + 1.9208 / evaluated - 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_low,
    (rate + 1.9208 / evaluated + 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_high
FROM v_findings
GROUP BY app, environment, prompt_name, prompt_version, detector;

-- Rollups by hour, refreshed every ten minutes: `age_s` is how old a row's numbers are at most. The views above are exact
-- at once and read all that is asked for.
CREATE OR REPLACE VIEW v_quality_hourly SQL SECURITY DEFINER AS
SELECT * EXCEPT (computed_at), dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s FROM quality_hourly;

CREATE OR REPLACE VIEW v_usage_hourly SQL SECURITY DEFINER AS
SELECT * EXCEPT (computed_at), dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s FROM usage_hourly;

-- One row for each rollup: when its last good refresh began, and what went wrong since then.
CREATE OR REPLACE VIEW v_refreshes SQL SECURITY DEFINER AS
SELECT
    database,
    replaceOne(view, '_refresh', '') AS rollup,
    status,
    last_success_time AS refreshed_at,
    dateDiff('second', refreshed_at, now()) AS age_s,
    last_success_duration_ms / 1000 AS duration_s,
    next_refresh_time,
    exception
FROM system.view_refreshes
WHERE view IN ('quality_hourly_refresh', 'usage_hourly_refresh');

CREATE OR REPLACE VIEW v_feedback SQL SECURITY DEFINER AS SELECT * FROM feedback FINAL;

CREATE OR REPLACE VIEW v_signals SQL SECURITY DEFINER AS SELECT * FROM signals FINAL;

-- `replayed_at`: when it was last sent back to its topic, NULL for never; `resolved`: all of it is stored since.
CREATE OR REPLACE VIEW v_dead_letters SQL SECURITY DEFINER AS
SELECT d.*, nullIf(r.replayed_at, toDateTime64(0, 3, 'UTC')) AS replayed_at, replayed_at IS NOT NULL AND r.dead = 0 AS resolved
FROM dead_letters AS d FINAL
LEFT JOIN dead_letter_replays AS r FINAL
    ON d.topic_id = r.topic_id AND d.partition = r.partition AND d.offset = r.offset
    AND d.event_index = r.event_index AND d.sha256 = r.sha256;

CREATE OR REPLACE VIEW v_offset_gaps SQL SECURITY DEFINER AS SELECT * FROM offset_gaps FINAL;

-- The last canary of each partition of the raw topic, and how long ago it arrived. A worker sends one every minute.
CREATE OR REPLACE VIEW v_canary SQL SECURITY DEFINER AS
SELECT
    c.raw_topic AS topic,
    c.raw_partition AS partition,
    argMax(c.time, c.stored_at) AS last_sent,
    max(c.stored_at) AS last_arrived,
    dateDiff('millisecond', last_sent, last_arrived) / 1000 AS delay_s,
    dateDiff('second', last_arrived, now64(3, 'UTC')) AS age_s,
    argMax(c.worker, c.stored_at) AS worker
FROM canaries AS c FINAL
GROUP BY topic, partition;

-- The watermark of each partition of the findings topic. Complete is what lies before the lowest of them.
CREATE OR REPLACE VIEW v_watermarks SQL SECURITY DEFINER AS SELECT * FROM watermarks FINAL;
