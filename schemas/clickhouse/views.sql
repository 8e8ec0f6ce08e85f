-- What readers use. Exact whether or not parts have merged (FINAL), made anew by every `watchline migrate`.
-- A view runs with the rights of who migrated, so that a reader needs a grant on the views and none on the tables.
-- Of an id that came under several keys they show what was stored first: the other keys are in `superseded`. Its ids are
-- looked at first, which takes a third of the time of the whole keys.
-- Every row has a `time`: of a moment that, of what sums up many the beginning of its hour. A filter on it limits what is
-- read.

CREATE OR REPLACE VIEW v_interactions SQL SECURITY DEFINER AS
SELECT * EXCEPT (subject_key, subject_hash),
    if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash)))) AS subject,
    arrayElement(if(arrayExists(m -> m.1 = 'user', input_messages), arrayFilter(m -> m.1 = 'user', input_messages),
        arrayFilter(m -> m.1 NOT IN ('tool', 'function'), input_messages)), -1).2 AS input,
    arrayStringConcat(arrayFilter(t -> t != '', arrayMap(m -> m.2, output_messages)), '\n') AS output,
    arrayExists(r -> replaceAll(lower(r), '-', '_') IN ('tool_call', 'tool_calls', 'tool_use', 'function_call'),
        finish_reasons) OR (notEmpty(tool_calls) AND trimBoth(output) = '') AS is_step
FROM interactions FINAL
WHERE event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
    OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- A finding is shown once its interaction is: the interaction row is the commit mark. `uncommitted` names, of the findings
-- stored more than an hour before it was made, the few without an interaction: only hours with findings that are later, or
-- among these, are looked up. What becomes of an interaction afterwards is in v_missing_events.
CREATE OR REPLACE VIEW v_findings SQL SECURITY DEFINER AS
WITH
    (SELECT max(listed_at) - INTERVAL 1 HOUR FROM uncommitted) AS settled,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= settled
            UNION ALL
            SELECT hour FROM uncommitted
        )
    ) AS touched
SELECT * FROM findings FINAL
WHERE event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
    OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
    AND (NOT has(touched, toStartOfHour(time)) OR (event_id, toStartOfHour(time)) IN
        (SELECT event_id, toStartOfHour(time) FROM interactions WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))))
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- For how long rows are kept, as it was last put in force. What is later than `gone_before` was kept under each of the days
-- that were ever in force: the last whole days before now, but for the hour by which a day may be short.
CREATE OR REPLACE VIEW v_retention SQL SECURITY DEFINER AS
SELECT class, app, argMax(r.days, r.since) AS days, max(r.since) AS since,
    max(until - toIntervalHour(24 * r.days - 1)) AS gone_before, since AS time
FROM
(
    SELECT class, app, days, since, leadInFrame(since, 1, now64(3, 'UTC')) OVER (
        PARTITION BY class, app ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS until
    FROM retention
) AS r
GROUP BY class, app;

CREATE OR REPLACE VIEW v_feedback SQL SECURITY DEFINER AS
SELECT * EXCEPT (subject_key, subject_hash),
    if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash)))) AS subject
FROM feedback FINAL
WHERE event_id NOT IN (SELECT event_id FROM erased) AND feedback_id NOT IN (SELECT event_id FROM erased)
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- Events that workers have stored, by the ledger, and that are not there: a part of `interactions` was damaged or deleted.
-- Ten minutes, so that what is in flight counts as stored. Only the hours are looked at event by event in which the sum of
-- the ids' hashes isn't that of the ledger: those, and the few with events of overlapping batches. A reader's filter on
-- `day`, `hour` or `time` limits what is read of both tables. Not what retention may have taken.
CREATE OR REPLACE VIEW v_missing_events SQL SECURITY DEFINER AS
WITH (SELECT mapFromArrays(groupArray(v.app), groupArray(v.gone_before)) FROM v_retention AS v WHERE v.class = 'rows') AS gone
SELECT
    toDate(hour) AS day, event_id, any(e.app) AS app, e.hour AS hour, any(e.detectors) AS detectors,
    any(e.topic_id) AS topic_id, any(e.partition) AS partition, any(e.first_offset) AS first_offset,
    any(e.last_offset) AS last_offset, min(e.stored_at) AS stored_at,
    event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost, hour AS time
FROM
(
    SELECT hour, arrayJoin(event_ids) AS event_id, app, mapKeys(findings) AS detectors, topic_id, partition,
        first_offset, last_offset, stored_at, false AS is_there
    FROM ledger
    WHERE NOT ledger.lost AND ledger.stored_at < now64(3, 'UTC') - INTERVAL 10 MINUTE
        AND hour >= if(mapContains(gone, app), gone[app], gone[''])
    UNION ALL
    SELECT toStartOfHour(time), event_id, app, [], '', 0, 0, 0, stored_at, true FROM interactions
    UNION ALL
    SELECT toStartOfHour(time), event_id, app, [], '', 0, 0, 0, stored_at, true FROM erased
    WHERE records = 'interactions'
) AS e
LEFT SEMI JOIN
(
    SELECT hour
    FROM
    (
        SELECT hour, arraySum(id -> cityHash64(id), event_ids) AS by_ledger, toUInt64(0) AS by_rows FROM ledger FINAL
        WHERE NOT ledger.lost
        UNION ALL
        SELECT toStartOfHour(time), 0, cityHash64(event_id) FROM interactions FINAL
        WHERE event_id NOT IN (SELECT event_id FROM erased)
        UNION ALL
        SELECT toStartOfHour(time), 0, cityHash64(event_id) FROM erased FINAL
        WHERE records = 'interactions'
    )
    GROUP BY hour
    HAVING sum(by_ledger) != sum(by_rows)
) AS differing ON e.hour = differing.hour
GROUP BY hour, event_id
HAVING NOT max(e.is_there)
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- Likewise events that are there and lack findings, of `detectors`. Not one in flight: an interaction is stored after them.
CREATE OR REPLACE VIEW v_missing_findings SQL SECURITY DEFINER AS
SELECT
    toDate(hour) AS day, event_id, any(p.app) AS app, p.hour AS hour, groupUniqArray(p.detector) AS detectors,
    any(p.topic_id) AS topic_id, any(p.partition) AS partition, any(p.offset) AS first_offset,
    any(p.offset) AS last_offset, min(p.stored_at) AS stored_at,
    event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost, hour AS time
FROM
(
    SELECT e.hour AS hour, e.event_id AS event_id, e.detector AS detector, any(e.app) AS app,
        any(e.raw_topic_id) AS topic_id, any(e.raw_partition) AS partition, any(e.raw_offset) AS offset,
        min(e.stored_at) AS stored_at
    FROM
    (
        SELECT toStartOfHour(time) AS hour, event_id, arrayJoin(mapKeys(planned)) AS detector, app, raw_topic_id,
            raw_partition, raw_offset, stored_at, false AS is_there
        FROM interactions FINAL
        WHERE event_id NOT IN (SELECT event_id FROM erased)
        UNION ALL
        SELECT toStartOfHour(time), event_id, detector, app, '', 0, 0, stored_at, true FROM findings
    ) AS e
    LEFT SEMI JOIN
    (
        SELECT hour
        FROM
        (
            SELECT toStartOfHour(time) AS hour,
                arraySum(d -> cityHash64(event_id, d), mapKeys(planned)) AS by_plan, toUInt64(0) AS by_rows
            FROM interactions FINAL
            WHERE event_id NOT IN (SELECT event_id FROM erased)
            UNION ALL
            SELECT toStartOfHour(time), 0, cityHash64(event_id, detector) FROM findings FINAL
            WHERE event_id NOT IN (SELECT event_id FROM erased)
        )
        GROUP BY hour
        HAVING sum(by_plan) != sum(by_rows)
    ) AS differing ON e.hour = differing.hour
    GROUP BY hour, event_id, detector
    HAVING NOT max(e.is_there)
) AS p
GROUP BY hour, event_id
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- planned = evaluated + not_applicable + failed + missing + not_sampled + shed + lost, by hour. Hours in which all is stored
-- since an hour are counted: the events, the detectors planned for them, the findings. The others are joined, read from
-- left to right: an interaction that is seen was stored after its findings. The detector '' stands for the event itself,
-- so that `events` is of the same moment. An event whose interaction is gone counts as planned, and as missing, or as lost
-- once `watchline repair` has not found it in Kafka either; its environment isn't known.
CREATE OR REPLACE VIEW v_coverage SQL SECURITY DEFINER AS
WITH
    (SELECT max(listed_at) - INTERVAL 1 HOUR FROM uncommitted) AS settled,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= settled
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM interactions WHERE stored_at >= settled
            UNION ALL
            SELECT hour FROM uncommitted
        )
    ) AS touched
SELECT
    hour, app, environment, detector, events, planned, evaluated, not_applicable, failed,
    planned - evaluated - not_applicable - failed - not_sampled - shed - lost AS missing, not_sampled, shed, lost,
    hour AS time
FROM
(
    SELECT
        hour, app, environment, detector,
        sum(n) AS planned,
        max(if(detector = '', planned, 0)) OVER (PARTITION BY hour, app, environment) AS events,
        sumIf(of, decision = 'evaluated') AS evaluated,
        sumIf(of, decision = 'not_applicable') AS not_applicable,
        sumIf(of, decision = 'failed') AS failed,
        sumIf(of, decision = 'not_sampled') AS not_sampled,
        sumIf(of, decision = 'shed') AS shed,
        sumIf(of, decision = 'lost') AS lost
    FROM
    (
        SELECT
            p.hour AS hour, p.app AS app, p.environment AS environment, p.detector AS detector,
            multiIf(f.decision != '', f.decision, p.lost, 'lost', '') AS decision, count() AS n, n AS of
        FROM
        (
            SELECT toStartOfHour(time) AS hour, app, environment, tenant, event_id,
                arrayJoin(arrayPushBack(mapKeys(planned), '')) AS detector,
                event_id IN (SELECT arrayJoin(event_ids) FROM ledger WHERE ledger.lost) AS lost
            FROM interactions FINAL
            WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
                AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                    OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
        ) AS p
        LEFT JOIN
        (
            SELECT toStartOfHour(time) AS hour, app, tenant, event_id, detector, toString(decision) AS decision
            FROM findings FINAL
            WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
                AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                    OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
        ) AS f
            ON p.hour = f.hour AND p.event_id = f.event_id AND p.detector = f.detector AND p.app = f.app
            AND p.tenant = f.tenant
        GROUP BY hour, app, environment, detector, decision
        UNION ALL
        SELECT toStartOfHour(time) AS hour, app, environment,
            arrayJoin(arrayPushBack(mapKeys(planned), '')) AS detector, '' AS decision, count() AS n, 0 AS of
        FROM interactions FINAL
        WHERE NOT has(touched, toStartOfHour(time)) AND stored_at < settled
            AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
        GROUP BY hour, app, environment, detector
        UNION ALL
        SELECT f.hour AS hour, f.app AS app, f.environment AS environment, f.detector AS detector,
            f.decision AS decision, 0 AS n, count() AS of
        FROM
        (
            SELECT toStartOfHour(time) AS hour, app, environment, event_id, detector,
                toString(decision) AS decision
            FROM findings FINAL
            WHERE NOT has(touched, toStartOfHour(time)) AND stored_at < settled
                AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                    OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
        ) AS f
        LEFT ANTI JOIN v_missing_events AS m ON f.hour = m.hour AND f.event_id = m.event_id
        GROUP BY hour, app, environment, detector, decision
        UNION ALL
        SELECT hour, app, '' AS environment, arrayJoin(arrayPushBack(detectors, '')) AS detector,
            if(lost, 'lost', '') AS decision, count() AS n, n AS of
        FROM v_missing_events
        GROUP BY hour, app, environment, detector, decision
    )
    GROUP BY hour, app, environment, detector
)
WHERE detector != ''
SETTINGS do_not_merge_across_partitions_select_final = 1
    , short_circuit_function_evaluation = 'force_enable', query_plan_join_swap_table = 'false';

-- One row for each event and detector planned for it: what became of it (`missing`: no finding came). v_coverage
-- by time, app and prompt version. The findings of events that are there, and what v_missing_findings names: nothing is
-- joined but the few that are missing.
CREATE OR REPLACE VIEW v_decisions SQL SECURITY DEFINER AS
SELECT f.time AS time, f.app AS app, f.environment AS environment, f.tenant AS tenant, f.prompt_name AS prompt_name,
    f.prompt_version AS prompt_version, f.event_id AS event_id, f.detector AS detector,
    toString(f.decision) AS decision, f.reason AS reason
FROM v_findings AS f
LEFT ANTI JOIN v_missing_events AS gone ON f.event_id = gone.event_id AND toStartOfHour(f.time) = gone.hour
UNION ALL
SELECT i.time AS time, i.app AS app, i.environment AS environment, i.tenant AS tenant, i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version, i.event_id AS event_id, arrayJoin(m.detectors) AS detector,
    'missing' AS decision, toLowCardinality('') AS reason
FROM
(
    SELECT time, app, environment, tenant, prompt_name, prompt_version, event_id
    FROM interactions FINAL
    WHERE event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
        OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
) AS i
INNER JOIN v_missing_findings AS m ON i.event_id = m.event_id AND toStartOfHour(i.time) = m.hour
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable',
    query_plan_join_swap_table = 'false';

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
    WHERE event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
        OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
) AS f ON i.time = f.time AND i.event_id = f.event_id
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- Each range of numbers that a producer gave and that never came, with how many it says in all that it dropped. `since` is
-- the hour of what came before, `hour` of what came after, or of the report that tells. From the runs of numbers of each
-- hour, which are few, and never from all numbers of a producer at once.
CREATE OR REPLACE VIEW v_number_gaps SQL SECURITY DEFINER AS
SELECT producer_id, app, environment, until.1 AS first_missing, run.1 AS next_number, dropped, until.2 AS since, hour,
    hour AS time
FROM
(
    SELECT producer_id, r.app AS app, r.environment AS environment, r.hour AS hour, r.run AS run,
        max((r.run.2, r.hour)) OVER before AS until, max(r.dropped) OVER (PARTITION BY producer_id) AS dropped
    FROM
    (
        SELECT
            producer_id, hour, any(h.app) AS app, any(h.environment) AS environment, toUInt64(max(h.dropped)) AS dropped,
            groupBitmapMergeState(h.numbers) AS numbers,
            arraySort(bitmapToArray(numbers)) AS ordered, -- up to 32 come in the order of their parts
            arrayJoin(if(bitmapMax(numbers) + 1 - bitmapMin(numbers) = bitmapCardinality(numbers),
                [(bitmapMin(numbers), bitmapMax(numbers) + 1)],
                arrayZip(
                    arrayFilter((n, before) -> n != before + 1, ordered,
                        arrayPushFront(arrayPopBack(ordered), ordered[1])),
                    arrayMap(n -> n + 1, arrayFilter((n, after) -> after != n + 1, ordered,
                        arrayPushBack(arrayPopFront(ordered), ordered[-1])))))) AS run
        FROM producer_hours AS h
        GROUP BY producer_id, hour
        UNION ALL
        SELECT producer_id, toStartOfHour(time), app, environment, dropped,
            arrayReduce('groupBitmapState', emptyArrayUInt64()), [], (next_sequence, next_sequence)
        FROM producer_reports
    ) AS r
    WINDOW before AS (PARTITION BY producer_id ORDER BY run, r.hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
WHERE next_number > first_missing;

-- What each producer instance did in each hour. Its numbers are kept as a bitmap an hour (`producer_hours`), to which a row
-- that comes again adds nothing and whose deletion takes nothing away. `missing` are those that came in no hour: dropped in
-- the app, lost on the way, or dead letters; for a moment, those that are still in Kafka. They count in the hour in which a
-- higher number came first. `dropped` and `dropped_by` are what the producer says itself, whether or not events came after:
-- one that Kafka took without acknowledging it is stored all the same. All add up over hours.
CREATE OR REPLACE VIEW v_producer_gaps SQL SECURITY DEFINER AS
WITH
    by_hour AS
    (
        SELECT
            producer_id, hour, any(p.app) AS app, any(p.environment) AS environment, min(p.first_time) AS first_time,
            max(p.last_time) AS last_time, sum(p.stored) AS stored, max(p.next_sequence) AS next_sequence,
            max(p.dropped) AS dropped, max(p.reported) AS reported,
            argMax(p.reasons, (p.reported, p.feedback)) AS reasons, max(p.feedback) AS feedback
        FROM
        (
            SELECT producer_id, hour, any(app) AS app, any(environment) AS environment,
                toDateTime64(min(h.first_time), 6, 'UTC') AS first_time,
                toDateTime64(max(h.last_time), 6, 'UTC') AS last_time, groupBitmapMergeState(h.numbers) AS numbers,
                bitmapCardinality(numbers) AS stored, bitmapMax(numbers) + 1 AS next_sequence, max(h.dropped) AS dropped,
                0 AS reported, CAST(map(), 'Map(String, UInt64)') AS reasons, 0 AS feedback
            FROM producer_hours AS h
            GROUP BY producer_id, hour
            UNION ALL
            SELECT producer_id, toStartOfHour(time), app, environment, time, time,
                arrayReduce('groupBitmapState', emptyArrayUInt64()), 0, next_sequence, dropped, dropped, dropped_by,
                feedback_dropped
            FROM producer_reports FINAL
        ) AS p
        GROUP BY producer_id, hour
    ),
    counted AS
    (
        SELECT
            producer_id, hour, app, environment, first_time, last_time, stored,
            toUInt64(max(dropped) OVER until - max(dropped) OVER before) AS dropped_now,
            mapSubtract(argMax(reasons, (reported, feedback)) OVER until, argMax(reasons, (reported, feedback)) OVER before)
                AS reasons_now,
            toUInt64(max(feedback) OVER until - max(feedback) OVER before) AS feedback_now
        FROM by_hour
        WINDOW
            until AS (PARTITION BY producer_id ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
            before AS (PARTITION BY producer_id ORDER BY hour ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    gaps AS
    (
        SELECT producer_id, hour, sum(next_number - first_missing) AS missing FROM v_number_gaps GROUP BY producer_id, hour
    )
SELECT
    c.producer_id AS producer_id,
    c.hour AS hour,
    c.app AS app,
    c.environment AS environment,
    c.first_time AS first_time,
    c.last_time AS last_time,
    toUInt64(c.stored - e.erased) AS stored,
    e.erased AS erased,
    toInt64(gaps.missing) AS missing,
    c.dropped_now AS dropped,
    mapFilter((reason, events) -> events != 0, c.reasons_now) AS dropped_by,
    c.feedback_now AS feedback_dropped,
    c.last_time AS time
FROM counted AS c
LEFT JOIN gaps ON c.producer_id = gaps.producer_id AND c.hour = gaps.hour
LEFT JOIN
(
    SELECT producer_id, toStartOfHour(time) AS hour, uniqExact(producer_sequence) AS erased FROM erased
    WHERE records = 'interactions'
    GROUP BY producer_id, hour
) AS e ON c.producer_id = e.producer_id AND c.hour = e.hour
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- Totals by hour, exact at once: the hours in which nothing was stored since an hour before the last refresh are read from
-- the rollup, and the others counted. Production alone. Percentiles are of the row, and can't be averaged.
CREATE OR REPLACE VIEW v_prompt_versions SQL SECURITY DEFINER AS
WITH
    (SELECT max(computed_at) - INTERVAL 1 HOUR FROM usage_hourly WHERE hour = toDateTime(0, 'UTC')) AS counted,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions WHERE stored_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= counted
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM erased WHERE stored_at >= counted
        )
    ) AS touched
SELECT
    hour, app, environment, prompt_name, prompt_version, model, prompt_hashes, first_time, last_time, events, errors,
    cancelled, latency_p50_s, latency_p95_s, input_tokens, output_tokens, cost, without_cost, hour AS time
FROM
(
    SELECT hour, app, environment, prompt_name, prompt_version, model, prompt_hashes, first_time, last_time, events,
        errors, cancelled, latency_p50_s, latency_p95_s, input_tokens, output_tokens, cost, without_cost
    FROM usage_hourly FINAL
    WHERE NOT has(touched, hour)
    QUALIFY computed_at = max(computed_at) OVER (PARTITION BY hour)
    UNION ALL
    SELECT
        toStartOfHour(time) AS hour, i.app, i.environment, i.prompt_name, i.prompt_version, i.model,
        groupUniqArrayIf(10)(i.prompt_hash, i.prompt_hash != '') AS prompt_hashes,
        min(time) AS first_time,
        max(time) AS last_time,
        count() AS events,
        countIf(i.error_type != '') AS errors,
        countIf(i.cancelled) AS cancelled,
        quantileExactIf(0.5)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p50_s,
        quantileExactIf(0.95)(i.latency_s, i.error_type = '' AND NOT i.cancelled) AS latency_p95_s,
        sum(i.input_tokens) AS input_tokens,
        sum(i.output_tokens) AS output_tokens,
        sum(i.cost) AS cost,
        countIf(i.cost IS NULL) AS without_cost
    FROM interactions AS i FINAL
    WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched)) AND source = 'production'
        AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
            OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
    GROUP BY hour, i.app, i.environment, i.prompt_name, i.prompt_version, i.model
)
WHERE events > 0
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- What became of each evaluation that was planned, and the share of flagged answers with its 95 % Wilson interval; as
-- v_prompt_versions by hour and exact at once.
CREATE OR REPLACE VIEW v_quality SQL SECURITY DEFINER AS
WITH
    (SELECT max(computed_at) - INTERVAL 1 HOUR FROM quality_hourly WHERE hour = toDateTime(0, 'UTC')) AS counted,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions WHERE stored_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= counted
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM erased WHERE stored_at >= counted
        )
    ) AS touched
SELECT
    hour, app, environment, prompt_name, prompt_version, model, detector, planned, evaluated, not_applicable,
    not_sampled, shed, failed, missing, flagged_events, alert_events,
    flagged_events / nullIf(evaluated, 0) AS rate,
    (rate + 1.9208 / evaluated - 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_low,
    (rate + 1.9208 / evaluated + 1.96 * sqrt((rate * (1 - rate) + 0.9604 / evaluated) / evaluated))
        / (1 + 3.8416 / evaluated) AS rate_high,
    hour AS time
FROM
(
    SELECT hour, app, environment, prompt_name, prompt_version, model, detector, planned, evaluated, not_applicable,
        not_sampled, shed, failed, missing, flagged_events, alert_events
    FROM quality_hourly FINAL
    WHERE NOT has(touched, hour)
    QUALIFY computed_at = max(computed_at) OVER (PARTITION BY hour)
    UNION ALL
    SELECT
        p.hour, p.app, p.environment, p.prompt_name, p.prompt_version, p.model, p.detector,
        count() AS planned,
        countIf(f.decision = 'evaluated') AS evaluated,
        countIf(f.decision = 'not_applicable') AS not_applicable,
        countIf(f.decision = 'not_sampled') AS not_sampled,
        countIf(f.decision = 'shed') AS shed,
        countIf(f.decision = 'failed') AS failed,
        countIf(f.decision = '') AS missing,
        countIf(f.flagged) AS flagged_events,
        countIf(f.alert) AS alert_events
    FROM
    (
        SELECT toStartOfHour(time) AS hour, tenant, event_id, app, environment, prompt_name, prompt_version, model,
            arrayJoin(mapKeys(planned)) AS detector
        FROM interactions FINAL
        WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched)) AND source = 'production'
            AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
    ) AS p
    LEFT JOIN
    (
        SELECT toStartOfHour(time) AS hour, tenant, app, event_id, detector, toString(decision) AS decision, flagged,
            alert
        FROM findings FINAL
        WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
            AND event_id NOT IN (SELECT event_id FROM erased) AND (event_id NOT IN (SELECT event_id FROM superseded)
                OR cityHash64(event_id, toStartOfHour(time), tenant, app) NOT IN
            (SELECT cityHash64(event_id, hour, tenant, app) FROM superseded))
    ) AS f
        ON p.hour = f.hour AND p.event_id = f.event_id AND p.detector = f.detector AND p.app = f.app
        AND p.tenant = f.tenant
    GROUP BY p.hour, p.app, p.environment, p.prompt_name, p.prompt_version, p.model, p.detector
)
WHERE planned > 0
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- What calls cost by hour, tenant and model, from every source: experiments cost money too. An answer is good where nothing
-- flags it, nobody rates it below the middle, no error or Stop ended it and it is no step; what all calls cost is shared by
-- the good ones. A cost that isn't known counts as nothing, and is counted in `without_cost`.
CREATE OR REPLACE VIEW v_cost_hourly SQL SECURITY DEFINER AS
SELECT
    i.hour AS hour, i.app AS app, i.environment AS environment, i.tenant AS tenant, i.model AS model,
    i.source AS source,
    count() AS events,
    countIf(i.cost IS NULL) AS without_cost,
    sum(i.cost) AS cost,
    countIf(i.good AND f.flagged = 0 AND i.event_id NOT IN (SELECT event_id FROM v_feedback WHERE score < 0.5))
        AS good_answers,
    cost / nullIf(good_answers, 0) AS cost_per_good_answer,
    hour AS time
FROM
(
    SELECT toStartOfHour(time) AS hour, app, environment, tenant, model, source, event_id, cost,
        error_type = '' AND NOT cancelled AND NOT is_step AS good
    FROM v_interactions
) AS i
LEFT JOIN
(
    SELECT toStartOfHour(time) AS hour, event_id, 1 AS flagged FROM findings FINAL
    WHERE findings.flagged
    GROUP BY hour, event_id
) AS f ON i.hour = f.hour AND i.event_id = f.event_id
GROUP BY hour, app, environment, tenant, model, source
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- Rollups of production by hour, refreshed every ten minutes: `age_s` is how old a row's numbers are at most. What is since
-- is in v_quality and v_prompt_versions too.
CREATE OR REPLACE VIEW v_quality_hourly SQL SECURITY DEFINER AS
WITH assumeNotNull((SELECT max(computed_at) FROM quality_hourly WHERE hour = toDateTime(0, 'UTC'))) AS counted
SELECT * EXCEPT (computed_at), counted AS refreshed_at, dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s,
    hour AS time
FROM
(
    SELECT * FROM quality_hourly FINAL
    QUALIFY computed_at = max(computed_at) OVER (PARTITION BY hour)
)
WHERE planned > 0
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

CREATE OR REPLACE VIEW v_usage_hourly SQL SECURITY DEFINER AS
WITH assumeNotNull((SELECT max(computed_at) FROM usage_hourly WHERE hour = toDateTime(0, 'UTC'))) AS counted
SELECT * EXCEPT (computed_at), counted AS refreshed_at, dateDiff('second', refreshed_at, now64(3, 'UTC')) AS age_s,
    hour AS time
FROM
(
    SELECT * FROM usage_hourly FINAL
    QUALIFY computed_at = max(computed_at) OVER (PARTITION BY hour)
)
WHERE events > 0
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

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
WHERE view IN ('quality_hourly_refresh', 'usage_hourly_refresh', 'superseded_refresh', 'later_contents_refresh',
    'uncommitted_refresh');

-- Arguments of the producer that it could not read, and events are without, or did not know (`unknown`), and kept as
-- attributes: a wrong type in an app, a name mistyped.
CREATE OR REPLACE VIEW v_unreadable SQL SECURITY DEFINER AS
SELECT toStartOfHour(at) AS hour, app, environment, records, argument, type, count() AS events, hour AS time
FROM
(
    SELECT time AS at, app, environment, 'interactions' AS records, unreadable FROM v_interactions WHERE notEmpty(unreadable)
    UNION ALL
    SELECT time AS at, app, environment, 'feedback', unreadable FROM v_feedback WHERE notEmpty(unreadable)
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
    AND d.event_index = r.event_index AND d.sha256 = r.sha256
WHERE d.event_id NOT IN (SELECT toString(event_id) FROM erased);

-- One row for each event that was erased, or came after it was. What it held is in no row.
CREATE OR REPLACE VIEW v_erased SQL SECURITY DEFINER AS
SELECT event_id, toDate(time) AS day, app, environment, tenant, producer_id, producer_sequence AS sequence,
    erasure AS certificate, stored_at AS hidden_at, time
FROM erased FINAL
WHERE records = 'interactions'
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW v_offset_gaps SQL SECURITY DEFINER AS SELECT * FROM offset_gaps FINAL;

CREATE OR REPLACE VIEW v_governance SQL SECURITY DEFINER AS SELECT * FROM governance FINAL;

CREATE OR REPLACE VIEW v_governance_texts SQL SECURITY DEFINER AS
SELECT governance_id, name, text, stored_at, stored_at AS time FROM governance_texts FINAL;

-- Who read what: of a person a row for each shape of statement, door and minute; of a board that refreshes, for each hour.
CREATE OR REPLACE VIEW v_reads SQL SECURITY DEFINER AS
SELECT toDateTime64(parseDateTimeBestEffort(details['from'], 'UTC'), 6, 'UTC') AS time,
    toDateTime64(parseDateTimeBestEffort(details['to'], 'UTC'), 6, 'UTC') AS until,
    details['who'] AS who, details['proven'] AS proven, details['door'] AS door,
    read.1 AS shape, read.2 AS views, read.3 AS reads, if(read.4 < 0, NULL, read.4) AS row_count, read.5 AS how,
    read.6 AS why, governance_id, position
FROM
(
    SELECT details, governance_id, position, arrayJoin(
        JSONExtract(details['reads'], 'Array(Tuple(String, Array(String), UInt64, Int64, String, String))')) AS read
    FROM v_governance
    WHERE accepted AND action = 'read'
);

-- What one person promoted in an emergency, and who has reviewed it: of an app one at a time waits for that, so that the
-- next review is its.
CREATE OR REPLACE VIEW v_emergencies SQL SECURITY DEFINER AS
SELECT e.position AS position, e.time AS time, e.app AS app, e.environment AS environment, e.target AS target,
    e.target_version AS target_version, e.actor AS actor, e.why AS why,
    nullIf(r.time, toDateTime64(0, 6, 'UTC')) AS reviewed_at, r.actor AS reviewed_by,
    reviewed_at IS NULL AND e.time < now() - INTERVAL 48 HOUR AS overdue
FROM
(
    SELECT log, position, time, details['app'] AS app, details['environment'] AS environment, target, target_version, actor,
        details['reason'] AS why
    FROM v_governance
    WHERE accepted AND action = 'emergency_promoted'
) AS e
ASOF LEFT JOIN
(
    SELECT log, position, time, details['app'] AS app, actor
    FROM v_governance
    WHERE accepted AND action = 'emergency_reviewed'
) AS r ON e.log = r.log AND e.app = r.app AND e.position < r.position;

-- Each name of a prompt or model that was renamed, and the first it had: answers of before and after are of one.
CREATE OR REPLACE VIEW v_prompt_names SQL SECURITY DEFINER AS
SELECT kind, app, name, first_name, min(at) AS time
FROM
(
    SELECT splitByChar(':', target)[1] AS kind, details['app'] AS app,
        arrayJoin([details['first'], details['name']]) AS name, details['first'] AS first_name, time AS at
    FROM v_governance
    WHERE accepted AND action IN ('prompt_renamed', 'model_renamed')
)
GROUP BY kind, app, name, first_name;

-- Prompts in production that nobody has promoted for this app and environment, by their hash, or not yet, or that are
-- withdrawn for an hour and more. Of apps that have prompts in the audit trail: others don't keep them there.
CREATE OR REPLACE VIEW v_unapproved_prompts SQL SECURITY DEFINER AS
SELECT i.hour AS hour, i.app AS app, i.environment AS environment, i.prompt_name AS prompt_name,
    i.prompt_version AS prompt_version, i.prompt_hash AS prompt_hash, i.events AS events,
    multiIf(empty(i.hash), 'it has no hash',
        p.promotions = 0, 'nobody has promoted it',
        i.last_time < p.first_promoted, 'it was promoted afterwards',
        w.withdrawn_at > p.last_promoted AND i.hour > w.withdrawn_at, 'it was withdrawn before',
        '') AS why,
    i.hour AS time
FROM
(
    SELECT toStartOfHour(time) AS hour, app, environment, prompt_name, prompt_version, prompt_hash,
        lower(if(startsWith(prompt_hash, 'sha256:'), substring(prompt_hash, 8), prompt_hash)) AS hash,
        count() AS events, max(time) AS last_time
    FROM v_interactions
    WHERE source = 'production'
        AND app IN (SELECT details['app'] FROM v_governance WHERE accepted AND action = 'prompt_drafted')
    GROUP BY hour, app, environment, prompt_name, prompt_version, prompt_hash
) AS i
LEFT JOIN
(
    SELECT details['app'] AS app, details['environment'] AS environment, content_hash, count() AS promotions,
        min(time) AS first_promoted, max(time) AS last_promoted
    FROM v_governance
    WHERE accepted AND startsWith(target, 'prompt:')
        AND action IN ('prompt_promoted', 'prompt_canaried', 'emergency_promoted')
    GROUP BY app, environment, content_hash
) AS p ON i.app = p.app AND i.environment = p.environment AND i.hash = p.content_hash
LEFT JOIN
(
    SELECT details['app'] AS app, content_hash, max(time) AS withdrawn_at
    FROM v_governance
    WHERE accepted AND action = 'prompt_withdrawn'
    GROUP BY app, content_hash
) AS w ON i.app = w.app AND i.hash = w.content_hash
WHERE notEmpty(why);

-- Which models an app may use: those of its use case as it was registered last, and those that were deployed or promoted.
CREATE OR REPLACE VIEW v_registered_models SQL SECURITY DEFINER AS
SELECT app, model, action, max(at) AS time
FROM
(
    SELECT use_case AS app, trimBoth(listed) AS model, 'use_case_registered' AS action, registered_at AS at
    FROM
    (
        SELECT target AS use_case, argMax(details['models'], position) AS models, max(time) AS registered_at
        FROM v_governance
        WHERE accepted AND action = 'use_case_registered'
        GROUP BY target
    )
    ARRAY JOIN splitByChar(',', models) AS listed
    UNION ALL
    SELECT target AS app, details['model'] AS model, 'model_deployed' AS action, time AS at
    FROM v_governance AS g
    WHERE g.accepted AND g.action = 'model_deployed'
    UNION ALL
    SELECT details['app'] AS app, substring(target, 7) AS model, 'model_promoted' AS action, time AS at
    FROM v_governance AS g
    WHERE g.accepted AND startsWith(g.target, 'model:')
        AND g.action IN ('model_promoted', 'model_canaried', 'emergency_promoted')
)
WHERE notEmpty(model)
GROUP BY app, model, action;

-- Apps in production that nobody has registered, once some are; and models that are none of an app's, where it has any:
-- by its use case, deployed, or promoted.
CREATE OR REPLACE VIEW v_unregistered SQL SECURITY DEFINER AS
SELECT hour, app, environment, what, model, events, hour AS time
FROM
(
    SELECT toStartOfHour(time) AS hour, app, environment, model, request_model, count() AS events,
        app NOT IN (SELECT target FROM v_governance WHERE accepted AND action = 'use_case_registered') AS is_unknown,
        if(is_unknown, 'app', 'model') AS what
    FROM v_interactions
    WHERE source = 'production'
    GROUP BY hour, app, environment, model, request_model
)
WHERE if(is_unknown,
    (SELECT count() FROM v_governance WHERE accepted AND action = 'use_case_registered') > 0,
    app IN (SELECT app FROM v_registered_models)
        AND (app, model) NOT IN (SELECT app, model FROM v_registered_models)
        AND (app, request_model) NOT IN (SELECT app, model FROM v_registered_models));

-- Which offsets workers have dealt with, and how many events they stored of them. Ranges overlap after redelivery.
CREATE OR REPLACE VIEW v_ledger SQL SECURITY DEFINER AS
SELECT * EXCEPT event_ids, stored_at AS time FROM ledger FINAL;

-- Offsets between those of the ledger that it doesn't have, and that were not gone before they were read: a part of the
-- ledger itself was damaged. What came before its first offset is of a version without a ledger, or was deleted.
CREATE OR REPLACE VIEW v_ledger_gaps SQL SECURITY DEFINER AS
SELECT topic_id, partition, first_missing, next_offset, stored_at AS time
FROM
(
    SELECT topic_id, partition, stored_at, begin AS next_offset, max(end) OVER before AS first_missing,
        max(in_ledger) OVER before AS begun
    FROM
    (
        SELECT topic_id, partition, first_offset AS begin, last_offset + 1 AS end, true AS in_ledger, stored_at
        FROM ledger
        UNION ALL
        SELECT topic_id, partition, first_missing, next_offset, false, stored_at FROM offset_gaps
    )
    WINDOW before AS (
        PARTITION BY topic_id, partition ORDER BY begin, end ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)
WHERE begun AND next_offset > first_missing;

-- Each event of the ledger. Batches overlap after redelivery: an event may have several rows.
CREATE OR REPLACE VIEW v_ledger_events SQL SECURITY DEFINER AS
SELECT hour, arrayJoin(event_ids) AS event_id, app, topic_id, partition, first_offset, last_offset, lost, stored_at,
    hour AS time
FROM ledger;

-- What is stored, without what it says: what `watchline prove` holds against the ledger. Not as v_interactions and
-- v_findings: events under a key that came later, and findings whose event is not there, are here too.
CREATE OR REPLACE VIEW v_stored_events SQL SECURITY DEFINER AS
SELECT time, event_id, app, environment, mapKeys(planned) AS detectors, producer_id, producer_sequence,
    raw_topic_id AS topic_id, raw_partition AS partition, raw_offset AS offset, raw_index AS event_index, stored_at,
    ifNull(stored_at >= (SELECT min(applied_at) FROM migrations WHERE name = '008_ledger'), 1) AS since_ledger
FROM interactions FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE OR REPLACE VIEW v_stored_findings SQL SECURITY DEFINER AS
SELECT time, event_id, app, detector, decision, stored_at
FROM findings FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- Of each producer and hour the numbers that it gave to what was stored, by what was written down when it was stored and
-- by the events that are there now: `gone` were stored and are not there, `unknown` are there and not written down.
CREATE OR REPLACE VIEW v_producer_numbers SQL SECURITY DEFINER AS
SELECT
    hour, producer_id, any(n.app) AS app, any(n.environment) AS environment,
    bitmapCardinality(groupBitmapMergeState(n.written) AS by_hours) AS stored,
    sum(n.events) AS events,
    bitmapToArray(bitmapAndnot(by_hours, groupBitmapMergeState(n.present) AS by_rows)) AS gone,
    bitmapToArray(bitmapAndnot(by_rows, by_hours)) AS unknown,
    greatest(sum(n.once) - toInt64(bitmapCardinality(by_rows)), 0) AS given_again,
    hour AS time
FROM
(
    SELECT hour, producer_id, app, environment, numbers AS written,
        arrayReduce('groupBitmapState', emptyArrayUInt64()) AS present, 0 AS events, 0 AS once
    FROM producer_hours
    UNION ALL
    SELECT toStartOfHour(time) AS hour, producer_id, any(i.app), any(i.environment),
        arrayReduce('groupBitmapState', emptyArrayUInt64()), groupBitmapState(producer_sequence), count(),
        countIf(event_id NOT IN (SELECT event_id FROM superseded))
    FROM interactions AS i FINAL
    GROUP BY hour, producer_id
) AS n
GROUP BY hour, producer_id
SETTINGS do_not_merge_across_partitions_select_final = 1;

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

-- Each canary that was read back.
CREATE OR REPLACE VIEW v_canaries SQL SECURITY DEFINER AS
SELECT raw_topic AS topic, raw_partition AS partition, time, stored_at FROM canaries FINAL;

-- The watermark of each partition of the findings topic. Complete is what lies before the lowest of them.
CREATE OR REPLACE VIEW v_watermarks SQL SECURITY DEFINER AS SELECT * FROM watermarks FINAL;

-- Each key that the views leave out: its id had been stored under another hour, tenant or app, which is the kept one.
CREATE OR REPLACE VIEW v_superseded SQL SECURITY DEFINER AS
SELECT * EXCEPT (listed_at), stored_at AS time FROM superseded FINAL
WHERE hour != toDateTime(0) AND event_id NOT IN (SELECT event_id FROM erased);

-- Each content that differs from what the same version of the detector had said of the event first, which is shown. The
-- detector '' stands for the texts of the event.
CREATE OR REPLACE VIEW v_conflicts SQL SECURITY DEFINER AS
SELECT * EXCEPT (hash, conflict, first_version, score, first_score, flagged, listed_at),
    if(decision = 'evaluated', score, NULL) AS score, if(first_decision = 'evaluated', first_score, NULL) AS first_score,
    stored_at AS time
FROM later_contents FINAL
WHERE conflict AND event_id NOT IN (SELECT event_id FROM erased);

-- Each finding by another version of the detector than the one whose finding was stored first and is shown.
CREATE OR REPLACE VIEW v_rescored SQL SECURITY DEFINER AS
SELECT * EXCEPT (hash, conflict, score, first_score, listed_at), if(decision = 'evaluated', score, NULL) AS score,
    if(first_decision = 'evaluated', first_score, NULL) AS first_score, stored_at AS time
FROM later_contents FINAL
WHERE NOT conflict AND hour != toDateTime(0) AND event_id NOT IN (SELECT event_id FROM erased);

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

-- Findings without an interaction, of those that the list before had and those stored since. A worker that died between
-- the two inserts has left them; as a rule it is delivered again, and they come off the list.
CREATE MATERIALIZED VIEW IF NOT EXISTS uncommitted_refresh REFRESH EVERY 10 MINUTE TO uncommitted
SQL SECURITY DEFINER AS
WITH
    (SELECT greatest(max(listed_at), toDateTime64('2000-01-01', 3, 'UTC')) - INTERVAL 1 HOUR FROM uncommitted) AS since,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= since
            UNION ALL
            SELECT hour FROM uncommitted
        )
    ) AS touched,
    (
        SELECT groupArray(hour)
        FROM
        (
            SELECT hour
            FROM
            (
                SELECT toStartOfHour(time) AS hour,
                    arraySum(d -> cityHash64(event_id, d), mapKeys(planned)) AS by_plan, toUInt64(0) AS by_rows
                FROM interactions FINAL
                WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
                UNION ALL
                SELECT toStartOfHour(time), 0, cityHash64(event_id, detector) FROM findings FINAL
                WHERE toStartOfHour(time) IN (SELECT arrayJoin(touched))
            )
            GROUP BY hour
            HAVING sum(by_plan) != sum(by_rows)
        )
    ) AS differing
SELECT DISTINCT event_id, hour, now64(3, 'UTC') AS listed_at
FROM
(
    SELECT event_id, toStartOfHour(time) AS hour FROM findings
    WHERE toStartOfHour(time) IN (SELECT arrayJoin(differing)) AND event_id NOT IN (SELECT event_id FROM erased)
        AND (event_id, toStartOfHour(time)) NOT IN
        (
            SELECT event_id, toStartOfHour(time) FROM interactions
            WHERE toStartOfHour(time) IN (SELECT arrayJoin(differing))
        )
    UNION ALL
    SELECT toUUID('00000000-0000-0000-0000-000000000000'), toDateTime(0, 'UTC')
)
SETTINGS do_not_merge_across_partitions_select_final = 1, short_circuit_function_evaluation = 'force_enable';

-- The rollups. A refresh adds what the hours touched since the last one come to now, as the views count them: the hours in
-- which interactions or findings were stored or keys superseded. Its cost is theirs, not that of history. (An incremental
-- view counts redelivered rows twice.) Of an hour the rows of the last refresh hold; the row without a name says so where
-- nothing of it is left, and the one of 1970 when the refresh was. An hour of overlap covers inserts that are slow to
-- commit and clocks that differ. The merge join takes two thirds of the time of a hash join, which would hold the findings
-- in memory; it sorts on disk what is larger than 256 MiB.
CREATE MATERIALIZED VIEW IF NOT EXISTS quality_hourly_refresh REFRESH EVERY 10 MINUTE APPEND TO quality_hourly
SQL SECURITY DEFINER AS
WITH
    (SELECT max(computed_at) - INTERVAL 1 HOUR FROM quality_hourly WHERE hour = toDateTime(0, 'UTC')) AS counted,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions WHERE stored_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= counted
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM erased WHERE stored_at >= counted
        )
    ) AS touched
SELECT *, now64(3, 'UTC') AS computed_at
FROM
(
    SELECT hour, app, environment, prompt_name, prompt_version, model, detector, planned, evaluated, not_applicable,
        not_sampled, shed, failed, missing, flagged_events, alert_events
    FROM v_quality
    WHERE has(touched, hour)
    UNION ALL
    SELECT arrayJoin(arrayPushBack(touched, toDateTime(0, 'UTC'))) AS hour, '', '', '', '', '', '', 0, 0, 0, 0, 0, 0, 0, 0, 0
)
SETTINGS join_algorithm = 'full_sorting_merge', max_bytes_before_external_sort = 268435456;

CREATE MATERIALIZED VIEW IF NOT EXISTS usage_hourly_refresh REFRESH EVERY 10 MINUTE APPEND TO usage_hourly
SQL SECURITY DEFINER AS
WITH
    (SELECT max(computed_at) - INTERVAL 1 HOUR FROM usage_hourly WHERE hour = toDateTime(0, 'UTC')) AS counted,
    (
        SELECT groupUniqArray(hour)
        FROM
        (
            SELECT toStartOfHour(time) AS hour FROM interactions WHERE stored_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM findings WHERE stored_at >= counted
            UNION ALL
            SELECT hour FROM superseded WHERE listed_at >= counted
            UNION ALL
            SELECT toStartOfHour(time) AS hour FROM erased WHERE stored_at >= counted
        )
    ) AS touched
SELECT *, now64(3, 'UTC') AS computed_at
FROM
(
    SELECT hour, app, environment, prompt_name, prompt_version, model, prompt_hashes, first_time, last_time, events,
        errors, cancelled, latency_p50_s, latency_p95_s, input_tokens, output_tokens, cost, without_cost
    FROM v_prompt_versions
    WHERE has(touched, hour)
    UNION ALL
    SELECT arrayJoin(arrayPushBack(touched, toDateTime(0, 'UTC'))) AS hour, '', '', '', '', '', [], 0, 0, 0, 0, 0, NULL,
        NULL, NULL, NULL, NULL, 0
);
