"""Bytes that mean much more than they are: each is poison, or is read, in bounded memory and time."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.raw_batches import varint
from watchline.schemas import codec
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import InteractionBatch

ENVELOPE = codec.schema("InteractionBatch")["fields"]
EVENT = ENVELOPE[-1]["type"]["items"]["fields"]
LEAST = {"null": b"", "string": b"\0", "long": b"\0", "double": bytes(8), "boolean": b"\0"}
NAMED: dict[str, Any] = {}
SIZE = 3_900_000
MEMORY = 640 << 20  # that reading one may take: it was 5.6 GB for what packs to 20 kB


def least(kind: Any) -> bytes:
    """The fewest bytes of a value."""
    if isinstance(kind, list):
        return b"\0" + least(kind[0])
    if isinstance(kind, str):
        return least(NAMED[kind]) if kind in NAMED else LEAST[kind]
    if kind["type"] == "record":
        NAMED[kind["name"]] = kind
        return b"".join(least(field["type"]) for field in kind["fields"])
    return b"\0" if kind["type"] in ("array", "enum", "map") else least(kind["type"])


for field in EVENT:
    if isinstance(field["type"], dict) and isinstance(field["type"].get("items"), dict):
        least(field["type"]["items"])
HEAD = codec.MAGIC + codec.schema_fingerprint("InteractionBatch")
HEAD += b"".join(least(field["type"]) for field in ENVELOPE[:-1])


def event(**fields: bytes) -> bytes:
    """An event whose other fields have the fewest bytes."""
    return b"".join(fields.get(field["name"], least(field["type"])) for field in EVENT)


def one(**fields: bytes) -> bytes:
    """An envelope of one."""
    return HEAD + varint(1) + event(**fields) + b"\0"


def filled(item: bytes, size: int = SIZE) -> bytes:
    """An array or map of as many of these as fit."""
    count = size // len(item)
    return varint(count) + item * count + b"\0"


LIES = {
    "a string of 2^60 bytes": one(event_id=varint(1 << 60)),
    "a string of 2^31 bytes": one(event_id=varint(1 << 31)),
    "a string of -1 bytes": one(event_id=varint(-1)),
    "a string of -2^63 bytes": one(event_id=varint(-(1 << 63))),
    "2^62 events": HEAD + varint(1 << 62),
    "a block of -2^62 events, 2^62 bytes": HEAD + varint(-(1 << 62)) + varint(1 << 62),
    "a block of -2^63 events": HEAD + varint(-(1 << 63)) + varint(1),
    "a map of 2^62 pairs": one(attributes=varint(1 << 62)),
    "a map of -2^62 pairs, -1 bytes": one(attributes=varint(-(1 << 62)) + varint(-1)),
    "branch 2^40 of a union": one(trace_id=varint(1 << 40)),
    "branch -1 of a union": one(trace_id=varint(-1)),
    "a number of millions of digits": one(time=b"\xff" * SIZE),
}
READ = {
    "a map with one key, again and again": one(attributes=filled(varint(1) + b"k" + b"\0")),
    "a block for each pair": one(attributes=(varint(-1) + varint(2) + b"\0\0") * (SIZE // 4) + b"\0"),
    "empty strings": one(finish_reasons=filled(b"\0")),
    "documents": one(documents=filled(least("watchline.v1.Document"))),
    "messages": one(input_messages=filled(least("watchline.v1.Message"))),
    "calls of tools": one(tool_calls=filled(least("watchline.v1.ToolCall"))),
    "events": HEAD + filled(event()),
}
LONG = {"documents beyond": one(documents=filled(least("watchline.v1.Document"), 60 << 20)), "junk": bytes(60 << 20)}


@pytest.mark.parametrize("name", LIES)
def test_a_length_or_number_that_lies_is_poison(name: str) -> None:
    with pytest.raises(PoisonError, match=r"InteractionBatch cannot be decoded: (EOF|Index)Error") as error:
        codec.decode(LIES[name], InteractionBatch)
    assert error.value.kind == Kind.UNDECODABLE


@pytest.mark.parametrize("name", LONG)
def test_what_is_too_long_is_not_read(name: str) -> None:
    with pytest.raises(PoisonError, match="longer than 4,000,000 bytes"):
        codec.decode(LONG[name], InteractionBatch)


LIMITED = """
import resource, sys
from pathlib import Path
from tests.schemas.test_avro_bombs import MEMORY, READ
from watchline.schemas import codec
from watchline.schemas.records import InteractionBatch
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
assert codec.decode(READ[sys.argv[1]], InteractionBatch).interactions
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits a process's address space so")
@pytest.mark.parametrize("name", READ)
def test_as_many_records_as_fit_take_bounded_memory(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, name], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
