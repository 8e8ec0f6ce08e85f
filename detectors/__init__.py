"""Text in, findings out: pure, batched, deterministic; no Kafka, no ClickHouse, no clock."""
