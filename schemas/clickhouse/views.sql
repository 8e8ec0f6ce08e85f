-- What readers use. Exact whether or not parts have merged (FINAL), made anew by every `watchline migrate`.
-- A view runs with the rights of who migrated, so that a reader needs a grant on the views and none on the tables.
-- Of an id that came under several keys they show what was stored first: the other keys are in `superseded`.
-- A row of a moment has that moment as `time`, one that sums up many has `first_time` and `last_time`.

CREATE OR REPLACE VIEW v_interactions SQL SECURITY DEFINER AS
SELECT *,
    arrayElement(if(arrayExists(m -> m.1 = 'user', input_messages), arrayFilter(m -> m.1 = 'user', input_messages),
        arrayFilter(m -> m.1 NOT IN ('tool', 'function'), input_messages)), -1).2 AS input,
    arrayStringConcat(arrayFilter(t -> t != '', arrayMap(m -> m.2, output_messages)), '\n') AS output,
    arrayExists(r -> replaceAll(lower(r), '-', '_') IN ('tool_call', 'tool_calls', 'tool_use', 'function_call'),
        finish_reasons) OR (notEmpty(tool_calls) AND trimBoth(output) = '') AS is_step
FROM interactions FINAL
WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded);

-- A finding is shown once its interaction is: the interaction row is the commit mark. A join and not IN, so that a
-- reader's filter on time or event_id limits what is read of both tables.
CREATE OR REPLACE VIEW v_findings SQL SECURITY DEFINER AS
SELECT f.*
FROM
(
    SELECT * FROM findings FINAL
    WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
) AS f
LEFT SEMI JOIN interactions AS i ON f.time = i.time AND f.event_id = i.event_id;

-- Events that workers have stored, by the ledger, and that are not there: a part of `interactions` was damaged or deleted.
-- One that came at several offsets, or in overlapping batches, is one row. Ten minutes, so that what is in flight counts as
-- stored. A reader's filter on `day` limits what is read of both tables; a time may differ where an event came twice.
CREATE OR REPLACE VIEW v_missing_events SQL SECURITY DEFINER AS
SELECT
    l.day AS day, l.event_id AS event_id, any(l.app) AS app, any(l.hour) AS hour, any(mapKeys(l.findings)) AS detectors,
    any(l.topic_id) AS topic_id, any(l.partition) AS partition, any(l.first_offset) AS first_offset,
    any(l.last_offset) AS last_offset, min(l.stored_at) AS stored_at,
    event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost, hour AS time
FROM
(
    SELECT * EXCEPT event_ids, toDate(ledger.hour) AS day, arrayJoin(event_ids) AS event_id
    FROM ledger
    WHERE NOT ledger.lost AND ledger.stored_at < now64(3, 'UTC') - INTERVAL 10 MINUTE
) AS l
LEFT ANTI JOIN (SELECT toDate(time) AS day, event_id FROM interactions) AS i ON l.day = i.day AND l.event_id = i.event_id
GROUP BY day, event_id;

-- Likewise events that are there and lack findings, of `detectors`. Not one in flight: an interaction is stored after them.
CREATE OR REPLACE VIEW v_missing_findings SQL SECURITY DEFINER AS
SELECT
    p.day AS day, p.event_id AS event_id, any(p.app) AS app, any(toStartOfHour(p.time)) AS hour,
    groupUniqArray(p.detector) AS detectors, any(p.raw_topic_id) AS topic_id, any(p.raw_partition) AS partition,
    any(p.raw_offset) AS first_offset, any(p.raw_offset) AS last_offset, min(p.stored_at) AS stored_at,
    event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost, hour AS time
FROM
(
    SELECT toDate(time) AS day, time, app, event_id, arrayJoin(mapKeys(planned)) AS detector, raw_topic_id,
        raw_partition, raw_offset, stored_at
    FROM interactions FINAL
) AS p
LEFT ANTI JOIN (SELECT toDate(time) AS day, time, event_id, detector FROM findings) AS f
    ON p.day = f.day AND p.time = f.time AND p.event_id = f.event_id AND p.detector = f.detector
GROUP BY day, event_id;

-- planned = evaluated + not_applicable + failed + missing + not_sampled + shed + lost. Read from left to right: an
-- interaction that is seen was stored after its findings; so not from v_interactions, which is looked at last. The
-- detector '' stands for the event itself, so that `events` is of the same moment. An event whose interaction is gone counts
-- as planned, and as missing, or as lost once `watchline repair` has not found it in Kafka either.
CREATE OR REPLACE VIEW v_coverage SQL SECURITY DEFINER AS
SELECT detector, events, planned, evaluated, not_applicable, failed, missing, not_sampled, shed, lost
FROM
(
    SELECT
        p.detector AS detector,
        count() AS planned,
        max(if(detector = '', planned, 0)) OVER () AS events,
        countIf(f.decision = 'evaluated') AS evaluated,
        countIf(f.decision = 'not_applicable') AS not_applicable,
        countIf(f.decision = 'failed') AS failed,
        countIf(f.decision = '' AND NOT p.lost) AS missing,
        countIf(f.decision = 'not_sampled') AS not_sampled,
        countIf(f.decision = 'shed') AS shed,
        countIf(f.decision = '' AND p.lost) AS lost
    FROM
    (
        SELECT time, event_id, arrayJoin(arrayPushBack(mapKeys(planned), '')) AS detector,
            event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost
        FROM interactions FINAL
        WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
        UNION ALL
        SELECT toDateTime64(0, 6, 'UTC'), event_id, arrayJoin(arrayPushBack(detectors, '')), lost
        FROM v_missing_events
    ) AS p
    LEFT JOIN
    (
        SELECT time, event_id, detector, toString(decision) AS decision FROM findings FINAL
        WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
    ) AS f
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
    WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
) AS p
LEFT JOIN
(
    SELECT time, event_id, detector, toString(decision) AS decision, reason FROM findings FINAL
    WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
) AS f
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
    WHERE (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
) AS f ON i.time = f.time AND i.event_id = f.event_id;

-- One row for each producer instance; `missing` events were numbered by it but never stored: dropped in the app,
-- lost on the way, or dead letters; for a moment, those that are still in Kafka. `dropped` and `dropped_by` are what it
-- says itself, whether or not events came after: one that Kafka took without acknowledging it is stored all the same.
-- An event whose key is left out elsewhere, since its id came before, isn't missing: it was stored.
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
    countIf(i.cancelled) AS cancelled,
    quantileExactIf(0.5)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p50_s,
    quantileExactIf(0.95)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p95_s,
    sum(i.input_tokens) AS input_tokens,
    sum(i.output_tokens) AS output_tokens,
    sum(i.cost) AS cost
FROM v_interactions AS i
WHERE source = 'production'
GROUP BY app, environment, prompt_name, prompt_version;

-- Share of flagged answers by prompt version and detector, with the 95 % Wilson interval. Production alone.
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
        / (1 + 3.8416 / evaluated) AS rate_high,
    min(time) AS first_time,
    max(time) AS last_time
FROM v_findings
WHERE source = 'production'
GROUP BY app, environment, prompt_name, prompt_version, detector;

-- What calls cost by hour, tenant and model, from every source: experiments cost money too. An answer is good where nothing
-- flags it, nobody rates it below the middle, no error or Stop ended it and it is no step; what all calls cost is shared by
-- the good ones. A cost that isn't known counts as nothing, and is counted in `without_cost`.
CREATE OR REPLACE VIEW v_cost_hourly SQL SECURITY DEFINER AS
SELECT
    toStartOfHour(i.time) AS hour, i.app AS app, i.environment AS environment, i.tenant AS tenant, i.model AS model,
    i.source AS source,
    count() AS events,
    countIf(i.cost IS NULL) AS without_cost,
    sum(i.cost) AS cost,
    countIf(i.error_type = '' AND NOT i.cancelled AND NOT i.is_step
        AND i.event_id NOT IN (SELECT event_id FROM findings FINAL WHERE flagged)
        AND i.event_id NOT IN (SELECT event_id FROM feedback FINAL WHERE score < 0.5)) AS good_answers,
    cost / nullIf(good_answers, 0) AS cost_per_good_answer,
    hour AS time
FROM v_interactions AS i
GROUP BY hour, app, environment, tenant, model, source;

-- Rollups of production by hour, refreshed every ten minutes: `age_s` is how old a row's numbers are at most. The views above are exact
-- at once and read all that is asked for.
CREATE OR REPLACE VIEW v_quality_hourly SQL SECURITY DEFINER AS
SELECT * EXCEPT (computed_at), dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s, hour AS time
FROM quality_hourly;

CREATE OR REPLACE VIEW v_usage_hourly SQL SECURITY DEFINER AS
SELECT * EXCEPT (computed_at), dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s, hour AS time
FROM usage_hourly;

-- One row for each rollup, and for each list of what came after the first: when its last good refresh began, and what
-- went wrong since then.
CREATE OR REPLACE VIEW v_refreshes SQL SECURITY DEFINER AS
SELECT
    database,
    replaceOne(view, '_refresh', '') AS rollup,
    status,
    last_success_time AS refreshed_at,
    dateDiff('second', refreshed_at, now()) AS age_s,
    last_success_duration_ms / 1000 AS duration_s,
    next_refresh_time,
    exception,
    refreshed_at AS time
FROM system.view_refreshes
WHERE view IN ('quality_hourly_refresh', 'usage_hourly_refresh', 'superseded_refresh', 'later_contents_refresh');

CREATE OR REPLACE VIEW v_feedback SQL SECURITY DEFINER AS SELECT * FROM feedback FINAL;

-- Arguments of the producer that it could not read, and events are without, or did not know (`unknown`), and kept as
-- attributes: a wrong type in an app, a name mistyped.
CREATE OR REPLACE VIEW v_unreadable SQL SECURITY DEFINER AS
SELECT toStartOfHour(at) AS hour, app, environment, records, argument, type, count() AS events, hour AS time
FROM
(
    SELECT time AS at, app, environment, 'interactions' AS records, unreadable FROM v_interactions WHERE notEmpty(unreadable)
    UNION ALL
    SELECT time AS at, app, environment, 'feedback', unreadable FROM feedback FINAL WHERE notEmpty(unreadable)
)
ARRAY JOIN mapKeys(unreadable) AS argument, mapValues(unreadable) AS type
GROUP BY ALL;

CREATE OR REPLACE VIEW v_signals SQL SECURITY DEFINER AS SELECT * FROM signals FINAL;

-- `replayed_at`: when it was last sent back to its topic, NULL for never; `resolved`: all of it is stored since.
CREATE OR REPLACE VIEW v_dead_letters SQL SECURITY DEFINER AS
SELECT d.*, nullIf(r.replayed_at, toDateTime64(0, 3, 'UTC')) AS replayed_at, replayed_at IS NOT NULL AND r.dead = 0 AS resolved
FROM dead_letters AS d FINAL
LEFT JOIN dead_letter_replays AS r FINAL
    ON d.topic_id = r.topic_id AND d.partition = r.partition AND d.offset = r.offset
    AND d.event_index = r.event_index AND d.sha256 = r.sha256;

CREATE OR REPLACE VIEW v_offset_gaps SQL SECURITY DEFINER AS SELECT * FROM offset_gaps FINAL;

-- Which offsets workers have dealt with, and how many events they stored of them. Ranges overlap after redelivery.
CREATE OR REPLACE VIEW v_ledger SQL SECURITY DEFINER AS
SELECT * EXCEPT event_ids, stored_at AS time FROM ledger FINAL;

-- Offsets between those of the ledger that it doesn't have, and that were not gone before they were read: a part of the
-- ledger itself was damaged. What came before its first offset is of a version without a ledger, or was deleted.
CREATE OR REPLACE VIEW v_ledger_gaps SQL SECURITY DEFINER AS
SELECT topic_id, partition, first_missing, next_offset
FROM
(
    SELECT topic_id, partition, begin AS next_offset, max(end) OVER before AS first_missing,
        max(in_ledger) OVER before AS begun
    FROM
    (
        SELECT topic_id, partition, first_offset AS begin, last_offset + 1 AS end, true AS in_ledger FROM ledger
        UNION ALL
        SELECT topic_id, partition, first_missing, next_offset, false FROM offset_gaps
    )
    WINDOW before AS (
        PARTITION BY topic_id, partition ORDER BY begin, end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
WHERE begun AND next_offset > first_missing;

-- Parts of tables that the server has set aside, as a rule because it could not read them when it started.
CREATE OR REPLACE VIEW v_detached_parts SQL SECURITY DEFINER AS
SELECT database, table, name, reason, path, bytes_on_disk, modification_time AS detached_at, detached_at AS time
FROM system.detached_parts;

-- The last canary of each partition of the raw topic, and how long ago it arrived. A worker sends one every minute.
CREATE OR REPLACE VIEW v_canary SQL SECURITY DEFINER AS
SELECT
    c.raw_topic AS topic,
    c.raw_partition AS partition,
    argMax(c.time, c.stored_at) AS last_sent,
    max(c.stored_at) AS last_arrived,
    dateDiff('millisecond', last_sent, last_arrived) / 1000 AS delay_s,
    dateDiff('second', last_arrived, now64(3, 'UTC')) AS age_s,
    argMax(c.worker, c.stored_at) AS worker,
    last_arrived AS time
FROM canaries AS c FINAL
GROUP BY topic, partition;

-- The watermark of each partition of the findings topic. Complete is what lies before the lowest of them.
CREATE OR REPLACE VIEW v_watermarks SQL SECURITY DEFINER AS SELECT * FROM watermarks FINAL;

-- Each key that the views leave out: its id had been stored under another hour, tenant or app, which is the kept one.
CREATE OR REPLACE VIEW v_superseded SQL SECURITY DEFINER AS
SELECT * EXCEPT (listed_at), stored_at AS time FROM superseded FINAL WHERE hour != toDateTime(0);

-- Each content that differs from what the same version of the detector had said of the event first, which is shown. The
-- detector '' stands for the texts of the event.
CREATE OR REPLACE VIEW v_conflicts SQL SECURITY DEFINER AS
SELECT * EXCEPT (hash, conflict, first_version, score, first_score, flagged, listed_at),
    if(decision = 'evaluated', score, NULL) AS score, if(first_decision = 'evaluated', first_score, NULL) AS first_score,
    stored_at AS time
FROM later_contents FINAL
WHERE conflict;

-- Each finding by another version of the detector than the one whose finding was stored first and is shown.
CREATE OR REPLACE VIEW v_rescored SQL SECURITY DEFINER AS
SELECT * EXCEPT (hash, conflict, score, first_score, listed_at), if(decision = 'evaluated', score, NULL) AS score,
    if(first_decision = 'evaluated', first_score, NULL) AS first_score, stored_at AS time
FROM later_contents FINAL
WHERE NOT conflict AND hour != toDateTime(0);

-- The refreshes, each made where it is missing: a migration that changes one drops it.

-- Keys of ids that have several, but for the one that was stored first. Looks at the ids that came since it looked last.
CREATE MATERIALIZED VIEW IF NOT EXISTS superseded_refresh REFRESH EVERY 10 MINUTE APPEND TO superseded
SQL SECURITY DEFINER AS
WITH
    (SELECT greatest(max(listed_at), toDateTime64('2000-01-01', 3, 'UTC')) - INTERVAL 1 HOUR FROM superseded) AS since
SELECT
    event_id,
    key.2 AS hour, key.3 AS tenant, key.4 AS app,
    keys[1].2 AS kept_hour, keys[1].3 AS kept_tenant, keys[1].4 AS kept_app,
    snowflakeIDToDateTime64(bitNot(key.1), 0, 'UTC') AS stored_at,
    now64(3, 'UTC') AS listed_at
FROM
(
    SELECT event_id, arrayReverseSort(groupArray((version, hour, tenant, app))) AS keys
    FROM
    (
        SELECT event_id, hour, tenant, app, max(contents.version) AS version
        FROM contents
        WHERE detector = '' AND UUIDToNum(event_id) IN
        (
            SELECT UUIDToNum(event_id) FROM contents
            WHERE detector = '' AND version < bitNot(dateTime64ToSnowflakeID(since))
        )
        GROUP BY event_id, hour, tenant, app
    )
    GROUP BY event_id
    HAVING length(keys) > 1
)
ARRAY JOIN arraySlice(keys, 2) AS key
UNION ALL
SELECT toUUID('00000000-0000-0000-0000-000000000000'), toDateTime(0, 'UTC'), '', '', toDateTime(0, 'UTC'), '', '',
    toDateTime64(0, 3, 'UTC'), now64(3, 'UTC');

CREATE MATERIALIZED VIEW IF NOT EXISTS later_contents_refresh REFRESH EVERY 10 MINUTE APPEND TO later_contents
SQL SECURITY DEFINER AS
WITH
    (SELECT greatest(max(listed_at), toDateTime64('2000-01-01', 3, 'UTC')) - INTERVAL 1 HOUR FROM later_contents) AS since,
    arrayFirst(c -> c.detector_version = content.detector_version, contents) AS reference,
    (content.decision, content.hash) != (reference.decision, reference.hash)
        OR abs(toInt32(content.thousandths) - reference.thousandths) > 1 AS differs
SELECT
    event_id, hour, tenant, app, detector,
    content.detector_version AS detector_version,
    content.decision AS decision,
    content.hash AS hash,
    content.thousandths / 1000 AS score,
    content.flagged AS flagged,
    differs AS conflict,
    contents[1].detector_version AS first_version,
    if(conflict, reference, contents[1]).decision AS first_decision,
    if(conflict, reference, contents[1]).thousandths / 1000 AS first_score,
    snowflakeIDToDateTime64(bitNot(content.version), 0, 'UTC') AS stored_at,
    now64(3, 'UTC') AS listed_at
FROM
(
    SELECT event_id, hour, tenant, app, detector,
        arrayReverseSort(c -> c.version, groupArray(CAST(
            (version, detector_version, decision, hash, thousandths, flagged),
            'Tuple(version UInt64, detector_version String, decision String, hash UInt64, thousandths UInt16, flagged Bool)'
        ))) AS contents
    FROM contents
    WHERE UUIDToNum(event_id) IN
        (SELECT UUIDToNum(event_id) FROM contents WHERE version < bitNot(dateTime64ToSnowflakeID(since)))
    GROUP BY event_id, hour, tenant, app, detector
    HAVING count() > 1
)
ARRAY JOIN contents AS content
WHERE differs OR (content = reference AND content.detector_version != contents[1].detector_version AND detector != '')
UNION ALL
SELECT toUUID('00000000-0000-0000-0000-000000000000'), toDateTime(0, 'UTC'), '', '', '', '', '', 0, 0, false, false, '', '', 0,
    toDateTime64(0, 3, 'UTC'), now64(3, 'UTC');

-- The rollups. A refresh counts anew, over the views, the hours in which interactions were stored or keys superseded since
-- the last one, keeps the rest, and swaps the table: exact, and never half there to a reader. (An incremental view counts
-- redelivered rows twice.) Whole hours, because a row has to be held against the others of its hour. The cost is that of
-- the hours touched, not of history. The merge join takes two thirds of the time of a hash join, which would hold the
-- findings in memory; it sorts on disk what is larger than 256 MiB. Findings are stored before their interaction, so its
-- stored_at tells; an hour of overlap covers inserts that are slow to commit and clocks that differ.
CREATE MATERIALIZED VIEW IF NOT EXISTS quality_hourly_refresh REFRESH EVERY 10 MINUTE TO quality_hourly
SQL SECURITY DEFINER AS
WITH
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions
            WHERE stored_at > (SELECT max(refreshed_at) - INTERVAL 1 HOUR FROM quality_hourly)
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at > (SELECT max(refreshed_at) - INTERVAL 1 HOUR FROM quality_hourly)
        )
    ) AS touched
SELECT * REPLACE (now64(3, 'UTC') AS refreshed_at)
FROM
(
    SELECT * FROM quality_hourly WHERE NOT has(touched, hour)
    UNION ALL
    SELECT
        toStartOfHour(p.time) AS hour, p.app, p.environment, p.prompt_name, p.prompt_version, p.model, p.detector,
        count() AS planned,
        countIf(f.decision = 'evaluated') AS evaluated,
        countIf(f.decision = 'not_applicable') AS not_applicable,
        countIf(f.decision = 'not_sampled') AS not_sampled,
        countIf(f.decision = 'shed') AS shed,
        countIf(f.decision = 'failed') AS failed,
        countIf(f.decision = '') AS missing,
        countIf(f.flagged) AS flagged_events,
        countIf(f.alert) AS alert_events,
        now64(3, 'UTC') AS computed_at,
        computed_at AS refreshed_at
    FROM
    (
        SELECT
            time, event_id, app, environment, prompt_name, prompt_version, model,
            arrayJoin(mapKeys(planned)) AS detector
        FROM interactions FINAL
        WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched)) AND source = 'production'
            AND (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
    ) AS p
    LEFT JOIN
    (
        SELECT time, event_id, detector, toString(decision) AS decision, flagged, alert
        FROM findings FINAL
        WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
            AND (event_id, toStartOfHour(time), tenant, app) NOT IN (SELECT event_id, hour, tenant, app FROM superseded)
    ) AS f ON p.time = f.time AND p.event_id = f.event_id AND p.detector = f.detector
    GROUP BY hour, p.app, p.environment, p.prompt_name, p.prompt_version, p.model, p.detector
)
SETTINGS join_algorithm = 'full_sorting_merge', max_bytes_before_external_sort = 268435456;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_hourly_refresh REFRESH EVERY 10 MINUTE TO usage_hourly
SQL SECURITY DEFINER AS
WITH
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions
            WHERE stored_at > (SELECT max(refreshed_at) - INTERVAL 1 HOUR FROM usage_hourly)
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at > (SELECT max(refreshed_at) - INTERVAL 1 HOUR FROM usage_hourly)
        )
    ) AS touched
SELECT * REPLACE (now64(3, 'UTC') AS refreshed_at)
FROM
(
    SELECT * FROM usage_hourly WHERE NOT has(touched, hour)
    UNION ALL
    SELECT
        toStartOfHour(i.time) AS hour, i.app, i.environment, i.prompt_name, i.prompt_version, i.model,
        count() AS events,
        countIf(i.error_type != '') AS errors,
        ifNull(sum(i.input_tokens), 0) AS input_tokens,
        ifNull(sum(i.output_tokens), 0) AS output_tokens,
        ifNull(sum(i.cost), 0) AS cost,
        quantileExactIf(0.5)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p50_s,
        quantileExactIf(0.95)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p95_s,
        now64(3, 'UTC') AS computed_at,
        computed_at AS refreshed_at
    FROM v_interactions AS i
    WHERE toStartOfHour(i.time) IN (SELECT arrayJoin(touched)) AND i.source = 'production'
    GROUP BY hour, i.app, i.environment, i.prompt_name, i.prompt_version, i.model
);
