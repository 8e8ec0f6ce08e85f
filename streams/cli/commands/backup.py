"""`watchline backup`: a copy of everything stored."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from watchline.streams.cli.arguments import command
from watchline.streams.cli.output import out

PLACE = (
    "of the embedded store a folder, or a file that ends with .tar; of a server its name below the server's "
    "backups.allowed_path"
)


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "backup",
        run,
        help="copy everything stored to a folder, while the worker runs",
        description="Writes a backup of the database: tables as they are, and views. Workers go on storing, readers "
        "reading. `watchline restore` brings it back. What raw topics hold is not in it, nor are settings.",
        example="  watchline backup /var/backups/watchline/2026-11-28",
    )
    parser.add_argument("place", metavar="PLACE", help=PLACE)


def run(args: argparse.Namespace) -> int:
    """Writes it, and says how many rows each table had."""
    from watchline.streams.clickhouse import backup
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.settings import load

    settings = load()
    place = where(settings, args.place)
    timeout_s = backup.REQUEST_TIMEOUT_S
    with store.running(settings), closing(connect(settings, database="", timeout_s=timeout_s)) as client:
        counts = backup.rows(client, settings.clickhouse_database)
        backup.back_up(client, settings.clickhouse_database, place)
    out(f"database {settings.clickhouse_database} is backed up at {place}; rows when it began: {said(counts)}")
    return 0


def where(settings: Any, place: str) -> str:
    """The place as ClickHouse takes it."""
    return str(Path(place).absolute()) if settings.embedded_store else place


def said(counts: dict[str, int]) -> str:
    """The rows of each table in words.

    Examples
    --------
    >>> said({"feedback": 2, "interactions": 1200})
    'feedback 2, interactions 1200'
    """
    return ", ".join(f"{table} {count}" for table, count in counts.items())
