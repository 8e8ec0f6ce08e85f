"""Too much to do: memory stays bounded, the lag shows, and where shedding is on, coverage adds up all the same."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.workers import Worker
from watchline.schemas.records import Message
from watchline.streams.kafka import admin

MIB = 2**20
SETTINGS = {"redaction": "false", "topic_partitions": "1"}


def test_shed_events_are_stored_and_coverage_adds_up(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    shedding = {"WATCHLINE_DETECTORS": "pii", "WATCHLINE_REDACTION": "false", "WATCHLINE_SHED_AFTER_S": "2"}
    worker = Worker(broker, topic_prefix, tmp_path, shedding)
    admin.create(worker.settings)
    worker.produce(*(envelope(*(interaction() for _ in range(32))) for _ in range(5)))
    time.sleep(2)
    worker.start()
    try:
        worker.wait(lambda: worker.health()["events"] == 160)
        worker.produce(*(envelope(interaction()) for _ in range(3)))
        worker.wait(lambda: worker.health()["events"] == 163)
        (row,) = worker.rows(
            "SELECT sum(planned), sum(evaluated), sum(shed), sum(missing) FROM v_coverage WHERE detector = 'pii'"
        )
        assert row == (163, 3, 160, 0)
        assert "\nwatchline_shed_events_total 160.0\n" in worker.page("metrics")[1]
        assert worker.rows("SELECT DISTINCT reason FROM v_findings WHERE decision = 'shed'") == [("overload",)]
    finally:
        worker.end()


def test_a_backlog_of_large_events_does_not_fill_the_memory(make_worker: Callable[..., Worker]) -> None:
    """Four times as much text as the worker may hold, of messages of which few would fill its bound."""
    worker = make_worker(**SETTINGS, detectors="", buffer_bytes=str(8 * MIB), batch_bytes=str(8 * MIB))
    process = psutil.Process(worker.pid)
    worker.produce(envelope(interaction()))
    worker.wait(lambda: worker.health()["events"] == 1)
    before = process.memory_info().rss
    text = Message("assistant", "a long answer " * 16_000)  # 224 kB
    large = dataclasses.replace(interaction(), output_messages=(text,))
    values = [envelope(*(dataclasses.replace(large, event_id=interaction().event_id) for _ in range(4)))] * 300
    worker.produce(*values)  # 270 MB
    seen: list[int] = []
    lags: list[int] = []

    def done() -> bool:
        report = worker.health()
        seen.append(process.memory_info().rss - before)
        lags.append(report["lag_messages"])
        return bool(report["lag_messages"] == 0)

    worker.wait(done, 120)
    assert max(lags) > 50
    assert worker.count("v_interactions") == 5  # the same four again and again
    # 140 MiB of it are the monitors' libraries, imported meanwhile; the backlog, held, would be 260 more. It is seen
    # between 290 and 320, as the allocator has it; with each batch kept for the garbage collector it was above 390.
    assert max(seen) < 350 * MIB, [size // MIB for size in seen]
