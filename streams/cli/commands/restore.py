"""`watchline restore`: brings a backup back."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.commands.backup import PLACE, said, where
from watchline.streams.cli.output import out


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "restore",
        run,
        help="bring back what `watchline backup` wrote, into an empty database",
        description="Restores a backup into a database without tables, reads every part against its checksums, and "
        "brings the schema to this version. A backup that is damaged or not complete is refused, and leaves nothing. "
        "Stop the worker first; what was stored after the backup comes again from Kafka once the group is set back.",
        example="  mv .watchline .watchline.old\n  watchline restore /var/backups/watchline/2026-11-28",
    )
    parser.add_argument("place", metavar="PLACE", help=PLACE)


def run(args: argparse.Namespace) -> int:
    """Restores it, and says how many rows each table has."""
    from watchline.schemas.migrate import migrate
    from watchline.streams.clickhouse import backup
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.settings import load

    settings = load()
    place = where(settings, args.place)
    timeout_s = backup.REQUEST_TIMEOUT_S
    with store.running(settings), closing(connect(settings, database="", timeout_s=timeout_s)) as client:
        counts = backup.restore(client, settings.clickhouse_database, place)
        applied = migrate(client, settings.clickhouse_database)
    out(f"database {settings.clickhouse_database} is restored from {place}; rows: {said(counts)}")
    if applied:
        out(f"applied {', '.join(applied)}: the backup was of an earlier version")
    return 0
