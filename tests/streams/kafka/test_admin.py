"""Topics that are created beside older ones."""

from __future__ import annotations

from types import SimpleNamespace

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


@pytest.mark.slow
def test_topics_are_there_with_their_partitions_once_made(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka's brokers learn of a new topic a moment after its controller answered. Here the moment is made up."""
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=2)
    interactions, asked = topics.interactions(topic_prefix), admin._topics
    moments = [lambda *_: {}, lambda *_: {interactions: SimpleNamespace(partitions={})}]
    answers = iter([asked, *moments])  # the first finds what is missing
    monkeypatch.setattr(admin, "_topics", lambda *given: next(answers, asked)(*given))
    assert interactions in admin.create(settings)
    assert next(answers, None) is None
    assert admin.partitions(settings, interactions) == [0, 1]


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_kafkas_own_time(topic: topics.Topic) -> None:
    """With the sender's, Kafka 4 refuses a worker whose clock is over an hour ahead."""
    assert admin.config(topic, load())["message.timestamp.type"] == "LogAppendTime"
