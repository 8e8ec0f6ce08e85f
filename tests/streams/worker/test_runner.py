"""Batches overlap, each step sees them in order, and nothing after a failure is acknowledged."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tests.streams.worker.test_stages import message
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.brake import Brake
from watchline.streams.worker.offset_gaps import OffsetGaps
from watchline.streams.worker.runner import AFTER_SCORING, Runner
from watchline.streams.worker.scoring.part import ScoredPart
from watchline.streams.worker.stages.acknowledge import Acknowledge

STEPS = ("score", "store", "publish", "acknowledge")


class Incoming:
    """What a take of messages is acknowledged by: keeps the order."""

    def __init__(self, messages: Sequence[Any], done: list[Any]) -> None:
        self.messages = list(messages)
        self._open = iter(messages)
        self._done = done

    async def acknowledge(self, count: int) -> None:
        self._done += [next(self._open).offset for _ in range(count)]


def batch(number: int, size_bytes: int = 1) -> Batch:
    return Batch([message(offset=number, value=b"x" * size_bytes)], SimpleNamespace(acknowledge=None, messages=()))


class Steps:
    """Steps of random length that note which batch they have; one may fail at a batch."""

    def __init__(self, seed: int, fail: tuple[str, int] | None = None, side_by_side: int = 1) -> None:
        self._side_by_side = side_by_side
        self.most_side_by_side = 0
        self.done: dict[str, list[int]] = {name: [] for name in STEPS}
        self.at_once: dict[str, int] = dict.fromkeys(STEPS, 0)
        self.bytes_in_flight = self.in_flight = self.most_in_flight = self.most_bytes = 0
        self._random = random.Random(seed)
        self._fail = fail

    def all(self) -> list[Callable[[Batch], Any]]:
        return [lambda batch, name=name: self._run(name, batch) for name in STEPS]

    async def _run(self, name: str, batch: Batch) -> Batch:
        number = batch.messages[0].offset
        if name == STEPS[0]:
            self.in_flight += 1
            self.bytes_in_flight += batch.size_bytes
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.most_bytes = max(self.most_bytes, self.bytes_in_flight)
        self.at_once[name] += 1
        if name == STEPS[0]:
            self.most_side_by_side = max(self.most_side_by_side, self.at_once[name])
        assert self.at_once[name] <= (self._side_by_side if name == STEPS[0] else 1), "too many batches in one step"
        for _ in range(self._random.randrange(6)):
            await asyncio.sleep(0)
        if (name, number) == self._fail:
            raise ArithmeticError(name)
        self.at_once[name] -= 1
        self.done[name].append(number)
        if name == STEPS[-1]:
            self.in_flight -= 1
            self.bytes_in_flight -= batch.size_bytes
        return batch


async def run(steps: Steps, sizes: Sequence[int], max_bytes: int, side_by_side: int = 1) -> None:
    runner = Runner(steps.all(), max_bytes=max_bytes, side_by_side=side_by_side)
    for number, size_bytes in enumerate(sizes):
        await runner.submit(batch(number, size_bytes))
    await runner.drain()


@pytest.mark.parametrize("seed", range(20))
def test_each_step_sees_all_batches_in_their_order_and_they_overlap(seed: int) -> None:
    steps = Steps(seed)
    asyncio.run(run(steps, [1] * 30, 100))
    assert steps.done == {name: list(range(30)) for name in STEPS}
    assert steps.most_in_flight > 1
    assert steps.most_in_flight <= 1 + AFTER_SCORING


@pytest.mark.parametrize("seed", range(20))
def test_batches_that_are_scored_side_by_side_go_on_in_their_order(seed: int) -> None:
    steps = Steps(seed, side_by_side=3)
    asyncio.run(run(steps, [1] * 30, 100, side_by_side=3))
    assert {name: steps.done[name] for name in STEPS[1:]} == {name: list(range(30)) for name in STEPS[1:]}
    assert sorted(steps.done["score"]) == list(range(30))
    assert steps.most_side_by_side == 3
    assert steps.most_in_flight <= 3 + AFTER_SCORING


@pytest.mark.parametrize("seed", range(5))
def test_nothing_after_one_that_fails_side_by_side_is_acknowledged(seed: int) -> None:
    steps = Steps(seed, fail=("score", 7), side_by_side=3)
    with pytest.raises(ArithmeticError):
        asyncio.run(run(steps, [1] * 30, 100, side_by_side=3))
    acknowledged = steps.done["acknowledge"]
    assert acknowledged == list(range(len(acknowledged))) and len(acknowledged) <= 7


def test_batches_in_flight_hold_no_more_bytes_than_allowed_but_for_one_that_is_larger() -> None:
    steps = Steps(1)
    asyncio.run(run(steps, [4, 4, 4, 4, 25, 4, 4], 10))
    assert steps.done[STEPS[-1]] == list(range(7))
    assert steps.most_bytes == 25
    steps = Steps(1)
    asyncio.run(run(steps, [4] * 20, 10))
    assert steps.most_bytes == 8


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("failing", STEPS)
def test_nothing_after_a_failure_goes_through_the_step_that_failed(failing: str, seed: int) -> None:
    steps = Steps(seed, fail=(failing, 7))
    with pytest.raises(ArithmeticError):
        asyncio.run(run(steps, [1] * 30, 100))
    assert steps.done[failing] == list(range(7))
    acknowledged = steps.done["acknowledge"]
    assert acknowledged == list(range(len(acknowledged))) and len(acknowledged) <= 7


def test_who_watches_hears_of_a_failure_without_another_batch() -> None:
    async def fail_and_watch() -> None:
        runner = Runner(Steps(0, fail=("store", 0)).all(), max_bytes=10)
        await runner.submit(batch(0))
        await asyncio.wait_for(runner.watch(), 5)

    with pytest.raises(ArithmeticError, match="store"):
        asyncio.run(fail_and_watch())


def test_a_gap_is_stepped_over_when_all_before_it_is_acknowledged() -> None:
    messages = [message(offset=offset) for offset in (5, 6, 9, 10, 20)]
    gaps = OffsetGaps()
    gaps.expect(("raw", 0), 3)
    found = gaps.find(messages)
    done: list[Any] = []

    async def skip(partition: tuple[str, int], offset: int) -> None:
        done.append((partition, offset))

    stage = Acknowledge(Brake(10, 1.0), skip, Progress(), Metrics({}))
    whole = Incoming(messages, done)
    parts = [messages[:3], messages[3:]]

    async def acknowledge() -> None:
        runner = Runner([stage.run], max_bytes=10**6)
        for part in parts:
            scored = ScoredPart(apps={(each.partition, each.offset): {0: "bot"} for each in part})
            await runner.submit(Batch(part, whole, [gap for gap in found if gap.message in part], scored=scored))
        await runner.drain()

    asyncio.run(acknowledge())
    assert done == [(("raw", 0), 5), 5, 6, (("raw", 0), 9), 9, 10, (("raw", 0), 20), 20]
