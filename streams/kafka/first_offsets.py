"""Where a consumer group begins that takes over a topic from another."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin
from watchline.streams.retry import retry
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)
PATIENCE_S = 30.0


def take_over(settings: Settings, topic: str, group: str, former: str) -> dict[int, int]:
    """Gives a group the offsets of a former one, in the partitions where it has acknowledged nothing itself.

    Parameters
    ----------
    settings : Settings
    topic : str
        Its name in Kafka.
    group, former : str
        Groups. Neither is joined.

    Returns
    -------
    dict of int to int
        The offsets that were given, by partition. Where the former group has none either, reading begins at the first
        message.

    Raises
    ------
    TransientError
        Kafka is away, or refuses since a member of the group has joined meanwhile, which has taken them over by then.
    """
    from confluent_kafka import KafkaException, TopicPartition

    numbers = admin.partitions(settings, topic)
    with _consumer(settings, group) as ours, _consumer(settings, former) as theirs:
        missing = set(numbers) - _committed(ours, topic, numbers).keys()
        given = _committed(theirs, topic, missing)
        if not given:
            return {}
        wanted = [TopicPartition(topic, number, offset) for number, offset in given.items()]
        try:
            errors = [partition.error for partition in ours.commit(offsets=wanted, asynchronous=False)]
        except KafkaException as error:
            errors = [error.args[0]]
        for refused in filter(None, errors):
            raise TransientError(
                f"group {group} does not get the offsets of group {former} in {topic}: {refused.str()}"
            )
    log.info("group %s begins in %s where group %s is: %s", group, topic, former, given)
    return given


@contextlib.contextmanager
def _consumer(settings: Settings, group: str) -> Iterator[Any]:
    from confluent_kafka import Consumer

    consumer = Consumer({**settings.kafka_client, "group.id": group, "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


def _committed(consumer: Any, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """Of the partitions where the consumer's group has acknowledged something, up to where."""
    from confluent_kafka import KafkaException, TopicPartition

    asked = [TopicPartition(topic, number) for number in partitions]

    def ask() -> Any:
        try:
            return consumer.committed(asked, timeout=5.0) if asked else ()
        except KafkaException as error:  # a broker that has just started doesn't know the group's coordinator yet
            raise TransientError(f"Kafka does not tell what is acknowledged: {error.args[0].str()}") from None

    found = retry(ask, timeout_s=PATIENCE_S, longest_pause_s=1.0)
    return {partition.partition: partition.offset for partition in found if partition.offset >= 0}
