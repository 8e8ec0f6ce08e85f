"""How often workers began at the same offset, as the topic of a real broker tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from confluent_kafka import Producer

from watchline.streams.kafka import admin, topics
from watchline.streams.messages import Message, Record
from watchline.streams.settings import Settings, load
from watchline.streams.worker.starts import DEATHS, Starts

pytestmark = pytest.mark.slow

PLACES = [("raw", 0), ("raw", 2)]
IDS = {"raw": "id"}


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=3)
    admin.create(settings)
    return settings


class Counted(Starts):
    """Counts how often it reads the topic."""

    reads = 0

    def read(self) -> dict[bytes, bytes]:
        self.reads += 1
        return super().read()


def started(settings: Settings) -> Counted:
    """As another worker has it that starts now."""
    producer = Producer(settings.kafka_client)

    async def publish(topic: str, records: Sequence[Record]) -> None:
        for record in records:
            assert record.value is not None and record.partition is None  # the topic may have fewer
            producer.produce(topic, record.value, record.key)
        assert producer.flush(20) == 0

    return Counted(settings, publish)


def places(offsets: Mapping[str, int]) -> dict[tuple[str, int], int]:
    return {("raw", int(name[1:])): offset for name, offset in offsets.items()}


def begin(starts: Starts, **offsets: int) -> list[bool]:
    """Begins; whether each partition is scored event by event then."""
    asyncio.run(starts.begin(places(offsets), IDS))
    return [starts.apart([Message(topic, "id", number, 0, 0, b"x")]) for topic, number in PLACES]


def test_each_partition_is_counted_by_itself_and_one_that_got_on_begins_anew(settings: Settings) -> None:
    for _ in range(DEATHS):
        assert begin(started(settings), p0=7, p2=3) == [False, False]
    assert begin(started(settings), p0=7, p2=4) == [True, False]


def test_one_read_does_for_all_partitions_until_they_are_assigned_anew(settings: Settings) -> None:
    starts = started(settings)
    begin(starts, p0=7)
    begin(starts, p2=3)
    assert starts.reads == 1
    for _ in range(DEATHS):  # another worker has the partition in between
        begin(started(settings), p2=3)
    starts.forget()
    assert begin(starts, p2=3) == [False, True]
    assert starts.reads == 2


def test_an_offset_of_a_topic_that_was_deleted_is_known(settings: Settings) -> None:
    begin(started(settings), p0=7, p2=0)

    def old(ids: Mapping[str, str], **offsets: int) -> list[tuple[str, int]]:
        return asyncio.run(started(settings).of_another_topic(places(offsets), ids))

    assert old(IDS, p0=9, p2=4) == []
    assert old({"raw": "another"}, p0=9, p1=3, p2=0) == [("raw", 0)]  # nothing is known of 1; 2 begins at the start


def test_a_start_of_an_earlier_version_names_no_topic(settings: Settings) -> None:
    producer = Producer(settings.kafka_client)
    for value in (b'{"offset": 7, "times": 2}', b"[]", b"{"):
        producer.produce(topics.starts(settings.topic_prefix), value, b"raw/0")
        assert producer.flush(20) == 0
        assert asyncio.run(started(settings).of_another_topic({("raw", 0): 7}, {"raw": "another"})) == []
