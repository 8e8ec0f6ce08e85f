"""`watchline receive` is killed under the load of real exporters: what it has acknowledged is in Kafka."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext

from tests.streams.ingest.receiving import TOKEN, lines_until, started
from tests.streams.producer.published import TOPICS, make_topics
from watchline.schemas.codec import decode
from watchline.schemas.records import InteractionBatch
from watchline.streams.embedded.broker import free_port
from watchline.streams.ids import of_span
from watchline.streams.kafka.log_reader import read_to_end
from watchline.streams.settings import Settings

KILLS = 5
BETWEEN = 1_000  # spans that are acknowledged between two kills


class Sender(threading.Thread):
    """An SDK's exporter with its retries, which sends each batch until it is acknowledged."""

    def __init__(self, number: int, address: str, token: str) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[str] = set()
        self.stop = threading.Event()
        self._random = random.Random(number)
        self._exporter = OTLPSpanExporter(address, headers={"authorization": f"Bearer {token}"}, timeout=3)

    def run(self) -> None:
        while not self.stop.is_set():
            contexts = [
                SpanContext(self._random.getrandbits(128), self._random.getrandbits(64), False) for _ in range(20)
            ]
            now = time.time_ns()
            said = {"gen_ai.operation.name": "chat", "gen_ai.prompt.0.content": "Hi"}
            times = {"start_time": now - 1_000_000, "end_time": now}
            batch = [ReadableSpan("chat", context, attributes=said, **times) for context in contexts]
            while self._exporter.export(batch) is not SpanExportResult.SUCCESS:
                if self.stop.wait(0.1):
                    return
            self.acknowledged |= {of_span(f"{it.trace_id:032x}", f"{it.span_id:016x}") for it in contexts}


def test_a_killed_receiver_loses_nothing_that_it_acknowledged(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    make_topics(broker, topic_prefix)
    port = free_port()
    environment = {
        "WATCHLINE_DATA_DIR": str(tmp_path),
        "WATCHLINE_KAFKA_URL": broker,
        "WATCHLINE_TOPIC_PREFIX": topic_prefix,
        "WATCHLINE_RECEIVE_TOKEN": TOKEN,
    }
    process = started(environment, "--port", str(port))
    lines_until(process, "header")
    senders = [Sender(number, f"http://127.0.0.1:{port}/v1/traces", TOKEN) for number in range(3)]
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        before = sum(len(sender.acknowledged) for sender in senders)
        while sum(len(sender.acknowledged) for sender in senders) < before + BETWEEN:
            time.sleep(0.01)
        time.sleep(random.random() / 10)
        process.kill()
        process.wait()
        process = started(environment, "--port", str(port))
        lines_until(process, "header")
    time.sleep(1)
    for sender in senders:
        sender.stop.set()
    for sender in senders:
        sender.join(30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    settings = Settings(kafka_url=broker)
    messages = read_to_end(settings, f"{topic_prefix}interactions", range(TOPICS["interactions"]))
    batches = [decode(message.value(), InteractionBatch) for message in messages]
    stored = [event.event_id for batch in batches for event in batch.interactions]
    acknowledged = set.union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) >= KILLS * BETWEEN
    assert acknowledged <= set(stored)
