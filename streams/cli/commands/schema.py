"""`watchline schema`: what can be read, in words."""

from __future__ import annotations

import argparse
from typing import Any

from watchline.streams.cli import output
from watchline.streams.cli.arguments import add_format, command


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "schema",
        run,
        help="list the views, or a view's columns with their types and meanings",
        description="Lists the views that `watchline sql` reads, and what each has a row for; of one view its columns, "
        "their types and what they mean. Needs no store.",
        example="  watchline schema\n  watchline schema v_findings",
    )
    parser.add_argument("view", metavar="VIEW", nargs="?", help="the view whose columns are listed; v_ may be left out")
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the views or the columns."""
    from watchline.schemas.views import views
    from watchline.streams.query import catalogue

    if args.view is None:
        rows = [[name, view.one_row_for] for name, view in views().items()]
        output.write(["view", "one row for"], rows, args.format)
        return 0
    columns = catalogue.columns(args.view if args.view.startswith("v_") else f"v_{args.view}")
    if args.format == "table":  # two columns leave room for the words
        output.write(["column", "what it is"], [[name, f"{kind}: {text}"] for name, kind, text in columns], args.format)
    else:
        output.write(["column", "type", "what it is"], columns, args.format)
    return 0
