"""What a producer has published: topics for it, and all that is in them."""

from __future__ import annotations

import time
from typing import Any, TypeVar
from uuid import uuid4

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from watchline.schemas.codec import decode
from watchline.schemas.records import Feedback, InteractionBatch

R = TypeVar("R")
TOPICS = {"interactions": 2, "feedback": 1}  # and their partitions


def make_topics(broker: str, prefix: str, **config: str) -> None:
    """The two topics that a producer writes; `config` with underscores for the dots."""
    admin = AdminClient({"bootstrap.servers": broker, "log_level": 0})
    settings = {name.replace("_", "."): value for name, value in config.items()}
    topics = [NewTopic(f"{prefix}{name}", partitions, 1, config=settings) for name, partitions in TOPICS.items()]
    for made in admin.create_topics(topics).values():
        made.result(20)


def envelopes(broker: str, prefix: str, events: int, **kafka: Any) -> list[InteractionBatch]:
    """The envelopes of a topic by their numbers, once that many events have come; without reports of drops."""
    found: list[InteractionBatch] = []
    for value in _values(broker, f"{prefix}interactions", kafka):
        envelope = decode(value, InteractionBatch)
        if not envelope.is_report:
            found.append(envelope)
        if sum(len(envelope.interactions) for envelope in found) >= events:
            break
    return sorted(found, key=lambda envelope: envelope.first_sequence)  # a topic has several partitions


def reports(broker: str, prefix: str, dropped: int) -> list[InteractionBatch]:
    """All reports of drops in a topic, the last one last, once one says that so much was dropped."""
    found: list[InteractionBatch] = []
    for value in _values(broker, f"{prefix}interactions", {}, pauses=True):
        if value is not None and (envelope := decode(value, InteractionBatch)).is_report:
            found.append(envelope)
        if value is None and any(report.dropped + report.feedback_dropped >= dropped for report in found):
            break
    return sorted(found, key=lambda report: report.dropped)


def opinions(broker: str, prefix: str, count: int) -> list[Feedback]:
    """The feedback of a topic, once there is that much."""
    found: list[Feedback] = []
    for value in _values(broker, f"{prefix}feedback", {}):
        found.append(decode(value, Feedback))
        if len(found) >= count:
            break
    return found


def sequences(found: list[InteractionBatch]) -> set[tuple[str, int]]:
    """Producer and sequence number of every event."""
    return {
        (envelope.producer_id, envelope.first_sequence + index)
        for envelope in found
        for index in range(len(envelope.interactions))
    }


def _values(broker: str, topic: str, kafka: dict[str, Any], timeout_s: float = 20.0, *, pauses: bool = False) -> Any:
    """The values in a topic; `pauses`: None where nothing more has come for a moment."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": f"test-{uuid4()}", "log_level": 0, **kafka})
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                yield message.value()
            elif pauses:
                yield None
    finally:
        consumer.close()
