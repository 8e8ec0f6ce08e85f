"""What the commands' parsers share."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from watchline.schemas.errors import ConfigurationError

_BETWEEN_WORDS: Any = {"break_long_words": False, "break_on_hyphens": False}
FORMATS = ("table", "vertical", "csv", "json")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Help that is wrapped to the terminal between words, and only there: ids, paths and URLs stay whole.

    A description is one paragraph. An example keeps its lines; one that is too long goes on further in.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = []
        for line in text.splitlines() or [""]:
            inner = indent + line[: len(line) - len(line.lstrip())]
            lines += textwrap.wrap(
                line.strip(),
                width,
                initial_indent=inner,
                subsequent_indent=inner + "    " * bool(inner),
                **_BETWEEN_WORDS,
            ) or [""]
        return "".join(f"{line}\n" for line in lines)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, **_BETWEEN_WORDS)


class UsageError(ConfigurationError):
    """The command line itself is wrong: exit code 2."""


def command(
    subparsers: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    help: str,
    example: str,
    description: str = "",
) -> argparse.ArgumentParser:
    """A parser for one command, with its purpose in a line and an example."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=help,
        description=description or help[0].upper() + help[1:] + ".",
        epilog=f"example:\n{example}",
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def actions_of(
    parser: argparse.ArgumentParser, *, required: bool = True
) -> Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]:
    """What adds an action to a command that has several, each with its purpose in a line: its name, run and help.

    `required`: the command does nothing of its own.
    """
    actions = parser.add_subparsers(metavar="ACTION", dest="action", required=required)

    def action(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = actions.add_parser(
            name, help=help, description=help[0].upper() + help[1:] + ".", formatter_class=HelpFormatter
        )
        sub.set_defaults(run=run)
        return sub

    return action


def add_format(parser: argparse.ArgumentParser) -> None:
    """Adds `--format`."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="how to print it (default: table, or vertical, one field a line, where a table is too wide)",
    )


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Adds `--param NAME=VALUE`, for each {NAME:Type} in the SQL."""
    parser.add_argument(
        "--param",
        metavar="NAME=VALUE",
        dest="parameters",
        type=_parameter,
        action="append",
        default=[],
        help="value of {NAME:Type} in the SQL; may come more than once",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def number(least: int, most: int) -> Callable[[str], int]:
    """What reads a whole number within limits on the command line."""

    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most:,}")
        return int(text)

    return read


def share(text: str) -> float:
    """A share on the command line: above 0 and below 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and below 1")
    return value


def moment(text: str) -> datetime:
    """A time on the command line: ISO 8601 (UTC where it has no zone), or so long ago as 30m, 2h, 3d say."""
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if match := re.fullmatch(r"(\d{1,6})([mhd])", text):
            return datetime.now(UTC) - timedelta(**{units[match[2]]: int(match[1])})
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is neither ISO 8601 nor like 30m, 2h, 3d") from None
