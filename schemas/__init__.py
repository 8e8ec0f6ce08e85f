"""The contracts: Avro records and codec, ClickHouse migrations and views, the error tree."""
