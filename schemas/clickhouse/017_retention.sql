-- For how long rows are kept, as `watchline retention apply` has put it in force: the whole of it each time that it changes.
CREATE TABLE IF NOT EXISTS retention
(
    since DateTime64(3, 'UTC') COMMENT 'when it was put in force',
    class LowCardinality(String) COMMENT 'text, rows or metrics',
    app LowCardinality(String) COMMENT 'empty: every app that has no row of its own',
    days UInt16 COMMENT 'whole days before today'
)
ENGINE = MergeTree
ORDER BY (since, class, app);
