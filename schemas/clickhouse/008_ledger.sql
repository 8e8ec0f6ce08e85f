-- What workers have stored, apart from the tables that it was stored in: what is here and not there was lost.
-- A row for each stored batch and, in it, each raw partition, app and hour, written once its events and findings are stored
-- and before Kafka gets the acknowledgement. Redelivery cuts batches otherwise: rows overlap, and what counts is each
-- offset and each event id. A range without events has a row too: dead letters, canaries and reports have offsets as well.
CREATE TABLE IF NOT EXISTS ledger
(
    topic_id String COMMENT 'of the raw topic',
    partition UInt32,
    first_offset UInt64 COMMENT 'of the messages of the batch in this partition',
    last_offset UInt64,
    app LowCardinality(String) COMMENT 'empty: no events',
    hour DateTime('UTC') COMMENT 'of the times of the events; without events, of Kafka''s time of the first message',
    events UInt32,
    findings Map(LowCardinality(String), UInt32) COMMENT 'detector to findings',
    event_ids Array(UUID),
    lost Bool COMMENT 'written by `watchline repair`: these are in no table and not in Kafka any more',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    version UInt64 MATERIALIZED bitNot(generateSnowflakeID()) COMMENT 'falls with time: the first row of a key stays'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(hour)
ORDER BY (toDate(hour), topic_id, partition, first_offset, last_offset, app, hour, lost)
SETTINGS non_replicated_deduplication_window = 1000;
