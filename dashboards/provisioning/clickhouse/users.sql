-- Seven users, each with what it needs and no more. Nobody but the migration, and `erase`, may change or drop anything: what the worker
-- has written stays written, and the worker, which needs no reading, can't read what it wrote.
--
-- For a ClickHouse server, applied by one of its administrators before `watchline migrate`; safe to run again. The
-- passwords are parameters, set in the same stream so that no process list shows them; a missing one is an error:
--
--   for user in migrate worker keeper reader auditor privacy grafana; do
--     echo "SET param_${user}_password = '$(openssl rand -hex 24)';"; done > passwords.sql; chmod 600 passwords.sql
--   cat passwords.sql users.sql | clickhouse-client --secure --user ADMINISTRATOR --ask-password --multiquery
--
-- Another database than `watchline`: replace `watchline.` by its name. users.xml says the same for docker-compose.yml.

CREATE USER IF NOT EXISTS watchline_migrate IDENTIFIED WITH sha256_password BY {migrate_password:String};
GRANT CREATE DATABASE, CREATE TABLE, DROP TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE, SELECT, INSERT ON watchline.* TO watchline_migrate;
-- v_refreshes reads it with the rights of who made the view. A server grants nobody `system.*`, but for a few tables that
-- show each user what it may see: `system.tables`, which `doctor` asks, is one.
GRANT SELECT ON system.view_refreshes TO watchline_migrate;
-- `watchline retention` says how large the parts are that have to go.
GRANT SELECT ON system.parts TO watchline_migrate;
-- Likewise v_detached_parts.
GRANT SELECT ON system.detached_parts TO watchline_migrate;
-- `watchline erase`, which deletes rows: also those of parts that were replaced.
GRANT SELECT ON system.parts TO watchline_migrate;
GRANT SELECT ON system.merge_tree_settings TO watchline_migrate;
-- `watchline backup` and `watchline restore`.
GRANT BACKUP, CHECK, SYSTEM VIEWS ON watchline.* TO watchline_migrate;
GRANT READ, WRITE ON FILE TO watchline_migrate;

-- What is stored first stays: the server numbers the rows, in a column that the worker can't write, and fills the tables
-- that say what came otherwise afterwards. `doctor` asks which migrations were applied. A worker, `doctor` and `repair`
-- ask which events the store has lost, or was told twice: these views hold ids, apps, hours, offsets, scores and counts.
CREATE USER IF NOT EXISTS watchline_worker IDENTIFIED WITH sha256_password BY {worker_password:String}
SETTINGS async_insert = 0, insert_allow_materialized_columns = 0 CONST;
GRANT INSERT ON watchline.interactions TO watchline_worker;
GRANT INSERT ON watchline.findings TO watchline_worker;
GRANT INSERT ON watchline.feedback TO watchline_worker;
GRANT INSERT ON watchline.signals TO watchline_worker;
GRANT INSERT ON watchline.dead_letters TO watchline_worker;
GRANT INSERT ON watchline.dead_letter_replays TO watchline_worker;
GRANT INSERT ON watchline.offset_gaps TO watchline_worker;
GRANT INSERT ON watchline.producer_reports TO watchline_worker;
GRANT INSERT ON watchline.canaries TO watchline_worker;
GRANT INSERT ON watchline.watermarks TO watchline_worker;
GRANT INSERT ON watchline.ledger TO watchline_worker;
GRANT INSERT ON watchline.erased TO watchline_worker;
GRANT SELECT ON watchline.migrations TO watchline_worker;
GRANT SELECT ON watchline.v_ledger TO watchline_worker;
GRANT SELECT ON watchline.v_ledger_gaps TO watchline_worker;
GRANT SELECT ON watchline.v_missing_events TO watchline_worker;
GRANT SELECT ON watchline.v_missing_findings TO watchline_worker;
GRANT SELECT ON watchline.v_detached_parts TO watchline_worker;
GRANT SELECT ON watchline.v_conflicts TO watchline_worker;

-- `watchline governance run`. It alone writes the copy of the audit trail, and can't read it: the topic is the record. It
-- proves each day by ids, acts and counts, and reads no text. What the worker had of that in earlier versions is taken back.
CREATE USER IF NOT EXISTS watchline_keeper IDENTIFIED WITH sha256_password BY {keeper_password:String}
SETTINGS async_insert = 0, insert_allow_materialized_columns = 0 CONST;
REVOKE INSERT ON watchline.governance FROM watchline_worker;
REVOKE INSERT ON watchline.governance_texts FROM watchline_worker;
GRANT INSERT ON watchline.governance TO watchline_keeper;
GRANT INSERT ON watchline.governance_texts TO watchline_keeper;
GRANT SELECT ON watchline.v_ledger_events TO watchline_keeper;
GRANT SELECT ON watchline.v_stored_events TO watchline_keeper;
GRANT SELECT ON watchline.v_stored_findings TO watchline_keeper;
GRANT SELECT ON watchline.v_producer_numbers TO watchline_keeper;
GRANT SELECT ON watchline.v_number_gaps TO watchline_keeper;
GRANT SELECT ON watchline.v_canaries TO watchline_keeper;
GRANT SELECT ON watchline.v_ledger TO watchline_keeper;
GRANT SELECT ON watchline.v_offset_gaps TO watchline_keeper;
GRANT SELECT ON watchline.v_dead_letters TO watchline_keeper;
GRANT SELECT ON watchline.v_retention TO watchline_keeper;
GRANT SELECT ON watchline.v_erased TO watchline_keeper;
GRANT SELECT ON watchline.v_governance TO watchline_keeper;

-- Who is on call: `watchline sql`, `show`, `audit`. All views with their redacted texts, without which nobody can tell why an
-- answer was flagged; but not what people wrote about acts, where their names stand.
CREATE USER IF NOT EXISTS watchline_reader IDENTIFIED WITH sha256_password BY {reader_password:String}
SETTINGS readonly = 1, max_execution_time = 30, max_memory_usage = 4000000000, max_result_bytes = 67108864, function_range_max_elements_in_block = 8388608;
GRANT SELECT ON watchline.v_* TO watchline_reader;
REVOKE SELECT ON watchline.v_governance_texts FROM watchline_reader;

-- Governance, coverage and counts; of events and feedback what is no text and no person, and no table. Who has which
-- rights, and who read which columns when: without the statements, in which what was searched for stands.
CREATE USER IF NOT EXISTS watchline_auditor IDENTIFIED WITH sha256_password BY {auditor_password:String}
SETTINGS readonly = 1, max_execution_time = 600, max_memory_usage = 4000000000;
REVOKE SELECT ON *.* FROM watchline_auditor;
GRANT SELECT ON watchline.v_findings TO watchline_auditor;
GRANT SELECT ON watchline.v_coverage TO watchline_auditor;
GRANT SELECT ON watchline.v_decisions TO watchline_auditor;
GRANT SELECT ON watchline.v_quality TO watchline_auditor;
GRANT SELECT ON watchline.v_prompt_versions TO watchline_auditor;
GRANT SELECT ON watchline.v_quality_hourly TO watchline_auditor;
GRANT SELECT ON watchline.v_usage_hourly TO watchline_auditor;
GRANT SELECT ON watchline.v_cost_hourly TO watchline_auditor;
GRANT SELECT ON watchline.v_refreshes TO watchline_auditor;
GRANT SELECT ON watchline.v_conflicts TO watchline_auditor;
GRANT SELECT ON watchline.v_rescored TO watchline_auditor;
GRANT SELECT ON watchline.v_superseded TO watchline_auditor;
GRANT SELECT ON watchline.v_signals TO watchline_auditor;
GRANT SELECT ON watchline.v_unreadable TO watchline_auditor;
GRANT SELECT ON watchline.v_producer_gaps TO watchline_auditor;
GRANT SELECT ON watchline.v_dead_letters TO watchline_auditor;
GRANT SELECT ON watchline.v_governance TO watchline_auditor;
GRANT SELECT ON watchline.v_governance_texts TO watchline_auditor;
GRANT SELECT ON watchline.v_retention TO watchline_auditor;
GRANT SELECT ON watchline.v_offset_gaps TO watchline_auditor;
GRANT SELECT ON watchline.v_missing_events TO watchline_auditor;
GRANT SELECT ON watchline.v_missing_findings TO watchline_auditor;
GRANT SELECT ON watchline.v_ledger TO watchline_auditor;
GRANT SELECT ON watchline.v_ledger_gaps TO watchline_auditor;
GRANT SELECT ON watchline.v_detached_parts TO watchline_auditor;
GRANT SELECT ON watchline.v_watermarks TO watchline_auditor;
GRANT SELECT ON watchline.v_canary TO watchline_auditor;
GRANT SELECT ON watchline.v_ledger_events TO watchline_auditor;
GRANT SELECT ON watchline.v_stored_events TO watchline_auditor;
GRANT SELECT ON watchline.v_stored_findings TO watchline_auditor;
GRANT SELECT ON watchline.v_producer_numbers TO watchline_auditor;
GRANT SELECT ON watchline.v_number_gaps TO watchline_auditor;
GRANT SELECT ON watchline.v_canaries TO watchline_auditor;
GRANT SELECT ON watchline.v_reads TO watchline_auditor;
GRANT SELECT ON watchline.v_emergencies TO watchline_auditor;
GRANT SELECT ON watchline.v_prompt_names TO watchline_auditor;
GRANT SELECT ON watchline.v_unapproved_prompts TO watchline_auditor;
GRANT SELECT ON watchline.v_registered_models TO watchline_auditor;
GRANT SELECT ON watchline.v_unregistered TO watchline_auditor;
GRANT SELECT ON watchline.v_erased TO watchline_auditor;
GRANT SELECT(event_id, time, app, environment, operation, trace_id, span_id, prompt_hash, finish_reasons, variant, conversation_id, error_type, prompt_name, prompt_version, provider, request_model, response_id, response_model, system_fingerprint, tenant, input_tokens, output_tokens, cache_read_input_tokens, cache_write_input_tokens, reasoning_output_tokens, input_audio_tokens, output_audio_tokens, cost, latency_s, time_to_first_chunk_s, truncated, unreadable, cancelled, source, document_set, model, redactions, planned, producer_id, producer_sequence, producer_dropped, raw_topic_id, raw_partition, raw_offset, raw_index, sent_time, invalid_fields, price_version, stored_at, is_step) ON watchline.v_interactions TO watchline_auditor;
GRANT SELECT(feedback_id, event_id, time, app, environment, tenant, rating, score, scale, category, unreadable, sent_time, invalid_fields, stored_at) ON watchline.v_feedback TO watchline_auditor;
GRANT SELECT(event_date, event_time, type, user, query_kind, normalized_query_hash, databases, tables, columns, views, read_rows, result_rows, exception_code) ON system.query_log TO watchline_auditor;
GRANT SHOW ACCESS ON *.* TO watchline_auditor;

-- The data protection officer: all views, so whatever is held of a person; what is changed goes by signed acts.
CREATE USER IF NOT EXISTS watchline_privacy IDENTIFIED WITH sha256_password BY {privacy_password:String}
SETTINGS readonly = 1, max_execution_time = 600, max_memory_usage = 4000000000;
GRANT SELECT ON watchline.v_* TO watchline_privacy;

-- readonly 2 and not 1: reads only, but the client may set its own time limit. Grafana's plugin does: the data source's
-- 60 s and a few more.
CREATE USER IF NOT EXISTS watchline_grafana IDENTIFIED WITH sha256_password BY {grafana_password:String}
SETTINGS readonly = 2, max_execution_time = 60 MAX 120, max_memory_usage = 4000000000 CONST;
GRANT SELECT ON watchline.v_* TO watchline_grafana;
REVOKE SELECT ON watchline.v_governance_texts FROM watchline_grafana;
