"""The monitors' state and positions survive kill -9 and a move to another worker: the signals are the same. They don't
depend on which partition is read first. A state that cannot be read ends nothing. Monitors that fail end nothing else.
"""

from __future__ import annotations

import dataclasses
import random
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID, uuid4

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests import brokers
from tests.end_to_end.workers import Worker
from watchline.schemas.codec import decode, encode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import FindingBatch, Interaction, InteractionBatch, Message, Signal
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.monitor.event_order import state_key
from watchline.streams.monitor.state import unpack

EVENTS_A_VERSION = 200
SIZE = 20  # events an envelope


def traffic() -> list[bytes]:
    """Two prompt versions, of which the second is slower; the same at each call but for nothing."""
    rng = random.Random(7)
    now = NOW
    events = [
        Interaction(
            event_id=str(UUID(int=rng.getrandbits(128), version=4)),
            time=now + number * 1000,
            app="bot",
            request_model="m",
            prompt_name="answer",
            prompt_version=str(1 + number // EVENTS_A_VERSION),
            input_messages=(Message("user", "Where is the manual?"),),
            output_messages=(Message("assistant", "On the desk."),),
            latency_s=rng.lognormvariate(0, 0.3) * (1 if number < EVENTS_A_VERSION else 3),
        )
        for number in range(2 * EVENTS_A_VERSION)
    ]
    return [
        encode(
            InteractionBatch(
                producer_id=PRODUCER, first_sequence=first, interactions=tuple(events[first : first + SIZE])
            )
        )
        for first in range(0, len(events), SIZE)
    ]


NOW = time.time_ns() // 1000 - 3_600_000_000
PRODUCER = str(uuid4())
SETTINGS = {"detectors": "", "redaction": "false", "topic_partitions": "1"}


def produce_to(worker: Worker, partition: int, values: Sequence[bytes]) -> None:
    """Envelopes into one raw partition, each delivered."""
    producer = Producer({"bootstrap.servers": worker.settings.bootstrap_servers, "log_level": 0})
    for value in values:
        producer.produce(topics.interactions(worker.settings.topic_prefix), value, partition=partition)
    assert producer.flush(30) == 0


def wait_for_monitor(worker: Worker, messages: int) -> None:
    """Until the state of the prompt's monitor, after so many envelopes, is saved: the lag may be of a moment ago."""

    def offset() -> int:
        found = -1
        for value, _ in worker.consume(topics.prompt_monitors):
            with suppress(PoisonError):
                found = unpack(value).positions[0].offset
        return found

    worker.wait(lambda: worker.health()["monitors_lag_messages"] == 0)
    worker.wait(lambda: offset() == messages - 1)


def signals(worker: Worker) -> set[Signal]:
    """What was published of the whole traffic, each once; ids left out, since they name the topic too."""
    wait_for_monitor(worker, len(traffic()))
    found = {decode(value, Signal).signal_id: decode(value, Signal) for value, _ in worker.consume(topics.signals)}
    return {str(dataclasses.replace(each, signal_id="")) for each in found.values()}  # type: ignore[misc]


@pytest.fixture(scope="module")
def expected(make_shared_worker: Callable[..., Worker]) -> set[Signal]:
    """The signals of a worker that nothing disturbs."""
    undisturbed, messages = make_shared_worker(**SETTINGS), traffic()
    undisturbed.produce(*messages)
    undisturbed.wait(lambda: undisturbed.health()["events"] == len(messages) * SIZE)
    found = signals(undisturbed)
    assert any("latency_s" in each for each in found), found
    assert undisturbed.stop() == 0
    return found


def test_the_same_signals_after_a_kill_and_a_move(make_worker: Callable[..., Worker], expected: set[Signal]) -> None:
    messages = traffic()
    first = make_worker(**SETTINGS)
    # The kill comes in the middle of the second version, before its signal.
    half = len(messages) // 2 + 1
    first.produce(*messages[:half])
    first.wait(lambda: first.health()["events"] == half * SIZE)
    wait_for_monitor(first, half)
    first.stop(signal.SIGKILL)
    # Tansu keeps a dead member in the group until its own name comes back.
    name = "w1" if brokers.kind().startswith("Tansu") else "w2"
    moved = make_worker(**SETTINGS, topic_prefix=first.settings.topic_prefix, group_instance_id=name)
    moved.produce(*messages[half:])
    moved.wait(lambda: moved.health()["events"] == (len(messages) - half) * SIZE, 90)
    assert signals(moved) == expected
    assert moved.stop() == 0


def test_the_newer_version_is_the_worse_one_whichever_partition_is_read_first(
    make_worker: Callable[..., Worker],
) -> None:
    """The newer version's partition is stored before the older one's arrives, and two partitions never get anything."""
    worker = make_worker(**{**SETTINGS, "topic_partitions": "4"})
    older, newer = traffic()[: EVENTS_A_VERSION // SIZE], traffic()[EVENTS_A_VERSION // SIZE :]
    worker.wait(lambda: worker.count("v_watermarks") == 4)  # though nothing has come
    for partition, values in ((3, newer), (0, older)):
        stored = worker.health()["events"]
        produce_to(worker, partition, values)
        worker.wait(lambda stored=stored: worker.health()["events"] == stored + EVENTS_A_VERSION)  # type: ignore[misc]
    worker.wait(lambda: worker.count("v_signals") > 0)
    worker.wait(lambda: worker.health()["monitors_lag_messages"] == 0)
    sql = "SELECT slice['prompt_version'], baseline['prompt_version'], before < after FROM v_signals"
    assert worker.rows(f"{sql} WHERE measure = 'latency_s'") == [("2", "1", True)]
    sql = "SELECT min(time) > now() - INTERVAL 60 SECOND AND max(time) < now() FROM v_watermarks"
    assert worker.rows(sql) == [(1,)]
    assert worker.page("metrics")[1].count("watchline_monitor_watermark_seconds{") == 4
    assert "watchline_monitor_late_events_total 0.0" in worker.page("metrics")[1]
    assert worker.stop() == 0


def test_events_that_wait_hold_up_neither_a_rebalance_nor_a_stop(make_worker: Callable[..., Worker]) -> None:
    settings = {**SETTINGS, "topic_partitions": "4"}
    first = make_worker(**settings)
    first.wait(lambda: first.count("v_watermarks") == 4)
    produce_to(first, 1, traffic())
    first.wait(lambda: "watchline_monitor_held_events 400.0" in first.page("metrics")[1])
    second = make_worker(**settings, topic_prefix=first.settings.topic_prefix, group_instance_id="w2")
    assert first.stop(timeout_s=20) == 0
    assert "wait_empty" not in first.log.read_text()

    def versions() -> set[tuple[str, str]]:
        found = [decode(value, Signal) for value, _ in second.consume(topics.signals)]
        return {
            (signal.slice["prompt_version"], signal.baseline["prompt_version"])
            for signal in found
            if signal.measure == "latency_s"
        }

    second.wait(lambda: versions() == {("2", "1")}, 90)
    assert second.stop() == 0


@pytest.mark.parametrize("garbage", [b"garbage", b"WLM1" + bytes(200)], ids=["foreign", "of an older version"])
def test_a_state_that_cannot_be_read_is_begun_anew(make_worker: Callable[..., Worker], garbage: bytes) -> None:
    worker, messages = make_worker(**SETTINGS), traffic()
    producer = Producer({"bootstrap.servers": worker.settings.bootstrap_servers, "log_level": 0})
    key = state_key(FindingBatch(app="bot", environment="default", prompt_name="answer", items=()))
    producer.produce(topics.prompt_monitors(worker.settings.topic_prefix), garbage, key)
    assert producer.flush(30) == 0
    worker.produce(*messages)
    worker.wait(lambda: worker.health()["events"] == len(messages) * SIZE)
    assert any("latency_s" in each for each in signals(worker))
    assert "watchline_monitor_states_unreadable_total 1.0" in worker.page("metrics")[1]
    assert worker.log.read_text().count("a monitor's state cannot be read") == 1
    assert worker.stop() == 0


def monitors_process(worker: Worker) -> psutil.Process | None:
    """The worker's monitors process, if it runs."""
    return next(iter(worker.processes("monitors")), None)


def test_a_monitors_process_that_is_killed_is_started_again_and_gives_the_same_signals(
    make_worker: Callable[..., Worker], expected: set[Signal]
) -> None:
    worker, messages = make_worker(**SETTINGS), traffic()
    half = len(messages) // 2 + 1
    worker.produce(*messages[:half])
    wait_for_monitor(worker, half)
    killed = monitors_process(worker)
    assert killed is not None
    killed.kill()
    worker.produce(*messages[half:])
    worker.wait(lambda: worker.health()["monitors"].endswith("last: by signal 9"))
    worker.wait(lambda: worker.count("v_interactions") == len(messages) * SIZE)
    assert signals(worker) == expected
    assert worker.health()["monitors"] == "running"
    assert "watchline_monitor_process_restarts_total 1.0" in worker.page("metrics")[1]
    left = monitors_process(worker)
    assert left is not None and left.pid != killed.pid
    worker.stop(signal.SIGKILL)
    left.wait(20)  # it ends with the worker


def test_monitors_that_fail_again_and_again_stop_no_scoring(make_worker: Callable[..., Worker]) -> None:
    """Their topic of states is gone; with it back, they go on where they were."""
    worker, messages = make_worker(**SETTINGS), traffic()
    worker.wait(lambda: worker.health()["monitors"] == "running")
    name = topics.prompt_monitors(worker.settings.topic_prefix)
    client = AdminClient({"bootstrap.servers": worker.settings.bootstrap_servers, "log_level": 0})
    client.delete_topics([name])[name].result(20)
    worker.produce(*messages)
    worker.wait(lambda: worker.count("v_interactions") == len(messages) * SIZE)
    worker.wait(lambda: worker.health()["monitors"].startswith("restarting since "), 120)
    one_more = Interaction(event_id=str(uuid4()), time=NOW, app="another")
    worker.produce(encode(InteractionBatch(producer_id=PRODUCER, first_sequence=999, interactions=(one_more,))))
    worker.wait(lambda: worker.count("v_interactions") == len(messages) * SIZE + 1)
    admin.create(worker.settings)
    worker.wait(lambda: worker.count("v_signals") > 0, 120)
    assert worker.stop() == 0


def test_an_update_keeps_offsets_and_baselines_of_workers_that_ran_the_monitors_themselves(
    make_worker: Callable[..., Worker], broker: str
) -> None:
    """What the former build left: states in its topic, offsets in its group. Findings before them aren't read again."""
    first, messages = make_worker(**SETTINGS), traffic()
    half = len(messages) // 2 + 1
    first.produce(*messages[:half])
    wait_for_monitor(first, half)
    assert first.stop() == 0
    prefix, former = first.settings.topic_prefix, first.settings.topic_prefix + "former"
    client = {"bootstrap.servers": broker, "log_level": 0}
    own, saved = topics.prompt_monitors(prefix), topics.former_monitor_state(prefix)
    states = {message.key(): message.value() for message in read_to_end(first.settings, own, [0])}
    made = AdminClient(client)
    made.create_topics([NewTopic(saved, 1, 1, config={"cleanup.policy": "compact"})])[saved].result(20)
    made.delete_topics([own])[own].result(20)
    producer = Producer(client)
    for key, state in states.items():
        producer.produce(saved, state, key)
    assert producer.flush(20) == 0
    findings = topics.findings(prefix)
    end = len(first.consume(topics.findings))
    for name, topic, offset in ((former, findings, end), (former, topics.interactions(prefix), half)):
        consumer = Consumer({**client, "group.id": name})
        consumer.commit(offsets=[TopicPartition(topic, 0, offset)], asynchronous=False)
        consumer.close()

    updated = make_worker(**SETTINGS, topic_prefix=prefix, group_id=former)
    updated.wait(lambda: updated.health()["monitors"] == "running")
    said = f"group {former}-monitors begins in {findings} where group {former} is: {{0: {end}}}"
    assert said in updated.log.read_text()
    updated.produce(*messages[half:])
    updated.wait(lambda: updated.health()["events"] == (len(messages) - half) * SIZE, 90)
    found = signals(updated)
    assert any("latency_s" in each for each in found), found
    assert {message.value() for message in read_to_end(updated.settings, saved, [0])} == {*states.values()}
    assert updated.stop() == 0
