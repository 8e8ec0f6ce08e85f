"""ClickHouse: clients, rows, inserts."""
