"""`watchline config`: the settings in force."""

from __future__ import annotations

import argparse
from typing import Any

from watchline.streams.cli import output
from watchline.streams.cli.arguments import add_format, command


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "config",
        run,
        help="show the settings in force and where each comes from",
        description="Shows every setting, its value and where it comes from: the environment, the TOML file that "
        "WATCHLINE_CONFIG names (default ./watchline.toml), or the default. Secrets are never shown.",
        example="  watchline config\n  WATCHLINE_BATCH_SIZE=64 watchline config --format json",
    )
    add_format(parser)


def run(args: argparse.Namespace) -> int:
    """Prints them."""
    from watchline.streams.settings import load, shown

    output.write(["setting", "value", "from"], shown(load()), args.format)
    return 0
