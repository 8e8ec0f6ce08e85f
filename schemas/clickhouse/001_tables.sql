-- Row identity comes from the event, so that redelivery can't count twice; `time` is the producer's.
-- Readers use the views (views.sql), never these tables.

CREATE TABLE IF NOT EXISTS interactions
(
    event_id UUID,
    time DateTime64(6, 'UTC'),
    app LowCardinality(String),
    environment LowCardinality(String),
    tenant LowCardinality(String) COMMENT 'empty: none',
    trace_id String,
    span_id String,
    conversation_id String,
    response_id String,
    subject String COMMENT 'KEY_ID:HMAC-SHA256',
    operation LowCardinality(String),
    provider LowCardinality(String),
    request_model LowCardinality(String),
    response_model LowCardinality(String),
    model LowCardinality(String) COMMENT 'response_model, else request_model',
    system_fingerprint LowCardinality(String),
    variant Map(LowCardinality(String), String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    prompt_hash LowCardinality(String),
    prompt_variables Map(String, String),
    system_instructions String CODEC(ZSTD(3)),
    input_messages Array(Tuple(role String, content String)) CODEC(ZSTD(3)),
    output_messages Array(Tuple(role String, content String)) CODEC(ZSTD(3)),
    tool_calls Array(Tuple(name String, arguments String, result String, id String)) CODEC(ZSTD(3)),
    documents Array(Tuple(content String, id String, score Nullable(Float64))) CODEC(ZSTD(3)),
    request_parameters Map(LowCardinality(String), String),
    input_tokens Nullable(UInt64),
    output_tokens Nullable(UInt64),
    cache_read_input_tokens Nullable(UInt64),
    cache_write_input_tokens Nullable(UInt64),
    reasoning_output_tokens Nullable(UInt64),
    cost Nullable(Float64) COMMENT 'US dollars',
    latency_s Nullable(Float64),
    time_to_first_chunk_s Nullable(Float64),
    finish_reasons Array(LowCardinality(String)),
    error_type LowCardinality(String),
    error_message String,
    attributes Map(String, String),
    truncated Map(LowCardinality(String), UInt64) COMMENT 'field to its length in bytes before the cut',
    redactions Map(LowCardinality(String), UInt32) COMMENT 'entity type to how many were replaced',
    planned Map(LowCardinality(String), LowCardinality(String)) COMMENT 'detector to version',
    producer_id UUID,
    producer_sequence UInt64,
    producer_dropped UInt64 COMMENT 'events that the producer had dropped by then',
    raw_topic_id String,
    raw_partition UInt32,
    raw_offset UInt64,
    raw_index UInt16,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    INDEX by_event event_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_conversation conversation_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), tenant, app, event_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS findings
(
    event_id UUID,
    time DateTime64(6, 'UTC'),
    app LowCardinality(String),
    environment LowCardinality(String),
    tenant LowCardinality(String),
    prompt_name LowCardinality(String),
    prompt_version LowCardinality(String),
    model LowCardinality(String),
    detector LowCardinality(String),
    detector_version LowCardinality(String),
    decision Enum8('evaluated' = 1, 'not_applicable' = 2, 'not_sampled' = 3, 'shed' = 4, 'failed' = 5),
    reason LowCardinality(String),
    scores Map(LowCardinality(String), Float32) COMMENT 'label to calibrated probability',
    score Nullable(Float32) COMMENT 'probability that any label holds; NULL unless evaluated',
    threshold Nullable(Float32),
    alert_threshold Nullable(Float32),
    flagged Bool,
    alert Bool,
    calibration_version LowCardinality(String),
    severity Enum8('none' = 0, 'low' = 1, 'medium' = 2, 'high' = 3),
    spans Array(Tuple(field String, start UInt32, end UInt32, label String, score Float32))
        COMMENT 'code points into the stored text',
    evidence Array(Tuple(span UInt32, field String, start UInt32, end UInt32, score Float32)),
    scored_fraction Float32,
    duration_us UInt64,
    batch_size UInt32,
    device LowCardinality(String),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    INDEX by_event event_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), tenant, app, event_id, detector)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS feedback
(
    feedback_id UUID,
    event_id UUID,
    time DateTime64(6, 'UTC'),
    app LowCardinality(String),
    environment LowCardinality(String),
    tenant LowCardinality(String),
    subject String,
    rating Nullable(Int32),
    comment String COMMENT 'redacted',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    INDEX by_event event_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, feedback_id)
SETTINGS non_replicated_deduplication_window = 1000;

CREATE TABLE IF NOT EXISTS signals
(
    signal_id UUID,
    time DateTime64(6, 'UTC'),
    kind LowCardinality(String),
    app LowCardinality(String),
    environment LowCardinality(String),
    prompt_name LowCardinality(String),
    measure LowCardinality(String),
    slice Map(LowCardinality(String), String),
    baseline Map(LowCardinality(String), String),
    before Nullable(Float64),
    after Nullable(Float64),
    since DateTime64(6, 'UTC'),
    events_before UInt64,
    events_after UInt64,
    method LowCardinality(String),
    statistic Nullable(Float64),
    p_value Nullable(Float64),
    attribution Map(LowCardinality(String), Float64),
    event_id UUID,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, signal_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- Never text: coordinates, reason, size and hash. The bytes are in the dead-letter topic.
CREATE TABLE IF NOT EXISTS dead_letters
(
    time DateTime64(3, 'UTC') COMMENT 'Kafka time of the message',
    topic LowCardinality(String),
    topic_id String,
    partition UInt32,
    offset UInt64,
    event_index Int32 COMMENT 'of the event in the envelope; -1: the whole message',
    event_id String COMMENT 'empty where it could not be read',
    reason String,
    size_bytes UInt64,
    sha256 String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), topic_id, partition, offset, event_index, sha256)
SETTINGS non_replicated_deduplication_window = 1000;

-- Offsets that retention or a recreated topic took away before they were read.
CREATE TABLE IF NOT EXISTS offset_gaps
(
    time DateTime64(3, 'UTC') COMMENT 'Kafka time of the first message after the gap',
    topic LowCardinality(String),
    topic_id String,
    partition UInt32,
    first_missing UInt64,
    next_offset UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), topic_id, partition, first_missing)
SETTINGS non_replicated_deduplication_window = 1000;
