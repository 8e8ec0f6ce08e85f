-- What is stored first stays: an INSERT of a key that is there changes nothing, and what it said otherwise is listed.
-- `version` is the server's, falls with time and within an insert, and the writer can't choose it (see users.sql).
-- `migrate` moves the rows of each table into the one that is called `_next` here, month by month, and begins again
-- where it was stopped: schemas/rewrite.py. What reads the rows meanwhile sees the months that are there; rollups wait.
-- The key has the hour and not the day: decisions/0008-first-stored-wins.md has the figures.

DROP VIEW IF EXISTS quality_hourly_refresh;
DROP VIEW IF EXISTS usage_hourly_refresh;

ALTER TABLE interactions ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS interactions_next AS interactions
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toStartOfHour(time), tenant, app, event_id)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE findings ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS findings_next AS findings
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toStartOfHour(time), tenant, app, event_id, detector)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE feedback ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS feedback_next AS feedback
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, feedback_id)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE signals ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS signals_next AS signals
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, signal_id)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS dead_letters_next AS dead_letters
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), topic_id, partition, offset, event_index, sha256)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE offset_gaps ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS offset_gaps_next AS offset_gaps
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), topic_id, partition, first_missing)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE producer_reports ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS producer_reports_next AS producer_reports
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, producer_id, dropped, feedback_dropped)
SETTINGS non_replicated_deduplication_window = 1000;

ALTER TABLE canaries ADD COLUMN IF NOT EXISTS version UInt64 MATERIALIZED bitNot(generateSnowflakeID())
    COMMENT 'the first stored has the highest' CODEC(Delta, ZSTD(1));
CREATE TABLE IF NOT EXISTS canaries_next AS canaries
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), raw_topic, raw_partition, event_id)
TTL toDate(time) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000;

-- What was inserted, in short: of each event its texts (the detector '', with the version that redacted them), and of
-- each finding its decision and spans, as a hash, and its score. Equal contents are one row however often they come.
-- By the id in its own order, which is that of time (UUIDv7), so that a look at recent ids reads recent rows.
-- The texts stay, since an id may come again at any time; of findings 30 days are longer than a topic keeps a message.
CREATE TABLE IF NOT EXISTS contents
(
    event_id UUID CODEC(ZSTD(1)),
    hour DateTime('UTC'),
    tenant LowCardinality(String),
    app LowCardinality(String),
    detector LowCardinality(String) COMMENT 'empty: the texts of the event',
    detector_version LowCardinality(String) COMMENT 'of the texts: of the detector pii, which redacted them',
    decision LowCardinality(String) COMMENT 'empty: the texts of the event',
    hash UInt64 CODEC(ZSTD(1)),
    thousandths UInt16 COMMENT 'the score, rounded; 0 where there is none',
    flagged Bool,
    version UInt64 COMMENT 'of the row: the first stored has the highest' CODEC(Delta, ZSTD(1)),
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (UUIDToNum(event_id), hour, tenant, app, detector, detector_version, decision, hash, thousandths)
TTL snowflakeIDToDateTime(bitNot(version), 0, 'UTC') + INTERVAL 30 DAY DELETE WHERE detector != ''
SETTINGS non_replicated_deduplication_window = 1000;

CREATE MATERIALIZED VIEW IF NOT EXISTS contents_of_interactions TO contents SQL SECURITY DEFINER AS
SELECT
    event_id, toStartOfHour(time) AS hour, tenant, app, '' AS detector, planned['pii'] AS detector_version, '' AS decision,
    sipHash64(system_instructions, error_message, input_messages, output_messages, documents, tool_calls, finish_reasons,
        prompt_variables, request_parameters, variant, attributes, conversation_id, error_type, prompt_name,
        prompt_version, provider, request_model, response_id, response_model, system_fingerprint) AS hash,
    0 AS thousandths, false AS flagged, version
FROM interactions;

CREATE MATERIALIZED VIEW IF NOT EXISTS contents_of_findings TO contents SQL SECURITY DEFINER AS
SELECT
    event_id, toStartOfHour(time) AS hour, tenant, app, detector, detector_version, toString(decision) AS decision,
    sipHash64(reason, arrayMap(s -> (s.1, s.2, s.3, s.4), spans)) AS hash,
    toUInt16(round(1000 * ifNull(score, 0))) AS thousandths, flagged, version
FROM findings;

-- Ids that came under another hour, tenant or app than they were stored under first. Views leave these keys out.
CREATE TABLE IF NOT EXISTS superseded
(
    event_id UUID,
    hour DateTime('UTC') COMMENT 'of the time that is left out; 1970: the row that says when this was looked for last',
    tenant LowCardinality(String),
    app LowCardinality(String),
    kept_hour DateTime('UTC') COMMENT 'of the time that is shown: what was stored first',
    kept_tenant LowCardinality(String),
    kept_app LowCardinality(String),
    stored_at DateTime64(3, 'UTC') COMMENT 'when it came under this key',
    listed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (UUIDToNum(event_id), hour, tenant, app);

-- Contents that came for a key after its first: by another version of the detector (re-scored), or by the same version
-- and yet otherwise (a conflict). Scores of one text differ with what else is in the batch, by less than a thousandth:
-- as thousandths they may differ by one.
CREATE TABLE IF NOT EXISTS later_contents
(
    event_id UUID,
    hour DateTime('UTC') COMMENT '1970: the row that says when this was looked for last',
    tenant LowCardinality(String),
    app LowCardinality(String),
    detector LowCardinality(String),
    detector_version LowCardinality(String),
    decision LowCardinality(String),
    hash UInt64,
    score Float32,
    flagged Bool,
    conflict Bool,
    first_version LowCardinality(String) COMMENT 'of the detector, in what was stored first',
    first_decision LowCardinality(String) COMMENT 'of what was stored first, of a conflict by the same version',
    first_score Float32,
    stored_at DateTime64(3, 'UTC') COMMENT 'when it came first',
    listed_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (UUIDToNum(event_id), hour, tenant, app, detector, detector_version, decision, hash, score);
