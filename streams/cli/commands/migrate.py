"""`watchline migrate`: topics, database, tables and views."""

from __future__ import annotations

import argparse
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import out


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command(
        subparsers,
        "migrate",
        run,
        help="create the Kafka topics and the ClickHouse tables and views that are missing",
        description="Creates the Kafka topics that are missing, brings the ClickHouse database to this version and "
        "makes its views anew. Safe to run again; what exists stays as it is. With WATCHLINE_SCHEMA_REGISTRY_URL it "
        "first registers the Avro schemas, and changes nothing when the registry finds one of them incompatible.",
        example="  export WATCHLINE_KAFKA_URL=kafka://kafka:9092 WATCHLINE_CLICKHOUSE_URL=http://clickhouse:8123\n"
        "  watchline migrate",
    )


def run(args: argparse.Namespace) -> int:
    """Creates what is missing and says what it was."""
    from watchline.schemas.migrate import migrate
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.kafka import schema_registry, topics
    from watchline.streams.settings import load

    settings = load()
    registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
    registered = registry.register() if registry is not None else []
    created = topics.create(settings)
    client = connect(settings, database="")
    try:
        applied = migrate(client, settings.clickhouse_database)
    finally:
        client.close()
    if registry is not None:
        out(f"schemas at {registry.url}: {'registered ' + ', '.join(registered) if registered else 'all there'}")
    out(f"topics at {settings.bootstrap_servers}: {'created ' + ', '.join(created) if created else 'all there'}")
    out(
        f"database {settings.clickhouse_database}: "
        f"{'applied ' + ', '.join(applied) if applied else 'no new migrations'}; views made anew"
    )
    return 0
