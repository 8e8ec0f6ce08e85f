"""A worker under load: events/s, CPU time of each of its processes, share of each stage.

Beside a bare consumer loop, and detectors called one event at a time.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psutil
from confluent_kafka import Consumer

from tests.detectors.redacted import redacted
from tests.end_to_end.workers import PROCESSES, Worker
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

EVENTS = 60_000  # with no-op detectors
NEW_EVENTS = 3_000  # with redaction of texts that it has not seen
WARM_UP = 2_000  # what is loaded at first use is loaded then
MONITORS_S = 16.0  # by then the monitors have looked at what was stored
REPEATS = 3
TIMEOUT_S = 600.0


class Figures(NamedTuple):
    """Of a worker under load."""

    events_per_s: float
    cpu_us: Mapping[str, float]  # of an event, by process
    stages: Mapping[str, float]  # seconds in each, of all seconds

    def __str__(self) -> str:
        processes = ", ".join(f"{name} {time:.0f}" for name, time in self.cpu_us.items())
        stages = ", ".join(f"{name} {share:.0%}" for name, share in self.stages.items())
        return f"CPU {sum(self.cpu_us.values()):,.0f} us an event ({processes}); stages: {stages}"


def main() -> None:
    """Prints a line for each figure."""
    interactions = recording.load().interactions
    for size in (1, 8, 32):
        bare = bare_loop(interactions, size)
        noop = loaded(fresh(interactions, EVENTS), size, detectors="", redaction="false")
        print(
            f"worker, no-op detectors, no redaction, {size:2} events an envelope: {noop.events_per_s:8,.0f} events/s "
            f"(bare confluent-kafka and fastavro loop, nothing stored: {bare:,.0f}; "
            f"ratio {noop.events_per_s / bare:.3f})\n    {noop}"
        )
    two = loaded(fresh(interactions, EVENTS), 32, detectors="", redaction="false", scorers="2")
    print(f"the same, two scorers, 32 events an envelope: {two.events_per_s:8,.0f} events/s\n    {two}")
    known = loaded(fresh(interactions, EVENTS), 32, detectors="", redaction="true")
    new = loaded(distinct(interactions, NEW_EVENTS), 32, detectors="", redaction="true")
    print(
        f"worker, no-op detectors, redaction, 32 events an envelope: {new.events_per_s:8,.0f} events/s, no text twice "
        f"(ratio to no redaction {new.events_per_s / noop.events_per_s:.3f}); "
        f"the recording again and again, texts known: {known.events_per_s:,.0f}\n    {new}"
    )
    every = loaded(
        fresh(interactions, 2 * len(interactions)), 32, warm_up=32, detectors=",".join(DETECTORS), redaction="true"
    )
    print(f"worker, all detectors, the recording:       {every.events_per_s:8,.1f} events/s\n    {every}")
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


def loaded(interactions: Sequence[Interaction], size: int, *, warm_up: int = WARM_UP, **settings: str) -> Figures:
    """The run with the median of events/s; of one that takes minutes, the only one."""
    runs = [_run(interactions, size, warm_up, settings) for _ in range(1 if settings["detectors"] else REPEATS)]
    return sorted(runs)[len(runs) // 2]


def _run(interactions: Sequence[Interaction], size: int, warm_up: int, settings: Mapping[str, str]) -> Figures:
    """Events/s from the first of a load that is stored to the last; its CPU time until the monitors are done too."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "broker.log") as broker:
        variables = {f"WATCHLINE_{name.upper()}": value for name, value in settings.items()}
        worker = Worker(broker.url.removeprefix("kafka://"), "bench.", Path(folder), variables)
        create(worker.settings)
        payloads, count = envelopes(interactions, size), len(interactions)
        worker.start()
        try:
            worker.produce(*envelopes(distinct(interactions, warm_up), size))  # none of the texts of the load
            worker.wait(lambda: worker.health()["events"] >= warm_up, TIMEOUT_S)
            time.sleep(MONITORS_S)
            cpu, stages = _cpu_s(worker), _stages_s(worker)
            worker.produce(*payloads)
            worker.wait(lambda: worker.health()["events"] > warm_up, TIMEOUT_S)
            first, started = worker.health()["events"] - warm_up, time.monotonic()
            worker.wait(lambda: worker.health()["events"] >= warm_up + count, TIMEOUT_S)
            seconds = time.monotonic() - started
            shares = {name: (taken - stages.get(name, 0)) / seconds for name, taken in _stages_s(worker).items()}
            time.sleep(MONITORS_S)
            taken = {name: (after - cpu[name]) / count * 1e6 for name, after in _cpu_s(worker).items()}
            return Figures((count - first) / seconds, taken, shares)
        finally:
            worker.end()


def _cpu_s(worker: Worker) -> dict[str, float]:
    """CPU time of the worker's processes so far."""
    processes = {"worker": [psutil.Process(worker.pid)]} | {kind: worker.processes(kind) for kind in PROCESSES}
    return {kind: sum(sum(each.cpu_times()[:2]) for each in found) for kind, found in processes.items()}


def _stages_s(worker: Worker) -> dict[str, float]:
    """Seconds that batches were in each stage so far."""
    pattern = r'^watchline_stage_duration_seconds_sum\{stage="(\w+)"\} (\S+)$'
    return {name: float(taken) for name, taken in re.findall(pattern, worker.page("metrics")[1], re.MULTILINE)}


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
