-- What came with a value that can't be stored is stored without it, and who sent what is a dead letter now.
ALTER TABLE interactions
    ADD COLUMN IF NOT EXISTS sent_time Nullable(Int64)
        COMMENT 'microseconds since 1970, where what was sent can not be right and time is that of Kafka',
    ADD COLUMN IF NOT EXISTS invalid_fields Array(LowCardinality(String))
        COMMENT 'fields that came with a value that can not be stored, time included';
ALTER TABLE feedback
    ADD COLUMN IF NOT EXISTS sent_time Nullable(Int64)
        COMMENT 'microseconds since 1970, where what was sent can not be right and time is that of Kafka',
    ADD COLUMN IF NOT EXISTS invalid_fields Array(LowCardinality(String))
        COMMENT 'fields that came with a value that can not be stored, time included';
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS app LowCardinality(String) COMMENT 'empty where it could not be read';
