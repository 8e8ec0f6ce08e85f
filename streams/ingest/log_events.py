"""Messages that an instrumentation logs beside its spans: held until the span of their call comes.

OTLP sends logs and spans apart, in requests of their own. The messages of a call come first as a rule, since they are
logged before its span ends; but a processor may send the span sooner.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchline.streams.ingest.span import MODEL, Span, SpanEvent
from watchline.streams.ingest.span_messages import INPUT, MESSAGE_EVENTS, OUTPUT

HELD_S = 600.0  # longer than a Collector tries to send a span again, which then has its messages again
MAX_HELD_BYTES = 64 * 2**20
NEVER_CAME = "log event whose span did not come"

_TEXTS = tuple(source.partition(".N")[0] for source in (*INPUT, *OUTPUT))


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A log record that is a message of a model's call, or holds some.

    Parameters
    ----------
    trace_id, span_id : str
        Of the call's span.
    time_ns : int
        When it was said: messages are put in this order.
    event : SpanEvent
        As the span would have it.
    digest : bytes
        The same for the same record, however often it is sent.
    size : int
        About how many bytes it holds.
    """

    trace_id: str
    span_id: str
    time_ns: int
    event: SpanEvent
    digest: bytes
    size: int


@dataclass(slots=True)
class _Held:
    until: float
    by_digest: dict[bytes, LogEvent] = field(default_factory=dict)
    size: int = 0
    joined: bool = False


class LogEvents:
    """Holds log events, so long and so many bytes of them; the oldest make room. For any thread.

    Parameters
    ----------
    left_out : callable
        Is told under `NEVER_CAME` how many went without having met their span.
    clock : callable
        Seconds.
    max_bytes : int

    Examples
    --------
    >>> ids = {"trace_id": "0af7" * 8, "span_id": "b7ad" * 4}
    >>> held = LogEvents(print)
    >>> held.keep([LogEvent(**ids, time_ns=1, event=SpanEvent("gen_ai.choice"), digest=b"1", size=100)])
    >>> [span.events for span in held.joined([Span(**ids)])]
    [(SpanEvent(name='gen_ai.choice', attributes={}),)]
    """

    def __init__(
        self,
        left_out: Callable[[Mapping[str, int]], object],
        *,
        clock: Callable[[], float] = time.monotonic,
        max_bytes: int = MAX_HELD_BYTES,
    ) -> None:
        self._left_out = left_out
        self._clock = clock
        self._max_bytes = max_bytes
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def any(self) -> bool:
        """Whether calls of late have had messages in logs."""
        with self._lock:
            self._forget()
            return bool(self._held)

    def keep(self, events: Iterable[LogEvent]) -> None:
        """Holds events, each once."""
        with self._lock:
            for event in events:
                held = self._held.setdefault((event.trace_id, event.span_id), _Held(self._clock() + HELD_S))
                if event.digest not in held.by_digest:
                    held.by_digest[event.digest] = event
                    held.size += event.size
                    self._bytes += event.size
            self._forget()

    def lacking(self, spans: Sequence[Span]) -> set[tuple[str, str]]:
        """The ids of models' calls that have no messages, neither themselves nor here."""
        return self.missing(
            {(span.trace_id, span.span_id) for span in spans if span.kind == MODEL and not _has_messages(span)}
        )

    def missing(self, ids: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of them for which nothing is held."""
        with self._lock:
            return {each for each in ids if each not in self._held}

    def joined(self, spans: Sequence[Span]) -> list[Span]:
        """The spans, with the events that are held for them; these stay, for a span that is sent again."""
        with self._lock:
            return [
                span if (held := self._held.get((span.trace_id, span.span_id))) is None else _with(span, held)
                for span in spans
            ]

    def _forget(self) -> None:
        now = self._clock()
        while self._held:
            oldest = next(iter(self._held.values()))
            if oldest.until > now and self._bytes <= self._max_bytes:
                return
            self._held.popitem(last=False)
            self._bytes -= oldest.size
            if not oldest.joined:
                self._left_out({NEVER_CAME: len(oldest.by_digest)})


def _with(span: Span, held: _Held) -> Span:
    held.joined = True
    logged = sorted(held.by_digest.values(), key=lambda event: event.time_ns)
    return replace(span, events=(*span.events, *(each.event for each in logged)))


def _has_messages(span: Span) -> bool:
    return any(name.startswith(_TEXTS) for name in span.attributes) or any(
        event.name in MESSAGE_EVENTS for event in span.events
    )
