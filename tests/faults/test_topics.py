"""Somebody adds partitions to the raw topic, or deletes it, while a worker reads it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from tests.end_to_end.workers import Worker
from tests.faults.load import SIZE
from tests.faults.rig import Rig
from watchline.streams.kafka import admin, topics

pytestmark = pytest.mark.skipif(
    not os.environ.get("WATCHLINE_TEST_KAFKA_HOME"), reason="Tansu adds no partitions and makes no topic by itself"
)
PARTITIONS_S = 60  # two looks of a client at Kafka's partitions, and a rebalance
UNASKED_S = 8  # a canary is sent each second, and each failure asks


def test_partitions_that_are_added_are_read_soon(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(topic_partitions="2", test_look_s="1")
    worker = rig.worker().start()
    rig.send(4)
    rig.settled()
    client = AdminClient({"bootstrap.servers": rig.broker})
    client.create_partitions([NewPartitions(rig.topic, 6)])[rig.topic].result(20)
    rig.workers[0].settings = worker.settings.model_copy(update={"topic_partitions": 6})  # the load's too
    rig.send(12)
    rig.settled(PARTITIONS_S)
    worker.wait(lambda: sum(worker.health()["group_lag_messages"].values()) == 0, PARTITIONS_S)
    assert worker.pid and worker.poll() is None
    assert "a canary was not sent" not in worker.log.read_text()


def test_a_deleted_topic_is_not_made_by_us_and_another_one_ends_the_worker(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(test_look_s="1")
    worker = rig.worker(canary_interval_s="1").start()
    rig.send(4)
    rig.settled()
    client = AdminClient({"bootstrap.servers": rig.broker})
    client.delete_topics([rig.topic])[rig.topic].result(20)
    worker.wait(lambda: "topics are missing" in worker.page("ready")[1])
    until = time.monotonic() + UNASKED_S
    while time.monotonic() < until:
        assert rig.topic not in admin.existing(worker.settings), "somebody made the topic by asking for it"
        time.sleep(0.5)
    made = NewTopic(rig.topic, 1, 1, config=admin.config(topics.interactions, worker.settings))
    client.create_topics([made])[rig.topic].result(20)
    assert ended(worker) == 1
    assert "was deleted and made anew" in worker.log.read_text()
    worker.start()


@pytest.mark.parametrize("messages", [3, 9])
def test_all_of_a_topic_that_was_made_anew_is_read_though_the_old_one_was_acknowledged_later(
    make_rig: Callable[..., Rig], messages: int
) -> None:
    rig = make_rig(test_look_s="1")
    worker = rig.worker().start()
    rig.send(6)
    rig.settled()
    assert worker.stop() == 0
    client = AdminClient({"bootstrap.servers": rig.broker})
    client.delete_topics([rig.topic])[rig.topic].result(20)
    while rig.topic in admin.existing(worker.settings):
        time.sleep(0.2)
    made = NewTopic(rig.topic, 1, 1, config=admin.config(topics.interactions, worker.settings))
    client.create_topics([made])[rig.topic].result(20)
    rig.send(messages)
    late = Consumer({"bootstrap.servers": rig.broker, "group.id": worker.settings.group_id})
    late.commit(offsets=[TopicPartition(rig.topic, 0, 6)], asynchronous=False)
    late.close()
    worker.spawn()
    assert ended(worker) == 1
    assert "reads the new one from its first message" in worker.log.read_text()
    worker.start()
    wanted = (6 + messages) * SIZE  # the offsets of the two topics are alike, so `settled` can't tell them apart
    counted = "SELECT count(), uniqExact(event_id) FROM v_interactions"
    worker.wait(lambda: rig.client.query(counted).result_rows == [(wanted, wanted)], PARTITIONS_S)


def ended(worker: Worker) -> int:
    """Waits for its end; the exit code."""
    deadline = time.monotonic() + 90
    while worker.poll() is None:
        assert time.monotonic() < deadline, worker.log.read_text()[-3000:]
        time.sleep(0.2)
    return worker.join(1)
