"""Several batches in flight: while one is stored the next is scored, and each stage sees them in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from watchline.streams.worker.batch import Batch

AFTER_SCORING = 2  # in flight beside those that are scored
Step = Callable[[Batch], Awaitable[Batch]]


class Runner:
    """Takes batches through steps, several at a time. Everything here runs in the event loop.

    Parameters
    ----------
    steps : sequence of async callables
        Each takes a batch and returns it; one that raises ends them all.
    max_bytes : int
        Of the messages in flight. A batch that is larger goes alone.
    side_by_side : int
        Batches that may be in the first step together. They leave it in their order.

    Examples
    --------
    >>> async def step(batch):
    ...     return batch
    >>> runner = Runner([step], max_bytes=1_000_000)
    >>> asyncio.run(runner.drain())
    """

    def __init__(self, steps: Sequence[Step], *, max_bytes: int, side_by_side: int = 1) -> None:
        self._steps = steps
        self._turns = [
            asyncio.Semaphore(side_by_side),
            *(asyncio.Lock() for _ in steps[1:]),
        ]  # first come, first served
        self.max_in_flight = side_by_side + AFTER_SCORING
        self._last_left_first = asyncio.Event()  # the batch before the next one has left the first step, or failed
        self._last_left_first.set()
        self._max_bytes = max_bytes
        self._in_flight: deque[tuple[asyncio.Task[None], int]] = deque()
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()

    async def submit(self, batch: Batch) -> None:
        """Begins with a batch, as soon as there is room. Raises what an earlier one failed with.

        Returns while the batch is in flight. Batches that are submitted one after the other stay in that order.
        """
        size_bytes = batch.size_bytes
        while self._in_flight and not self._has_room(size_bytes):
            await self._oldest()
            self._check()
        self._check()
        before, self._last_left_first = self._last_left_first, asyncio.Event()
        self._in_flight.append((asyncio.create_task(self._run(batch, before, self._last_left_first)), size_bytes))

    async def drain(self) -> None:
        """Waits until nothing is in flight. Raises what a batch failed with."""
        while self._in_flight:
            await self._oldest()
        self._check()

    async def watch(self) -> None:
        """Raises what a batch fails with, as soon as it does."""
        await self._failed.wait()
        self._check()

    def _has_room(self, size_bytes: int) -> bool:
        held = sum(size for _, size in self._in_flight)
        return len(self._in_flight) < self.max_in_flight and held + size_bytes <= self._max_bytes

    async def _oldest(self) -> None:
        task, _ = self._in_flight[0]
        await asyncio.wait([task])
        self._in_flight.popleft()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _run(self, batch: Batch, before: asyncio.Event, left_first: asyncio.Event) -> None:
        try:
            for number, (step, turn) in enumerate(zip(self._steps, self._turns, strict=True)):
                if number == 1:
                    await before.wait()
                async with turn:
                    if number == 1:
                        left_first.set()  # only now: the next batch may ask for its turn here
                    self._check()  # a batch before this one failed here or earlier: nothing after it may be safe
                    batch = await step(batch)
        except BaseException as error:
            if self._failure is None:
                self._failure = error
                self._failed.set()
            if not isinstance(error, Exception):
                raise
        finally:
            left_first.set()
