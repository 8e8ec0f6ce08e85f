"""A worker with a schema registry: both framings in one topic, and a registry that is away, which is no poison."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from fastavro import parse_schema, schemaless_writer

from tests.end_to_end.test_bad_input import PRODUCER, envelope, interaction
from tests.end_to_end.workers import Worker
from tests.schema_registry import RegistryStandIn
from watchline.schemas.codec import CONFLUENT_MAGIC, decode, encode, schema_text, to_plain
from watchline.schemas.records import FindingBatch, Interaction, InteractionBatch
from watchline.streams import Producer
from watchline.streams.kafka import topics
from watchline.streams.kafka.schema_registry import SchemaRegistry

COMMAND = [sys.executable, "-m", "watchline.streams.cli.main"]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[RegistryStandIn]:
    with RegistryStandIn() as running:
        yield running


@pytest.fixture(scope="module")
def worker(broker: str, stand_in: RegistryStandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    settings = {
        "DETECTORS": "",
        "REDACTION": "false",
        "SCHEMA_REGISTRY_URL": stand_in.url,
        "STORE_TIMEOUT_S": "4",
        "TOPIC_PARTITIONS": "1",
    }
    made = Worker(
        broker,
        f"t{uuid4().hex[:12]}.",
        tmp_path_factory.mktemp("w"),
        {f"WATCHLINE_{name}": value for name, value in settings.items()},
    )
    with subprocess.Popen([*COMMAND, "migrate"], env={**os.environ, **made.environment}) as migrating:
        assert migrating.wait(60) == 0
    yield made.start()
    made.end()


def registry(worker: Worker) -> SchemaRegistry:
    assert worker.settings.schema_registry is not None
    return SchemaRegistry(worker.settings.schema_registry, worker.settings.topic_prefix)


def newer(worker: Worker, stand_in: RegistryStandIn, *events: Interaction) -> bytes:
    """An envelope as a later version of Watchline might write it, under a schema that no worker has seen yet."""
    declared: dict[str, Any] = json.loads(schema_text("InteractionBatch"))
    declared["fields"].insert(0, {"name": f"later_{uuid4().hex}", "type": "string", "default": "x"})
    schema_id = stand_in.add(registry(worker).subject("InteractionBatch"), declared)
    out = BytesIO()
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=0, interactions=events)
    schemaless_writer(out, parse_schema(declared), to_plain(batch))
    return CONFLUENT_MAGIC + schema_id.to_bytes(4, "big") + out.getvalue()


def stored(worker: Worker, *events: Interaction) -> bool:
    ids = ", ".join(f"'{event.event_id}'" for event in events)
    return len(worker.rows(f"SELECT event_id FROM v_interactions WHERE event_id IN ({ids})")) == len(events)


def test_a_worker_whose_schemas_are_missing_does_not_start(worker: Worker) -> None:
    with RegistryStandIn() as empty:
        environment = {
            **os.environ,
            **worker.environment,
            "WATCHLINE_SCHEMA_REGISTRY_URL": empty.url,
            "WATCHLINE_CLICKHOUSE_URL": "http://127.0.0.1:1",
        }
        done = subprocess.run([*COMMAND, "worker"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "interactions-value" in done.stderr and "run `watchline migrate` first" in done.stderr
    assert not empty.schemas


def test_both_framings_in_one_topic(worker: Worker, stand_in: RegistryStandIn) -> None:
    own, alone, bad = interaction(), interaction(), interaction(event_id="none")
    with Producer(
        worker.settings.bootstrap_servers,
        app="bot",
        topic_prefix=worker.settings.topic_prefix,
        schema_registry=worker.settings.schema_registry,
    ) as producer:
        emitted = producer.emit(input="question", output="answer", model="m", event_id=own.event_id)
        producer.feedback(emitted, rating=1)
        assert producer.flush(20)
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=0, interactions=(interaction(), bad))
    worker.produce(envelope(alone), encode(batch, registry(worker)))
    worker.wait(lambda: stored(worker, own, alone, batch.interactions[0]))
    worker.wait(lambda: worker.count("v_feedback") == 1)
    worker.wait(lambda: worker.count("v_dead_letters") == 1)

    raw = [value[:1] for value, _ in worker.consume(topics.interactions)]
    assert sorted(raw) == [b"\x00", b"\x00", b"\xc3"]
    ((letter, headers),) = worker.consume(topics.dead_letters)
    assert headers["watchline-reason"].startswith(b"event_id")
    for value, kind in [(letter, InteractionBatch), *((found, FindingBatch) for found, _ in findings(worker))]:
        assert value[:1] == CONFLUENT_MAGIC
        assert decode(value, kind, registry(worker))
    assert decode(letter, InteractionBatch, registry(worker)).interactions == (bad,)


def findings(worker: Worker) -> list[tuple[bytes, dict[str, bytes]]]:
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    found = worker.consume(topics.findings)
    assert found
    return found


def test_a_registry_that_is_away_is_waited_for(worker: Worker, stand_in: RegistryStandIn) -> None:
    late, after = interaction(), interaction()
    before = worker.count("v_dead_letters")
    message = newer(worker, stand_in, late)
    stand_in.stop()
    worker.produce(message, envelope(after))
    worker.wait(lambda: "not reachable" in worker.log.read_text())
    assert not stored(worker, late) and not stored(worker, after)
    stand_in.start()
    worker.wait(lambda: stored(worker, late, after))
    assert worker.count("v_dead_letters") == before


def test_an_unknown_id_is_a_dead_letter_until_it_is_registered(worker: Worker, stand_in: RegistryStandIn) -> None:
    early, good = interaction(), interaction()
    message = newer(worker, stand_in, early)
    schema_id, schema = stand_in.schemas.popitem()
    worker.produce(message, envelope(good))
    reason = f"SELECT count() FROM v_dead_letters WHERE reason = 'schema id {schema_id} is not in the registry'"
    worker.wait(lambda: worker.rows(reason) == [(1,)])
    worker.wait(lambda: stored(worker, good))
    assert not stored(worker, early)

    stand_in.schemas[schema_id] = schema
    replay = [*COMMAND, "dead-letters", "replay", "--reason", "schema id"]
    done = subprocess.run(replay, env={**os.environ, **worker.environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    worker.wait(lambda: stored(worker, early))


def test_a_registry_that_stays_away_stops_the_worker_which_commits_nothing(
    worker: Worker, stand_in: RegistryStandIn
) -> None:
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    message = newer(worker, stand_in, interaction())
    count = len(worker.consume(topics.interactions))
    stand_in.status = 401
    worker.produce(message)
    assert worker.join(60) == 1
    assert "WATCHLINE_SCHEMA_REGISTRY_USERNAME" in worker.log.read_text()
    admin = AdminClient({"bootstrap.servers": worker.settings.bootstrap_servers, "log_level": 0})
    group = worker.settings.group_id
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(20)
    committed = {found.topic: found.offset for found in asked.topic_partitions}
    assert committed[topics.interactions(worker.settings.topic_prefix)] == count
