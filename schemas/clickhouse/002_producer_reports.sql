-- What producers say they have dropped, counted since each began. The latest of a producer is the largest.
CREATE TABLE IF NOT EXISTS producer_reports
(
    producer_id UUID,
    time DateTime64(6, 'UTC') COMMENT 'when it was made, by the clock of the app',
    app LowCardinality(String),
    environment LowCardinality(String),
    next_sequence UInt64 COMMENT 'of the event after those sent and dropped',
    dropped UInt64 COMMENT 'events',
    dropped_by Map(LowCardinality(String), UInt64) COMMENT 'reason to events',
    feedback_dropped UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (toDate(time), app, producer_id, dropped, feedback_dropped)
SETTINGS non_replicated_deduplication_window = 1000;
