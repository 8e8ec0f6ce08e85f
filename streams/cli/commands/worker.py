"""`watchline worker`: scores what comes, until it is told to stop."""

from __future__ import annotations

import argparse
from typing import Any

from watchline.streams.cli.arguments import command


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    command(
        subparsers,
        "worker",
        run,
        help="run one worker: Kafka in, scores into ClickHouse",
        description="Runs one worker until SIGTERM or Ctrl-C; then it finishes what it has begun. Exit code 1 when an "
        "error stopped it: nothing is acknowledged that isn't stored, so start it again. Several workers share the "
        "partitions when each has a WATCHLINE_GROUP_INSTANCE_ID of its own.",
        example="  export WATCHLINE_KAFKA_URL=kafka://kafka:9092 WATCHLINE_CLICKHOUSE_URL=http://clickhouse:8123\n"
        "  watchline migrate && watchline worker",
    )


def run(args: argparse.Namespace) -> int:
    """Runs it."""
    from watchline.streams.settings import load
    from watchline.streams.worker import process

    return process.run(load())
