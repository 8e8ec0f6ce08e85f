"""Where a group begins that takes a topic over: at a former group's offsets, once, and else at the first message."""

from __future__ import annotations

import pytest
from confluent_kafka import Consumer, TopicPartition

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.first_offsets import take_over
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    settings = load(
        kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, group_id=f"{topic_prefix}group", topic_partitions=3
    )
    admin.create(settings)
    return settings


def acknowledge(settings: Settings, group: str, offsets: dict[int, int]) -> None:
    name = topics.findings(settings.topic_prefix)
    consumer = Consumer({**settings.kafka_client, "group.id": group})
    asked = [TopicPartition(name, number, offset) for number, offset in offsets.items()]
    consumer.commit(offsets=asked, asynchronous=False)
    consumer.close()


def acknowledged(settings: Settings, group: str) -> dict[int, int]:
    name = topics.findings(settings.topic_prefix)
    consumer = Consumer({**settings.kafka_client, "group.id": group})
    found = consumer.committed([TopicPartition(name, number) for number in range(3)], timeout=20)
    consumer.close()
    return {partition.partition: partition.offset for partition in found if partition.offset >= 0}


def test_the_former_groups_offsets_are_taken_over_once(settings: Settings) -> None:
    name, former = topics.findings(settings.topic_prefix), settings.group_id
    group = topics.findings.group(former)
    assert take_over(settings, name, group, former) == {}
    assert acknowledged(settings, group) == {}
    acknowledge(settings, former, {0: 7, 2: 9})
    assert take_over(settings, name, group, former) == {0: 7, 2: 9}
    assert acknowledged(settings, group) == {0: 7, 2: 9}
    assert acknowledged(settings, former) == {0: 7, 2: 9}
    acknowledge(settings, former, {0: 8, 1: 4})
    acknowledge(settings, group, {2: 12})
    assert take_over(settings, name, group, former) == {1: 4}
    assert acknowledged(settings, group) == {0: 7, 1: 4, 2: 12}


def test_a_broker_that_is_away_is_transient(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka_url": "kafka://127.0.0.1:1"})
    with pytest.raises(TransientError, match="not reachable"):
        take_over(away, topics.findings(settings.topic_prefix), "new", "old")
