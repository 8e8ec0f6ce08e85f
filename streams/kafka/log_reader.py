"""Reads a topic without joining a group: all of it to its end, or what a group has not acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any, NamedTuple

from watchline.schemas.errors import TransientError
from watchline.streams.kafka import admin
from watchline.streams.kafka.topics import Topic
from watchline.streams.retry import retry
from watchline.streams.settings import Settings


def read_to_end(
    settings: Settings, topic: str, partitions: Iterable[int], *, patience_s: float = 30.0
) -> Iterator[Any]:
    """The messages of partitions from their first until their present end, as confluent_kafka has them.

    Raises TransientError where Kafka has given no sign of life for `patience_s`.
    """
    return _read(settings, topic, dict.fromkeys(partitions, 0), patience_s)


def read_range(
    settings: Settings, topic: str, partition: int, first: int, last: int, *, patience_s: float = 30.0
) -> Iterator[Any]:
    """Those messages from offset `first` to `last` of a partition that are still there, as confluent_kafka has them.

    Raises what `read_to_end` raises.
    """
    end = admin.Ends(settings)([(topic, partition)])[topic, partition]
    # Beyond the end Kafka begins anew, and Tansu says nothing. What Tansu calls the end is too low, which does no harm.
    with closing(_read(settings, topic, {partition: min(first, end)}, patience_s)) as messages:
        for message in messages:
            if first <= message.offset() <= last:
                yield message
            if message.offset() >= last:
                return


def to_its_end(settings: Settings, topic: str, *, patience_s: float = 30.0) -> Callable[[], list[Any]]:
    """What reads a topic of one partition to its end, again and again: each call gives what has come since.

    It raises TransientError where Kafka, or the topic, is away for `patience_s`. Nothing is fetched between calls.
    """
    from confluent_kafka import KafkaError, TopicPartition

    consumer, next_offset = None, 0

    def read() -> list[Any]:
        nonlocal consumer, next_offset
        found, partition, trouble = [], TopicPartition(topic, 0, next_offset), ""
        if consumer is None:
            consumer = _consumer({**settings.kafka_client, "fetch.wait.max.ms": 10}, f"{settings.group_id}-log-reader")
        consumer.assign([partition])  # the end is told anew after each assignment
        heard = time.monotonic()
        while time.monotonic() < heard + patience_s:
            for message in consumer.consume(500, 0.01):
                if (error := message.error()) is None:
                    found.append(message)
                    heard = time.monotonic()
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                    next_offset = max([next_offset, *(each.offset() + 1 for each in found)])
                    consumer.unassign()
                    return found
                else:
                    trouble = f" ({error.str()})"
        raise TransientError(f"Kafka sent nothing from topic {topic} for {patience_s:g} s{trouble}; try again")

    return read


def _read(settings: Settings, topic: str, starts: Mapping[int, int], patience_s: float) -> Generator[Any, None, None]:
    """The messages of partitions from these offsets, or the first that is there, until the present end."""
    from confluent_kafka import KafkaError, TopicPartition

    consumer = _consumer(settings.kafka_client, f"{settings.group_id}-log-reader")
    unfinished = set(starts)
    heard, trouble = time.monotonic(), ""
    try:
        consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in starts.items()])
        while unfinished:
            for message in consumer.consume(500, 0.1):
                if (error := message.error()) is None:
                    yield message
                # The end as a fetch sees it: not every broker answers a query for the last offset rightly.
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's public name for it
                    unfinished.discard(message.partition())
                else:
                    trouble = f" ({error.str()})"
                    continue
                heard = time.monotonic()
            if unfinished and time.monotonic() > heard + patience_s:
                raise TransientError(f"Kafka sent nothing from topic {topic} for {patience_s:g} s{trouble}; try again")
    finally:
        consumer.close()


class Backlog(NamedTuple):
    """What a group has not acknowledged of a partition: how many messages, and when the first of them came."""

    messages: int
    oldest_ms: int | None  # since 1970, as Kafka has it; None where there is no message


def backlog(
    client: Mapping[str, Any], group: str, topics: Iterable[str], *, timeout_s: float = 30.0
) -> dict[tuple[str, int], Backlog]:
    """By topic and partition; of a partition where the group has acknowledged nothing, all that is there.

    Parameters
    ----------
    client : settings of a Kafka client
    group : is not joined

    Raises TransientError where Kafka is away, refuses, lacks a topic, or has not answered in time.
    """
    from confluent_kafka import KafkaError, KafkaException, TopicPartition

    consumer = _consumer(client, group)
    deadline = time.monotonic() + timeout_s
    backlogs: dict[tuple[str, int], Backlog] = {}
    try:
        there = consumer.list_topics(timeout=timeout_s).topics
        asked = [TopicPartition(topic, number) for topic in topics for number in there[topic].partitions]
        committed = retry(lambda: _committed(consumer, asked), timeout_s=timeout_s, longest_pause_s=1.0)
        consumer.assign(
            [TopicPartition(partition.topic, partition.partition, max(partition.offset, 0)) for partition in committed]
        )
        # By reading on: Tansu's own answer for a partition's end is the first offset of the last batch, plus one.
        while len(backlogs) < len(asked):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"Kafka did not tell within {timeout_s:g} s what group {group} has not acknowledged"
                )
            for message in consumer.consume(100, 0.1):
                place = message.topic(), message.partition()
                if (error := message.error()) is not None:
                    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
                        raise KafkaException(error)
                    backlogs.setdefault(place, Backlog(0, None))
                elif place not in backlogs:
                    partition = TopicPartition(*place)
                    end = consumer.get_watermark_offsets(partition, cached=True)[1]
                    backlogs[place] = Backlog(end - message.offset(), message.timestamp()[1])
                    consumer.pause([partition])
        return backlogs
    except (KafkaException, KeyError) as error:
        raise TransientError(f"Kafka does not tell what group {group} has not acknowledged: {error}") from None
    finally:
        consumer.close()


def committed(
    client: Mapping[str, Any], group: str, partitions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """What a group has acknowledged of partitions, whoever reads them; 0 where nothing.

    Raises TransientError where Kafka doesn't tell. Not by the admin client: where the group's coordinator has moved,
    its `list_consumer_group_offsets` ends the process (librdkafka 2.16, rd_kafka_cgrp_op).
    """
    from confluent_kafka import TopicPartition

    consumer = _consumer(client, group)
    try:
        told = _committed(consumer, [TopicPartition(*partition) for partition in partitions])
        return {(each.topic, each.partition): max(0, each.offset) for each in told}
    finally:
        consumer.close()


def acknowledged(settings: Settings, topic: Topic) -> dict[tuple[str, int], int]:
    """Up to where the group that reads a topic has acknowledged its partitions, by the topic's id and the number.

    Raises what `committed` and `admin.topic_id` raise.
    """
    name = topic(settings.topic_prefix)
    partitions = admin.partitions_of(settings, [name])
    told = committed(settings.kafka_client, topic.group(settings.group_id), partitions) if partitions else {}
    topic_id = admin.topic_id(settings, name) or ""
    return {(topic_id, number): offset for (_, number), offset in told.items()}


def _committed(consumer: Any, partitions: list[Any]) -> Any:
    from confluent_kafka import KafkaException

    try:
        return consumer.committed(partitions, timeout=5.0)
    except KafkaException as error:  # a broker that has just started doesn't know the group's coordinator yet
        raise TransientError(f"Kafka does not tell what is acknowledged: {error.args[0].str()}") from None


def _consumer(client: Mapping[str, Any], group: str) -> Any:
    """One to which partitions are assigned by hand."""
    from confluent_kafka import Consumer

    return Consumer(
        {
            **client,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,  # which the end of a partition waits for
        }
    )
