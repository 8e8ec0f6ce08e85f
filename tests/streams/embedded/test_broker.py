"""The embedded broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watchline.schemas.errors import TransientError
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka import admin, topics
from watchline.streams.settings import Settings

pytestmark = pytest.mark.slow


def test_what_a_group_has_not_acknowledged_is_counted(tmp_path: Path) -> None:
    with Broker(tmp_path / "broker.log") as broker:
        settings = Settings(kafka_url=broker.url)
        admin.create(settings)
        names = [topics.interactions(settings.topic_prefix), topics.feedback(settings.topic_prefix)]
        assert broker.unacknowledged(names, "a group") == 0
        producer = Producer(settings.kafka_client)
        for name in (*names, topics.signals(settings.topic_prefix)):
            for number in range(5):
                producer.produce(name, b"a message", partition=number % 2)
        producer.flush()
        assert broker.unacknowledged(names, "a group") == 10
        consumer = Consumer({**settings.kafka_client, "group.id": "a group"})
        consumer.commit(offsets=[TopicPartition(names[0], 0, 2)], asynchronous=False)
        consumer.close()
        assert [broker.unacknowledged(names, group) for group in ("a group", "another")] == [8, 10]
        broker.stop()
        with pytest.raises(TransientError, match="embedded broker"):
            broker.unacknowledged(names, "a group")
