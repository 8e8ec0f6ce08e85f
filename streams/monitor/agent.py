"""The monitors of a worker: messages of the findings topic in, signals stored and published, state saved, then acks.

In that order, so that a crash anywhere leads to the same messages being processed again from the state before them:
the signals come out with the same ids, and readers see each once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Protocol

from watchline.schemas.codec import Registry, decode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import FindingBatch, Signal
from watchline.streams.health.metrics import Metrics
from watchline.streams.messages import IncomingMessages
from watchline.streams.monitor.monitor import Monitor
from watchline.streams.throttled_log import ThrottledLog

_warnings = ThrottledLog(logging.getLogger(__name__))

MAX_PROMPTS = 500  # monitors of one partition; the one that was fed longest ago is forgotten


class ReceivedMessage(Protocol):
    """A Kafka message."""

    @property
    def partition(self) -> int: ...

    @property
    def value(self) -> bytes | None: ...


class States(Protocol):
    """Where states are kept, for instance a compacted topic with as many partitions as the findings topic."""

    async def load(self, partition: int) -> Mapping[bytes, bytes]:
        """The last saved states of a findings partition, by key, the one that was saved longest ago first."""

    async def save(self, partition: int, states: Mapping[bytes, bytes | None]) -> None:
        """Saves states; None deletes one. Returns when they are safe."""


class Monitoring:
    """Runs the monitors of the findings partitions that this worker holds.

    One monitor for each prompt: so only those that a batch has touched are saved again, and each is far smaller than a
    Kafka message may be. Positions are a monitor's own, so nothing must hold between the states of two prompts.

    Parameters
    ----------
    states : States
        Loaded when a partition's first message comes, saved after each batch.
    store, publish : async callables
        Take a batch's signals; return when these are safe. Called before the state is saved, and again with the same
        signals after a crash in between.
    reject : async callable
        Takes a message that is no finding batch and why; returns when it is a dead letter.
    executor : Executor
        One thread, in which the monitors run.
    metrics : Metrics
        Told of states that could not be read, and of measures without a baseline.
    registry : Registry, optional
        Whose framing the messages may have.
    """

    def __init__(
        self,
        *,
        states: States,
        store: Callable[[Sequence[Signal]], Awaitable[None]],
        publish: Callable[[Sequence[Signal]], Awaitable[None]],
        reject: Callable[[ReceivedMessage, PoisonError], Awaitable[None]],
        executor: Executor,
        metrics: Metrics,
        registry: Registry | None = None,
    ) -> None:
        self._states = states
        self._store = store
        self._publish = publish
        self._reject = reject
        self._executor = executor
        self._metrics = metrics
        self._registry = registry
        self._monitors: dict[int, dict[bytes, Monitor | bytes]] = {}  # bytes until the prompt's next message

    async def run(self, incoming: IncomingMessages) -> None:
        """`handle`, then acknowledge. An exception must end the process."""
        await self.handle(incoming.messages)
        await incoming.acknowledge(len(incoming.messages))

    async def handle(self, messages: Sequence[ReceivedMessage]) -> None:
        """Processes messages in order. Returns when signals and states are safe: only then may they be acknowledged.

        After an exception nothing is known of the states any more: they are loaded again with the next message.
        """
        try:
            await self._handle(messages)
        except BaseException:
            self._monitors.clear()
            raise

    def revoke(self, partitions: Iterable[int]) -> None:
        """Forgets partitions that another worker gets; call it when nothing of theirs is in flight."""
        for partition in partitions:
            self._monitors.pop(partition, None)
        self._metrics.measures_without_baseline.set(_waiting(self._monitors.values()))

    async def _handle(self, messages: Sequence[ReceivedMessage]) -> None:
        for partition in {message.partition for message in messages} - self._monitors.keys():
            self._monitors[partition] = dict(await self._states.load(partition))
        loop = asyncio.get_running_loop()
        signals, states, poison = await loop.run_in_executor(
            self._executor, _process, messages, self._monitors, self._unreadable, self._registry
        )
        self._metrics.measures_without_baseline.set(_waiting(self._monitors.values()))
        for message, error in poison:
            await self._reject(message, error)
        if signals:
            await self._store(signals)
            await self._publish(signals)
        for partition, changed in states.items():
            await self._states.save(partition, changed)

    def _unreadable(self, reason: str) -> None:
        self._metrics.unreadable_states.inc()
        _warnings.warn("unreadable", "a monitor's state cannot be read (%s): its baselines are learned anew", reason)


def state_key(batch: FindingBatch) -> bytes:
    """What a prompt's state is saved under."""
    return "\0".join((batch.app, batch.environment, batch.prompt_name or "")).encode()


_Work = tuple[list[Signal], dict[int, dict[bytes, bytes | None]], list[tuple[ReceivedMessage, PoisonError]]]


def _process(
    messages: Sequence[ReceivedMessage],
    monitors: Mapping[int, dict[bytes, Monitor | bytes]],
    unreadable: Callable[[str], None],
    registry: Registry | None,
) -> _Work:
    signals: list[Signal] = []
    poison: list[tuple[ReceivedMessage, PoisonError]] = []
    touched: dict[int, dict[bytes, Monitor | None]] = {}
    for message in messages:
        try:
            batch = decode(message.value, FindingBatch, registry)
        except PoisonError as error:
            poison.append((message, error))
            continue
        held, changed, key = monitors[message.partition], touched.setdefault(message.partition, {}), state_key(batch)
        known = held.pop(key, None) or Monitor()
        monitor = Monitor.load(known, unreadable) if isinstance(known, bytes) else known
        changed.pop(key, None)
        held[key] = changed[key] = monitor  # the most recently fed one last
        signals += monitor.process(batch)
        if len(held) > MAX_PROMPTS:
            oldest = next(iter(held))
            del held[oldest]
            changed[oldest] = None
            _warnings.warn(
                "forgotten", "more than %d prompts in a findings partition: one is no longer watched", MAX_PROMPTS
            )
    states = {
        partition: {key: monitor.dump() if monitor is not None else None for key, monitor in changed.items()}
        for partition, changed in touched.items()
    }
    return signals, states, poison


def _waiting(held: Iterable[Mapping[bytes, Monitor | bytes]]) -> int:
    """Measures that are compared with nothing yet, of the prompts that have had a message here."""
    return sum(monitor.waiting for monitors in held for monitor in monitors.values() if isinstance(monitor, Monitor))
