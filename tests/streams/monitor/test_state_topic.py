"""States in their topic, and those of builds whose workers ran the monitors themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.messages import Record
from watchline.streams.monitor.state_topic import StateTopic
from watchline.streams.settings import Settings, load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str) -> Settings:
    settings = load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, topic_partitions=2)
    admin.create(settings)
    return settings


@pytest.fixture
def states(settings: Settings) -> Iterator[StateTopic]:
    producer = Producer(settings.kafka_client)

    async def publish(topic: str, records: Sequence[Record]) -> None:
        for record in records:
            producer.produce(topic, record.value, record.key, partition=record.partition)
        assert producer.flush(20) == 0

    with ThreadPoolExecutor(1) as executor:
        yield StateTopic(settings, publish, executor)


def former_build(settings: Settings, saved: Mapping[bytes, bytes]) -> str:
    """Its topic, with states in partition 1; gives its name."""
    name = topics.former_monitor_state(settings.topic_prefix)
    client = AdminClient(settings.kafka_client)
    client.create_topics([NewTopic(name, 2, 1, config={"cleanup.policy": "compact"})])[name].result(20)
    producer = Producer(settings.kafka_client)
    for key, state in saved.items():
        producer.produce(name, state, key, partition=1)
    assert producer.flush(20) == 0
    return name


def test_a_new_installation_has_no_topic_of_a_former_build(settings: Settings, states: StateTopic) -> None:
    assert topics.former_monitor_state(settings.topic_prefix) not in admin.existing(settings)
    assert asyncio.run(states.load(0)) == {}


def test_the_last_state_of_each_key_the_one_saved_longest_ago_first(states: StateTopic) -> None:
    async def both() -> list[tuple[bytes, bytes]]:
        await states.save(0, {b"a": b"1", b"b": b"1", b"c": b"1"})
        await states.save(0, {b"a": b"2", b"c": None})
        await states.save(1, {b"d": b"1"})
        return [*(await states.load(0)).items()]

    assert asyncio.run(both()) == [(b"b", b"1"), (b"a", b"2")]


def test_prompts_without_a_state_have_that_of_the_former_build_which_is_never_written(
    settings: Settings, states: StateTopic
) -> None:
    former = former_build(settings, {b"a": b"former", b"b": b"former", b"c": b"former"})

    async def lives() -> list[Mapping[bytes, bytes]]:
        first = await states.load(1)
        await states.save(1, {b"a": b"ours", b"c": None})
        return [first, await states.load(1), await states.load(0)]

    assert asyncio.run(lives()) == [
        {b"a": b"former", b"b": b"former", b"c": b"former"},
        {b"a": b"ours", b"b": b"former"},
        {},
    ]
    assert [message.value() for message in read_to_end(settings, former, [1])] == 3 * [b"former"]


def test_findings_partitions_beyond_those_of_the_states_have_states_too(states: StateTopic) -> None:
    async def beyond() -> Mapping[bytes, bytes]:
        await states.save(5, {b"a": b"1"})
        return await states.load(5)

    assert asyncio.run(beyond()) == {b"a": b"1"}
