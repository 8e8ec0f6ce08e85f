"""The one way to ClickHouse: clients, rows, inserts."""
