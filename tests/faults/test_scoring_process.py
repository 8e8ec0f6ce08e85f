"""The scoring process hangs, takes memory, dies or is killed: only the event that did it is missing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from uuid import uuid4

import psutil
import pytest

from tests.end_to_end.test_bad_input import interaction
from tests.faults.rig import Rig
from tests.streams.worker.hostile import DIE, EAT, HANG
from watchline.schemas.codec import encode
from watchline.schemas.records import InteractionBatch, Message


def envelope(*answers: str) -> bytes:
    """An event of each answer, from a producer of its own."""
    events = tuple(interaction(app="bot", output_messages=(Message("assistant", answer),)) for answer in answers)
    return encode(InteractionBatch(producer_id=str(uuid4()), first_sequence=0, interactions=events))


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(scoring_timeout_s="2", scoring_memory_bytes=str(1 << 28))
    worker = rig.worker()
    worker.module = "tests.streams.worker.hostile"
    worker.start()
    return rig


def test_events_that_end_the_process_are_dead_letters_and_all_others_are_stored(rig: Rig) -> None:
    worker = rig.workers[-1]
    load = rig.load(rate=500)
    worker.wait(lambda: worker.health()["events"] > 0)
    pid = worker.pid
    for evil in (HANG, EAT, DIE):
        worker.produce(envelope("a", evil, "b"))
    worker.wait(lambda: worker.count("v_dead_letters") == 3, 120)
    load.finish()
    rig.settled()
    rows = worker.rows("SELECT kind, event_index, reason FROM v_dead_letters ORDER BY offset")
    assert [row[:2] for row in rows] == [("killed", 1)] * 3
    assert [re.search(r"\((\w+): ", row[2])[1] for row in rows] == ["time", "memory", "death"]
    worker.wait(lambda: worker.rows("SELECT count() FROM v_interactions WHERE app = 'bot'") == [(6,)])
    assert worker.pid == pid and worker.poll() is None
    worker.wait(lambda: worker.health()["lag_messages"] == 0)


def test_killed_again_and_again_nothing_is_lost_and_nothing_buried(rig: Rig) -> None:
    worker = rig.workers[-1]
    dead = worker.count("v_dead_letters")
    load = rig.load(rate=1000)
    for _ in range(8):
        before = worker.health()["events"]
        for process in worker.processes("scoring"):
            process.kill()
        worker.wait(lambda before=before: worker.health()["events"] > before)
        time.sleep(0.3)
    load.finish()
    rig.settled()
    assert worker.count("v_dead_letters") == dead


def test_it_ends_with_the_worker_even_while_it_holds_the_interpreter(rig: Rig) -> None:
    worker = rig.workers[-1]
    children = worker.processes("scoring")  # a spare one too, where the machine was slow
    worker.produce(envelope(HANG))
    worker.wait(lambda: any(child.cpu_percent(0.2) > 15 for child in children))
    worker.end()
    deadline = time.monotonic() + 5
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline, "an orphan"
        time.sleep(0.05)
    worker.start()
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
