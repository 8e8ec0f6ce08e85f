"""A topic read to its end, or a range of its offsets."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_range, read_to_end
from watchline.streams.settings import Settings, load


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    return load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=3)


@pytest.mark.slow
def test_all_that_is_there_and_then_it_ends(settings: Settings) -> None:
    admin.create(settings)
    name = topics.signals(settings.topic_prefix)
    assert list(read_to_end(settings, name, range(3))) == []
    producer = Producer(settings.kafka_client)
    for number in range(1200):  # more than come at once; partition 2 stays empty
        producer.produce(name, b"%d" % number, partition=number % 2, headers={"number": b"%d" % number})
    assert producer.flush(20) == 0
    found = list(read_to_end(settings, name, range(3)))
    assert sorted(int(message.value()) for message in found) == list(range(1200))
    assert all(message.headers() == [("number", message.value())] for message in found)
    for partition in range(3):
        values = [int(message.value()) for message in read_to_end(settings, name, [partition])]
        assert values == (list(range(partition, 1200, 2)) if partition < 2 else [])


@pytest.mark.slow
def test_a_range_is_read_and_no_more(settings: Settings) -> None:
    admin.create(settings)
    name = topics.signals(settings.topic_prefix)
    producer = Producer(settings.kafka_client)
    for number in range(30):
        producer.produce(name, b"%d" % number, partition=1)
    assert producer.flush(20) == 0
    for first, last, end in ((0, 0, 1), (7, 12, 13), (28, 40, 30), (35, 40, 35)):
        found = [message.offset() for message in read_range(settings, name, 1, first, last)]
        assert found == list(range(first, end))
    assert list(read_range(settings, name, 0, 0, 3)) == []


@pytest.mark.slow
def test_no_sign_of_life_is_transient(settings: Settings) -> None:
    with pytest.raises(TransientError, match="sent nothing from topic nowhere for 2 s"):
        list(read_to_end(settings, "nowhere", [0], patience_s=2))
    away = settings.model_copy(update={"kafka_url": "kafka://127.0.0.1:1"})
    with pytest.raises(TransientError, match="sent nothing from topic there for 1 s"):
        list(read_to_end(away, "there", [0], patience_s=1))
