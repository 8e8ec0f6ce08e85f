-- The audit trail: each entry of the governance log, accepted or not, with the hashes that make it a chain. A copy: the
-- topic is the record, and `watchline audit verify` compares them. Of two rows of a place the first that was stored counts.
CREATE TABLE IF NOT EXISTS governance
(
    log String COMMENT 'the id of the log: the hash of the root keys with which it began' CODEC(ZSTD(1)),
    position UInt64 COMMENT 'of the entry in the log',
    time DateTime64(6, 'UTC') COMMENT 'when it was taken into the log, by Kafka''s clock',
    said_us Int64 COMMENT 'when it was done, in microseconds since 1970, as who did it says',
    governance_id String COMMENT 'of the act; empty where the message could not be read',
    actor LowCardinality(String) COMMENT 'who did it: the holder of the key that signed it',
    action LowCardinality(String),
    target String,
    target_version Nullable(String),
    content_hash Nullable(String),
    details Map(LowCardinality(String), String),
    signatures Map(String, String) COMMENT 'key id to signature, hexadecimal',
    sha256 String COMMENT 'of a message that could not be read',
    accepted Bool COMMENT 'whether the rules allow it; what they don''t changes nothing',
    reason String COMMENT 'why they don''t',
    previous String COMMENT 'the hash of the entry before it',
    hash String COMMENT 'SHA-256 over that and this entry',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    version UInt64 MATERIALIZED bitNot(generateSnowflakeID()) COMMENT 'the first stored has the highest'
        CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (log, position)
SETTINGS non_replicated_deduplication_window = 1000;

-- What people wrote about acts. The trail has its hash with a salt alone, so that a row can go and the chain stays whole.
CREATE TABLE IF NOT EXISTS governance_texts
(
    governance_id String COMMENT 'of the act',
    name LowCardinality(String) COMMENT 'of the text',
    text String COMMENT 'a salt, a colon, and what a person wrote' CODEC(ZSTD(3)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC'),
    version UInt64 MATERIALIZED bitNot(generateSnowflakeID()) COMMENT 'the first stored has the highest'
        CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (governance_id, name)
SETTINGS non_replicated_deduplication_window = 1000;
