"""A request's bytes to encoded events: all that takes a processor's time, apart from the loop that answers."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from watchline.schemas.codec import encode_body
from watchline.schemas.records import Interaction
from watchline.streams.ingest import otlp, trace
from watchline.streams.ingest.span import Span
from watchline.streams.kafka.topics import MAX_RECORD_BYTES
from watchline.streams.producer.arguments import completed, fields
from watchline.streams.producer.snapshot import Snapshot
from watchline.streams.producer.truncation import truncate

MAX_BODY_BYTES = 16 * 2**20  # as it comes, and unpacked
_GZIP = 16 + zlib.MAX_WBITS
UNREADABLE, TOO_LARGE = "bad value", "too large"  # in the words of a producer's reports


class Source(NamedTuple):
    """Whose events they are."""

    app: str
    environment: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a request holds.

    Parameters
    ----------
    events : dict
        By source, events without framing.
    rejected : dict
        By source, how many could not become events, by reason.
    left_out : Counter of str
        By kind, spans that are no model's call and no part of one.
    """

    events: dict[Source, list[bytes]] = field(default_factory=dict)
    rejected: dict[Source, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def reasons(self) -> Counter[str]:
        """How many were rejected, by reason."""
        return sum(self.rejected.values(), Counter())


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without gzip, which takes no more memory than a body may. Raises NotOtlpError or TooLargeError.

    Examples
    --------
    >>> import gzip
    >>> unpacked(gzip.compress(b"spans"), "gzip"), unpacked(b"spans", "")
    (b'spans', b'spans')
    """
    if encoding != "gzip":
        return body
    unpacker = zlib.decompressobj(_GZIP)
    try:
        found = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise otlp.NotOtlpError("the body is not gzip, as Content-Encoding says") from None
    if len(found) > MAX_BODY_BYTES:
        raise otlp.TooLargeError
    if not unpacker.eof:
        raise otlp.NotOtlpError("the body's gzip is cut short")
    return found


def encode(spans: Iterable[Span], bad: int, default: Source, pseudonym: Callable[[str], str | None]) -> Encoded:
    """Encodes the events of a request's spans; one that can't be an event costs itself alone.

    Parameters
    ----------
    spans : iterable of Span
    bad : int
        How many more could not be read.
    default : Source
        Of spans that don't say theirs.
    pseudonym : callable
        What is stored in place of a person's id.
    """
    read = trace.read(spans)
    found = Encoded(left_out=read.left_out)
    if bad + read.bad:
        found.rejected[default] = Counter({UNREADABLE: bad + read.bad})
    for _, call in read.calls:
        source = Source(call.pop("app", None) or default.app, call.pop("environment", None) or default.environment)
        try:
            event = encode_body(truncate(_interaction(call, source, pseudonym)))
            reason = TOO_LARGE if len(event) > MAX_RECORD_BYTES else ""
        except Exception:  # its text may quote the span
            reason = UNREADABLE
        if reason:
            found.rejected.setdefault(source, Counter())[reason] += 1
        else:
            found.events.setdefault(source, []).append(event)
    return found


def _interaction(call: Mapping[str, Any], source: Source, pseudonym: Callable[[str], str | None]) -> Interaction:
    """The event of a call, as a producer makes it. An argument that can't be read costs itself, and not the event."""
    snapshot = Snapshot(call)
    by_field = completed(fields(snapshot.arguments), snapshot.unreadable, pseudonym)
    own = {"time": time.time_ns() // 1000, "truncated": snapshot.cut}
    return Interaction(**{**own, **source._asdict(), **by_field})
