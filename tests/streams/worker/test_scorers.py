"""Scoring processes hang, take memory, die: the event that did it is a dead letter, and everything else is scored."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tests.schemas.samples import INTERACTION, TIME
from tests.streams.worker import hostile
from tests.streams.worker.test_stages import message
from watchline.schemas import codec, records
from watchline.schemas.errors import ConfigurationError, FatalError, Kind, PoisonError
from watchline.streams.ids import uuid7
from watchline.streams.messages import Message
from watchline.streams.settings import load
from watchline.streams.worker.scoring import scorers
from watchline.streams.worker.scoring.scorers import Scorers

pytestmark = pytest.mark.slow
LIMIT_S = 2.0


def saying(text: str) -> records.Interaction:
    return dataclasses.replace(INTERACTION, output_messages=(records.Message("assistant", text),))


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setitem(sys.modules, "__main__", hostile)  # what a spawned process imports first
    made: list[Scorers] = []

    def make(**settings: Any) -> tuple[Scorers, list[str]]:
        deaths: list[str] = []
        wanted = {"scoring_timeout_s": LIMIT_S, "scoring_memory_bytes": 1 << 28, "redaction": False, **settings}
        made.append(Scorers(load(detectors="pii", **wanted), died=deaths.append))
        assert made[-1].wait().keys() == {"pii"}
        return made[-1], deaths

    yield make
    for each in made:
        each.end()
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.parametrize(
    ("evil", "reason"),
    [
        (hostile.HANG, "time"),
        (hostile.EAT, "memory"),
        (hostile.DIE, "death"),
        (hostile.ASK, "death"),
        (hostile.ASK_TORCH, "death"),
    ],
)
def test_an_event_that_ends_the_process_is_a_dead_letter_and_all_others_are_scored(
    make: Any, evil: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pool, deaths = make()
    messages = [message(*[saying(f"{offset} {index}") for index in range(5)], offset=offset) for offset in range(20)]
    events = [saying(f"evil {index}") for index in range(5)]
    events[3] = saying(evil)
    messages[11] = message(*events, offset=11)
    scored = pool.score(messages)
    assert list(scored.places) == [
        (0, offset, index) for offset in range(20) for index in range(5) if (offset, index) != (11, 3)
    ]
    (letter,) = scored.dead_letters
    assert (letter.offset, letter.index, letter.kind) == (11, 3, Kind.KILLED)
    assert letter.reason.startswith(f"scoring it ended the scoring process ({reason}: ")
    (alone,) = codec.decode(letter.value, records.InteractionBatch).interactions
    assert alone == events[3]
    assert scored.apps == {(0, offset): dict.fromkeys(range(5), INTERACTION.app) for offset in range(20)}
    assert letter.app == INTERACTION.app
    assert set(deaths) == {reason}
    # Batch, message among its eighth, the message; the decoding of it passes; then the event. A death is tried twice.
    assert len(deaths) == (8 if reason == "death" else 4)
    if reason == "time":
        assert "hostile.py" in capfd.readouterr().err  # where it hung
    assert pool.score(messages[:11]).places == scored.places[:55]  # the new process works


def test_events_one_by_one_are_what_they_are_together(make: Any) -> None:
    pool, _ = make()
    messages = [message(saying("a"), saying("b"), offset=3), message(value=b"junk", offset=4)]
    together, apart = pool.score(messages), pool.score(messages, apart=True)
    assert apart.places == together.places == [(0, 3, 0), (0, 3, 1)]
    assert apart.apps == together.apps == {(0, 3): dict.fromkeys(range(2), INTERACTION.app), (0, 4): {-1: ""}}
    assert [letter.key for letter in apart.dead_letters] == [letter.key for letter in together.dead_letters]


def test_a_process_that_is_killed_from_outside_buries_nothing(make: Any) -> None:
    pool, deaths = make(scoring_timeout_s=30)
    messages = [message(saying(hostile.SLEEP), saying("other"), offset=offset) for offset in range(2)]
    with ThreadPoolExecutor(1) as thread:
        scored = thread.submit(pool.score, messages)
        time.sleep(1)
        os.kill(pool._all[0].pid, signal.SIGKILL)
        assert len(scored.result().places) == 4
        assert scored.result().dead_letters == []
    assert deaths == ["death"]


def test_one_that_is_killed_while_it_starts_is_started_again(make: Any) -> None:
    pool, deaths = make(scoring_timeout_s=30)
    first = pool._all[0].pid
    with ThreadPoolExecutor(1) as thread:
        os.kill(first, signal.SIGKILL)
        scored = thread.submit(pool.score, [message(saying("x"))])
        while pool._all[0].pid == first:
            time.sleep(0.01)
        os.kill(pool._all[0].pid, signal.SIGKILL)
        assert len(scored.result().places) == 1
    assert deaths == ["death"]


def test_a_machine_that_stood_still_is_no_hang(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, deaths = make()
    looks = count()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 100 * (next(looks) > 5))  # it jumps, once
    monkeypatch.setattr(scorers, "time", clock)
    assert len(pool.score([message(saying(hostile.SLEEP))]).places) == 1
    assert deaths == []


@pytest.mark.skipif(sys.platform != "linux", reason="no other system says how long a thread waited for a processor")
def test_a_machine_that_others_use_is_no_hang(make: Any) -> None:
    pool, deaths = make()
    core = min(os.sched_getaffinity(0))
    for thread in psutil.Process(pool._all[0].pid).threads():
        os.sched_setaffinity(thread.id, {core})
    spin = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    others = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(5)]
    try:
        started = time.monotonic()
        assert len(pool.score([message(saying(hostile.BUSY))]).places) == 1
        assert time.monotonic() - started > LIMIT_S, "nobody was in its way: this shows nothing"
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert deaths == []


def test_a_spare_process_is_made_ready_while_one_hangs(make: Any) -> None:
    pool, _ = make(scoring_timeout_s=6)
    first = pool._all[0].pid
    with ThreadPoolExecutor(1) as thread:
        scored = thread.submit(pool.score, [message(saying(hostile.HANG), saying("x"))])
        deadline = time.monotonic() + 60
        while pool._spare is None and time.monotonic() < deadline:
            time.sleep(0.05)
        spare = pool._spare.pid
        assert pool._all[0].pid == first and spare != first
        while pool._all[0].pid == first and time.monotonic() < deadline:
            time.sleep(0.05)
        assert pool._all[0].pid == spare
        assert len(scored.result().dead_letters) == 1


def test_several_processes_score_side_by_side(make: Any) -> None:
    pool, _ = make(scorers=2, scoring_timeout_s=30)
    with ThreadPoolExecutor(2) as threads:
        results = [threads.submit(pool.score, [message(saying(hostile.SLEEP), offset=offset)]) for offset in range(2)]
        deadline = time.monotonic() + 1
        while not pool._free.empty() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert pool._free.empty() and not any(result.done() for result in results)
    assert [result.result().places for result in results] == [[(0, 0, 0)], [(0, 1, 0)]]


def test_feedback_that_ends_the_process_costs_itself(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, _ = make()
    values = [
        codec.encode(records.Feedback(feedback_id=uuid7(), time=TIME, app="bot", event_id=uuid7(), comment="so-so"))
        for _ in range(3)
    ]
    messages = [Message("feedback", "id", 0, offset, TIME, value) for offset, value in enumerate(values)]
    received, dead = pool.redact_feedback(messages)
    assert (len(received), dead) == (3, [])
    ask = pool._do

    def do(job: Any, limit_s: float) -> Any:  # a mock: no comment is known that hangs the redactor
        if 1 in [each.offset for each in job.messages]:
            raise scorers.KilledError("time", "over 2 s")
        return ask(job, limit_s)

    monkeypatch.setattr(pool, "_do", do)
    left, letters = pool.redact_feedback(messages)
    assert [(letter.offset, letter.kind) for letter in letters] == [(1, Kind.KILLED)]
    assert [item.message.offset for item in left] == [0, 2]


def test_what_clickhouse_refuses_becomes_dead_letters(make: Any) -> None:
    pool, _ = make()
    messages = [message(saying("a"), saying("b"), offset=offset) for offset in (4, 5)]
    error = PoisonError(Kind.REFUSED, "row refused: code 53")
    letters = pool.letters(messages, {(0, 5, 1): error, (0, 4, -1): error})
    assert [(letter.offset, letter.index, letter.reason) for letter in letters] == [
        (5, 1, "row refused: code 53"),
        (4, -1, "row refused: code 53"),
    ]
    assert letters[1].value == messages[0].value


def test_a_mistake_in_the_code_ends_the_worker(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_TEST_FAIL", INTERACTION.event_id)
    from tests.faults import noop_worker

    monkeypatch.setitem(sys.modules, "__main__", noop_worker)
    pool = Scorers(load(detectors="pii", redaction=False))
    try:
        pool.wait()
        with pytest.raises(FatalError, match=r"ArithmeticError at noop_worker\.py"):
            pool.score([message(INTERACTION)])
    finally:
        pool.end()


def test_what_keeps_the_models_from_loading_is_said(tmp_path: Path) -> None:
    (tmp_path / "points.toml").write_text("[pii\n")
    pool = Scorers(load(detectors="pii", thresholds=tmp_path / "points.toml"))
    try:
        with pytest.raises(ConfigurationError, match=r"points\.toml"):
            pool.wait()
    finally:
        pool.end()
