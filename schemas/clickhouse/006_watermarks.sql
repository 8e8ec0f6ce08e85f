-- How far the monitors are. Monotone, so that rows that come in another order change nothing.
CREATE TABLE IF NOT EXISTS watermarks
(
    topic LowCardinality(String) COMMENT 'with the findings',
    partition UInt32,
    time DateTime64(6, 'UTC') COMMENT 'Kafka time before which all interactions were looked at',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(time)
ORDER BY (topic, partition)
SETTINGS non_replicated_deduplication_window = 1000;
