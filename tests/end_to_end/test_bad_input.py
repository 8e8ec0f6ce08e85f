"""Every kind of bad input has the outcome that the design gives it, and nothing else is lost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.end_to_end.workers import Worker
from watchline.schemas.codec import MAGIC, encode
from watchline.schemas.records import Interaction, InteractionBatch, Message
from watchline.streams import Producer
from watchline.streams.kafka import topics

PRODUCER = str(uuid4())
SECRET = "a sentence that nobody may find in the table of dead letters"


def interaction(**changes: object) -> Interaction:
    plain = Interaction(
        event_id=str(uuid4()),
        time=time.time_ns() // 1000,
        app="bot",
        request_model="m",
        input_messages=(Message("user", "Where is the manual?"),),
        output_messages=(Message("assistant", SECRET),),
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def envelope(*interactions: Interaction) -> bytes:
    return encode(InteractionBatch(producer_id=PRODUCER, first_sequence=0, interactions=interactions))


@pytest.fixture(scope="module")
def worker(make_shared_worker: Callable[..., Worker]) -> Worker:
    return make_shared_worker(detectors="pii")


def test_bad_input(worker: Worker) -> None:
    good = envelope(interaction())
    bad_bytes = {
        "empty message": b"",
        "not framed as an Avro message": b"random bytes",
        "unknown schema fingerprint 0101010101010101 for InteractionBatch": MAGIC + b"\x01" * 8 + good[10:],
        "InteractionBatch cannot be decoded": good[: len(good) // 2],
    }
    year_1, year_9999 = -62_135_596_800_000_000, 253_402_300_799_000_000
    invalid = {"event_id: not a UUID": interaction(event_id="42", app="poison")}
    repaired = {
        "latency_s": interaction(latency_s=float("nan")),
        "time": interaction(time=year_1),
        "time ": interaction(time=year_9999),
        "cost": interaction(cost=-1.0),
    }
    stored = [
        *repaired.values(),
        interaction(),
        interaction(request_model=None),
        interaction(output_messages=(), input_messages=()),
        interaction(output_messages=(Message("assistant", ""),)),
        interaction(output_messages=(Message("assistant", "Где находится руководство? " * 20),)),
    ]
    # The bad one in the middle of a good envelope; poison last in its partition, where no later message hides it.
    worker.produce(envelope(*stored[:2], *invalid.values(), *stored[2:]), good, *bad_bytes.values())
    worker.wait(lambda: worker.count("v_interactions") == len(stored) + 1)
    worker.wait(lambda: worker.count("v_dead_letters") == len(bad_bytes) + len(invalid))

    letters = worker.rows("SELECT reason, event_index, app, size_bytes FROM v_dead_letters")
    for reason, value in bad_bytes.items():
        assert [(index, size) for text, index, _, size in letters if text.startswith(reason)] == [(-1, len(value))]
    for number, (reason, event) in enumerate(invalid.items()):
        found = [(index, app) for text, index, app, _ in letters if reason in text and index >= 0]
        assert (number + 2, event.app) in found, reason
    assert SECRET not in str(worker.rows("SELECT * FROM v_dead_letters"))
    assert {row[0] for row in worker.rows("SELECT toString(event_id) FROM v_interactions")} >= {
        event.event_id for event in stored
    }
    for field, event in repaired.items():
        (row,) = worker.rows(
            "SELECT invalid_fields, sent_time, cost, latency_s, toUnixTimestamp64Micro(time), time > now() - 3600 "
            f"FROM v_interactions WHERE event_id = '{event.event_id}'"
        )
        *left, time_stored, is_recent = row
        wrong_clock = field.startswith("time")
        assert left == [[field.strip()], event.time if wrong_clock else None, None, None]
        assert is_recent and (time_stored == event.time) is not wrong_clock
    missing = worker.rows("SELECT detector, sum(missing) FROM v_coverage GROUP BY detector")
    assert missing == [("pii", 0)]
    worker.wait(lambda: worker.health()["lag_messages"] == 0)


def test_five_megabytes_arrive_cut(worker: Worker) -> None:
    """Through the real producer, which cuts what Kafka would refuse and says how long it was."""
    producer = Producer(
        worker.settings.bootstrap_servers, app="bot", topic_prefix=worker.settings.topic_prefix, strict=True
    )
    event_id = producer.emit(input="Where is the manual?", output="x" * 5_000_000, model="m")
    producer.close()
    sql = f"SELECT length(output), truncated FROM v_interactions WHERE event_id = '{event_id}'"
    worker.wait(lambda: len(worker.rows(sql)) == 1)
    ((size, truncated),) = worker.rows(sql)
    assert size <= 256 * 1024
    assert 5_000_000 in dict(truncated).values()


def test_what_a_producer_dropped_is_seen_though_no_event_followed(worker: Worker) -> None:
    before = worker.count("v_interactions")
    with Producer(
        worker.settings.bootstrap_servers,
        app="drops",
        environment="test",
        topic_prefix=worker.settings.topic_prefix,
        before_send=lambda interaction: 1 / 0,  # type: ignore[arg-type,return-value]
    ) as producer:
        for _ in range(70):
            producer.emit(input=SECRET, model="m")
        producer.feedback(None, rating=1)  # type: ignore[arg-type]
    sql = "SELECT environment, stored, missing, dropped, dropped_by, feedback_dropped FROM v_producer_gaps"
    expected = [("test", 0, 70, 70, {"before_send": 70}, 1)]
    worker.wait(lambda: worker.rows(f"{sql} WHERE app = 'drops'") == expected)
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.count("v_interactions") == before


def test_dead_letters_keep_the_bytes(worker: Worker) -> None:
    bad = interaction(event_id="43")
    worker.produce(b"other random bytes", envelope(interaction(), bad))
    sql = "SELECT reason FROM v_dead_letters WHERE (field = 'event_id' AND event_index = 1) OR size_bytes = 18"
    worker.wait(lambda: len(worker.rows(sql)) == 2)
    values = dict(worker.consume(topics.dead_letters))
    assert b"other random bytes" in values
    alone = encode(InteractionBatch(producer_id=PRODUCER, first_sequence=1, interactions=(bad,)))
    assert values[alone]["watchline-reason"] == b"event_id: not a UUID"


def test_the_worker_refreshes_the_rollups(worker: Worker) -> None:
    """By the engine in its process, while it stores."""
    worker.wait(
        lambda: worker.rows("SELECT count() FROM v_refreshes WHERE age_s IS NOT NULL AND exception = ''") == [(5,)]
    )
