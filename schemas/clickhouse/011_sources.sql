-- Experiments, replays and canaries beside production, and which knowledge base documents are from.
ALTER TABLE interactions
    ADD COLUMN IF NOT EXISTS source Enum8('production' = 1, 'experiment' = 2, 'replay' = 3, 'canary' = 4)
        COMMENT 'rates, monitors and rules look at production alone',
    ADD COLUMN IF NOT EXISTS document_set LowCardinality(String) COMMENT 'version of the knowledge base';
ALTER TABLE findings
    ADD COLUMN IF NOT EXISTS source Enum8('production' = 1, 'experiment' = 2, 'replay' = 3, 'canary' = 4)
        COMMENT 'of the event';
-- The rollups count production alone: views.sql makes them anew.
DROP VIEW IF EXISTS quality_hourly_refresh;
DROP VIEW IF EXISTS usage_hourly_refresh;
-- Of an event without a document set the hash stays what it was, as in 010.
ALTER TABLE contents_of_interactions MODIFY QUERY
WITH
    if(empty(input_parts) AND empty(output_parts),
        sipHash64(system_instructions, error_message, input_messages, output_messages, documents, tool_calls,
            finish_reasons, prompt_variables, request_parameters, variant, attributes, conversation_id, error_type,
            prompt_name, prompt_version, provider, request_model, response_id, response_model, system_fingerprint),
        sipHash64(system_instructions, error_message, input_messages, output_messages, documents, tool_calls,
            finish_reasons, prompt_variables, request_parameters, variant, attributes, conversation_id, error_type,
            prompt_name, prompt_version, provider, request_model, response_id, response_model, system_fingerprint,
            input_parts, output_parts)) AS texts
SELECT
    event_id, toStartOfHour(time) AS hour, tenant, app, '' AS detector, planned['pii'] AS detector_version, '' AS decision,
    if(document_set = '', texts, sipHash64(texts, document_set)) AS hash, 0 AS thousandths, false AS flagged, version
FROM interactions;
