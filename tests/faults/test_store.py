"""The process of the embedded store dies, or a reader makes it die: the worker lives, and each event is stored once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing

import psutil
import pytest

from tests.end_to_end.workers import Worker
from tests.faults import ledger
from tests.faults.load import SIZE
from tests.faults.rig import Rig
from tests.streams.embedded.test_store import ENDLESS
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded.store_process import answers
from watchline.streams.query.reader import reader


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(clickhouse_url="chdb://")
    worker = rig.worker().start()
    rig.client = connect(worker.settings)
    ledger.count_inserted(rig.client)
    return rig


def store_of(worker: Worker) -> int:
    """The process of its store; 0 while there is none."""
    return next((process.pid for process in worker.processes("store")), 0)


def test_a_killed_store_is_started_again_and_loses_nothing(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    pid, load = worker.pid, rig.load(events=80 * SIZE, rate=1000)
    for part in (1, 2, 3):
        worker.wait(lambda part=part: load.accepted() > part * 15 * SIZE)  # type: ignore[misc]
        store = psutil.Process(store_of(worker))
        store.kill()
        store.wait()
        worker.wait(lambda: answers(worker.settings.store_socket))
    load.join()
    outcome = rig.settled()
    assert (outcome.events, outcome.duplicates) == (80 * SIZE * len(rig.loads), 0)
    assert worker.pid == pid and worker.poll() is None
    assert worker.log.read_text().count("ended, by signal 9; starting it again") == 3


def test_a_query_that_nothing_stops_delays_inserts_and_ends_no_worker(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    worker.wait(lambda: answers(worker.settings.store_socket))
    pid, store = worker.pid, store_of(worker)

    def read() -> None:
        with closing(reader(worker.settings)) as client, pytest.raises(Exception, match=r"aborted|refused|closed"):
            client.set_client_setting("max_execution_time", 1)
            client.query(ENDLESS)

    reading = threading.Thread(target=read)
    reading.start()
    load = rig.load(events=80 * SIZE, rate=1000)
    reading.join()
    load.join()
    worker.wait(lambda: store_of(worker) not in (0, store) and answers(worker.settings.store_socket))
    assert rig.settled().events == sum(load.accepted() for load in rig.loads)
    assert worker.pid == pid and worker.poll() is None
    assert "because a query ran on past its time" in worker.log.read_text()


def test_a_killed_worker_leaves_no_store(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    store = psutil.Process(store_of(worker))
    worker.stop(signal.SIGKILL)
    assert not psutil.wait_procs([store], timeout=10)[1]
    worker.start()
    assert rig.settled().events == sum(load.accepted() for load in rig.loads)


def test_a_worker_killed_while_it_starts_leaves_nothing(rig: Rig) -> None:
    """When a process may not have come to ask the kernel to end it with the worker."""
    (worker,) = rig.workers[1:]
    worker.end()
    for tenths in range(3, 18, 3):
        worker.spawn()
        time.sleep(tenths / 10)
        worker.end()
        left = [process for process in psutil.process_iter() if str(worker.data_dir) in _words(process)]
        assert not psutil.wait_procs(left, timeout=10)[1]
    worker.start()
    assert rig.settled().events == sum(load.accepted() for load in rig.loads)


def _words(process: psutil.Process) -> str:
    """Its command line and environment; nothing where it has just ended."""
    try:
        return f"{process.cmdline()} {process.environ().get('WATCHLINE_DATA_DIR')}"
    except psutil.Error:
        return ""
