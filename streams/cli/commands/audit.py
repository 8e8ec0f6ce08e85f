"""`watchline audit`: the questions an auditor asks, each answered by one SQL file."""

from __future__ import annotations

import argparse
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli import output
from watchline.streams.cli.arguments import UsageError, add_format, add_parameters, command


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    example = (
        "  watchline audit list\n"
        "  watchline audit query coverage --param since=2026-01-01 --param until=2026-01-31 --format csv"
    )
    parser = command(
        subparsers, "audit", list_, help="answer an auditor's question from the stored rows", example=example
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add_format(command(actions, "list", list_, help="the queries, and the question each answers", example=example))
    query = command(actions, "query", run, help="run one of the queries", example=example)
    query.add_argument("name", metavar="NAME", help="as `watchline audit list` shows it")
    query.add_argument("--show", action="store_true", help="print the SQL and what its parameters mean; run nothing")
    add_parameters(query)
    add_format(query)


def list_(args: argparse.Namespace) -> int:
    """Prints names, questions and parameters with their defaults."""
    from watchline.dashboards import audits

    queries = [audits.load(name) for name in audits.names()]
    rows = [
        [audit.name, audit.question, " ".join(f"{k}={v}" for k, v in audit.parameters.items())] for audit in queries
    ]
    output.write(["name", "question", "parameters"], rows, args.format)
    return 0


def run(args: argparse.Namespace) -> int:
    """Prints the rows of one audit query."""
    from watchline.dashboards import audits
    from watchline.streams.query.open import open_queries
    from watchline.streams.settings import load

    values = dict(args.parameters)
    try:
        audit = audits.load(args.name)
        audit.statement(**values)
    except ConfigurationError as error:
        raise UsageError(str(error)) from None
    if args.show:
        output.out(audit.sql.rstrip())
        return 0
    with open_queries(load()) as queries:
        result = queries.query(audit.sql, {**audit.parameters, **values})
    output.write(result.columns, result.rows, args.format)
    return 0
