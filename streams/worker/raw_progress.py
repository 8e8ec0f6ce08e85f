"""Tells the monitors how far each partition of the raw topic is done: what they make their watermark of.

Every findings partition gets a record behind the findings that it speaks of: of each raw partition that this worker
has, the LogAppendTime up to which all is stored and published. That is the time of the last message that went through;
or, where nothing is left to do, Kafka's time of the last such record, if all that is there by now is acknowledged: what
came before that record was there when the partition's end was asked for, and what comes later is later. So no clock
but Kafka's is read, and a partition without traffic holds nobody up.

What is told once is true for ever, whoever has the partition then: a worker that was given up for dead does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from watchline.schemas.codec import Registry, encode
from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.schemas.records import FindingBatch, RawProgress
from watchline.streams.health.progress import ConsumerState, Partition
from watchline.streams.messages import Message, Record
from watchline.streams.throttled_log import ThrottledLog

_warnings = ThrottledLog(logging.getLogger(__name__))

BUSY_S = 1.0  # between two records while the monitors wait for them
IDLE_S = 5.0
BUSY_FOR_S = 20.0  # after the last message: longer than the monitors hold an event
COUNT_S = 60.0  # between two looks at how many partitions there are


class RawProgressReports:
    """The reports of one worker.

    Parameters
    ----------
    topic : str
        The raw topic.
    state : callable
        What the consumer says, given the partitions' ends.
    ends : callable
        The offsets after the last messages of partitions. May block, and raise what `report` raises.
    counts : callable
        How many partitions the raw topic and the findings topic have. May block, and raise what `report` raises.
    send : async callable
        Takes records of the findings topic; returns the earliest of Kafka's times of them, in microseconds.
    registry : Registry, optional
        Whose framing the records get.
    """

    def __init__(
        self,
        topic: str,
        *,
        state: Callable[[Mapping[Partition, int]], ConsumerState],
        ends: Callable[[Iterable[Partition]], Mapping[Partition, int]],
        counts: Callable[[], tuple[int, int]],
        send: Callable[[Sequence[Record]], Awaitable[int]],
        registry: Registry | None = None,
    ) -> None:
        self._topic = topic
        self._state = state
        self._ends = ends
        self._count = counts
        self._send = send
        self._registry = registry
        self._done: dict[int, int] = {}
        self._now = 0  # Kafka's time of the last report
        self._counts = (0, 0)
        self._counted = self._busy = -float("inf")
        self._woken = asyncio.Event()

    def done(self, messages: Iterable[Message]) -> None:
        """Takes messages of the raw topic that are stored, and whose findings are published."""
        for message in messages:
            self._done[message.partition] = max(self._done.get(message.partition, 0), message.time)
        self._busy = time.monotonic()
        self._woken.set()

    async def run(self) -> None:
        """Sends a report now and then, until cancelled. What keeps it from that is logged: only the monitors wait."""
        while True:
            try:
                await self.report()
            except (TransientError, ConfigurationError):
                pass  # `follow_ends` ends a worker that is refused for long
            except Exception as error:
                _warnings.warn("report", "the monitors were not told of progress: %s", type(error).__name__)
            if time.monotonic() < self._busy + BUSY_FOR_S:
                await asyncio.sleep(BUSY_S)
                continue
            self._woken.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), IDLE_S)

    async def report(self) -> None:
        """Sends a report to every findings partition.

        Raises TransientError where Kafka is away, ConfigurationError where it refuses us.
        """
        if time.monotonic() > self._counted + COUNT_S:
            self._counts = await asyncio.to_thread(self._count)
            self._counted = time.monotonic()
        partitions, findings = self._counts
        asked = [place for place in self._state({}).lag if place[0] == self._topic]
        ends = await asyncio.to_thread(self._ends, asked)
        lag = self._state(ends).lag
        for place in asked:
            if lag.get(place) == 0:
                self._done[place[1]] = max(self._done.get(place[1], 0), self._now)
        progress = tuple(
            RawProgress(number, self._done[number], partitions) for _, number in sorted(asked) if self._done.get(number)
        )
        if asked:
            value = encode(FindingBatch(app="", environment="", items=(), progress=progress), self._registry)
            self._now = await self._send([Record(value, partition=number) for number in range(findings)])
