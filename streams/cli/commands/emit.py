"""`watchline emit`: interactions from JSON lines, through the same producer that apps use."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid5

from watchline.schemas.errors import WatchlineError
from watchline.streams import Producer
from watchline.streams.cli.arguments import UsageError, command
from watchline.streams.cli.output import out
from watchline.streams.producer.producer import disabled

NAMESPACE = UUID("c4be76c6-6b0a-5a71-a9d7-0a5a3f1a6f04")
# Well within the producer's buffer, which drops the oldest when it is full.
FLUSH_EVENTS, FLUSH_BYTES = 5_000, 16 * 1024 * 1024
PATIENCE_S = 30.0  # without a sign of life from Kafka

_KNOWN = {"input", "model", *(Producer.emit.__kwdefaults__ or ())}


class LineError(ValueError):
    """A line that can't be sent; the text never quotes it."""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "emit",
        run,
        help="send interactions from a file of JSON lines",
        description="Sends interactions, one JSON object a line, with the arguments of Producer.emit as fields; time "
        "in seconds since 1970 or as ISO 8601 with a zone. Events get their ids from the file's hash and the line's "
        "number, so a second run adds nothing. Lines without a time get that of the file's last change, or the present "
        "for standard input: give times there if it may run again on another day. A line that can't be sent is "
        "reported with its number, the others are sent, and the exit code is 1.",
        example="  watchline emit interactions.jsonl --app support-bot\n"
        '  echo \'{"input": "What is 2+2?", "output": "4", "model": "gpt-4o"}\' | watchline emit - --app try',
    )
    parser.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    parser.add_argument("--app", default="default", help="whose traffic this is (default: default)")
    parser.add_argument("--environment", help="where it ran (default: WATCHLINE_ENVIRONMENT, or default)")
    parser.add_argument("--kafka", metavar="URL", help="default: WATCHLINE_KAFKA_URL, or localhost:9092")


def run(args: argparse.Namespace) -> int:
    """Sends the lines."""
    if disabled():
        raise WatchlineError("WATCHLINE_DISABLED is set: nothing is sent")
    with (
        opened(args.file) as (file, modified),
        Producer(args.kafka, app=args.app, environment=args.environment, strict=True) as producer,
    ):
        good = _send(file, modified, producer)
    stats = producer.stats
    lost = {reason: count for reason, count in stats.dropped_by.items() if not reason.startswith("bad value:")}
    out(f"{stats.delivered} events sent")
    for reason, count in lost.items():
        sys.stderr.write(f"{count} events not sent: {reason}\n")
    return 0 if good and not lost else 1


def _send(file: IO[bytes], modified: float, producer: Producer) -> bool:
    """Emits each line; whether each was good and Kafka took what it was given. Stops where Kafka takes nothing."""
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # IO lacks readinto
    length = file.tell()
    file.seek(0)
    good = True
    events = size = done = number = 0
    for number, line in enumerate(file, 1):
        done += len(line)
        if not line.strip():
            continue
        try:
            given = arguments(line)
            defaults = {"event_id": str(uuid5(NAMESPACE, f"{digest}:{number}")), "time": modified, "model": None}
            producer.emit(**{**defaults, **given})
        except (LineError, WatchlineError) as error:
            good = False
            sys.stderr.write(f"line {number}: {error}\n")
        events, size = events + 1, size + len(line)
        if events >= FLUSH_EVENTS or size >= FLUSH_BYTES:
            if not _flush(producer, number):
                return False
            events = size = 0
            _show_progress(done, length)
    complete = _flush(producer, number)
    _show_progress(length, length, end="\n")
    return complete and good


@contextmanager
def opened(name: str) -> Iterator[tuple[IO[bytes], float]]:
    """The input, which can be read twice, and the time of its events that have none."""
    if name == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.seek(0)
            yield copy, time.time()
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from None
    with file:
        yield file, os.fstat(file.fileno()).st_mtime


def arguments(line: bytes) -> dict[str, Any]:
    """What a line says, as `Producer.emit` takes it. Raises LineError."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        raise LineError("not JSON in UTF-8") from None
    if not isinstance(event, dict):
        raise LineError("not a JSON object")
    if unknown := sorted(event.keys() - _KNOWN):
        raise LineError(f"unknown field {unknown[0]!a}; known are {', '.join(sorted(_KNOWN))}")
    if "input" not in event:
        raise LineError("input is missing")
    if isinstance(event.get("time"), str):
        try:
            event["time"] = datetime.fromisoformat(event["time"])
        except ValueError:
            raise LineError("time: ISO 8601 with a zone, or seconds since 1970") from None
    return {name: value for name, value in event.items() if value is not None or name == "input"}


def _flush(producer: Producer, number: int) -> bool:
    """Waits until Kafka has everything up to this line; False, and said, when it takes nothing for a while."""
    before = producer.stats.delivered
    while not producer.flush(PATIENCE_S):
        if producer.stats.delivered == before:
            sys.stderr.write(f"Kafka took nothing for {PATIENCE_S:.0f} s: stopped after line {number}\n")
            return False
        before = producer.stats.delivered
    return True


def _show_progress(done: int, length: int, end: str = "") -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{100 * done // max(1, length)} %{end}")
        sys.stderr.flush()
