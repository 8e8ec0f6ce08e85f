"""The monitors of a findings partition, and the events that are not due to them yet: bytes in, signals and states out.

It reads and writes nothing, and runs in the monitors' thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from watchline.schemas.codec import Registry, decode
from watchline.schemas.records import FindingBatch, Signal
from watchline.streams.monitor.event_order import EventOrder, HeldMessage, state_key
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.monitor.paging import FALSE_PAGES

MAX_PROMPTS = 500  # monitors of one partition; the one that was fed longest ago is forgotten


class Outcome(NamedTuple):
    """What came of the events that were looked at."""

    signals: list[Signal]
    states: dict[bytes, bytes | None]
    """Of the prompts that were touched; None where it was forgotten."""
    late: int
    early: int


class FindingsPartition:
    """One monitor for each prompt, fed in event order.

    Parameters
    ----------
    states : mapping of bytes to bytes
        The last saved states, by key, the one that was saved longest ago first.
    unreadable : callable
        Told why a state can't be read.
    forgot : callable
        Told of each that is no longer watched since there are too many: `prompts`, and what a monitor forgets.
    registry : Registry, optional
        Whose framing the messages may have.
    false_pages : float
        The budget of an app, a month: see `Paging`.
    """

    def __init__(
        self,
        states: Mapping[bytes, bytes],
        unreadable: Callable[[str], None],
        forgot: Callable[[str], object],
        registry: Registry | None = None,
        *,
        false_pages: float = FALSE_PAGES,
    ) -> None:
        self._decode = partial(decode, record_type=FindingBatch, registry=registry)
        self._monitors: dict[bytes, Monitor | bytes] = dict(states)  # bytes until the prompt's first event is due
        self._new = partial(Monitor, forgot, false_pages=false_pages)
        self._load = partial(Monitor.load, unreadable=unreadable, forgot=forgot, false_pages=false_pages)
        self._forgot = forgot
        self.order = EventOrder(self._decode)

    @property
    def waiting(self) -> int:
        """Measures that are compared with nothing yet, of the prompts that have had an event here."""
        return sum(monitor.waiting for monitor in self._monitors.values() if isinstance(monitor, Monitor))

    def take(self, value: bytes | None, published: int, *, max_decoded_bytes: int) -> HeldMessage:
        """Takes a message that Kafka got at `published`, in microseconds since 1970.

        Its events are kept decoded where fewer bytes of messages are held. Raises PoisonError where it is no batch.
        """
        batch = self._decode(value)
        message = HeldMessage(value or b"")
        self.order.hold(state_key(batch), message, batch, published)
        self.order.hear(batch.progress, published)
        if self.order.bytes < max_decoded_bytes:
            message.batch = batch
        return message

    def look(self, *, max_held_bytes: int) -> Outcome:
        """Looks at what is due, and at more where more bytes of messages are held."""
        signals: list[Signal] = []
        touched: dict[bytes, Monitor | None] = {}
        late, early = 0, self.order.early
        for key, batch in self.order.due(max_held_bytes):
            known = self._monitors.pop(key, None) or self._new()
            monitor = self._load(known) if isinstance(known, bytes) else known
            self._monitors[key] = touched[key] = monitor  # the most recently fed one last
            before = monitor.late
            signals += monitor.process(batch)
            late += monitor.late - before
            if len(self._monitors) > MAX_PROMPTS:
                oldest = next(iter(self._monitors))
                del self._monitors[oldest]
                touched[oldest] = None
                self._forgot("prompts")
        states = {key: None if monitor is None else monitor.dump() for key, monitor in touched.items()}
        return Outcome(signals, states, late, self.order.early - early)
