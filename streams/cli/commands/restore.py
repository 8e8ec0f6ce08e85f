"""`watchline restore`: brings a backup back."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError, TransientError
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
        "What was erased since is erased again before anybody can read it; where nobody knows what that is, nothing is "
        "restored. "
        "Stop the worker first; what was stored after the backup comes again from Kafka once the group is set back.",
        example="  mv .watchline .watchline.old\n"
        "  watchline restore /var/backups/watchline/2026-11-28 --erasures .watchline.old/governance/tombstones.jsonl",
    )
    parser.add_argument("place", metavar="PLACE", help=PLACE)
    parser.add_argument(
        "--erasures",
        metavar="FILE",
        help="what was erased, where Kafka is away: `governance/tombstones.jsonl` of the data folder before; "
        "none: nothing ever was",
    )


def run(args: argparse.Namespace) -> int:
    """Restores it, and says how many rows each table has."""
    from watchline.schemas.migrate import migrate
    from watchline.streams.clickhouse import backup
    from watchline.streams.clickhouse.connect import connect
    from watchline.streams.embedded import store
    from watchline.streams.governance import eraser
    from watchline.streams.settings import load

    settings = load()
    place = where(settings, args.place)
    timeout_s = backup.REQUEST_TIMEOUT_S
    stones = _tombstones(settings, args.erasures)
    with store.running(settings), closing(connect(settings, database="", timeout_s=timeout_s)) as client:
        counts = backup.restore(client, settings.clickhouse_database, place)
        try:
            applied = migrate(client, settings.clickhouse_database)
            erased = eraser.obey(client, stones, lambda line: None)
        except BaseException:
            backup.remove(client, settings.clickhouse_database)  # it holds what was erased
            raise
    for erasure, events in erased.items():
        out(f"erased again under certificate {erasure}: {events} events")
    out(f"database {settings.clickhouse_database} is restored from {place}; rows: {said(counts)}")
    if applied:
        out(f"applied {', '.join(applied)}: the backup was of an earlier version")
    return 0


def _tombstones(settings: Any, file: str | None) -> list[Any]:
    """What was erased: of Kafka, of the data folder and of the file. Raises ConfigurationError where nobody knows."""
    from watchline.streams.kafka import admin, tombstones

    known = tombstones.Known(settings)
    if file not in (None, "none"):
        known.add(tombstones.read_file(Path(file)))
    try:
        admin.create(settings)
        known.refresh()
    except TransientError as error:
        if file is None:
            raise ConfigurationError(
                f"what was erased since the backup is not known, and nothing is restored: {error}; name the file "
                "governance/tombstones.jsonl of the data folder before by --erasures, or say --erasures none where "
                "nothing ever was"
            ) from None
    return [*known]
