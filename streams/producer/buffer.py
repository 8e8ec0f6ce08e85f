"""The producer's bounded buffer: what waits for Kafka, the numbers that events get, and what became of them all.

Every event takes a sequence number, sent or dropped: an envelope takes the next ones for its events when it is closed,
a drop takes the next one when it happens. So envelopes have no holes, and what was dropped in the app shows as a gap
between them. After a drop a report is due, because a gap is only seen once an event follows it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from watchline.schemas.records import Feedback, Interaction
from watchline.streams import native_threads

ENVELOPE_EVENTS = 64
_MOST_NAMES = 1_000
LOOK_S = 0.02  # how often a greenlet looks whether what it waits for has come


class Pending(NamedTuple):
    """A record to be, with about how many bytes it holds. Building it is left to the sender's thread."""

    record_type: type[Interaction | Feedback]
    arguments: dict[str, Any]  # of the app
    own: dict[str, Any]  # fields
    size: int

    @property
    def is_event(self) -> bool:
        return self.record_type is Interaction


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of the events and the feedback so far: `emitted` is the sum of the next four.

    Examples
    --------
    >>> Stats(emitted=3, delivered=2, dropped=1, dropped_by={"buffer full": 1}).dropped_by
    {'buffer full': 1}
    """

    emitted: int = 0
    delivered: int = 0  # acknowledged by Kafka
    discarded: int = 0  # left out by the app's before_send
    dropped: int = 0  # lost, and `dropped_by` says why
    buffered: int = 0  # waiting, or on the way to Kafka
    dropped_by: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(
        default_factory=dict
    )  # arguments that events came without, or with another name
    hanging_s: float = 0.0  # how long a hook or other code of the app's has held up the thread; 0 below ten seconds
    restarts: int = 0  # of the thread, after an error that isn't one of an event
    prompts_refused: int = 0  # releases of prompts that can't be read, or aren't signed as they must be


@dataclass(frozen=True, slots=True)
class Drops:
    """What was dropped so far, for a report."""

    next_sequence: int
    by_reason: Mapping[str, int]  # events
    feedback: int


class Buffer:
    """Any thread may call any method; only those that say so wait."""

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        # Reentrant, for a signal handler or a finaliser that emits while its own thread is in here.
        self._lock = native_threads.lock()
        self._arrived = native_threads.Condition(self._lock)
        self._settled = native_threads.Condition(self._lock)
        self._waiting: deque[Pending] = deque()
        self._bytes = 0
        self._taken = 0  # by the sender, fate not yet known
        self._hurried = 0  # how many wait for the buffer to become empty
        self._emitted = 0
        self._delivered = 0
        self._discarded = 0
        self._dropped: Counter[str] = Counter()
        self._dropped_events: Counter[str] = Counter()
        self._unreadable: Counter[str] = Counter()
        self._next_sequence = 0
        self._report_due = False
        self._reporting = False
        self.closed = False
        self.abandoned = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def stats(self) -> Stats:
        with self._lock:
            return Stats(
                emitted=self._emitted,
                delivered=self._delivered,
                discarded=self._discarded,
                dropped=self._dropped.total(),
                buffered=len(self._waiting) + self._taken,
                dropped_by=dict(self._dropped),
                unreadable=dict(self._unreadable),
            )

    def put(self, pending: Pending) -> str:
        """Takes one; when the buffer is full, the oldest make room. Why something was dropped, or an empty text.

        Wakes the sender only for the first one and for the one that fills an envelope: waking costs the app time.
        """
        with self._lock:
            self._emitted += 1
            reason = "closed" if self.closed else "too large" if pending.size > self._max_bytes else ""
            if reason:
                self._drop(reason, pending.is_event, late=self.closed)
                return reason
            self._waiting.append(pending)
            self._bytes += pending.size
            while self._bytes > self._max_bytes or len(self._waiting) > self._max_events:
                oldest = self._waiting.popleft()
                self._bytes -= oldest.size
                reason = "buffer full"
                self._drop(reason, oldest.is_event)
            if len(self._waiting) in (1, ENVELOPE_EVENTS):
                self._arrived.notify()
            return reason

    def refuse(self, reason: str, *, event: bool) -> None:
        """Counts what was emitted but can't be taken."""
        with self._lock:
            self._emitted += 1
            self._drop(reason, event, late=self.closed)

    def count_unreadable(self, argument: str) -> None:
        """Counts an argument that an event was sent without; of names that no argument has, so many at most."""
        with self._lock:
            if argument in self._unreadable or len(self._unreadable) < _MOST_NAMES:
                self._unreadable[argument] += 1

    def take(self, limit: int) -> list[Pending]:
        """The oldest, which the caller has to settle, each once."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
            self._bytes -= sum(pending.size for pending in taken)
            self._taken += len(taken)
        return taken

    def number(self, count: int) -> tuple[int, int]:
        """The first of the next `count` sequence numbers, and how many events were dropped so far."""
        with self._lock:
            first = self._next_sequence
            self._next_sequence += count
            return first, self._dropped_events.total()

    def settle_delivered(self, count: int) -> None:
        with self._lock:
            self._delivered += count
            self._settle(count)

    def settle_discarded(self) -> None:
        with self._lock:
            self._discarded += 1
            self._settle(1)

    def settle_dropped(self, reason: str, count: int = 1, *, event: bool, numbered: bool = False) -> None:
        """`numbered`: the events already have their sequence numbers, so the gap is there."""
        with self._lock:
            self._drop(reason, event, count, numbered=numbered)
            self._settle(count)

    @property
    def report_due(self) -> bool:
        """Whether drops are to be reported, and no report is on its way."""
        return self._report_due and not self._reporting

    @property
    def unreported(self) -> bool:
        """Whether there were drops since the last report that Kafka has."""
        return self._report_due or self._reporting

    def begin_report(self) -> Drops:
        """What to report; the caller has to settle it."""
        with self._lock:
            self._report_due, self._reporting = False, True
            events = dict(self._dropped_events)
            return Drops(self._next_sequence, events, self._dropped.total() - sum(events.values()))

    def settle_report(self, *, delivered: bool) -> None:
        """A report that wasn't delivered is due again."""
        with self._lock:
            self._reporting = False
            self._report_due = self._report_due or not delivered
            self._settle(0)

    def wait_for_work(self, linger_s: float) -> bool:
        """Waits for one, then until they fill an envelope or `linger_s` are over; False when there will be no more.

        Comes back at once while taken ones are unsettled and none wait, and while drops are unreported: what the client
        has to say of them has to be asked for.
        """
        with self._lock:
            self._arrived.wait_for(lambda: self._waiting or self._taken or self.unreported or self.closed)
            if self._waiting:
                self._arrived.wait_for(
                    lambda: len(self._waiting) >= ENVELOPE_EVENTS or self._hurried or self.closed, linger_s
                )
            return not (self.closed and self._is_settled())

    def wait_until_settled(self, timeout_s: float) -> bool:
        """Hurries the sender and waits until all are settled, at most so long; whether it came to that.

        In a closed buffer, the report of what was dropped too.
        """
        with self._lock:
            self._hurried += 1
            self._arrived.notify()
        try:
            if native_threads.are_replaced():
                deadline = time.monotonic() + timeout_s
                while not self._is_settled() and time.monotonic() < deadline:
                    time.sleep(LOOK_S)  # lets the other greenlets run
                return self._is_settled()
            with self._lock:
                return self._settled.wait_for(self._is_settled, timeout_s)
        finally:
            with self._lock:
                self._hurried -= 1

    def close(self) -> None:
        """Takes no more from now on."""
        with self._lock:
            self.closed = True
            self._arrived.notify()

    def _settle(self, count: int) -> None:
        self._taken -= count
        if self._is_settled():
            self._settled.notify()

    def _is_settled(self) -> bool:
        return not self._waiting and not self._taken and not (self.closed and self.unreported and not self.abandoned)

    def _drop(self, reason: str, event: bool, count: int = 1, *, numbered: bool = False, late: bool = False) -> None:
        """`late`: after the end of the app's use, for which no report is sent."""
        self._dropped[reason] += count
        if event:
            self._dropped_events[reason] += count
            self._next_sequence += 0 if numbered else count
        if not late and not self._report_due:
            self._report_due = True
            self._arrived.notify()
