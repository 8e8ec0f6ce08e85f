"""The topics: names, retention, compaction. Created by `watchline migrate`, never by Faust or a client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.settings import Settings

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_MESSAGE_BYTES = 1_000_000
MAX_RECORD_BYTES = 900_000  # what we put into one: the broker counts key, headers and framing too


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic is created with."""

    name: str
    config: Mapping[str, str]


def interactions(prefix: str) -> str:
    return f"{prefix}interactions"


def feedback(prefix: str) -> str:
    return f"{prefix}feedback"


def findings(prefix: str) -> str:
    return f"{prefix}findings"


def signals(prefix: str) -> str:
    return f"{prefix}signals"


def dead_letters(prefix: str) -> str:
    return f"{prefix}dead-letters"


def monitor_state(prefix: str) -> str:
    return f"{prefix}monitor-state"


def governance(prefix: str) -> str:
    return f"{prefix}governance"


def all_topics(prefix: str) -> list[Topic]:
    """Every topic of Watchline. Raw text stands in the first two and in the dead letters: short retention."""

    def retained(name: str, milliseconds: int, max_message_bytes: int = MAX_MESSAGE_BYTES) -> Topic:
        return Topic(
            name,
            {
                "cleanup.policy": "delete",
                "retention.ms": str(milliseconds),
                "segment.ms": str(HOUR_MS),
                "message.timestamp.type": "LogAppendTime",
                "max.message.bytes": str(max_message_bytes),
            },
        )

    return [
        retained(interactions(prefix), DAY_MS),
        retained(feedback(prefix), DAY_MS),
        retained(findings(prefix), 7 * DAY_MS),
        retained(signals(prefix), 30 * DAY_MS),
        # A message of the largest size that is allowed gets headers when it becomes a dead letter.
        retained(dead_letters(prefix), 7 * DAY_MS, MAX_MESSAGE_BYTES + 100_000),
        Topic(
            monitor_state(prefix),
            {  # states are saved often and read whole at each assignment: compact early
                "cleanup.policy": "compact",
                "segment.ms": str(HOUR_MS // 6),
                "segment.bytes": str(16 * 2**20),
                "min.cleanable.dirty.ratio": "0.1",
            },
        ),
        Topic(governance(prefix), {"cleanup.policy": "delete", "retention.ms": "-1"}),
    ]


def create(settings: Settings) -> list[str]:
    """Creates the topics that are missing and returns their names. Leaves existing ones as they are.

    Raises TransientError where Kafka can't be reached, FatalError where it refuses.
    """
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import NewTopic

    admin = _admin(settings)
    there = existing(settings)
    missing = [topic for topic in all_topics(settings.topic_prefix) if topic.name not in there]
    if not missing:
        return []
    requests = [
        NewTopic(
            topic.name,
            num_partitions=settings.topic_partitions,
            replication_factor=settings.topic_replication,
            config=dict(topic.config),
        )
        for topic in missing
    ]
    for name, future in admin.create_topics(requests, request_timeout=30).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise FatalError(f"cannot create topic {name}: {error.args[0].str()}") from error
    return [topic.name for topic in missing]


def existing(settings: Settings, timeout_s: float = 10) -> set[str]:
    """The names of the cluster's topics.

    Raises TransientError where Kafka can't be reached, ConfigurationError where it or we refuse the other: at once,
    since librdkafka would go on trying.
    """
    from confluent_kafka import KafkaException

    errors: list[Any] = []
    admin = _admin(settings, error_cb=errors.append)
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return set(admin.list_topics(timeout=min(0.5, timeout_s)).topics)
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
    if name not in existing(settings):
        return []
    return sorted(_admin(settings).list_topics(name, timeout=10).topics[name].partitions)


def topic_id(settings: Settings, name: str) -> str:
    """Kafka's own id of a topic: another one after it was deleted and created again. Its name where there is no id."""
    from confluent_kafka import KafkaException, TopicCollection

    admin = _admin(settings)  # must outlive its futures
    try:
        described = admin.describe_topics(TopicCollection([name]), request_timeout=10)
        return str(described[name].result().topic_id)
    except (KafkaException, AttributeError):
        return name


class Ends:
    """Asks for the offsets after the last message of partitions. For one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = _admin(settings)

    def __call__(self, partitions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """By (topic, number). Raises TransientError where Kafka is away, ConfigurationError where it refuses us."""
        from confluent_kafka import KafkaException, TopicPartition
        from confluent_kafka.admin import OffsetSpec

        asked = {TopicPartition(topic, partition): OffsetSpec.latest() for topic, partition in partitions}
        found = self._admin.list_offsets(asked, request_timeout=5) if asked else {}
        try:
            return {(each.topic, each.partition): future.result().offset for each, future in found.items()}
        except KafkaException as error:
            existing(self._settings)  # which says why
            raise TransientError(f"Kafka doesn't say where the partitions end: {error.args[0].str()}") from None


def _admin(settings: Settings, **more: Any) -> Any:
    from confluent_kafka.admin import AdminClient

    return AdminClient({**settings.kafka_client, "socket.connection.setup.timeout.ms": 5000, **more})
