-- What views need so as to be bounded by time and exact all the same, and bytes that hexadecimal digits don't need.

ALTER TABLE findings ADD INDEX IF NOT EXISTS by_stored_at stored_at TYPE minmax GRANULARITY 1;

-- Findings that had no interaction when they were looked at. A row of 1970 says when that was.
CREATE TABLE IF NOT EXISTS uncommitted
(
    event_id UUID,
    hour DateTime('UTC'),
    listed_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY hour;

-- The numbers that each producer gave to events which were stored, by hour. To a bitmap a row that comes again adds nothing.
CREATE TABLE IF NOT EXISTS producer_hours
(
    producer_id UUID,
    hour DateTime('UTC'),
    app SimpleAggregateFunction(any, LowCardinality(String)),
    environment SimpleAggregateFunction(any, LowCardinality(String)),
    first_time SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_time SimpleAggregateFunction(max, DateTime64(6, 'UTC')),
    numbers AggregateFunction(groupBitmap, UInt64),
    dropped SimpleAggregateFunction(max, UInt64) COMMENT 'events that the producer had dropped by then'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (producer_id, hour);

CREATE MATERIALIZED VIEW IF NOT EXISTS hours_of_producers TO producer_hours SQL SECURITY DEFINER AS
SELECT
    producer_id, toStartOfHour(time) AS hour, any(i.app) AS app, any(i.environment) AS environment,
    min(time) AS first_time, max(time) AS last_time, groupBitmapState(producer_sequence) AS numbers,
    max(producer_dropped) AS dropped
FROM interactions AS i
GROUP BY producer_id, hour;

INSERT INTO producer_hours
SELECT
    producer_id, toStartOfHour(time) AS hour, any(i.app), any(i.environment), min(time), max(time),
    groupBitmapState(producer_sequence), max(producer_dropped)
FROM interactions AS i
GROUP BY producer_id, hour;

-- A refresh adds the hours that it counted, and no longer writes the whole table: of each hour the rows of the last one
-- hold. Rows move into the new form by way of a table of another name, from wherever this was stopped.
DROP VIEW IF EXISTS quality_hourly_refresh;
DROP VIEW IF EXISTS usage_hourly_refresh;

CREATE TABLE IF NOT EXISTS quality_hourly_next
(
    hour DateTime('UTC') COMMENT '1970: the row that says when was counted last',
    app LowCardinality(String),
    environment LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    model LowCardinality(String),
    detector LowCardinality(String) COMMENT 'empty: the row that says when the hour was counted',
    planned UInt64,
    evaluated UInt64,
    not_applicable UInt64,
    not_sampled UInt64,
    shed UInt64,
    failed UInt64,
    missing UInt64,
    flagged_events UInt64,
    alert_events UInt64,
    computed_at DateTime64(3, 'UTC') COMMENT 'when the hour was counted'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, app, environment, prompt_name, prompt_version, model, detector);
CREATE TABLE IF NOT EXISTS quality_hourly AS quality_hourly_next;
INSERT INTO quality_hourly_next
SELECT hour, app, environment, prompt_name, prompt_version, model, detector, planned, evaluated, not_applicable,
    not_sampled, shed, failed, missing, flagged_events, alert_events, computed_at
FROM quality_hourly;
INSERT INTO quality_hourly_next (hour, computed_at) SELECT toDateTime(0, 'UTC'), max(computed_at) FROM quality_hourly_next;
DROP TABLE quality_hourly;
RENAME TABLE quality_hourly_next TO quality_hourly;

-- Counted from the start, since rows of before lack some columns.
CREATE TABLE IF NOT EXISTS usage_hourly_next
(
    hour DateTime('UTC') COMMENT '1970: the row that says when was counted last',
    app LowCardinality(String),
    environment LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    model LowCardinality(String),
    prompt_hashes Array(String),
    first_time DateTime64(6, 'UTC'),
    last_time DateTime64(6, 'UTC'),
    events UInt64,
    errors UInt64,
    cancelled UInt64,
    latency_p50_s Nullable(Float64) COMMENT 'exact for this row; percentiles of rows can''t be averaged',
    latency_p95_s Nullable(Float64),
    input_tokens Nullable(UInt64),
    output_tokens Nullable(UInt64),
    cost Nullable(Float64) COMMENT 'US dollars; NULL where it is known of none',
    without_cost UInt64 COMMENT 'events whose cost is not known',
    computed_at DateTime64(3, 'UTC') COMMENT 'when the hour was counted'
)
ENGINE = ReplacingMergeTree(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, app, environment, prompt_name, prompt_version, model);
CREATE TABLE IF NOT EXISTS usage_hourly AS usage_hourly_next;
INSERT INTO usage_hourly_next
    (hour, app, environment, prompt_name, prompt_version, model, first_time, last_time, events, errors, latency_p50_s,
    latency_p95_s, input_tokens, output_tokens, cost, computed_at)
SELECT hour, app, environment, prompt_name, prompt_version, model, hour, hour, events, errors, latency_p50_s,
    latency_p95_s, input_tokens, output_tokens, cost, computed_at
FROM usage_hourly;
DROP TABLE usage_hourly;
RENAME TABLE usage_hourly_next TO usage_hourly;

-- Hexadecimal digits carry half a byte each: LZ4 leaves them as they are, ZSTD doesn't. Of parts that are there it does so
-- when they merge.
ALTER TABLE interactions
    MODIFY COLUMN trace_id String CODEC(ZSTD(1)),
    MODIFY COLUMN span_id String CODEC(ZSTD(1)),
    MODIFY COLUMN conversation_id String CODEC(ZSTD(1)),
    MODIFY COLUMN response_id String CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_response response_id TYPE bloom_filter(0.01) GRANULARITY 1;

-- Whose it is as 32 bytes, of the 64 digits that follow the key's id; another text stands in `subject_key` whole. Writers
-- give `subject` as before, and views show it: schemas/rewrite.py makes it EPHEMERAL once the rows that are there are split.
ALTER TABLE interactions
    ADD COLUMN IF NOT EXISTS subject_key LowCardinality(String)
        DEFAULT if(match(subject, '^[0-9a-f]{8}:[0-9a-f]{64}$'), substring(subject, 1, 8), subject),
    ADD COLUMN IF NOT EXISTS subject_hash FixedString(32)
        DEFAULT if(match(subject, '^[0-9a-f]{8}:[0-9a-f]{64}$'), unhex(substring(subject, 10)), '') CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_subject
        if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash))))
        TYPE bloom_filter(0.001) GRANULARITY 1;
ALTER TABLE feedback
    ADD COLUMN IF NOT EXISTS subject_key LowCardinality(String)
        DEFAULT if(match(subject, '^[0-9a-f]{8}:[0-9a-f]{64}$'), substring(subject, 1, 8), subject),
    ADD COLUMN IF NOT EXISTS subject_hash FixedString(32)
        DEFAULT if(match(subject, '^[0-9a-f]{8}:[0-9a-f]{64}$'), unhex(substring(subject, 10)), '') CODEC(ZSTD(1)),
    ADD INDEX IF NOT EXISTS by_subject
        if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash))))
        TYPE bloom_filter(0.001) GRANULARITY 1;
