"""`watchline emit`: interactions from a file of JSON, through the same producer that apps use."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID, uuid5

from watchline.schemas.errors import WatchlineError
from watchline.streams import Producer
from watchline.streams.cli.arguments import UsageError, command
from watchline.streams.cli.first_times import first_time
from watchline.streams.cli.output import out
from watchline.streams.ingest.history import READERS, Reader
from watchline.streams.producer.arguments import SOURCES
from watchline.streams.producer.producer import disabled

NAMESPACE = UUID("c4be76c6-6b0a-5a71-a9d7-0a5a3f1a6f04")
# Well within the producer's buffer, which drops the oldest when it is full.
FLUSH_EVENTS, FLUSH_BYTES = 5_000, 16 * 1024 * 1024
PATIENCE_S = 30.0  # without a sign of life from Kafka

_TO_JUDGE = ("input", "output", "error", "tool_calls", "documents")  # without any of these there is nothing to keep
_GZIP, _UTF_16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")


_WORD = re.compile(r"\S")


class LineError(ValueError):
    """A line that can't be sent; the text never quotes it."""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    parser = command(
        subparsers,
        "emit",
        run,
        help="send interactions from a file of JSON",
        description="Sends interactions: JSON objects with the arguments of Producer.emit as fields, one a line, in an "
        "array, or pretty-printed; also gzipped, and in UTF-16. Events get their ids from what they say, so a second "
        "run adds nothing, nor does a copy of the file, or the file once more lines have come. Those without a time "
        "get that of the file's last change, or the present for standard input, when it is first sent, which is kept "
        "in WATCHLINE_DATA_DIR. A value that can't be read is left "
        "out, a field that Producer.emit doesn't know is kept as an attribute, and both are counted; with --strict "
        "such an event isn't sent. One that can't be sent is reported with its line, the others are sent, and the exit "
        "code is 1.",
        example="  watchline emit interactions.jsonl --app support-bot\n"
        "  watchline emit --from langfuse observations.jsonl.gz --app support-bot\n"
        '  echo \'{"input": "What is 2+2?", "output": "4", "model": "gpt-4o"}\' | watchline emit - --app try',
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a file, or - for standard input")
    parser.add_argument(
        "--from",
        dest="form",
        choices=list(READERS),
        help="what another tool has kept: langfuse, its export of observations or traces; openai-batch, the files of "
        "requests and of results of OpenAI's Batch API, in this order; otlp, OpenTelemetry's traces in JSON, as the "
        "collector's file exporter writes them",
    )
    parser.add_argument("--app", default="default", help="whose traffic this is (default: default)")
    parser.add_argument("--environment", help="where it ran (default: WATCHLINE_ENVIRONMENT, or default)")
    parser.add_argument(
        "--source",
        choices=SOURCES,
        help="experiment, replay and canary are in no rate and no alert (default: WATCHLINE_SOURCE, or production)",
    )
    parser.add_argument("--strict", action="store_true", help="don't send an event with a field that can't be read")
    parser.add_argument("--kafka", metavar="URL", help="default: WATCHLINE_KAFKA_URL, or localhost:9092")


def run(args: argparse.Namespace) -> int:
    """Sends the lines."""
    if disabled():
        raise WatchlineError("WATCHLINE_DISABLED is set: nothing is sent")
    read = READERS[args.form]() if args.form else _as_it_is
    seen: Counter[bytes] = Counter()
    good = True
    with Producer(
        args.kafka, app=args.app, environment=args.environment, source=args.source, strict=args.strict
    ) as producer:
        for name in args.files:
            with opened(name) as (file, modified):
                good = _send(file, modified, producer, read, seen) and good
    stats = producer.stats
    lost = {reason: count for reason, count in stats.dropped_by.items() if not reason.startswith("bad value:")}
    out(f"{stats.delivered} events sent")
    for name, count in stats.unreadable.items():
        sys.stderr.write(f"{count} with a field that was left out or kept as an attribute: {name!a}\n")
    for reason, count in lost.items():
        sys.stderr.write(f"{count} events not sent: {reason}\n")
    return 0 if good and not lost else 1


def _as_it_is(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield dict(given)


def _send(file: IO[bytes], modified: float, producer: Producer, read: Reader, seen: Counter[bytes]) -> bool:
    """Emits each event; whether each was good and Kafka took what it was given. Stops where Kafka takes nothing."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    good = True
    when: float | None = None
    events = size = number = 0
    for number, given, done in _given(file):
        try:
            if isinstance(given, LineError):
                raise given
            for event in read(given):
                written = json.dumps(event, sort_keys=True).encode()
                digest = hashlib.blake2b(written, digest_size=16).digest()
                seen[digest] += 1  # what stands there twice is two events
                if when is None and event.get("time") is None:
                    when = first_time(file, modified)
                defaults = {"event_id": str(uuid5(NAMESPACE, f"{digest.hex()}:{seen[digest]}")), "time": when}
                producer.emit(**{"input": None, "model": None, **defaults, **_arguments(event)})
                events, size = events + 1, size + len(written)
        except (ValueError, WatchlineError) as error:
            good = False
            sys.stderr.write(f"line {number}: {error}\n")
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
    given = _object(_value(line))
    if isinstance(given, LineError):
        raise given
    return _arguments(given)


def _arguments(event: Mapping[str, Any]) -> dict[str, Any]:
    if not any(event.get(name) for name in _TO_JUDGE):
        known = f"{', '.join(_TO_JUDGE)}; --from reads what other tools have kept"
        raise LineError(f"nothing to send: it has none of {known}")
    return {name: value for name, value in event.items() if value is not None and name != "self"}


def _given(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | LineError, int]]:
    """The line at which each event begins, the event, and how many bytes of the file were read by then."""
    start = file.read(4096)
    file.seek(0)
    if start.startswith(_UTF_16) or start.lstrip()[:1] == b"[" or not _is_whole(start):
        yield from _in_document(_decompressed(file))
        return
    for number, line in enumerate(_decompressed(file), 1):
        if line := line.removeprefix(b"\xef\xbb\xbf").strip():
            yield number, _object(_value(line)), file.tell()


def _in_document(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | LineError, int]]:
    """Of a file that is an array, or objects that go over several lines: read as one."""
    data = file.read()
    try:
        text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        yield 1, LineError("neither UTF-8 nor UTF-16: convert it first, as with `iconv -t UTF-8`"), len(data)
        return
    decoder, place = json.JSONDecoder(), 0
    while place < len(text) and (match := _WORD.search(text, place)):
        number = text.count("\n", 0, match.start()) + 1
        try:
            value, place = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "too deep")
            yield number, LineError(f"not JSON: {reason}; what follows isn't read"), len(data)
            return
        for item in value if isinstance(value, list) else [value]:
            yield number, _object(item), len(data)


def _decompressed(file: IO[bytes]) -> IO[bytes]:
    is_gzip = file.read(2) == _GZIP
    file.seek(0)
    return cast(IO[bytes], gzip.open(file)) if is_gzip else file


def _is_whole(start: bytes) -> bool:
    """Whether the first line of a file is an event, or none that the next could go on with."""
    if start.startswith(_GZIP):
        start = zlib.decompressobj(31).decompress(start, 1 << 16)
    line, ends, _ = start.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")
    return line[:1] != b"[" and (not ends or not line or isinstance(_value(line), dict) or line.rstrip()[-1:] == b"}")


def _value(line: bytes) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        return LineError(f"not JSON: {error.msg} at column {error.colno}")
    except (ValueError, RecursionError):
        return LineError("not JSON in UTF-8")


def _object(value: Any) -> dict[str, Any] | LineError:
    return value if isinstance(value, dict | LineError) else LineError("not a JSON object")


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
