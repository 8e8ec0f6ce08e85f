"""The monitors of a process: messages of the findings topic in, signals stored and published, state saved, then acks.

In that order, so that a crash anywhere leads to the same messages being processed again from the state before them:
the signals come out with the same ids, and readers see each once. Messages wait, unacknowledged, until their events are
due: see `event_order`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from typing import NamedTuple, Protocol

from watchline.schemas.codec import Registry
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Signal
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.messages import IncomingMessages, kafka_time
from watchline.streams.monitor.event_order import HeldMessage
from watchline.streams.monitor.paging import FALSE_PAGES
from watchline.streams.monitor.partition import FindingsPartition, Outcome
from watchline.streams.throttled_log import ThrottledLog

_warnings = ThrottledLog(logging.getLogger(__name__))

MAX_HELD_BYTES = 64 * 2**20  # of messages whose events are not due yet, over all partitions
MAX_DECODED_BYTES = 8 * 2**20  # of those that are held decoded too, which takes seven times as much
WATERMARKS_S = 5.0  # between two times that the watermarks are stored


class ReceivedMessage(Protocol):
    """A Kafka message; `timestamp` is Kafka's, in seconds since 1970."""

    @property
    def partition(self) -> int: ...

    @property
    def value(self) -> bytes | None: ...

    @property
    def timestamp(self) -> float: ...


class States(Protocol):
    """Where states are kept, for instance a compacted topic with as many partitions as the findings topic."""

    async def load(self, partition: int) -> Mapping[bytes, bytes]:
        """The last saved states of a findings partition, by key, the one that was saved longest ago first."""

    async def save(self, partition: int, states: Mapping[bytes, bytes | None]) -> None:
        """Saves states; None deletes one. Returns when they are safe."""


class Monitoring:
    """Runs the monitors of the findings partitions that this process holds.

    One monitor for each prompt: so only those that a batch has touched are saved again, and each is far smaller than a
    Kafka message may be. Positions are a monitor's own, so nothing must hold between the states of two prompts.

    Parameters
    ----------
    states : States
        Loaded when a partition's first message comes, saved after each batch.
    store, publish : async callables
        Take a batch's signals; return when these are safe. Called before the state is saved, and again with the same
        signals after a crash in between.
    store_watermarks : async callable
        Takes watermarks that have moved, in microseconds since 1970 by findings partition.
    reject : async callable
        Takes a message that is no finding batch and why; returns when it is a dead letter.
    executor : Executor
        One thread, in which the monitors run.
    metrics : MonitorMetrics
        Told of states that could not be read, and of measures without a baseline.
    registry : Registry, optional
        Whose framing the messages may have.
    false_pages : float
        The budget of an app, a month: see `Paging`.
    """

    def __init__(
        self,
        *,
        states: States,
        store: Callable[[Sequence[Signal]], Awaitable[None]],
        publish: Callable[[Sequence[Signal]], Awaitable[None]],
        store_watermarks: Callable[[Mapping[int, int]], Awaitable[None]],
        reject: Callable[[ReceivedMessage, PoisonError], Awaitable[None]],
        executor: Executor,
        metrics: MonitorMetrics,
        registry: Registry | None = None,
        false_pages: float = FALSE_PAGES,
    ) -> None:
        self._states = states
        self._store = store
        self._publish = publish
        self._store_watermarks = store_watermarks
        self._reject = reject
        self._executor = executor
        self._metrics = metrics
        self._registry = registry
        self._false_pages = false_pages
        self._partitions: dict[int, FindingsPartition] = {}
        self._unacknowledged: deque[tuple[IncomingMessages, deque[HeldMessage]]] = deque()
        self._stored: dict[int, int] = {}  # watermarks
        self._stored_at = -WATERMARKS_S

    async def run(self, incoming: IncomingMessages) -> None:
        """`handle`, then acknowledge what isn't held, in order. An exception must end the process."""
        self._unacknowledged.append((incoming, await self.handle(incoming.messages)))
        while self._unacknowledged:
            first, messages = self._unacknowledged[0]
            done = 0
            while messages and not messages[0].held:
                messages.popleft()
                done += 1
            await first.acknowledge(done)
            if messages:
                break
            self._unacknowledged.popleft()
        if self._unacknowledged:
            incoming.set_aside()

    async def handle(self, messages: Sequence[ReceivedMessage]) -> deque[HeldMessage]:
        """Takes messages in order, and looks at all events that are due by then.

        Returns what it holds of each message when signals and states are safe: one of which nothing is held may be
        acknowledged then. After an exception nothing is known of the states any more: they are loaded again with the
        next message.
        """
        try:
            return await self._handle(messages)
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        """Forgets everything: the partitions are assigned anew, and what isn't acknowledged will be read again."""
        self._partitions.clear()
        self._unacknowledged.clear()
        self._metrics.monitored({}, held=0, waiting=0)

    async def _handle(self, messages: Sequence[ReceivedMessage]) -> deque[HeldMessage]:
        for number in {message.partition for message in messages} - self._partitions.keys():
            states = await self._states.load(number)
            self._partitions[number] = FindingsPartition(
                states, self._unreadable, self._forgot, self._registry, false_pages=self._false_pages
            )
        loop = asyncio.get_running_loop()
        work = await loop.run_in_executor(self._executor, _process, messages, self._partitions)
        for message, error in work.poison:
            await self._reject(message, error)
        signals = [signal for outcome in work.outcomes.values() for signal in outcome.signals]
        if signals:
            await self._store(signals)
            await self._publish(signals)
        for number, outcome in work.outcomes.items():
            if outcome.states:
                await self._states.save(number, outcome.states)
        await self._tell(work.outcomes.values())
        return work.held

    async def _tell(self, outcomes: Collection[Outcome]) -> None:
        """Metrics, and now and then the watermarks' rows: all signals up to them are stored."""
        orders = {number: partition.order for number, partition in self._partitions.items()}
        watermarks = {number: order.watermark for number, order in orders.items() if order.watermark}
        self._metrics.monitored(
            watermarks,
            held=sum(order.events for order in orders.values()),
            waiting=sum(partition.waiting for partition in self._partitions.values()),
        )
        early = sum(outcome.early for outcome in outcomes)
        self._metrics.early_events.inc(early)
        self._metrics.late_events.inc(sum(outcome.late for outcome in outcomes))
        if early:
            _warnings.warn(
                "early",
                "more than %d MiB of findings wait for raw partitions that are behind: some are compared out of order",
                MAX_HELD_BYTES // 2**20,
            )
        moved = {number: time for number, time in watermarks.items() if time > self._stored.get(number, 0)}
        if moved and time.monotonic() > self._stored_at + WATERMARKS_S:
            await self._store_watermarks(moved)
            self._stored |= moved
            self._stored_at = time.monotonic()

    def _unreadable(self, reason: str) -> None:
        self._metrics.unreadable_states.inc()
        _warnings.warn("unreadable", "a monitor's state cannot be read (%s): its baselines are learned anew", reason)

    def _forgot(self, what: str) -> None:
        self._metrics.forgotten.labels(what).inc()
        _warnings.warn(what, "the monitors have too many %s: the one seen longest ago is no longer watched", what)


class _Work(NamedTuple):
    """What came of messages that were read together."""

    outcomes: dict[int, Outcome]  # by findings partition
    poison: list[tuple[ReceivedMessage, PoisonError]]
    held: deque[HeldMessage]


def _process(messages: Sequence[ReceivedMessage], partitions: Mapping[int, FindingsPartition]) -> _Work:
    poison: list[tuple[ReceivedMessage, PoisonError]] = []
    held: deque[HeldMessage] = deque()
    decoded = MAX_DECODED_BYTES // len(partitions)
    for message in messages:
        published = kafka_time(message.timestamp)
        try:
            held.append(partitions[message.partition].take(message.value, published, max_decoded_bytes=decoded))
        except PoisonError as error:
            poison.append((message, error))
            held.append(HeldMessage(b""))
    most = MAX_HELD_BYTES // len(partitions)
    outcomes = {number: partition.look(max_held_bytes=most) for number, partition in partitions.items()}
    return _Work(outcomes, poison, held)
