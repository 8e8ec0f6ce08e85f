"""Fuzzed payloads over a real broker through a real worker process: each is stored or a dead letter."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka import Producer

from tests.end_to_end.workers import Worker
from tests.fuzz.payloads import Payloads
from tests.fuzz.pipeline import identity, read_plain
from watchline.streams.dead_letters import WHOLE_MESSAGE
from watchline.streams.kafka import topics

PAYLOADS = 3_000


def test_every_payload_is_stored_or_a_dead_letter(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(
        detectors="",
        redaction="false",
        topic_partitions="1",
        dead_letter_max_ratio="1",
        dead_letter_max_consecutive="1000000",
    )
    payloads = [*Payloads("broker").take(PAYLOADS - 1), b"the last one, a dead letter"]
    producer = Producer({"bootstrap.servers": worker.settings.bootstrap_servers, "log_level": 0})
    sent: dict[int, bytes] = {}
    for payload in payloads:
        producer.produce(
            topics.interactions(worker.settings.topic_prefix),
            payload,
            on_delivery=lambda error, message: sent.update({message.offset(): message.value() or b""}),
        )
    assert producer.flush(60) == 0 and len(sent) == PAYLOADS
    last = f"SELECT 1 FROM v_dead_letters WHERE offset = {max(sent)}"
    worker.wait(lambda: worker.rows(last) != [] and worker.health()["lag_messages"] == 0)

    stored = {(offset, index) for offset, index in worker.rows("SELECT raw_offset, raw_index FROM v_interactions")}
    dead = {(offset, index) for offset, index in worker.rows("SELECT offset, event_index FROM v_dead_letters")}
    in_topic = {
        (int(headers["watchline-offset"]), int(headers["watchline-index"])): value
        for value, headers in worker.consume(topics.dead_letters)
    }
    assert in_topic.keys() == dead and not stored & dead
    events = {offset: (read_plain(value) or {"interactions": []})["interactions"] for offset, value in sent.items()}
    present = {identity(events[offset][index], True) for offset, index in stored}
    for offset, value in sent.items():
        if (offset, WHOLE_MESSAGE) in dead:
            assert in_topic[offset, WHOLE_MESSAGE] == value
            assert not any((offset, index) in stored for index in range(len(events[offset])))
            continue
        assert read_plain(value) is not None
        for index, event in enumerate(events[offset]):
            # Of events with the same id, which mutation makes, the store shows one.
            assert (offset, index) in stored | dead or identity(event, True) in present
    assert len({offset for offset, _ in stored}) > PAYLOADS / 10
    assert worker.stop() == 0
