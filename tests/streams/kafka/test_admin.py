"""Topics that are created beside older ones."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from watchline.streams.kafka import admin, topics
from watchline.streams.settings import load


@pytest.mark.slow
def test_a_new_topic_has_as_many_partitions_as_the_largest_that_is_there(broker: str, topic_prefix: str) -> None:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=2)
    findings = topics.findings(topic_prefix)
    client = AdminClient(settings.kafka_client)
    client.create_topics([NewTopic(findings, 5, 1)])[findings].result(20)
    assert findings not in admin.create(settings)
    states = topics.prompt_monitors(topic_prefix)
    assert admin.partitions(settings, states) == admin.partitions(settings, findings) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_kafkas_own_time(topic: topics.Topic) -> None:
    """With the sender's, Kafka 4 refuses a worker whose clock is over an hour ahead."""
    assert admin.config(topic, load())["message.timestamp.type"] == "LogAppendTime"
