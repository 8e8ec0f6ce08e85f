"""Administers topics in Kafka: lists and creates them, and reads their partitions, end offsets and ids."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.kafka.topics import TOPICS, Topic
from watchline.streams.settings import Settings

SEGMENT_MS = 3_600_000  # retention deletes whole segments
# Kafka's clock counts, not the sender's: brokers from 4.0 on refuse messages of a sender an hour ahead.
KAFKAS_TIME = {"message.timestamp.type": "LogAppendTime"}


def config(topic: Topic, settings: Settings) -> dict[str, str]:
    """What Kafka calls a topic's configuration, as the settings want it."""
    if topic.cleanup == "compact":  # states are saved often and read whole at each assignment: compact early
        return {
            "cleanup.policy": "compact",
            "segment.ms": str(SEGMENT_MS // 6),
            "segment.bytes": str(16 * 2**20),
            "min.cleanable.dirty.ratio": "0.1",
            **KAFKAS_TIME,
        }
    if not topic.retention:
        return {"cleanup.policy": "delete", "retention.ms": "-1", **KAFKAS_TIME}
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(1000 * getattr(settings, topic.retention))),
        "segment.ms": str(SEGMENT_MS),
        **KAFKAS_TIME,
        "max.message.bytes": str(topic.max_bytes),
    }


def missing(settings: Settings, timeout_s: float = 10) -> list[str]:
    """The names of Watchline's topics that aren't there. Raises what `existing` raises."""
    there = existing(settings, timeout_s)
    return [name for topic in TOPICS if (name := topic(settings.topic_prefix)) not in there]


def create(settings: Settings) -> list[str]:
    """Creates the topics that are missing and returns their names, once the broker asked names their partitions.

    Leaves existing ones as they are. Each gets as many partitions as the largest that is there, or more where the
    settings say so: what belongs to a partition of one topic stands in the partition of the same number in another.

    Raises TransientError where Kafka can't be reached or hasn't them 30 s later, FatalError where it refuses.
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    names = missing(settings)
    if not names:
        return []
    admin = client(settings)
    ours = {topic(settings.topic_prefix) for topic in TOPICS if not topic.partitions}
    there = [len(found.partitions) for name, found in admin.list_topics(timeout=10).topics.items() if name in ours]
    requests = [
        NewTopic(
            topic(settings.topic_prefix),
            num_partitions=topic.partitions or max(settings.topic_partitions, *there, 0),
            replication_factor=settings.topic_replication,
            config=config(topic, settings),
        )
        for topic in TOPICS
        if topic(settings.topic_prefix) in names
    ]
    for name, future in admin.create_topics(requests, request_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise FatalError(f"cannot create topic {name}: {error.args[0].str()}") from error
    deadline = time.monotonic() + 30
    # Kafka's controller answers before its brokers know: until then a topic is not there, or has no partitions.
    while unknown := set(names) - {name for name, _ in partitions_of(settings, names)}:
        if time.monotonic() > deadline:
            raise TransientError(f"Kafka has created topics and does not name their partitions: {sorted(unknown)}")
        time.sleep(0.05)
    return names


def existing(settings: Settings, timeout_s: float = 10) -> set[str]:
    """The names of the cluster's topics.

    Raises TransientError where Kafka can't be reached, ConfigurationError where it or we refuse the other: at once,
    since librdkafka would go on trying.
    """
    return set(_topics(settings, timeout_s))


def _topics(settings: Settings, timeout_s: float = 10) -> dict[str, Any]:
    """What Kafka says of the cluster's topics, by name. Raises what `existing` raises."""
    from confluent_kafka import KafkaException

    errors: list[Any] = []
    admin = client(settings, error_cb=errors.append)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            topics: dict[str, Any] = admin.list_topics(timeout=min(0.5, timeout_s)).topics
            return topics
        except KafkaException as error:
            admin.poll(0)
            if refused := settings.kafka_security.explain(errors):
                raise refused from None
            if time.monotonic() > deadline:
                raise TransientError(
                    f"Kafka at {settings.bootstrap_servers} is not reachable (WATCHLINE_KAFKA_URL, "
                    f"WATCHLINE_KAFKA_SECURITY_PROTOCOL): {error.args[0].str()}"
                ) from None


def partitions(settings: Settings, name: str) -> list[int]:
    """The numbers of a topic's partitions; none where there is no such topic. Raises what `existing` raises."""
    return [number for _, number in partitions_of(settings, [name])]


def topic_id(settings: Settings, name: str) -> str | None:
    """Kafka's own id of a topic: another one after it was deleted and created again. None where there is no topic.

    The topic's name where Kafka is too old to have ids. Raises what `existing` raises.
    """
    from confluent_kafka import KafkaError, KafkaException, TopicCollection

    admin = client(settings)  # must outlive its futures
    try:
        described = admin.describe_topics(TopicCollection([name]), request_timeout=10)
        return str(described[name].result().topic_id)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        if error.args[0].code() == KafkaError._UNSUPPORTED_FEATURE:  # noqa: SLF001 - librdkafka's public name for it
            return name
        existing(settings)  # which says why
        raise TransientError(f"Kafka does not tell the id of topic {name}: {error.args[0].str()}") from None


def partitions_of(settings: Settings, names: Iterable[str]) -> list[tuple[str, int]]:
    """The partitions of those of these topics that are there. Raises what `existing` raises."""
    there = _topics(settings)
    return [(name, number) for name in names if name in there for number in sorted(there[name].partitions)]


def kept_s(settings: Settings, names: Iterable[str]) -> dict[str, float | None]:
    """By topic, the seconds after which Kafka has deleted a message, as its own configuration says; None for never.

    A topic of which it says nothing is left out. Raises what `existing` raises.
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    there = existing(settings)
    admin, kept = client(settings), {}
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names if name in there]
    for resource, future in (admin.describe_configs(asked, request_timeout=10) if asked else {}).items():
        try:
            said = {name: entry.value for name, entry in future.result().items()}
            deletes = "delete" in (said.get("cleanup.policy") or "delete") and int(said["retention.ms"]) >= 0
            rolls_ms = int(said.get("segment.ms") or SEGMENT_MS)  # the last segment goes once there is another
            kept[resource.name] = (int(said["retention.ms"]) + rolls_ms) / 1000 if deletes else None
        except (KafkaException, KeyError, TypeError, ValueError):
            continue
    return kept


class Ends:
    """Asks for the offsets after the last message of partitions. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = client(settings)

    def __call__(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """By (topic, number). Raises TransientError where Kafka is away, ConfigurationError where it refuses us."""
        from confluent_kafka import KafkaException, TopicPartition
        from confluent_kafka.admin import OffsetSpec

        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for topic, partition in partitions}
        futures = self._admin.list_offsets(asked, request_timeout=5) if asked else {}
        try:
            return {
                (partition.topic, partition.partition): future.result().offset for partition, future in futures.items()
            }
        except KafkaException as error:
            # The old one would name its old leader epoch for ever (FENCED_LEADER_EPOCH; librdkafka up to 2.16).
            self._admin = client(self._settings)
            existing(self._settings)  # which says why
            raise TransientError(
                f"Kafka does not tell the end offsets of the partitions: {error.args[0].str()}"
            ) from None


def client(settings: Settings, **more: Any) -> Any:
    """Kafka's admin client. It must outlive the futures it gives."""
    from confluent_kafka.admin import AdminClient

    return AdminClient({**settings.kafka_client, "socket.connection.setup.timeout.ms": 5000, **more})
