"""Severe findings: how soon a webhook has them, and whether one that hangs slows scoring."""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.worker import WARM_UP, envelopes, fresh
from tests.end_to_end.severe_worker import WORD
from tests.end_to_end.workers import Worker
from tests.streams.receiving_webhook import Receiver, receiving
from watchline.schemas.records import Interaction, Message
from watchline.streams.demo import recording
from watchline.streams.embedded.broker import Broker
from watchline.streams.kafka.admin import create

EVENTS = 30_000
ONE_IN = 20  # is severe
REPEATS = 3
TIMEOUT_S = 600.0


def main() -> None:
    """Prints a line for each figure."""
    rates: dict[str, list[tuple[float, float]]] = {"no webhook": [], "one that takes": [], "one that hangs": []}
    for _ in range(REPEATS):
        for case, found in rates.items():
            found.append(rate(case))
    for case, found in rates.items():
        per_s, cpu_us = (sorted(figures) for figures in zip(*found, strict=True))
        print(
            f"{case:14}: {statistics.median(per_s):8,.0f} events/s ({per_s[0]:,.0f} to {per_s[-1]:,.0f}), CPU of "
            f"worker, scoring and store {statistics.median(cpu_us):,.0f} us an event ({cpu_us[0]:,.0f} to "
            f"{cpu_us[-1]:,.0f})"
        )
    for gap_s, count in ((4.0, 40), (0.5, 100)):
        since_sent, since_stored = delays(gap_s, count)
        print(
            f"{count} severe events {gap_s} s apart, at the webhook after: sent {percentiles(since_sent)}; "
            f"stored {percentiles(since_stored)}"
        )


def delays(gap_s: float, count: int) -> tuple[list[float], list[float]]:
    """Seconds until the webhook had each of single severe events, since it was sent and since it was stored."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "b.log") as broker, receiving() as receiver:
        worker = _worker(broker, Path(folder), receiver.address())
        try:
            events = _severe(count + 1, one_in=1)
            worker.produce(*envelopes(events[:1], 1))  # the group joins
            worker.wait(lambda: len(receiver.requests) > 0, TIMEOUT_S)
            sent = {}
            for event in events[1:]:
                sent[event.event_id] = time.time()
                worker.produce(*envelopes([event], 1))
                time.sleep(gap_s)
            worker.wait(lambda: len(_arrived(receiver)) > count, TIMEOUT_S)
            arrived = _arrived(receiver)
            rows = worker.rows("SELECT toString(event_id), toString(stored_at) FROM v_interactions")
            stored = {str(id_): datetime.fromisoformat(f"{at}+00:00").timestamp() for id_, at in rows}
            return (
                [arrived[id_] - at for id_, at in sent.items()],
                [arrived[id_] - stored[id_] for id_ in sent],
            )
        finally:
            worker.end()


def rate(case: str) -> tuple[float, float]:
    """Events/s of a load of which one in `ONE_IN` is severe, and the CPU time of an event, in microseconds."""
    with tempfile.TemporaryDirectory() as folder, Broker(Path(folder) / "b.log") as broker, receiving() as receiver:
        receiver.delay_s = 60.0 if case == "one that hangs" else 0.0
        worker = _worker(broker, Path(folder), "" if case == "no webhook" else receiver.address())
        try:
            worker.produce(*envelopes(_severe(WARM_UP, ONE_IN), 32))
            worker.wait(lambda: worker.health()["events"] >= WARM_UP, TIMEOUT_S)
            time.sleep(5.0)
            cpu_s = _cpu_s(worker)
            worker.produce(*envelopes(_severe(EVENTS, ONE_IN), 32))
            worker.wait(lambda: worker.health()["events"] > WARM_UP, TIMEOUT_S)
            first, started = worker.health()["events"] - WARM_UP, time.monotonic()
            worker.wait(lambda: worker.health()["events"] >= WARM_UP + EVENTS, TIMEOUT_S)
            seconds = time.monotonic() - started
            return (EVENTS - first) / seconds, (_cpu_s(worker) - cpu_s) / EVENTS * 1e6
        finally:
            worker.end()


def _worker(broker: Broker, folder: Path, webhook: str) -> Worker:
    settings = {
        "WATCHLINE_DETECTORS": "toxicity",
        "WATCHLINE_REDACTION": "false",
        "WATCHLINE_WEBHOOK_URL": webhook,
    }
    address = broker.url.removeprefix("kafka://")
    worker = Worker(address, "bench.", folder, settings, "tests.end_to_end.severe_worker")
    create(worker.settings)
    return worker.start()


def _cpu_s(worker: Worker) -> float:
    """CPU time of what an event goes through."""
    processes = [psutil.Process(worker.pid), *worker.processes("scoring"), *worker.processes("store")]
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def _severe(count: int, one_in: int) -> list[Interaction]:
    answer = (Message("assistant", WORD),)
    return [
        dataclasses.replace(each, output_messages=answer) if number % one_in == 0 else each
        for number, each in enumerate(fresh(recording.load().interactions, count))
    ]


def _arrived(receiver: Receiver) -> dict[str, float]:
    """When the webhook had each event."""
    found: dict[str, float] = {}
    for request in list(receiver.requests):
        findings: Sequence[dict[str, Any]] = request.json["findings"]
        for finding in findings:
            found.setdefault(finding["event_id"], request.time)
    return found


def percentiles(seconds: Sequence[float]) -> str:
    """Of delays, for a line of results."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s, longest {max(seconds):.2f} s"


if __name__ == "__main__":
    main()
