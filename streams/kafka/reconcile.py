"""Changes existing topics to what the settings say; no retention is shortened without being asked for."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from watchline.schemas.errors import FatalError
from watchline.streams.duration import duration
from watchline.streams.kafka import admin, log_reader
from watchline.streams.kafka.topics import TOPICS, Topic
from watchline.streams.settings import PREFIX, Settings

RETENTION = "retention.ms"


@dataclass(frozen=True, slots=True)
class TopicChange:
    """A value of a topic's configuration that isn't as wanted. `kept` says why it stays; it is altered where empty."""

    topic: str
    name: str
    now: str
    wanted: str
    kept: str = ""

    def __str__(self) -> str:
        name, now, wanted = self.name, self.now, self.wanted
        if name == RETENTION:
            name, now, wanted = "retention", _said(now), _said(wanted)
        return f"{self.topic}: {name} {now} -> {wanted}" + (f", not done: {self.kept}" if self.kept else "")


def plan(settings: Settings, *, shorten: bool = False) -> list[TopicChange]:
    """Lists what differs between existing topics and the settings, and what `apply` will do about it. Changes nothing.

    Parameters
    ----------
    settings : Settings
    shorten : bool
        Whether a retention may be shortened.

    Raises FatalError where that would delete what the workers have not acknowledged yet, or Kafka refuses;
    TransientError where Kafka is away.
    """
    there = admin.existing(settings)
    known = {name: topic for topic in TOPICS if (name := topic(settings.topic_prefix)) in there}
    changes = []
    for name, now in described(settings, known).items():
        for key, wanted in admin.config(known[name], settings).items():
            if wanted != (current := now.get(key, "-1" if key == RETENTION else "the broker's default")):
                change = TopicChange(name, key, current, wanted)
                changes.append(replace(change, kept=_why_kept(change, known[name], shorten=shorten)))
    for change in changes:
        if _shortens(change) and not change.kept and known[change.topic].read_by:
            _require_above_lag(settings, change, known[change.topic])
    return changes


def apply(settings: Settings, changes: Iterable[TopicChange]) -> None:
    """Alters what a plan says, but for what it keeps. Raises FatalError where Kafka refuses."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

    entries: dict[str, list[ConfigEntry]] = {}
    for change in changes:
        if not change.kept:
            entry = ConfigEntry(change.name, change.wanted, incremental_operation=AlterConfigOpType.SET)
            entries.setdefault(change.topic, []).append(entry)
    if not entries:
        return
    resources = [
        ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=values) for name, values in entries.items()
    ]
    client = admin.client(settings)
    for resource, future in client.incremental_alter_configs(resources, request_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            raise FatalError(
                f"cannot alter topic {resource.name}: {error.args[0].str()} (permission AlterConfigs is needed)"
            ) from None


def described(settings: Settings, names: Collection[str]) -> dict[str, dict[str, str]]:
    """The configuration of each topic as it is."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource

    if not names:
        return {}
    client = admin.client(settings)
    asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    try:
        return {
            resource.name: {entry.name: entry.value for entry in future.result().values() if entry.value is not None}
            for resource, future in client.describe_configs(asked, request_timeout=30).items()
        }
    except KafkaException as error:
        raise FatalError(
            f"Kafka does not tell how the topics {settings.topic_prefix}* are configured: {error.args[0].str()} "
            "(permission DescribeConfigs is needed)"
        ) from None


def _why_kept(change: TopicChange, topic: Topic, *, shorten: bool) -> str:
    """Why a value isn't altered; empty where it is."""
    if _shortens(change) and not shorten:
        return f"shorter, so only with --shorten ({_setting(topic)})"
    if change.name == "cleanup.policy":
        return "it may delete messages; change it by hand"
    if change.name == "max.message.bytes" and change.now.isdecimal() and int(change.wanted) < int(change.now):
        return "a larger value does no harm"
    return ""


def _require_above_lag(settings: Settings, change: TopicChange, topic: Topic) -> None:
    group = topic.group(settings.group_id)
    backlogs = log_reader.backlog(settings.kafka_client, group, [change.topic])
    oldest_ms = min(
        (backlog.oldest_ms for backlog in backlogs.values() if backlog.oldest_ms is not None), default=math.inf
    )
    age_s = math.ceil(time.time() - oldest_ms / 1000) if oldest_ms < math.inf else 0
    if int(change.wanted) < 1000 * age_s:
        raise FatalError(
            f"{change.topic}: retention {_said(change.now)} -> {_said(change.wanted)} would delete what the group "
            f"{group} has not acknowledged yet; the least that {_setting(topic)} may be now is {age_s}. "
            "Nothing was changed"
        )


def _shortens(change: TopicChange) -> bool:
    return change.name == RETENTION and _limit(change.wanted) < _limit(change.now)


def _limit(retention_ms: str) -> float:
    return math.inf if retention_ms == "-1" else int(retention_ms)


def _said(retention_ms: str) -> str:
    return "unlimited" if retention_ms == "-1" else duration(int(retention_ms) / 1000)


def _setting(topic: Topic) -> str:
    return f"{PREFIX}{topic.retention.upper()}"
