-- Canaries that went through the whole pipeline. Never text: anyone who may write to the raw topic can send one.
CREATE TABLE IF NOT EXISTS canaries
(
    event_id UUID,
    time DateTime64(6, 'UTC') COMMENT 'when a worker sent it',
    worker LowCardinality(String) COMMENT 'the one that stored it',
    producer_id UUID COMMENT 'of the worker that sent it, another one after each start',
    raw_topic LowCardinality(String),
    raw_topic_id String,
    raw_partition UInt32,
    raw_offset UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), raw_topic, raw_partition, event_id)
TTL toDate(time) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 1000;
