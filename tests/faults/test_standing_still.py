"""A process stands still, as one does that is paused with its container, and goes on: nothing lost, nothing twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.rig import Rig

SESSION_S = 6.0  # of the tests' workers


def test_a_worker_past_its_session_while_another_has_taken_over(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(topic_partitions="2", test_slow_s="0.1")
    still, other = rig.worker("w1").start(), rig.worker("w2").start()
    load = rig.load(rate=300)
    still.wait(lambda: still.health()["events"] > 0)
    other.wait(lambda: other.health()["events"] > 0)
    still.send_signal(signal.SIGSTOP)
    time.sleep(SESSION_S + 2)
    before = other.health()["events"]
    other.wait(lambda: other.health()["events"] > before + 1000)
    still.send_signal(signal.SIGCONT)
    still.wait(lambda: still.page("ready")[0] == 200)
    before = still.health()["events"]
    still.wait(lambda: still.health()["events"] > before)  # it has partitions again
    load.finish()
    rig.settled()


@pytest.mark.parametrize("kind", ["scoring", "monitors"])
def test_a_process_of_the_worker(make_rig: Callable[..., Rig], kind: str) -> None:
    rig = make_rig()
    worker = rig.worker().start()
    load = rig.load(rate=300)
    worker.wait(lambda: worker.health()["events"] > 0 and bool(worker.processes(kind)))
    processes = worker.processes(kind)  # a spare scoring process too, where the machine was slow
    for process in processes:
        process.suspend()
    time.sleep(3)
    assert worker.page("health")[0] == 200
    for process in processes:
        process.resume()
    load.finish()
    rig.settled()
    worker.wait(lambda: worker.health()["lag_messages"] == worker.health()["monitors_lag_messages"] == 0)
    assert worker.stop() == 0
