"""Encodes records as Avro bytes and decodes them.

The bytes are framed: in Avro's single-object encoding (magic, schema fingerprint, body), or in Confluent's framing (a
zero byte, the schema's id in a registry, body) where a registry is given.

Reference: Apache Avro specification, "Single-object encoding" and "Schema fingerprints" (CRC-64-AVRO); Confluent Schema
Registry, "Wire format".
Every schema that a message was ever written with stands in `avro/history/NAME-FINGERPRINT.avsc`, so that its bytes can
be read; `make generate` puts it there.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast

from fastavro import schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, load_schema, parse_schema, to_parsing_canonical_form

from watchline.schemas import records
from watchline.schemas.errors import Kind, PoisonError, raise_if_out_of_memory

AVRO = Path(__file__).parent / "avro"
MAGIC = b"\xc3\x01"
CONFLUENT_MAGIC = b"\x00"
NAMESPACE = "watchline.v1"
MAX_BYTES = 4_000_000
"""The longest message that is read. No client sends more than 1,000,000 unless it is told to, and records without text
take a hundred times their bytes of memory.
"""

R = TypeVar("R")


class Unreadable(bytes):
    """What Kafka has in place of messages that can't be taken out of it; `decode` gives the reason.

    Parameters
    ----------
    data : bytes
    reason : str
        Without any of the bytes.

    Examples
    --------
    >>> from watchline.schemas.records import Feedback
    >>> decode(Unreadable(b"...", "the record batch cannot be read: it unpacks to more than 64 MiB"), Feedback)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.PoisonError: the record batch cannot be read: it unpacks to more than 64 MiB
    """

    reason: str

    def __new__(cls, data: bytes, reason: str = "") -> Self:  # without a reason when it is unpickled
        self = super().__new__(cls, data)
        self.reason = reason
        return self


class Registry(Protocol):
    """A schema registry, as the codec needs it. Both methods may block.

    Both raise TransientError where the registry can't be reached.
    """

    def schema_id(self, name: str) -> int:
        """The id in the registry of Watchline's schema of a record, by the record's name."""

    def schema(self, schema_id: int) -> str:
        """The Avro schema with an id, as JSON. Raises PoisonError where the registry has none with it."""


@cache
def schema(name: str) -> Any:
    """The parsed Avro schema of a record, references resolved, ready for fastavro.

    Without logical types, which the fingerprint leaves out too: values stay what they are on the wire.

    Examples
    --------
    >>> schema("Feedback")["name"]
    'watchline.v1.Feedback'
    """
    return _load(AVRO / f"{NAMESPACE}.{name}.avsc")


@cache
def schema_fingerprint(name: str) -> bytes:
    """The CRC-64-AVRO fingerprint of a record's schema: the eight bytes that name it in a message."""
    return _fingerprint(schema(name))


@cache
def schema_text(name: str) -> str:
    """The schema of a record for a registry: JSON, references resolved, with documentation and logical types.

    The same in every process, since a registry finds it by its text; fastavro's order of attributes is not.
    """
    resolved: set[str] = set()

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: resolve(item) if key in ("fields", "type", "items") else item for key, item in node.items()}
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not node.startswith(f"{NAMESPACE}.") or node in resolved:
            return node
        resolved.add(node)
        return resolve(json.loads((AVRO / f"{node}.avsc").read_text(encoding="utf-8")))

    return json.dumps(resolve(f"{NAMESPACE}.{name}"))


def encode(record: Any, registry: Registry | None = None) -> bytes:
    """Encodes one record as a framed message.

    Parameters
    ----------
    record : dataclass of `schemas.records`
    registry : Registry, optional
        Where given, the framing is Confluent's, else Avro's single-object encoding.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError, TypeError
        A field has a value that its schema doesn't allow.

    Examples
    --------
    >>> from watchline.schemas.records import Feedback
    >>> feedback = Feedback(feedback_id="f-1", event_id="e-1", time=1_700_000_000_000_000, app="shop", rating=1)
    >>> data = encode(feedback)
    >>> data[:2] == MAGIC
    True
    >>> decode(data, Feedback) == feedback
    True
    """
    name = type(record).__name__
    if registry is None:
        return MAGIC + schema_fingerprint(name) + encode_body(record)
    return CONFLUENT_MAGIC + registry.schema_id(name).to_bytes(4, "big") + encode_body(record)


def encode_body(record: Any) -> bytes:
    """Encodes one record without framing, for `encode_envelope`. Raises what `encode` raises."""
    name = type(record).__name__
    out = BytesIO()
    try:
        schemaless_writer(out, schema(name), to_plain(record))
    except (AttributeError, OverflowError) as error:  # of the wrong type, or beyond 64 bits
        raise ValueError(f"{name} has a value that its schema doesn't allow: {type(error).__name__}") from error
    return out.getvalue()


def encode_envelope(
    envelope: records.InteractionBatch, bodies: Sequence[bytes], registry: Registry | None = None
) -> bytes:
    """Encodes an envelope of interactions that are encoded already.

    Parameters
    ----------
    envelope : InteractionBatch
        Without interactions.
    bodies : sequence of bytes
        The interactions, each from `encode_body`.
    registry : Registry, optional
        As in `encode`.

    Returns
    -------
    bytes
        Those that `encode` gives for the envelope with its interactions.

    Examples
    --------
    >>> from watchline.schemas.records import Interaction, InteractionBatch
    >>> envelope = InteractionBatch(producer_id="p-1", first_sequence=0, interactions=())
    >>> body = encode_body(Interaction(event_id="e-1", time=1_700_000_000_000_000, app="shop"))
    >>> decode(encode_envelope(envelope, [body]), InteractionBatch).interactions[0].event_id
    'e-1'
    """
    # An array is blocks of items, each after its count, and a zero; `interactions` is the envelope's last field.
    count = BytesIO()
    if bodies:
        schemaless_writer(count, "long", len(bodies))
    return b"".join((encode(envelope, registry).removesuffix(b"\0"), count.getvalue(), *bodies, b"\0"))


def decode(data: bytes | None, record_type: type[R], registry: Registry | None = None) -> R:
    """Decodes one framed message.

    Parameters
    ----------
    data : bytes or None
        The value of a Kafka message.
    record_type : type
        The record that the message must hold, of `schemas.records`.
    registry : Registry, optional
        Needed for messages in Confluent's framing; with it, either framing is read.

    Returns
    -------
    record_type
        Fields that the writer's schema lacked have their defaults.

    Raises
    ------
    PoisonError
        The bytes are `Unreadable`, empty, longer than `MAX_BYTES`, in another framing, written with an unknown schema
        or that of another record, cut short, or followed by more bytes. The error never quotes them.
    TransientError
        The registry can't be reached.
    MemoryError
        The process has no memory left, which is no fault of the bytes.

    Examples
    --------
    >>> from watchline.schemas.records import Feedback
    >>> decode(b"{}", Feedback)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.PoisonError: not framed as an Avro message
    """
    name = record_type.__name__
    if isinstance(data, Unreadable):
        raise PoisonError(Kind.UNDECODABLE, data.reason)
    if not data:
        raise PoisonError(Kind.UNDECODABLE, "empty message")
    if len(data) > MAX_BYTES:
        raise PoisonError(Kind.UNDECODABLE, f"longer than {MAX_BYTES:,} bytes")
    writer, start = _writer_of(data, name, registry)
    body = BytesIO(data)
    body.seek(start)
    try:
        # The same schema on both sides needs no resolution, which is slow.
        plain = schemaless_reader(body, writer, None if writer is schema(name) else schema(name))
    except Exception as error:  # fastavro raises anything from EOFError to IndexError on hostile bytes
        raise_if_out_of_memory(error)
        raise PoisonError(Kind.UNDECODABLE, f"{name} cannot be decoded: {type(error).__name__}") from None
    if body.tell() != len(data):
        raise PoisonError(Kind.UNDECODABLE, f"{len(data) - body.tell()} bytes after the end of {name}")
    return from_plain(record_type, plain)


def _writer_of(data: bytes, name: str, registry: Registry | None) -> tuple[Any, int]:
    """The schema that bytes were written with, and where their body starts."""
    if data[:2] == MAGIC:
        writer = _writers(name).get(data[2:10])
        if writer is None:
            raise PoisonError(Kind.UNDECODABLE, f"unknown schema fingerprint {data[2:10].hex()} for {name}")
        return writer, 10
    if data[:1] != CONFLUENT_MAGIC:
        raise PoisonError(Kind.UNDECODABLE, "not framed as an Avro message")
    if registry is None:
        raise PoisonError(Kind.UNDECODABLE, "Confluent framing, but no schema registry is configured")
    schema_id = int.from_bytes(data[1:5], "big")
    if len(data) < 5 or schema_id >= 2**31:
        raise PoisonError(Kind.UNDECODABLE, "Confluent framing without a valid schema id")
    registered, problem = _registered(name, registry.schema(schema_id))
    if problem:
        raise PoisonError(Kind.UNDECODABLE, f"schema id {schema_id} {problem}")
    return registered, 5


@lru_cache(256)
def _registered(name: str, text: str) -> tuple[Any, str]:
    """A registry's schema, parsed, where it is a known one, that one; and what is wrong with it, which is kept too."""
    try:
        parsed = parse_schema(_without(json.loads(text), "logicalType"))
        known = _writers(name).get(_fingerprint(parsed))
        bounded = known is not None or _least_bytes(parsed, {}) is not None
    except Exception as error:  # fastavro raises anything from KeyError to RecursionError on hostile schemas
        raise_if_out_of_memory(error)
        return None, f"cannot be read as Avro: {type(error).__name__}"
    if known is None and (not isinstance(parsed, dict) or parsed.get("name") != f"{NAMESPACE}.{name}"):
        return None, f"is not of {NAMESPACE}.{name}"
    if not bounded:
        return None, "is recursive or has an array of items without bytes"
    return parsed if known is None else known, ""


def _least_bytes(node: Any, named: dict[str, int | None]) -> int | None:
    """How many bytes a value takes at least; None where few bytes can mean any depth or any number of items.

    fastavro recurses without looking at the stack, which ends the process, and believes every count.
    """
    if isinstance(node, list):
        options = [_least_bytes(option, named) for option in node]
        return None if None in options else 1
    kind = node["type"] if isinstance(node, dict) else node
    if kind in named:
        return named[kind]
    if kind in ("record", "error"):
        named[node["name"]] = None  # what refers to it before its end is inside it
        sizes = [_least_bytes(field["type"], named) for field in node["fields"]]
        named[node["name"]] = size = None if None in sizes else sum(filter(None, sizes))
        return size
    if kind == "array":
        return 1 if _least_bytes(node["items"], named) else None
    if kind == "map":
        return None if _least_bytes(node["values"], named) is None else 1
    if kind == "fixed":
        named[node["name"]] = size = int(node["size"])
        return size
    if kind == "enum":
        named[node["name"]] = 1
    return 0 if kind == "null" else 1


def to_plain(value: Any) -> Any:
    """A record as the dicts and lists that fastavro writes."""
    if isinstance(value, tuple | list):
        return list(value) if value and type(value[0]) in _PLAIN else [to_plain(item) for item in value]
    if is_dataclass(value):
        names, get = _getter(cast(Any, type(value)))
        # Most fields are plain already, and a call costs more than the look at the type.
        return {
            name: item if type(item) in _PLAIN else to_plain(item) for name, item in zip(names, get(value), strict=True)
        }
    return value


_PLAIN = frozenset({str, int, float, bool, dict, type(None)})


def from_plain(record_type: type[R], plain: Mapping[str, Any]) -> R:
    """A record from the dicts and lists that fastavro reads. Raises KeyError where a field is missing."""
    # Past the frozen __init__, whose object.__setattr__ for each field takes three times as long.
    record = object.__new__(record_type)
    for name, put, convert in _setters(cast(Any, record_type)):
        put(record, plain[name] if convert is None else convert(plain[name]))
    return record


@cache
def _getter(record_type: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of a record's fields, of which there are two or more, and what gets all their values."""
    names = tuple(item.name for item in fields(record_type))
    return names, attrgetter(*names)


@cache
def _setters(record_type: Any) -> tuple[tuple[str, Callable[[Any, Any], None], Callable[[Any], Any] | None], ...]:
    """Each field of a record: its name, what sets it, and what makes its value of the plain one, if anything must."""
    hints = typing.get_type_hints(record_type, vars(records))
    return tuple(
        (name, getattr(record_type, name).__set__, _converter(hints[name])) for name in _getter(record_type)[0]
    )


def _converter(hint: Any) -> Callable[[Any], Any] | None:
    """For tuples, which are lists when plain and never optional, and for records, which may be."""
    record_type: Any = next(filter(is_dataclass, (hint, *typing.get_args(hint))), None)
    if typing.get_origin(hint) is not tuple:
        return None if record_type is None else lambda plain: None if plain is None else from_plain(record_type, plain)
    if record_type is None:
        return tuple
    return lambda items: tuple([from_plain(record_type, plain) for plain in items]) if items else ()


@cache
def _writers(name: str) -> dict[bytes, Any]:
    """Every schema that bytes of this record may have been written with, by fingerprint."""
    history = [_load(path) for path in sorted((AVRO / "history").glob(f"{name}-*.avsc"))]
    return {_fingerprint(known): known for known in [*history, schema(name)]}


def _load(path: Path) -> Any:
    return parse_schema(_without(load_schema(path), "logicalType"))


def _without(node: Any, left_out: str = "") -> Any:
    """A schema without one kind of property, and without what fastavro adds."""
    if isinstance(node, dict):
        return {
            key: _without(item, left_out) for key, item in node.items() if key != left_out and not key.startswith("__")
        }
    return [_without(item, left_out) for item in node] if isinstance(node, list) else node


def _fingerprint(parsed: Any) -> bytes:
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO"))
