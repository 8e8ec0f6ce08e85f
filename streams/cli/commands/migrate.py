"""`watchline migrate`: topics, database, tables and views."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import out


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "migrate",
        run,
        help="bring Kafka's topics and ClickHouse's tables and views to this version and its settings",
        description="Creates the Kafka topics that are missing, gives those that are there the retention of the "
        "settings, brings the ClickHouse database to this version and makes its views anew. Says what it changes of a "
        "topic before it does; safe to run again. A retention is shortened with --shorten only, and never below the "
        "lag: what the workers have not acknowledged yet stays. With WATCHLINE_SCHEMA_REGISTRY_URL it first registers "
        "the Avro schemas, and changes nothing when the registry finds one of them incompatible.",
        example="  export WATCHLINE_KAFKA_URL=kafka://kafka:9092 WATCHLINE_CLICKHOUSE_URL=http://clickhouse:8123\n"
        "  watchline migrate --dry-run     what it would do to the topics\n"
        "  watchline migrate",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would become of the topics, and do nothing")
    parser.add_argument("--shorten", action="store_true", help="shorten retention, where the settings say less")


def run(args: argparse.Namespace) -> int:
    """Creates what is missing, alters what is otherwise, and says what it was."""
    from watchline.schemas.migrate import migrate
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.kafka import admin, reconcile, schema_registry
    from watchline.streams.settings import load

    settings = load()
    changes = reconcile.plan(settings, shorten=args.shorten)
    if args.dry_run:
        todo = [*map(str, changes), *(f"{name}: to be created" for name in admin.missing(settings))]
        out("\n".join(todo) or f"topics at {settings.bootstrap_servers}: nothing to do")
        return 0
    registry = schema_registry.connect(settings.schema_registry, settings.topic_prefix)
    registered = registry.register() if registry is not None else []
    for change in changes:
        out(str(change))
    reconcile.apply(settings, changes)
    created = admin.create(settings)
    with store.running(settings), closing(connect(settings, database="")) as client:
        applied = migrate(client, settings.clickhouse_database)
    if registry is not None:
        out(f"schemas at {registry.url}: {'registered ' + ', '.join(registered) if registered else 'all there'}")
    done = [f"created {', '.join(created)}"] if created else []
    if altered := [change for change in changes if not change.kept]:
        done.append(f"{len(altered)} values altered")
    out(f"topics at {settings.bootstrap_servers}: {'; '.join(done) or 'all there'}")
    out(
        f"database {settings.clickhouse_database}: "
        f"{'applied ' + ', '.join(applied) if applied else 'no new migrations'}; views made anew"
    )
    return 0
