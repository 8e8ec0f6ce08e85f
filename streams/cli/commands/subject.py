"""`watchline subject`: what is held of a person, for the person (GDPR, Articles 15 and 20)."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.arguments import UsageError, actions_of, add_format, command
from watchline.streams.cli.commands.erase import NOTHING_FOUND, add_ids, ids_of, stored_as
from watchline.streams.cli.output import as_json, out, safe, write


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "subject",
        _show,
        help="show or export what is held of a person",
        description="Finds what `watchline erase` would erase, by the same places and the same rule for spellings. "
        "Texts are as stored: after redaction. In a conversation with others, what they said is masked, and counted. "
        f"Exit code {NOTHING_FOUND}: nothing was found.",
        example="  watchline subject show --subject customer-17\n"
        "  watchline subject export --subject customer-17 --out customer-17.json",
    )
    action = actions_of(parser)
    show = action("show", _show, "show how much each place holds")
    add_ids(show, ("subject",))
    add_format(show)
    export = action("export", _export, "write all of it as JSON, into a new file that only you can read")
    add_ids(export, ("subject",))
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")


def _show(args: argparse.Namespace) -> int:
    found = _held(args)
    rows = [[f"table {name}", len(rows), *_span(rows)] for name, rows in found["places"].items()]
    write(["place", "rows", "first", "last"], rows, args.format)
    return _said(found, args.format == "table")


def _export(args: argparse.Namespace) -> int:
    found = _held(args)
    try:
        with os.fdopen(os.open(args.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(as_json(found, indent=1) + "\n")
    except FileExistsError:
        raise ConfigurationError(f"there is a file {args.out} already") from None
    out(f"written to {args.out}")
    return _said(found, True)


def _held(args: argparse.Namespace) -> dict[str, Any]:
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.governance import access, ids
    from watchline.streams.settings import load

    settings = load()
    kind, texts, keys = ids_of(args, settings)
    if args.app:
        raise UsageError("a person is told of all apps: leave --app out")
    stored = stored_as(kind, texts, keys)
    with open_queries(settings) as queries:
        found = access.held(queries, stored)
        others = {
            other: events
            for text in texts
            for other in ids.other_cases(text)
            if keys and (events := access.count(queries, ids.stored_as(kind, other, keys)))
        }
    return {"ids": texts, "stored_as": stored, **found, "not_included": others}


def _span(rows: list[dict[str, Any]]) -> list[str]:
    times = sorted(str(row["time"]) for row in rows)
    return [times[0], times[-1]] if times else ["", ""]


def _said(found: dict[str, Any], aloud: bool) -> int:
    if aloud:
        if found["masked"]:
            out(f"{found['masked']} messages of others, in the same conversations, are masked")
        for other, events in found["not_included"].items():
            out(f"{events} events are of {safe(other)}, which differs in case: another id, and not included")
        out("raw topics hold events as they were sent until they expire; they are not in here")
    return 0 if any(found["places"].values()) else NOTHING_FOUND
