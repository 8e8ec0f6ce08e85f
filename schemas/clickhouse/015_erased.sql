-- Events that were erased, and those that came after they were: the numbers that they had, so that they count as erased
-- and not as lost, and nothing of what they held. A row here hides the event from every view at once, before its rows are
-- deleted. The tenant isn't there where it is what was erased.
CREATE TABLE IF NOT EXISTS erased
(
    records LowCardinality(String) COMMENT 'interactions or feedback',
    event_id UUID COMMENT 'of feedback its own id',
    time DateTime64(6, 'UTC') COMMENT 'of the event',
    app LowCardinality(String),
    environment LowCardinality(String),
    tenant LowCardinality(String) COMMENT 'empty: none, or it is what was erased',
    producer_id UUID,
    producer_sequence UInt64,
    erasure LowCardinality(String) COMMENT 'id of the erasure, and of its certificate',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    version UInt64 MATERIALIZED bitNot(generateSnowflakeID()) COMMENT 'the first stored has the highest'
        CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(time)
ORDER BY (toStartOfHour(time), app, event_id)
SETTINGS non_replicated_deduplication_window = 1000;

-- Their numbers count as taken: one that a worker didn't store is no gap.
CREATE MATERIALIZED VIEW IF NOT EXISTS hours_of_erased TO producer_hours SQL SECURITY DEFINER AS
SELECT
    producer_id, toStartOfHour(time) AS hour, any(e.app) AS app, any(e.environment) AS environment,
    min(time) AS first_time, max(time) AS last_time, groupBitmapState(producer_sequence) AS numbers,
    toUInt64(0) AS dropped
FROM erased AS e
WHERE records = 'interactions'
GROUP BY producer_id, hour;
-- The rollups count what is left: views.sql makes them anew.
DROP VIEW IF EXISTS quality_hourly_refresh;
DROP VIEW IF EXISTS usage_hourly_refresh;
DROP VIEW IF EXISTS uncommitted_refresh;
