"""When a worker counts as stalled, by a clock that the test turns; and what a stalled process does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.streams.health import progress as health
from watchline.streams.health.progress import STALL_S, ConsumerState, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def consumer_state(
    committed: int | None, end: int, *, held: int | None = None, unread: int = 0, topic: str = "raw"
) -> ConsumerState:
    lag = end - (committed or 0)
    return ConsumerState(
        {(topic, 0): committed}, {(topic, 0): lag}, {topic: lag if held is None else held}, unread={topic: unread}
    )


def both(first: ConsumerState, second: ConsumerState) -> ConsumerState:
    return ConsumerState(
        {**first.committed, **second.committed},
        {**first.lag, **second.lag},
        {**first.held, **second.held},
        unread={**first.unread, **second.unread},
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    return Progress(300.0, clock)


@pytest.mark.parametrize("committed", [None, 5])
def test_messages_that_wait_without_a_commit_are_a_stall(
    progress: Progress, clock: Clock, committed: int | None
) -> None:
    progress.observe(consumer_state(committed, 10))
    clock.now += STALL_S
    progress.observe(consumer_state(committed, 12))
    assert not progress.is_stalled
    clock.now += 1
    progress.observe(consumer_state(committed, 12))
    assert progress.is_stalled
    assert progress.report()["status"] == "stalled"
    progress.observe(consumer_state(6, 12))
    assert not progress.is_stalled


def test_a_quiet_night_is_no_stall(progress: Progress, clock: Clock) -> None:
    progress.observe(consumer_state(10, 10))
    clock.now += 10 * STALL_S
    progress.observe(consumer_state(10, 10))
    assert progress.stalled_s == 0
    progress.observe(consumer_state(10, 11))
    clock.now += STALL_S
    assert not progress.is_stalled
    assert progress.report()["last_commit_age_s"] == 11 * STALL_S


def test_batches_that_are_never_committed_are_a_stall(progress: Progress, clock: Clock) -> None:
    for _ in range(3):
        progress.observe(consumer_state(5, 10))
        progress.batch_done(1)
        clock.now += STALL_S
    assert progress.is_stalled


def test_an_agent_that_hangs_beside_another_that_works_is_a_stall(progress: Progress, clock: Clock) -> None:
    for offset in range(int(STALL_S) + 2):
        progress.observe(both(consumer_state(offset, 1000), consumer_state(1, 2, topic="feedback")))
        clock.now += 1
    assert progress.is_stalled


def test_a_topic_that_waits_its_turn_is_no_stall(progress: Progress, clock: Clock) -> None:
    for offset in range(int(STALL_S) + 2):
        progress.observe(both(consumer_state(offset, 1000), consumer_state(1, 2, held=0, unread=1, topic="feedback")))
        clock.now += 1
    assert not progress.is_stalled


def test_messages_that_are_never_fetched_are_a_stall(progress: Progress, clock: Clock) -> None:
    progress.observe(consumer_state(5, 10, held=0, unread=5))
    clock.now += STALL_S + 1
    progress.observe(consumer_state(5, 10, held=0, unread=5))
    assert progress.is_stalled


def test_what_retention_has_taken_does_not_wait(progress: Progress, clock: Clock) -> None:
    progress.observe(consumer_state(None, 1000, held=0))
    clock.now += 10 * STALL_S
    progress.observe(consumer_state(None, 1000, held=0))
    assert progress.stalled_s == 0


def test_partitions_that_go_to_another_worker_are_no_stall(progress: Progress, clock: Clock) -> None:
    progress.observe(consumer_state(5, 10))
    clock.now += 2 * STALL_S
    progress.observe(ConsumerState())
    assert progress.stalled_s == 0
    assert progress.report()["lag_messages"] is None


@pytest.mark.parametrize("what", ["store", "registry"])
def test_a_store_or_registry_that_is_away_has_the_time_of_its_retries(
    what: str, progress: Progress, clock: Clock
) -> None:
    failed = {"store": partial(progress.store_attempt, "none"), "registry": progress.registry_failed}[what]
    progress.observe(consumer_state(5, 10))
    for _ in range(30):
        clock.now += 10
        failed()
    assert not progress.is_stalled
    clock.now += STALL_S
    assert progress.is_stalled
    assert not progress.is_hopeless


def test_hopeless_is_longer_than_anything_legal(progress: Progress, clock: Clock) -> None:
    progress.observe(consumer_state(5, 10))
    clock.now += 2 * STALL_S + 300
    assert not progress.is_hopeless
    clock.now += 1
    assert progress.is_hopeless


def test_ready_with_partitions_and_an_answer_of_the_store(progress: Progress) -> None:
    assert progress.not_ready(draining=False) == ["no partitions assigned yet", "the store does not answer"]
    progress.joined = True  # also where none are left for it
    progress.store_attempt(None)
    assert progress.not_ready(draining=False) == []
    assert progress.not_ready(draining=True) == ["draining"]
    progress.store_attempt("210")
    assert progress.not_ready(draining=False) == ["the store does not answer"]


def test_kafka_that_is_away_is_waited_for_and_one_that_refuses_the_login_is_not(
    progress: Progress, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ENDS_S", 0.0)
    progress.observe(consumer_state(5, 10))
    refused = ConfigurationError("WATCHLINE_KAFKA_PASSWORD: refused")
    answers = iter(
        [{("raw", 0): 12}, TransientError("away"), refused, TransientError("away"), refused, refused, refused, None]
    )
    asked: list[Any] = []

    def ask(partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked.append(list(partitions))
        clock.now += health.REFUSED_S / 2 - 1
        answer: Any = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    with pytest.raises(ConfigurationError, match="PASSWORD"):
        asyncio.run(health.follow_ends(progress, ask))
    assert next(answers) is None  # the first refusal was not the last
    assert asked[0] == [("raw", 0)]
    assert progress.ends == {("raw", 0): 12}


# A stand-in for Faust's consumer: one message waits for ever.
STUCK = """
import asyncio, logging, sys, threading, time
from watchline.streams.health import progress as health
health.STALL_S, health.WATCH_S, health.LOOP_STALL_S = 0.2, 0.05, 0.5
def hangs(secret="a secret"):
    time.sleep(60)
threading.Thread(target=hangs, name="score_0").start()
async def run():
    if "loop" in sys.argv:
        asyncio.get_running_loop().call_later(0.1, time.sleep, 60)
    await health.watch(
        lambda: health.ConsumerState({("raw", 0): 1}, {("raw", 0): 1}, {"raw": 1}),
        health.Progress(0.2 if "progress" in sys.argv else 300))
asyncio.run(run())
"""


@pytest.mark.parametrize("what", ["progress", "loop"])
def test_a_process_that_is_hopelessly_stuck_shows_its_stacks_and_ends(what: str) -> None:
    done = subprocess.run([sys.executable, "-c", STUCK, what], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "in hangs" in done.stderr
    assert "a secret" not in done.stderr
    assert done.stderr.count("no progress for") == (what == "progress")
