"""Records to bytes and back: Avro single-object encoding (magic, schema fingerprint, body).

Reference: Apache Avro specification, "Single-object encoding" and "Schema fingerprints" (CRC-64-AVRO).
A changed schema keeps its predecessor in `avro/history/NAME-FINGERPRINT.avsc`, so that bytes of both can be read.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, cast

from fastavro import schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, load_schema, parse_schema, to_parsing_canonical_form

from watchline.schemas import records
from watchline.schemas.errors import PoisonError

AVRO = Path(__file__).parent / "avro"
MAGIC = b"\xc3\x01"
CONFLUENT_MAGIC = b"\x00"
NAMESPACE = "watchline.v1"

R = TypeVar("R")


@cache
def schema(name: str) -> Any:
    """The parsed Avro schema of a record, references resolved, ready for fastavro.

    Without logical types, which the fingerprint leaves out too: values stay what they are on the wire.
    """
    return _load(AVRO / f"{NAMESPACE}.{name}.avsc")


@cache
def schema_fingerprint(name: str) -> bytes:
    """The eight bytes that name the schema on the wire."""
    return _fingerprint(schema(name))


def encode(record: Any) -> bytes:
    """One record, framed. Raises ValueError or TypeError where a field has a value that its schema doesn't allow."""
    name = type(record).__name__
    out = BytesIO()
    out.write(MAGIC + schema_fingerprint(name))
    schemaless_writer(out, schema(name), to_plain(record))
    return out.getvalue()


def decode(data: bytes | None, record_type: type[R]) -> R:
    """One record from its framed bytes.

    Raises PoisonError, without quoting the data, when the bytes are empty, framed otherwise, written with an unknown
    schema, cut short, or followed by more bytes.
    """
    name = record_type.__name__
    if not data:
        raise PoisonError("empty message")
    if data[:1] == CONFLUENT_MAGIC and data[:2] != MAGIC:
        raise PoisonError("Confluent framing, but no schema registry is configured")
    if data[:2] != MAGIC:
        raise PoisonError("no Avro single-object magic")
    writer = _writers(name).get(data[2:10])
    if writer is None:
        raise PoisonError(f"unknown schema fingerprint {data[2:10].hex()} for {name}")
    body = BytesIO(data)
    body.seek(10)
    try:
        # The same schema on both sides needs no resolution, which is slow.
        plain = schemaless_reader(body, writer, None if writer is schema(name) else schema(name))
    except Exception as error:  # fastavro raises anything from EOFError to MemoryError on hostile bytes
        raise PoisonError(f"{name} cannot be decoded: {type(error).__name__}") from None
    if body.tell() != len(data):
        raise PoisonError(f"{len(data) - body.tell()} bytes after the end of {name}")
    return from_plain(record_type, plain)


def to_plain(value: Any) -> Any:
    """A record as the dicts and lists that fastavro writes."""
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if is_dataclass(value):
        return {
            # Most fields are plain already, and a call costs more than the look at the type.
            name: item if type(item := getattr(value, name)) in _PLAIN else to_plain(item)
            for name in _field_names(cast(Any, type(value)))
        }
    return value


_PLAIN = frozenset({str, int, float, bool, dict, type(None)})


def from_plain(record_type: type[R], plain: Mapping[str, Any]) -> R:
    """A record from the dicts and lists that fastavro reads."""
    values = dict(plain)
    for name, item_type in _sequences(cast(Any, record_type)):
        items = values.get(name)
        if items is not None:
            values[name] = tuple(items) if item_type is None else tuple(from_plain(item_type, item) for item in items)
    return record_type(**values)


@cache
def _field_names(record_type: Any) -> tuple[str, ...]:
    return tuple(item.name for item in fields(record_type))


@cache
def _sequences(record_type: Any) -> tuple[tuple[str, Any], ...]:
    """The tuple fields of a record, each with the record type of its items (None for plain values)."""
    found: list[tuple[str, Any]] = []
    for name, hint in typing.get_type_hints(record_type, vars(records)).items():
        options = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
        for option in options:
            if typing.get_origin(option) is tuple:
                item = typing.get_args(option)[0]
                found.append((name, item if is_dataclass(item) else None))
    return tuple(found)


@cache
def _writers(name: str) -> dict[bytes, Any]:
    """Every schema that bytes of this record may have been written with, by fingerprint."""
    history = [_load(path) for path in sorted((AVRO / "history").glob(f"{name}-*.avsc"))]
    return {_fingerprint(known): known for known in [*history, schema(name)]}


def _load(path: Path) -> Any:
    return parse_schema(_without_logical_types(load_schema(path)))


def _without_logical_types(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_logical_types(item)
            for key, item in node.items()
            if key != "logicalType" and not key.startswith("__")
        }
    return [_without_logical_types(item) for item in node] if isinstance(node, list) else node


def _fingerprint(parsed: Any) -> bytes:
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO"))
