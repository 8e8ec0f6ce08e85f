"""Events/s of one worker process, beside a bare consumer loop and beside detectors called one event at a time."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer

from tests.detectors.redacted import redacted
from tests.end_to_end.workers import Worker
from watchline.detectors import registry
from watchline.detectors.declarations import DETECTORS
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scorer
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.schemas.texts import is_prose, replace_texts, texts
from watchline.streams.demo import recording
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka import topics
from watchline.streams.kafka.admin import create

EVENTS = 20_000  # with no-op detectors
NEW_EVENTS = 2_000  # with redaction of texts that it has not seen
REPEATS = 3
TIMEOUT_S = 600.0


def main() -> None:
    """Prints a line for each figure."""
    interactions = recording.load().interactions
    for size in (1, 8, 32):
        bare = bare_loop(interactions, size)
        noop = worker_rate(interactions, EVENTS, size, detectors="", redaction="false")
        print(
            f"worker, no-op detectors, no redaction, {size:2} events an envelope: {noop:8,.0f} events/s "
            f"(bare confluent-kafka and fastavro loop, nothing stored: {bare:,.0f}; ratio {noop / bare:.3f})"
        )
    known = worker_rate(interactions, EVENTS, 32, detectors="", redaction="true")
    new = worker_rate(distinct(interactions, NEW_EVENTS), NEW_EVENTS, 32, detectors="", redaction="true")
    print(
        f"worker, no-op detectors, redaction, 32 events an envelope: {new:8,.0f} events/s, no text twice "
        f"(ratio to no redaction {new / noop:.3f}); the recording again and again, texts known: {known:,.0f}"
    )
    every = worker_rate(interactions, 2 * len(interactions), 32, detectors=",".join(DETECTORS), redaction="true")
    print(f"worker, all detectors, the recording:       {every:8,.1f} events/s")
    batched, single = scorer_rates(interactions)
    print(f"scorer alone, batches of 64:                {batched:8,.1f} events/s")
    print(
        f"scorer alone, one event at a time:          {single:8,.1f} events/s (batches: {batched / single:.2f} times)"
    )


def fresh(interactions: Sequence[Interaction], count: int) -> list[Interaction]:
    """As many interactions, with new ids and of now."""
    now = time.time_ns() // 1000
    return [
        dataclasses.replace(interactions[index % len(interactions)], event_id=str(uuid4()), time=now)
        for index in range(count)
    ]


def distinct(interactions: Sequence[Interaction], count: int) -> list[Interaction]:
    """As many interactions, no two of which share a text: what is known of a text helps with no other."""
    return [
        replace_texts(each, {field: f"{text} ({number})" for field, text in texts(each) if is_prose(field)})
        for number, each in enumerate(fresh(interactions, count))
    ]


def envelopes(interactions: Sequence[Interaction], size: int) -> list[bytes]:
    """The interactions packed into envelopes of a size."""
    producer_id = str(uuid4())
    return [
        encode(
            InteractionBatch(
                producer_id=producer_id, first_sequence=start, interactions=tuple(interactions[start : start + size])
            )
        )
        for start in range(0, len(interactions), size)
    ]


def worker_rate(interactions: Sequence[Interaction], count: int, size: int, **settings: str) -> float:
    """Events/s from the first stored batch to the last, all of them waiting in Kafka beforehand."""
    rates = []
    for _ in range(REPEATS if not settings["detectors"] else 1):
        with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "broker.log") as broker:
            variables = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
            worker = Worker(broker.url.removeprefix("kafka://"), "bench.", Path(folder), variables)
            create(worker.settings)
            worker.produce(*envelopes(fresh(interactions, count), size))
            worker.start()
            try:
                rates.append(_rate(worker, count))
            finally:
                worker.end()
    return statistics.median(rates)


def _rate(worker: Worker, count: int) -> float:
    worker.wait(lambda: worker.health()["events"] > 0, TIMEOUT_S)
    first, started = worker.health()["events"], time.monotonic()
    worker.wait(lambda: worker.health()["events"] >= count, TIMEOUT_S)
    return float((count - first) / (time.monotonic() - started))


def bare_loop(interactions: Sequence[Interaction], size: int) -> float:
    """Events/s of consume and decode alone: what a loop without Faust, detectors or store does at best."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "broker.log") as broker:
        worker = Worker(broker.url.removeprefix("kafka://"), "bench.", Path(folder), {})
        create(worker.settings)
        worker.produce(*envelopes(fresh(interactions, EVENTS), size))
        consumer = Consumer(
            {
                "bootstrap.servers": worker.settings.bootstrap_servers,
                "group.id": "bare",
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6000,
            }
        )
        consumer.subscribe([topics.interactions("bench.")])
        seen, started = 0, 0.0
        while seen < EVENTS:
            for message in consumer.consume(1000, 1.0):
                started = started or time.monotonic()
                seen += len(decode(message.value(), InteractionBatch).interactions)
        rate = seen / (time.monotonic() - started)
        consumer.close()
    return rate


def scorer_rates(interactions: Sequence[Interaction]) -> tuple[float, float]:
    """Events/s of redactor and scorer, all detectors: in batches of 64, and one by one. Each with its own caches."""
    rates = []
    for size in (64, 1):
        redactor, scorer = Redactor(), Scorer(registry.load(list(DETECTORS)))
        scorer.score(redacted(interactions[:2], redactor))  # what is loaded at first use
        rest = interactions[2:130]
        started = time.monotonic()
        for start in range(0, len(rest), size):
            scorer.score(redacted(rest[start : start + size], redactor))
        rates.append(len(rest) / (time.monotonic() - started))
    return rates[0], rates[1]


if __name__ == "__main__":
    main()
