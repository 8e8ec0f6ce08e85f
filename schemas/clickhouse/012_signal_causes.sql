-- What explains a change, since when at the earliest and latest, what moved with it, and whether it may wake somebody.
ALTER TABLE signals
    ADD COLUMN IF NOT EXISTS since_from Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS since_to Nullable(DateTime64(6, 'UTC')),
    ADD COLUMN IF NOT EXISTS cause LowCardinality(String),
    ADD COLUMN IF NOT EXISTS cause_value String,
    ADD COLUMN IF NOT EXISTS cause_kind LowCardinality(String),
    ADD COLUMN IF NOT EXISTS ruled_out Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS moved_with Array(LowCardinality(String)),
    ADD COLUMN IF NOT EXISTS examples_before Array(UUID),
    ADD COLUMN IF NOT EXISTS examples_after Array(UUID),
    ADD COLUMN IF NOT EXISTS page Bool DEFAULT true;
