-- Why a letter died, in one word, and of which field: what counts letters and picks them need not read the reason.
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS kind LowCardinality(String) DEFAULT 'unclassified'
        COMMENT 'undecodable, invalid, redaction, refused; unclassified: of a version whose letters had no kind' AFTER event_id,
    ADD COLUMN IF NOT EXISTS field LowCardinality(String)
        COMMENT 'the field of the record that is at fault; empty where it is none' AFTER kind;
