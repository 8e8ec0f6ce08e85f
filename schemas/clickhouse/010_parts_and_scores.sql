-- What messages have beside text, arguments that producers could not read, cancelled calls, feedback on any scale.
ALTER TABLE interactions
    ADD COLUMN IF NOT EXISTS input_parts
        Array(Tuple(message UInt32, type LowCardinality(String), content String, name String, id String)) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS output_parts
        Array(Tuple(message UInt32, type LowCardinality(String), content String, name String, id String)) CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS unreadable Map(LowCardinality(String), String) COMMENT 'argument to the type that it had',
    ADD COLUMN IF NOT EXISTS cancelled Bool COMMENT 'whoever asked did not wait for the end',
    ADD COLUMN IF NOT EXISTS input_audio_tokens Nullable(UInt64),
    ADD COLUMN IF NOT EXISTS output_audio_tokens Nullable(UInt64),
    ADD COLUMN IF NOT EXISTS price_version LowCardinality(String)
        COMMENT 'of the table that cost is by; empty: the app said it, or it is unknown';
-- How long a call took that failed or was cancelled says nothing of the others: views.sql makes it anew.
DROP VIEW IF EXISTS usage_hourly_refresh;
ALTER TABLE feedback
    ADD COLUMN IF NOT EXISTS score Nullable(Float64)
        COMMENT 'where the rating is on its scale, 0 the worst to 1 the best',
    ADD COLUMN IF NOT EXISTS scale LowCardinality(String),
    ADD COLUMN IF NOT EXISTS category LowCardinality(String),
    ADD COLUMN IF NOT EXISTS unreadable Map(LowCardinality(String), String) COMMENT 'argument to the type that it had';
-- Of an event without parts the hash stays what it was: one that comes again across the migration is no conflict.
ALTER TABLE contents_of_interactions MODIFY QUERY
SELECT
    event_id, toStartOfHour(time) AS hour, tenant, app, '' AS detector, planned['pii'] AS detector_version, '' AS decision,
    if(empty(input_parts) AND empty(output_parts),
        sipHash64(system_instructions, error_message, input_messages, output_messages, documents, tool_calls,
            finish_reasons, prompt_variables, request_parameters, variant, attributes, conversation_id, error_type,
            prompt_name, prompt_version, provider, request_model, response_id, response_model, system_fingerprint),
        sipHash64(system_instructions, error_message, input_messages, output_messages, documents, tool_calls,
            finish_reasons, prompt_variables, request_parameters, variant, attributes, conversation_id, error_type,
            prompt_name, prompt_version, provider, request_model, response_id, response_model, system_fingerprint,
            input_parts, output_parts)) AS hash,
    0 AS thousandths, false AS flagged, version
FROM interactions;
