"""The producer with a schema registry: framed for it, and when it is away as unimpressed as when Kafka is."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.schema_registry import RegistryStandIn
from tests.streams.producer.published import _values, make_topics
from watchline.schemas.codec import CONFLUENT_MAGIC, decode
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import Feedback, InteractionBatch
from watchline.streams import Producer
from watchline.streams.kafka.schema_registry import SchemaRegistry

AWAY = "localhost:1"


@pytest.fixture
def stand_in(topic_prefix: str) -> Iterator[RegistryStandIn]:
    with RegistryStandIn() as running:
        SchemaRegistry({"url": running.url}, topic_prefix).register()
        yield running


@pytest.mark.slow
def test_events_wait_for_the_registry_and_are_framed_for_it(
    broker: str, topic_prefix: str, stand_in: RegistryStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    make_topics(broker, topic_prefix)
    stand_in.stop()
    with Producer(
        broker, app="shop", topic_prefix=topic_prefix, schema_registry={"url": stand_in.url}, max_events=100
    ) as producer:
        started = time.monotonic()
        ids = [producer.emit(input=f"question {n}", output="answer", model="m") for n in range(120)]
        assert time.monotonic() - started < 0.5
        assert not producer.flush(0.3)
        stats = producer.stats
        assert (stats.buffered, stats.delivered, stats.dropped_by) == (100, 0, {"buffer full": 20})
        producer.feedback(ids[-1], rating=1)
        stand_in.start()
        assert producer.flush(20)
        assert producer.stats.delivered == 100
    assert "events wait: the schema registry at" in caplog.text

    registry = SchemaRegistry({"url": stand_in.url}, topic_prefix)
    found = []
    for value in _values(broker, f"{topic_prefix}interactions", {}):
        assert value[:1] == CONFLUENT_MAGIC
        found += [event.event_id for event in decode(value, InteractionBatch, registry).interactions]
        if len(found) == 99:
            break
    assert sorted(found) == sorted(ids[21:])  # the topic has two partitions
    value = next(_values(broker, f"{topic_prefix}feedback", {}))
    assert value[:1] == CONFLUENT_MAGIC
    assert decode(value, Feedback, registry).event_id == ids[-1]


def test_what_is_not_registered_waits_too_and_is_dropped_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with RegistryStandIn(login="app:secret") as stand_in:
        monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", stand_in.url)
        monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_USERNAME", "app")
        monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_PASSWORD", "secret")
        producer = Producer(AWAY, app="shop")
        producer.emit(input="question", model="m")
        assert not producer.close(0.5)
        assert "watchline.interactions-value lacks Watchline's schema; run `watchline migrate`" in caplog.text
        assert "secret" not in caplog.text
    assert (producer.stats.buffered, producer.stats.dropped_by) == (0, {"closed": 1})


def test_wrong_settings_show_where_the_producer_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", "registry:8081")
    with pytest.raises(ConfigurationError, match="WATCHLINE_SCHEMA_REGISTRY_URL"):
        Producer(AWAY, app="shop")


def test_without_the_setting_the_registry_client_is_not_loaded() -> None:
    script = """
import sys
from watchline.streams import Producer
with Producer("localhost:1", app="shop") as producer:
    producer.emit(input="x", model="m")
    producer.close(0.1)
print([name for name in sys.modules if name.startswith(("confluent_kafka.schema_registry", "httpx"))])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr
