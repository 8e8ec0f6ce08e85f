"""`watchline tail`: events as they are stored."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.streams.cli.arguments import command, moment
from watchline.streams.cli.output import out

LOOK_S = 1.0


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "tail",
        run,
        help="show events as they are stored: a line for each, until Ctrl-C",
        description="Prints a line for each event once it is stored: its time (UTC), app, prompt version, what was "
        "flagged, and its id for `watchline show`. Looks once a second. Ctrl-C ends it.",
        example="  watchline tail --app support-bot --flagged\n  watchline tail --since 10m",
    )
    parser.add_argument("--app", default="", help="only events of this app")
    parser.add_argument("--flagged", action="store_true", help="only events that a detector has flagged")
    parser.add_argument(
        "--since", type=moment, metavar="TIME",
        help="also what was stored since then: ISO 8601 (UTC where it has no zone), or 30m, 2h, 3d (default: now)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Prints until it is told to stop."""
    from watchline.streams.cli.events import line
    from watchline.streams.cli.recorded import open_queries
    from watchline.streams.embedded.store_process import answers
    from watchline.streams.query.arrivals import Arrivals
    from watchline.streams.settings import load

    settings = load()
    if settings.embedded_store and not answers(settings.store_socket):
        # A store of our own would keep the worker that is to come from its folder.
        raise ConfigurationError(
            f"no worker runs on {settings.data_dir}, so nothing arrives: `watchline up`, or set WATCHLINE_DATA_DIR"
        )
    with open_queries(settings) as queries:
        arrivals = Arrivals(queries, args.since, app=args.app)
        trouble = ""
        while True:
            try:
                for arrival in arrivals.look():
                    if arrival.flags or not args.flagged:
                        out(line(arrival))
                sys.stdout.flush()
                trouble = ""
            except TransientError as error:
                if not trouble:
                    sys.stderr.write(f"{error}; waiting for it\n")
                trouble = str(error)
            time.sleep(LOOK_S)
