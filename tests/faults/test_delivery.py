"""Whatever ends a worker, or adds one: each event that Kafka took is stored, and shown once."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from tests import brokers
from tests.faults.load import SIZE, event_id
from tests.faults.rig import Rig
from watchline.streams.kafka import topics

FAILING = 700  # of the events, in the middle of a message


def test_sigterm_in_the_middle_of_a_batch(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(test_slow_s="0.5")
    worker = rig.worker().start()
    load = rig.load(rate=500, events=200 * SIZE)  # for 13 s, so that it is stopped before the end
    worker.wait(lambda: worker.health()["events"] > 0)
    time.sleep(0.7)  # into the next batch
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 15
    stored = rig.client.query("SELECT max(raw_offset) + 1 FROM interactions").result_rows[0][0]
    assert rig.committed() == {0: stored}  # no more and no less
    load.join()
    del worker.environment["WATCHLINE_TEST_SLOW_S"]
    worker.start()
    outcome = rig.settled()
    assert outcome.events == 200 * SIZE
    assert stored < 200
    assert outcome.duplicates == 0


def test_an_exception_ends_the_worker_and_commits_nothing_past_it(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    worker = rig.worker(test_fail=event_id(FAILING), batch_size="64").start()
    load = rig.load(events=40 * SIZE, rate=1e9)
    assert worker.join(60) == 1
    load.join()
    assert "ArithmeticError" in worker.log.read_text()
    stored = {row[0] for row in rig.client.query("SELECT DISTINCT raw_offset FROM interactions").result_rows}
    committed = rig.committed()[0]
    assert stored >= set(range(committed))
    assert committed <= FAILING // SIZE
    again = rig.worker()
    again.start()
    outcome = rig.settled()
    assert outcome.events == 40 * SIZE


@pytest.mark.parametrize("slow_s", ["0", "0.3"])  # slow: three batches are in flight when partitions are taken away
def test_a_second_worker_joins_and_leaves_under_load(make_rig: Callable[..., Rig], slow_s: str) -> None:
    rig = make_rig(topic_partitions="4", test_slow_s=slow_s)
    first, second = rig.worker("w1").start(), rig.worker("w2")
    load = rig.load(rate=500)
    first.wait(lambda: first.health()["events"] > 0)
    second.start()
    second.wait(lambda: second.health()["events"] > 0)
    assert second.stop(timeout_s=120) == 0  # it stores what it holds, however busy the machine
    before = first.health()["events"]
    first.wait(lambda: first.health()["events"] > before + 500)
    load.finish()
    outcome = rig.settled()
    assert outcome.duplicates < 0.25
    assert set(rig.committed().values()) != {0}


@pytest.mark.parametrize("codec", ["none", "gzip", "lz4", "zstd", "snappy"])
def test_compressed_messages_are_read(shared: Rig, codec: str) -> None:
    shared.send(2, compression=codec)
    shared.settled()


def test_poison_first_in_the_middle_and_last(shared: Rig) -> None:
    """Last in its partition there is no later message whose offset would hide that poison was passed over."""
    worker = shared.workers[-1]
    poison = [b"first", b"in the middle", b"last"]
    for value in poison[:2]:
        worker.produce(value)
        shared.send(1)
    worker.produce(poison[2])
    worker.wait(lambda: worker.count("v_dead_letters") == 3)
    letters = worker.consume(topics.dead_letters)
    assert [value for value, _ in letters] == poison
    assert {headers["watchline-reason"] for _, headers in letters} == {b"not framed as an Avro message"}
    offsets = [int(headers["watchline-offset"]) for _, headers in letters]
    assert offsets == [offsets[0], offsets[0] + 2, offsets[0] + 4]
    rows = worker.rows("SELECT partition, offset FROM v_dead_letters ORDER BY offset")
    assert rows == [(0, offset) for offset in offsets]
    worker.wait(lambda: shared.committed()[0] == offsets[-1] + 1)
    shared.settled()


@pytest.fixture(scope="module")
def shared(make_rig: Callable[..., Rig]) -> Rig:
    """One worker for the tests that leave it alive."""
    rig = make_rig()
    rig.worker().start()
    return rig


def test_two_workers_on_one_folder(make_rig: Callable[..., Rig]) -> None:
    """chDB holds one process: the second one ends at once, and says why and what to do."""
    rig = make_rig(clickhouse_url="chdb://")
    first, second = rig.worker("w1"), rig.worker("w1")
    second.log = second.data_dir / "second.log"
    first.start()
    state = (first.data_dir / "worker.json").read_text()
    second.spawn()
    assert second.join(60) == 1
    assert re.search(r"another worker answers at .*stop it first, or set another WATCHLINE_DATA_DIR",
                     second.log.read_text())  # fmt: skip
    (first.data_dir / "worker.json").write_text(state)
    assert first.health()["status"] == "ok"


def test_kills_at_random_lose_nothing() -> None:
    """The long run, short: `make faults`. Its store is the embedded one, which dies with the worker."""
    kind = "kafka" if brokers.kind().startswith("Apache") else "tansu"
    command = [sys.executable, "-m", "tests.faults", "--kills", "3", "--broker", kind, "--rate", "300", "--pause", "2"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    pattern = r"kills=3 events=(\d+) lost=0 double_counted=0 duplicates=\d+\.\d% recover_median=\d+\.\ds recover_worst="
    last = ended.stdout.splitlines()[-1]
    assert re.match(pattern, last), last
