"""Payloads for the raw topic: half of them random bytes, half valid envelopes with at least one mutation.

An envelope is held as the pieces that Avro writes it in (lengths, counts, union branches and values apart), so that a
mutation can break one of them and leave the rest as it was. The same seed gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import random
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.schemas.samples import INTERACTION, SAMPLES
from watchline.schemas import codec
from watchline.schemas.records import Document, Interaction, InteractionBatch, Message, ToolCall
from watchline.schemas.validation import DAY, YEAR_2000

RECEIVED = 1_767_225_600_000_000  # Kafka's time of every payload, in microseconds
EVENTS = (1, 1, 1, 2, 3)  # of an envelope, before mutation

HOSTILE = (
    "",
    "\0",
    "a\0b",
    "\u202eevil\u202c",
    "\x1b]0;title\x07\x1b[2J",
    "\N{FAMILY}\u200d\N{PILE OF POO}" * 3,
    "e\u0301" * 50 + "\ufeff\ufffe\uffff",
    "\U0010ffff",
    "'; DROP TABLE interactions; --",
    "{0.__class__} %s%n%x ${jndi:ldap://x}",
    "\\N",
    "\\",
    "\t\r\n\v\f\x85\u2028",
    "<script>alert(1)</script>",
    "NaN",
    "../../etc/passwd",
    "x" * 5_000,
    "\N{SNOWMAN}" * 2_000,
    "01935C3E-7A00-7000-8000-000000000001",
    "{01935c3e-7a00-7000-8000-000000000001}",
    "urn:uuid:01935c3e-7a00-7000-8000-000000000001",
    "0_935c3e7a0070008000000000000001",
    "\u0661" * 32,
    "A" * 32,
    "0" * 32,
    "0" * 64 + "\n",
)
NO_UTF8 = (b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"ok\xe2\x82", b"\x80" * 9)
LONGS = (
    *(0, 1, -1, 63, 64, 127, 128, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53 + 1, 2**63 - 1, -(2**63)),
    *(YEAR_2000, YEAR_2000 - 1, RECEIVED, RECEIVED + DAY, RECEIVED + DAY + 1, 253_402_300_800_000_000),
)
DOUBLES = (0.0, -0.0, 1.0, -1.0, 5e-324, 1.7976931348623157e308, -1e308, 2**53 + 2.0)
NO_DOUBLES = (float("nan"), float("inf"), float("-inf"))
OVERLONG = (b"\x80" * 9 + b"\x01", b"\xff" * 9 + b"\x01", b"\x80" * 10 + b"\x00", b"\xff" * 40, b"\x80\x00")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written for one value, or the count or union branch before it; `kind` is Avro's name for it."""

    kind: str
    data: bytes


def pieces(schema: Any, value: Any, named: Mapping[str, Any]) -> Iterator[Piece]:
    """The body that Avro writes for a plain value, in pieces; `named` holds the schemas that others refer to."""
    if isinstance(schema, list):
        branch = next(index for index, option in enumerate(schema) if (option == "null") == (value is None))
        yield Piece("branch", varint(branch))
        schema = schema[branch]
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind in named:
        schema = named[kind]
        kind = schema["type"]
    if kind == "record":
        for field in schema["fields"]:
            yield from pieces(field["type"], value[field["name"]], named)
    elif kind in ("array", "map"):
        items = list(value.items() if kind == "map" else value)
        if items:
            yield Piece("count", varint(len(items)))
        for item in items:
            if kind == "map":
                yield Piece("string", _string(item[0]))
            yield from pieces(schema["values" if kind == "map" else "items"], item[1] if kind == "map" else item, named)
        yield Piece("count", b"\0")
    elif kind == "enum":
        yield Piece(kind, varint(schema["symbols"].index(value)))
    elif kind != "null":
        yield Piece(kind, _PRIMITIVES[kind](value))


def varint(number: int) -> bytes:
    """A long as Avro writes it: zigzag, seven bits a byte."""
    rest = (number << 1) ^ (number >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _string(text: str) -> bytes:
    data = text.encode()
    return varint(len(data)) + data


_PRIMITIVES: dict[str, Callable[[Any], bytes]] = {
    "string": _string,
    "bytes": lambda value: varint(len(value)) + value,
    "boolean": lambda value: bytes([value]),
    "int": varint,
    "long": varint,
    "float": lambda value: struct.pack("<f", value),
    "double": lambda value: struct.pack("<d", value),
}


class Payloads:
    """Payload after payload, from a seed. Event ids are new ones, so that every event is a row of its own."""

    def __init__(self, seed: str, bases: int = 100) -> None:
        self._random = random.Random(seed)
        # By fingerprint: the schema that an app of today writes with, and those of older ones.
        self._writers = {
            known: schema["__named_schemas"] for known, schema in codec._writers("InteractionBatch").items()
        }
        events = [codec.to_plain(self._interaction()) for _ in range(bases)]
        self._bases = {
            known: [list(pieces(named["watchline.v1.Interaction"], event, named)) for event in events]
            for known, named in self._writers.items()
        }
        self._frame = codec.MAGIC + codec.schema_fingerprint("InteractionBatch")

    def take(self, count: int) -> list[bytes]:
        """The next payloads."""
        return [self._mutated() if self._random.random() < 0.5 else self._noise() for _ in range(count)]

    def _interaction(self) -> Interaction:
        """One with every field set or absent by chance."""
        r = self._random
        text = lambda: r.choice(("What is the total?", "The total is 12 \u20ac.", "ok", r.choice(HOSTILE)))  # noqa: E731
        absent = {
            field.name: field.default
            for field in dataclasses.fields(Interaction)
            if field.default is not dataclasses.MISSING and r.random() < 0.3
        }
        present: dict[str, Any] = {
            "app": r.choice(("bot", "shop")),
            "environment": "fuzz",
            "input_messages": tuple(Message("user", text()) for _ in range(r.randint(0, 2))),
            "output_messages": tuple(Message("assistant", text()) for _ in range(r.randint(0, 2))),
            "tool_calls": tuple(ToolCall("sum", text(), r.choice((None, text()))) for _ in range(r.randint(0, 1))),
            "documents": tuple(Document(text(), None, r.choice((None, 0.5))) for _ in range(r.randint(0, 2))),
            "attributes": {text(): text() for _ in range(r.randint(0, 2))},
        }
        return dataclasses.replace(INTERACTION, **{**present, **absent})

    def _envelope(self, writer: bytes) -> list[Piece]:
        """Some events, or now and then a report of what the producer has dropped, or both."""
        r = self._random
        report = r.random() < 0.1
        batch = InteractionBatch(
            producer_id=str(UUID(int=r.getrandbits(128))),
            first_sequence=r.randint(0, 10_000),
            dropped=r.choice((0, 0, 3)),
            time=RECEIVED if report else 0,
            app="bot" if report else "",
            dropped_by={"buffer full": 3} if report else {},
            interactions=(),
        )
        named = self._writers[writer]
        found = list(pieces(named["watchline.v1.InteractionBatch"], codec.to_plain(batch), named))
        count = r.choice((0, 2)) if report else r.choice(EVENTS)
        if count:
            found.insert(-1, Piece("count", varint(count)))
        for _ in range(count):
            base = r.choice(self._bases[writer])
            time = RECEIVED - r.randrange(3_600_000_000)
            found[-1:-1] = (Piece("string", _string(str(UUID(int=r.getrandbits(128))))), Piece("long", varint(time)))
            found[-1:-1] = base[2:]
        return found

    def _mutated(self) -> bytes:
        r = self._random
        writer = r.choice(list(self._writers)) if r.random() < 0.2 else self._frame[2:]
        frame = codec.MAGIC + writer
        envelope = self._envelope(writer)
        kind = r.random()
        if kind < 0.6:
            for _ in range(r.choice((1, 1, 2, 4))):
                self._other_value(envelope)
        elif kind < 0.75:
            self._other_structure(envelope)
        data = b"".join(piece.data for piece in envelope)
        if kind < 0.75:
            return frame + data
        return frame + self._other_bytes(data) if kind < 0.9 else self._other_frame(data)

    def _other_value(self, envelope: list[Piece]) -> None:
        """A value becomes another one, written as Avro does; what stands around it stays."""
        r = self._random
        # The first pieces are the envelope's own and the first event's id and time: worth more than one in 100.
        index = r.randrange(min(12, len(envelope))) if r.random() < 0.1 else r.randrange(len(envelope))
        match envelope[index].kind:
            case "string" if r.random() < 0.05:
                data = r.choice(NO_UTF8)
                new = varint(len(data)) + data
            case "string":
                new = _string(r.choice(HOSTILE))
            case "long":
                new = varint(r.choice(LONGS))
            case "double":
                new = struct.pack("<d", r.choice(DOUBLES if r.random() < 0.8 else NO_DOUBLES))
            case _:
                return self._other_value(envelope)
        envelope[index] = Piece(envelope[index].kind, new)

    def _other_structure(self, envelope: list[Piece]) -> None:
        """A length, count or union branch lies, or an array comes in several blocks, which Avro allows."""
        r = self._random
        index = r.randrange(len(envelope))
        piece = envelope[index]
        lie = r.choice((varint(r.choice(LONGS)), varint(r.randint(-5, 5)), r.choice(OVERLONG)))
        match piece.kind:
            case "string":
                size = piece.data.index(next(byte for byte in piece.data if byte < 0x80)) + 1
                new = lie + piece.data[size:]
            case "count" if r.random() < 0.3 and piece.data != b"\0":  # a negative count, then the block's size
                new = varint(-(piece.data[0] >> 1)) + varint(r.choice((0, 10, 2**40, -1)))
            case "count" if r.random() < 0.1:
                new = varint(2**62) + b"\0" * 30
            case _:
                new = lie
        envelope[index] = Piece(piece.kind, new)

    def _other_bytes(self, data: bytes) -> bytes:
        r = self._random
        at, length = r.randrange(len(data)), r.randint(1, 40)
        match r.randrange(6):
            case 0:
                out = bytearray(data)
                for _ in range(r.choice((1, 1, 1, 8))):
                    out[r.randrange(len(out))] ^= 1 << r.randrange(8)
                return bytes(out)
            case 1:
                return data[:at]
            case 2:
                return data[:at] + data[at + length :]
            case 3:
                return data[:at] + r.randbytes(length) + data[at:]
            case 4:
                other = b"".join(piece.data for piece in self._envelope(self._frame[2:]))
                return data[:at] + other[r.randrange(len(other)) :]
            case _:
                return data + r.choice((b"\0", data, r.randbytes(length)))

    def _other_frame(self, data: bytes) -> bytes:
        """Framed as another record, as a schema that nobody knows (a field more), as Confluent does, or not at all."""
        r = self._random
        feedback = next(sample for sample in SAMPLES if type(sample).__name__ == "Feedback")
        return r.choice(
            (
                codec.MAGIC + codec.schema_fingerprint("Feedback") + data,
                self._frame + codec.encode_body(feedback),
                codec.encode(feedback),
                codec.MAGIC + EVOLVED_FINGERPRINT + data + b"\0",
                codec.MAGIC + r.randbytes(8) + data,
                codec.CONFLUENT_MAGIC + struct.pack(">I", r.getrandbits(32)) + data,
                codec.MAGIC[::-1] + self._frame[2:] + data,
                data,
                self._frame[: r.randrange(10)],
            )
        )

    def _noise(self) -> bytes:
        r = self._random
        noise = r.randbytes(r.choice((0, 1, 9, 40, r.randrange(400))))
        return r.choice(
            (
                noise,
                codec.MAGIC + noise,
                self._frame + noise,
                self._frame + bytes(byte & 3 for byte in noise),  # short lengths and small counts get further
                b'{"input": "' + noise + b'"}',
            )
        )


_NUMBERS: dict[str, Sequence[Any]] = {
    "int": (0, -1, 2**31 - 1, -(2**31)),
    "long": LONGS,
    "float": (0.0, -0.0, 0.5, 2.0**-149, 2.0**127, *NO_DOUBLES),
    "double": (*DOUBLES, *NO_DOUBLES),
    "boolean": (True, False),
}


def any_value(node: Any, named: Any, r: random.Random) -> Any:
    """Some plain value of a schema. Of a Random and not of Hypothesis' own strategies, which take seconds for each."""
    if isinstance(node, list):
        return any_value(r.choice(node), named, r)
    kind = node["type"] if isinstance(node, dict) else node
    if kind in named:
        return any_value(named[kind], named, r)
    match kind:
        case "null":
            return None
        case "record":
            return {field["name"]: any_value(field["type"], named, r) for field in node["fields"]}
        case "array":
            return [any_value(node["items"], named, r) for _ in range(r.randrange(3))]
        case "map":
            return {r.choice(HOSTILE): any_value(node["values"], named, r) for _ in range(r.randrange(3))}
        case "enum":
            return r.choice(node["symbols"])
        case "string":
            return r.choice((*HOSTILE, chr(r.choice((r.randrange(0xD800), r.randrange(0xE000, 0x110000)))) * 3))
        case "bytes":
            return r.randbytes(r.randrange(20))
    return r.choice(_NUMBERS[kind])


def _evolved_fingerprint() -> bytes:
    """Of the envelope's schema with a field more, as a later version would have it."""
    schema = codec.schema(InteractionBatch.__name__)
    later = {**schema, "fields": [*schema["fields"], {"name": "later", "type": "long"}]}
    return codec._fingerprint(later)


EVOLVED_FINGERPRINT = _evolved_fingerprint()
