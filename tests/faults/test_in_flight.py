"""Several batches in flight: killed at each stage, and gaps in the offsets. Nothing lost, nothing counted twice."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from confluent_kafka import Producer

from tests import brokers
from tests.faults.load import SIZE, Envelopes, event_id
from tests.faults.rig import Rig
from tests.streams.worker.test_ledger import AGE
from watchline.streams.clickhouse import damage
from watchline.streams.kafka import topics
from watchline.streams.kafka.log_reader import acknowledged

KILLS = [
    f"{stage} {when} {at}"
    for stage in ("store", "publish", "acknowledge")
    for when, at in (("before", 2), ("after", 3))
]


def test_killed_at_each_stage(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(test_slow_s="0.05")
    worker = rig.worker()
    for order in KILLS:
        worker.environment["WATCHLINE_TEST_KILL"] = order
        worker.launch()
        load = rig.load(events=40 * SIZE, rate=4000)
        assert worker.join(60) == -signal.SIGKILL, order
        load.join()
        stored = {row[0] for row in rig.client.query("SELECT DISTINCT raw_offset FROM interactions").result_rows}
        assert stored >= set(range(rig.committed()[0])), f"{order}: acknowledged and not stored"
    del worker.environment["WATCHLINE_TEST_KILL"]
    del worker.environment["WATCHLINE_TEST_SLOW_S"]  # it may score event by event now
    worker.start()
    assert rig.settled().events == len(KILLS) * 40 * SIZE
    worker.wait(lambda: rig.committed() == {0: len(KILLS) * 40})
    rig.client.command(AGE)
    assert damage.look(rig.client, acknowledged(worker.settings, topics.interactions)).reasons == []


def test_after_two_deaths_at_one_offset_events_are_scored_apart_and_none_is_buried(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    worker = rig.worker()
    rig.send(5)
    worker.environment["WATCHLINE_TEST_KILL"] = "store before 1"
    for _ in range(2):
        worker.launch()
        assert worker.join(60) == -signal.SIGKILL
    assert "scored event by event" not in worker.log.read_text()
    del worker.environment["WATCHLINE_TEST_KILL"]
    worker.start()
    rig.settled()
    assert f"2 workers ended at offset 0 of {rig.topic}[0]" in worker.log.read_text()
    assert worker.count("v_dead_letters") == 0
    worker.wait(lambda: rig.committed() == {0: 5})
    assert worker.stop() == 0
    rig.send(1)
    worker.start()  # begins at another offset
    rig.settled()
    assert worker.log.read_text().count("scored event by event") == 1


@pytest.mark.skipif(brokers.kind().startswith("Tansu"), reason="Tansu has no transactions, which leave gaps")
def test_killed_among_gaps_between_the_messages_of_batches_in_flight(make_rig: Callable[..., Rig]) -> None:
    """The end of a transaction takes an offset, so that messages have gaps between them."""
    rig = make_rig(test_slow_s="0.05", batch_size=str(4 * SIZE))  # all that is there would be one batch or two
    producers = []  # several, since each waits a second between transactions
    for number in range(10):
        producers.append(Producer({"bootstrap.servers": rig.broker, "transactional.id": f"{rig.name}{number}"}))
        producers[-1].init_transactions(30)
    envelopes, offsets = Envelopes(), list[int]()
    for number in range(20):
        producer = producers[number % len(producers)]
        producer.begin_transaction()
        producer.produce(
            rig.topic,
            envelopes.make(number * SIZE),
            partition=0,
            on_delivery=lambda error, message: offsets.append(message.offset()),
        )
        producer.commit_transaction(30)
    worker = rig.worker()
    worker.environment["WATCHLINE_TEST_KILL"] = "acknowledge after 3"
    worker.launch()
    assert worker.join(60) == -signal.SIGKILL
    acknowledged = rig.committed()[0]
    stored = {row[0] for row in rig.client.query("SELECT DISTINCT raw_offset FROM interactions").result_rows}
    assert stored >= {offset for offset in offsets if offset < acknowledged}
    del worker.environment["WATCHLINE_TEST_KILL"]
    worker.start()
    sql = "SELECT toString(event_id), raw_offset FROM v_interactions ORDER BY raw_offset, raw_index"
    expected = [(event_id(number), offsets[number // SIZE]) for number in range(len(offsets) * SIZE)]
    deadline = time.monotonic() + 60
    while (rows := rig.client.query(sql).result_rows) != expected:
        worker.check()
        assert time.monotonic() < deadline, f"{len(rows)} of {len(expected)} events"
        time.sleep(0.2)
    worker.wait(lambda: rig.committed()[0] > offsets[-1])  # past every gap between messages
    sql = "SELECT first_missing, next_offset FROM v_offset_gaps ORDER BY first_missing"
    gaps = [(before + 1, after) for before, after in pairwise(offsets) if after > before + 1]
    assert rig.client.query(sql).result_rows == gaps and len(gaps) > 5
