-- Five users, each with what it needs and no more. Nobody but the migration, and `erase`, may change or drop anything: what the worker
-- has written stays written, and the worker, which needs no reading, can't read what it wrote.
--
-- For a ClickHouse server, applied by one of its administrators before `watchline migrate`; safe to run again. The
-- passwords are parameters, set in the same stream so that no process list shows them; a missing one is an error:
--
--   for user in migrate worker reader auditor grafana; do
--     echo "SET param_${user}_password = '$(openssl rand -hex 24)';"; done > passwords.sql; chmod 600 passwords.sql
--   cat passwords.sql users.sql | clickhouse-client --secure --user ADMINISTRATOR --ask-password --multiquery
--
-- Another database than `watchline`: replace `watchline.` by its name. users.xml says the same for docker-compose.yml.

CREATE USER IF NOT EXISTS watchline_migrate IDENTIFIED WITH sha256_password BY {migrate_password:String};
GRANT CREATE DATABASE, CREATE TABLE, DROP TABLE, CREATE VIEW, DROP VIEW, ALTER TABLE, SELECT, INSERT ON watchline.* TO watchline_migrate;
-- v_refreshes reads it with the rights of who made the view. A server grants nobody `system.*`, but for a few tables that
-- show each user what it may see: `system.tables`, which `doctor` asks, is one.
GRANT SELECT ON system.view_refreshes TO watchline_migrate;
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
GRANT INSERT ON watchline.governance TO watchline_worker;
GRANT INSERT ON watchline.governance_texts TO watchline_worker;
GRANT INSERT ON watchline.ledger TO watchline_worker;
GRANT INSERT ON watchline.erased TO watchline_worker;
GRANT SELECT ON watchline.migrations TO watchline_worker;
GRANT SELECT ON watchline.v_ledger TO watchline_worker;
GRANT SELECT ON watchline.v_ledger_gaps TO watchline_worker;
GRANT SELECT ON watchline.v_missing_events TO watchline_worker;
GRANT SELECT ON watchline.v_missing_findings TO watchline_worker;
GRANT SELECT ON watchline.v_detached_parts TO watchline_worker;
GRANT SELECT ON watchline.v_conflicts TO watchline_worker;

-- `watchline sql`, `show` and `audit`.
CREATE USER IF NOT EXISTS watchline_reader IDENTIFIED WITH sha256_password BY {reader_password:String}
SETTINGS readonly = 1, max_execution_time = 30, max_memory_usage = 4000000000, max_result_bytes = 67108864, function_range_max_elements_in_block = 8388608;
GRANT SELECT ON watchline.v_* TO watchline_reader;

-- Also the rows below the views, who has which rights, and which statements were run.
CREATE USER IF NOT EXISTS watchline_auditor IDENTIFIED WITH sha256_password BY {auditor_password:String}
SETTINGS readonly = 1, max_execution_time = 600, max_memory_usage = 4000000000;
GRANT SELECT ON watchline.* TO watchline_auditor;
GRANT SELECT ON system.query_log TO watchline_auditor;
GRANT SHOW ACCESS ON *.* TO watchline_auditor;

-- readonly 2 and not 1: reads only, but the client may set its own time limit. Grafana's plugin does: the data source's
-- 60 s and a few more.
CREATE USER IF NOT EXISTS watchline_grafana IDENTIFIED WITH sha256_password BY {grafana_password:String}
SETTINGS readonly = 2, max_execution_time = 60 MAX 120, max_memory_usage = 4000000000 CONST;
GRANT SELECT ON watchline.v_* TO watchline_grafana;
