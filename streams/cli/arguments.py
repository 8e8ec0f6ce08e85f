"""What the commands' parsers share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from watchline.schemas.errors import ConfigurationError

FORMATS = ("table", "csv", "json")


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
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_format(parser: argparse.ArgumentParser) -> None:
    """Adds `--format`."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="how to print it (default: table)")


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
