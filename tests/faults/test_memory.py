"""A process gets no more memory from the system: it ends and is started again, nothing is lost, nothing is buried."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable

import psutil
import pytest

from tests.faults.rig import Rig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system limits a process that runs already")


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig()
    rig.worker().start()
    return rig


def give_no_more(pid: int) -> None:
    """What it has freed it may still use."""
    resource.prlimit(pid, resource.RLIMIT_AS, (1 << 20, resource.RLIM_INFINITY))


def has_ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("kind", ["scoring", "monitors"])
def test_a_child_without_memory_is_replaced(rig: Rig, kind: str) -> None:
    worker = rig.workers[-1]
    worker.wait(lambda: bool(worker.processes(kind)))
    children = worker.processes(kind)  # a spare scoring process too, where the machine was slow
    pid = worker.pid
    for child in children:
        give_no_more(child.pid)
    load = rig.load(rate=1000)
    worker.wait(lambda: any(map(has_ended, children)), 120)  # it may hang first
    worker.wait(lambda: any(child not in children for child in worker.processes(kind)))
    load.finish()
    rig.settled()
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.pid == pid and worker.poll() is None
    assert worker.count("v_dead_letters") == 0
    assert worker.rows("SELECT count() FROM v_findings WHERE decision = 'failed'") == [(0,)]


def test_a_worker_without_memory_ends_and_loses_nothing(rig: Rig) -> None:
    worker = rig.workers[-1]
    give_no_more(worker.pid)
    load = rig.load(rate=1000, text_bytes=2000)  # until what it has freed doesn't do any more
    assert worker.join(200) != 0
    load.finish()
    worker.start()
    rig.settled()
    assert worker.count("v_dead_letters") == 0
