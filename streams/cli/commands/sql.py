"""`watchline sql`: one SELECT over the views."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from watchline.streams.cli import output
from watchline.streams.cli.arguments import add_format, add_parameters, command


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "sql",
        run,
        help="read what is stored: one SELECT over the views",
        description="Runs one SELECT over the views (v_*), read-only and with limits: 30 s, 100,000 rows, 64 MiB; or "
        "SHOW TABLES, or DESCRIBE of a view. An embedded store that no worker has open is opened for it.",
        example='  watchline sql "SELECT app, count() FROM v_interactions GROUP BY app"\n'
        '  watchline sql "DESCRIBE v_findings"\n'
        '  watchline sql "SELECT * FROM v_findings WHERE event_id = {id:UUID}" --param id=... --format json\n'
        "  watchline sql - < query.sql",
    )
    parser.add_argument("sql", metavar="SQL", help="the SELECT; - reads it from standard input")
    add_parameters(parser)
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the rows."""
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.query import catalogue
    from watchline.streams.settings import load

    sql = sys.stdin.read() if args.sql == "-" else args.sql
    result = catalogue.answer(sql)
    if result is None:
        with open_queries(load()) as queries:
            result = queries.query(sql, dict(args.parameters))
    output.write(result.columns, result.rows, args.format)
    return 0
