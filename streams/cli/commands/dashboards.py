"""`watchline dashboards`: the boards and alert rules, checked, written as Grafana's files, published."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli import output
from watchline.streams.cli.arguments import UsageError, command

_TOKEN = "GRAFANA_TOKEN"  # noqa: S105  the variable's name


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    example = (
        "  watchline dashboards check\n"
        "  watchline dashboards write --to /etc/grafana/watchline\n"
        "  GRAFANA_TOKEN=... watchline dashboards publish --url https://grafana.example.org"
    )
    parser = command(
        subparsers, "dashboards", check, help="boards and alert rules: check, write, publish", example=example
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    checking = command(
        actions,
        "check",
        check,
        help="find broken queries, labels, links and rules",
        description="Finds broken macros, columns, panels, links, labels and rules: every query is described by an "
        "empty "
        "store of its own. Exit code 1 where something is broken.",
        example=example,
    )
    checking.add_argument(
        "--files", type=Path, metavar="DIR", help="hold these files against what would be written, too"
    )
    _add_page(checking)
    writing = command(actions, "write", write, help="write Grafana's provisioning files", example=example)
    writing.add_argument(
        "--to", type=Path, metavar="DIR", required=True, help="where to: boards/, alerting/, channels/"
    )
    _add_page(writing)
    for name, run, help_ in (
        ("publish", publish, "push the boards to a Grafana that isn't provisioned by files"),
        ("diff", diff, "say how a Grafana's boards differ from these; exit code 1 where they do"),
    ):
        action = command(actions, name, run, help=help_, example=example)
        action.add_argument("--url", required=True, help="address of the Grafana")
        _add_page(action)


def _add_page(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--page", default="", metavar="URL", help="of Watchline's own page, for panels to lead to")


def check(args: argparse.Namespace) -> int:
    """Prints what is broken."""
    import json

    from watchline.dashboards import check as checks
    from watchline.dashboards import grafana
    from watchline.dashboards.alert_rules import all_rules
    from watchline.dashboards.boards import all_boards

    written = grafana.files(args.page)
    problems = [*_described(all_boards(), all_rules())]
    for name, text in written.items():
        if name.startswith("boards/"):
            problems += checks.overlaps(json.loads(text))
    if args.files is not None:
        problems += _outdated(args.files, written)
    for problem in problems:
        output.out(output.safe(problem))
    if not problems:
        output.out(f"{len(all_boards())} boards and {len(all_rules())} rules: nothing is broken")
    return int(bool(problems))


def _described(boards: Any, rules: Any) -> list[str]:
    import clickhouse_connect

    from watchline.dashboards.check import check
    from watchline.schemas.migrate import migrate

    with tempfile.TemporaryDirectory(prefix="watchline-check-") as folder:
        client = clickhouse_connect.get_client(interface="chdb", path=folder)
        with closing(client):
            migrate(client, "watchline")
            return check(boards, rules, client)


def _outdated(folder: Path, written: Mapping[str, str]) -> list[str]:
    return [
        f"{folder / name}: is not what would be written"
        for name, text in written.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def write(args: argparse.Namespace) -> int:
    """Writes the files and prints their names."""
    from watchline.dashboards import grafana

    for name, text in grafana.files(args.page).items():
        path = args.to / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} can't be written: {error.strerror}") from None
        output.out(str(path))
    return 0


def publish(args: argparse.Namespace) -> int:
    """Prints the addresses of the boards."""
    from watchline.dashboards.publish import publish as push

    for address in push(args.url, _token(), args.page):
        output.out(address)
    return 0


def diff(args: argparse.Namespace) -> int:
    """Prints the differences."""
    from watchline.dashboards.publish import diff as compare

    differences = compare(args.url, _token(), args.page)
    for line in differences:
        output.out(output.safe(line))
    return int(bool(differences))


def _token() -> str:
    token = os.environ.get(_TOKEN, "")
    if not token:
        raise UsageError(f"{_TOKEN} must have the token of a service account that may edit dashboards")
    return token
