"""Retention of topics that are there: lengthened at once, shortened when asked to, and never below the lag."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from watchline.schemas.errors import FatalError
from watchline.streams.cli.main import main
from watchline.streams.kafka import admin, reconcile, topics
from watchline.streams.kafka.topics import TOPICS, Topic
from watchline.streams.settings import Settings, load

HOUR = 3_600.0
DAY = 24 * HOUR
RAW = (topics.interactions, topics.feedback)


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    return load(
        kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, group_id=f"{topic_prefix}group", topic_partitions=2
    )


@pytest.fixture
def there(settings: Settings) -> Settings:
    """All topics, made with the default retention."""
    admin.create(settings)
    return settings


def changed(settings: Settings, **values: float) -> Settings:
    return settings.model_copy(update=values)


def config(settings: Settings, topic: Topic) -> dict[str, str]:
    asked = ConfigResource(ConfigResource.Type.TOPIC, topic(settings.topic_prefix))
    client = AdminClient(settings.kafka_client)
    return {entry.name: entry.value for entry in client.describe_configs([asked])[asked].result(20).values()}


def create(settings: Settings, name: str, values: dict[str, str]) -> None:
    client = AdminClient(settings.kafka_client)  # must outlive its futures
    client.create_topics([NewTopic(name, 2, 1, config=values)])[name].result(20)


def migrated(settings: Settings, *, shorten: bool = False) -> list[str]:
    """What a plan says, once it is applied and the broker says so: Kafka takes a moment."""
    changes = reconcile.plan(settings, shorten=shorten)
    reconcile.apply(settings, changes)
    deadline = time.monotonic() + 20
    while [each for each in reconcile.plan(settings, shorten=shorten) if not each.kept]:
        assert time.monotonic() < deadline, "the topics did not change"
    return [str(change).removeprefix(settings.topic_prefix) for change in changes]


def test_what_was_created_is_as_wanted(there: Settings) -> None:
    for topic in TOPICS:
        wanted = admin.config(topic, there)
        assert wanted.items() <= config(there, topic).items()
    assert reconcile.plan(there) == []


def test_no_topics_no_plan(settings: Settings) -> None:
    assert reconcile.plan(settings) == []


@pytest.mark.parametrize(
    ("setting", "altered"),
    [
        ("raw_retention_s", RAW),
        ("dead_letter_retention_s", (topics.dead_letters,)),
        ("findings_retention_s", (topics.findings, topics.alerts)),
        ("signals_retention_s", (topics.signals,)),
    ],
)
def test_longer_retention_is_applied_once(setting: str, altered: tuple[Topic, ...], there: Settings) -> None:
    longer = changed(there, **{setting: 60 * DAY})
    before = "24 h" if altered == RAW else "30 days" if altered == (topics.signals,) else "7 days"
    assert migrated(longer) == [f"{topic.name}: retention {before} -> 60 days" for topic in altered]
    sixty_days = f"{60 * DAY * 1000:.0f}"
    assert {topic for topic in TOPICS if config(there, topic).get("retention.ms") == sixty_days} == set(altered)
    assert reconcile.plan(longer) == []


@pytest.mark.slow
def test_shorter_retention_is_applied_only_when_asked(there: Settings) -> None:
    shorter = changed(there, raw_retention_s=2 * HOUR)
    said = [
        f"{topic.name}: retention 24 h -> 2 h, not done: shorter, so only with --shorten (WATCHLINE_RAW_RETENTION_S)"
        for topic in RAW
    ]
    assert migrated(shorter) == said
    assert {config(there, topic)["retention.ms"] for topic in RAW} == {"86400000"}
    assert migrated(shorter, shorten=True) == [f"{topic.name}: retention 24 h -> 2 h" for topic in RAW]
    assert {config(there, topic)["retention.ms"] for topic in RAW} == {"7200000"}
    assert reconcile.plan(shorter) == []


@pytest.fixture
def lagging(settings: Settings) -> Settings:
    """A raw topic with messages that are ten and five hours old, in partition 1; none is acknowledged."""
    name = topics.interactions(settings.topic_prefix)
    # Messages have the time that they say they have: none can be made old otherwise.
    kept = {"retention.ms": f"{2 * DAY * 1000:.0f}", "message.timestamp.type": "CreateTime"}
    create(settings, name, kept)
    admin.create(settings)
    producer = Producer(settings.kafka_client)
    for hours in (10, 5):
        producer.produce(name, b"an event", partition=1, timestamp=int((time.time() - hours * HOUR) * 1000))
    assert producer.flush(20) == 0
    return settings


def acknowledge(settings: Settings, offset: int) -> None:
    name = topics.interactions(settings.topic_prefix)
    consumer = Consumer({**settings.kafka_client, "group.id": settings.group_id})
    consumer.commit(offsets=[TopicPartition(name, 1, offset)], asynchronous=False)
    consumer.close()


@pytest.mark.slow
@pytest.mark.parametrize(("acknowledged", "lag_hours"), [(None, 10), (1, 5)])
def test_not_below_the_lag(acknowledged: int | None, lag_hours: int, lagging: Settings) -> None:
    if acknowledged is not None:
        acknowledge(lagging, acknowledged)
    before = config(lagging, topics.interactions)
    with pytest.raises(FatalError) as refused:
        reconcile.plan(changed(lagging, raw_retention_s=lag_hours * HOUR - 60), shorten=True)
    text = str(refused.value)
    assert f"{lagging.topic_prefix}interactions: retention 2 days -> {lag_hours * 60 - 1} min would delete" in text
    least = re.search(r"WATCHLINE_RAW_RETENTION_S may be now is (\d+)", text)
    assert least and 0 <= int(least[1]) - lag_hours * HOUR < 300
    assert config(lagging, topics.interactions) == before
    allowed = changed(lagging, raw_retention_s=float(least[1]) + 300)
    assert any("interactions: retention 2 days -> " in said for said in migrated(allowed, shorten=True))
    assert config(lagging, topics.interactions)["retention.ms"] == str(int(least[1]) * 1000 + 300_000)


@pytest.mark.slow
def test_without_a_lag_any_retention_goes(lagging: Settings) -> None:
    acknowledge(lagging, 2)
    short = changed(lagging, raw_retention_s=HOUR, findings_retention_s=HOUR)
    assert f"{topics.findings.name}: retention 7 days -> 60 min" in migrated(short, shorten=True)


def test_longer_retention_needs_no_look_at_the_lag(lagging: Settings) -> None:
    assert "interactions: retention 2 days -> 60 days" in migrated(changed(lagging, raw_retention_s=60 * DAY))


def test_what_else_is_otherwise_is_altered_where_that_loses_nothing(settings: Settings) -> None:
    name = topics.interactions(settings.topic_prefix)
    made = {
        "retention.ms": "-1",
        "cleanup.policy": "compact",
        "segment.ms": "60000",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": "5000000",
    }
    create(settings, name, made)
    assert migrated(settings) == [
        "interactions: cleanup.policy compact -> delete, not done: it may delete messages; change it by hand",
        "interactions: retention unlimited -> 24 h, not done: shorter, so only with --shorten "
        "(WATCHLINE_RAW_RETENTION_S)",
        "interactions: segment.ms 60000 -> 3600000",
        "interactions: message.timestamp.type CreateTime -> LogAppendTime",
        "interactions: max.message.bytes 5000000 -> 1000000, not done: a larger value does no harm",
    ]
    now = config(settings, topics.interactions)
    altered = {"segment.ms": "3600000", "message.timestamp.type": "LogAppendTime"}
    assert {**made, **altered}.items() <= now.items()


def environment(settings: Settings, folder: Path, **more: str) -> dict[str, str]:
    return {
        "WATCHLINE_KAFKA_URL": settings.kafka_url,
        "WATCHLINE_TOPIC_PREFIX": settings.topic_prefix,
        "WATCHLINE_GROUP_ID": settings.group_id,
        "WATCHLINE_DATA_DIR": str(folder / "data"),
        **{f"WATCHLINE_{name.upper()}": value for name, value in more.items()},
    }


@pytest.mark.slow
def test_migrate_says_the_plan_applies_it_and_then_has_nothing_to_do(there: Settings, tmp_path: Path) -> None:
    longer = environment(there, tmp_path, raw_retention_s="172800")

    def migrate(*arguments: str) -> list[str]:  # in a process of its own: chDB holds one folder
        command = [sys.executable, "-m", "watchline.streams.cli.main", "migrate", *arguments]
        done = subprocess.run(command, env=os.environ | longer, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    plan = [f"{topic(there.topic_prefix)}: retention 24 h -> 2 days" for topic in RAW]
    assert migrate("--dry-run") == plan
    assert config(there, topics.interactions)["retention.ms"] == "86400000"
    assert not (tmp_path / "data").exists()
    assert migrate()[:3] == [*plan, f"topics at {there.bootstrap_servers}: 2 values altered"]
    assert config(there, topics.interactions)["retention.ms"] == "172800000"
    assert migrate()[0] == f"topics at {there.bootstrap_servers}: all there"
    assert migrate("--dry-run") == [f"topics at {there.bootstrap_servers}: nothing to do"]


def test_migrate_that_would_delete_what_is_not_acknowledged_changes_nothing(
    lagging: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(lagging, tmp_path, raw_retention_s="3600", signals_retention_s="5184000").items():
        monkeypatch.setenv(name, value)
    before = [config(lagging, topic) for topic in TOPICS]
    assert main(["migrate", "--shorten"]) == 1
    assert "the least that WATCHLINE_RAW_RETENTION_S may be now is" in capsys.readouterr().err
    assert [config(lagging, topic) for topic in TOPICS] == before
    assert not (tmp_path / "data").exists()
