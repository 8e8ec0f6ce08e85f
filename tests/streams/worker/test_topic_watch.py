"""Topics that go away, come back as others, or are set up otherwise, on a real broker."""

from __future__ import annotations

import asyncio
import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.kafka import admin, topics
from watchline.streams.retry import retry
from watchline.streams.settings import Settings, load
from watchline.streams.worker import topic_watch
from watchline.streams.worker.topic_watch import TopicWatch

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=2, store_timeout_s=1)
    admin.create(settings)
    return settings


@pytest.fixture
def watch(settings: Settings) -> TopicWatch:
    return TopicWatch(settings, Progress(), Metrics({}))


def raw(settings: Settings) -> str:
    return topics.interactions(settings.topic_prefix)


def message(topic: str, offset: int, partition: int = 0) -> Any:
    return SimpleNamespace(topic=topic, partition=partition, offset=offset)


def look(watch: TopicWatch) -> None:
    """Once the broker answers: one that has just started loads its groups first."""
    retry(watch.look, timeout_s=20, longest_pause_s=1)


def delete(settings: Settings) -> None:
    client = AdminClient(settings.kafka_client)
    client.delete_topics([raw(settings)])[raw(settings)].result(20)
    deadline = time.monotonic() + 20
    while raw(settings) in admin.existing(settings):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_id_is_asked_once_and_again_where_offsets_go_back(
    settings: Settings, watch: TopicWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = admin.topic_id
    monkeypatch.setattr(admin, "topic_id", lambda settings, name: asked.append(name) or ask(settings, name))
    topic = raw(settings)

    def ids(*messages: Any) -> dict[str, str]:
        return dict(asyncio.run(watch.ids(messages)))

    assert ids(message(topic, 0), message(topic, 5), message(topic, 3, 1)) == {topic: ask(settings, topic)}
    ids(message(topic, 6), message(topic, 4, 1))
    assert len(asked) == 1
    ids(message(topic, 5))  # as after a rebalance
    assert len(asked) == 2


def test_a_topic_that_was_made_anew_ends_the_worker(settings: Settings, watch: TopicWatch) -> None:
    asyncio.run(watch.ids([message(raw(settings), 7)]))
    look(watch)
    delete(settings)
    admin.create(settings)
    with pytest.raises(FatalError, match="deleted and made anew"):
        look(watch)
    with pytest.raises(FatalError, match="deleted and made anew"):
        asyncio.run(watch.ids([message(raw(settings), 0)]))


def test_a_missing_topic_is_said_once_and_makes_the_worker_unready(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    progress = Progress(joined=True)
    progress.store_attempt(None)
    watch = TopicWatch(settings, progress, Metrics({}))
    asyncio.run(watch.ids([message(raw(settings), 7)]))
    look(watch)
    assert progress.not_ready(draining=False) == []
    delete(settings)
    look(watch)
    look(watch)
    assert progress.not_ready(draining=False) == [f"topics are missing: {raw(settings)}"]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        f"topic {raw(settings)} is missing: `watchline migrate` makes it"
    ]
    with pytest.raises(TransientError, match="is missing"):
        asyncio.run(watch.ids([message(raw(settings), 0)]))
    assert raw(settings) not in admin.existing(settings)  # asking for it doesn't make it


def test_what_is_set_up_otherwise_is_said_once_and_counted(broker: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=f"other{time.time_ns()}.")
    wanted = admin.config(topics.interactions, settings)
    made = NewTopic(raw(settings), 3, 1, config={**wanted, "retention.ms": "604800000"})
    client = AdminClient(settings.kafka_client)  # must outlive its futures
    client.create_topics([made])[raw(settings)].result(20)
    admin.create(settings)
    metrics, progress = Metrics({}), Progress()
    watch = TopicWatch(settings, progress, metrics)
    look(watch)
    look(watch)
    (said,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said.startswith(f"{raw(settings)}: retention 7 days -> 24 h, not done")
    assert "watchline_topic_differences 1.0" in metrics.scrape(progress).decode()


def test_messages_that_no_worker_reads_yet_are_lag(settings: Settings) -> None:
    producer = Producer(settings.kafka_client)
    for partition in (0, 1, 1):
        producer.produce(raw(settings), b"x", partition=partition)
        producer.flush(20)
    metrics, progress = Metrics({}), Progress()
    look(TopicWatch(settings, progress, metrics))
    assert progress.group_lag == {
        raw(settings): 3,
        topics.feedback(settings.topic_prefix): 0,
        topics.findings(settings.topic_prefix): 0,
    }
    assert progress.report()["group_lag_messages"] == progress.group_lag
    assert f'watchline_group_lag_messages{{topic="{raw(settings)}"}} 3.0' in metrics.scrape(progress).decode()


def test_what_keeps_it_from_looking_ends_no_worker(
    watch: TopicWatch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A mock of a broker that is away, of one that refuses the login, and of a mistake of ours."""
    failures = iter([TransientError("away"), ConfigurationError("refused"), KeyError("x"), KeyError("y")])
    monkeypatch.setattr(topic_watch, "LOOK_S", 0)

    def look() -> None:
        raise next(failures, FatalError("made anew"))

    monkeypatch.setattr(watch, "look", look)
    with pytest.raises(FatalError, match="made anew"):
        asyncio.run(watch.run())
    assert [record.getMessage() for record in caplog.records] == ["the topics cannot be looked at: KeyError"]
