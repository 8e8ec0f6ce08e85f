"""Liveness, readiness, metrics and the canary of real workers."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import brokers
from tests.documentation.metrics_table import catalogue, families
from tests.end_to_end.blocked_worker import GATE, JOIN_GATE
from tests.end_to_end.test_bad_input import SECRET, envelope, interaction
from tests.end_to_end.workers import READY_TIMEOUT_S, Worker
from watchline.schemas.codec import decode
from watchline.schemas.records import FindingBatch
from watchline.streams.kafka import topics


@pytest.fixture(scope="module")
def worker(make_shared_worker: Callable[..., Worker]) -> Worker:
    # With a webhook, which nothing is sent to, the process that would send it is there too.
    more = {"webhook_url": "http://127.0.0.1:1/"}
    return make_shared_worker(detectors="pii", topic_partitions="2", canary_interval_s="1", **more)


def test_a_canary_arrives_and_is_nowhere_else(worker: Worker) -> None:
    sql = "SELECT topic, partition, worker FROM v_canary WHERE delay_s BETWEEN 0 AND 60 AND age_s < 60 ORDER BY ALL"
    topic = topics.interactions(worker.settings.topic_prefix)
    worker.wait(lambda: worker.rows(sql) == [(topic, 0, "w1"), (topic, 1, "w1")])
    for view in ("v_interactions", "v_findings", "v_coverage", "v_producer_gaps", "v_dead_letters", "v_offset_gaps"):
        assert worker.count(view) == 0, view
    assert [item for value, _ in worker.consume(topics.findings) for item in decode(value, FindingBatch).items] == []
    assert worker.health()["events"] == 0


def test_an_app_cannot_hide_an_event_as_a_canary(worker: Worker) -> None:
    worker.produce(envelope(interaction(operation="watchline.canary")))
    worker.wait(lambda: worker.count("v_interactions") == 1)


def test_the_metrics_are_those_of_the_catalogue(worker: Worker) -> None:
    worker.produce(envelope(interaction(), interaction(event_id="none")), b"junk")
    worker.wait(lambda: worker.count("v_dead_letters") == 2)
    worker.wait(lambda: worker.health()["events"] == 2)
    worker.wait(lambda: worker.health()["monitors_lag_messages"] is not None)
    worker.wait(lambda: families(worker.page("metrics")[1]).keys() == catalogue().keys())
    status, page = worker.page("metrics")
    assert status == 200
    found = families(page)
    assert {name: (family.type, family.documentation) for name, family in found.items()} == catalogue()
    samples = [sample for family in found.values() for sample in family.samples]
    values = {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}
    topic = topics.interactions(worker.settings.topic_prefix)
    assert values["watchline_events_total",] == 2
    assert values["watchline_dead_letters_total", "bot", "invalid"] == 1
    assert values["watchline_dead_letters_total", "undecodable", "unknown"] == 1
    assert values["watchline_scoring_seconds_total", "pii"] > 0
    assert values["watchline_stage_duration_seconds_count", "store"] >= values["watchline_batches_total",] >= 2
    assert ("watchline_lag_messages", "1", topic) in values
    assert ("watchline_monitor_lag_messages", "1") in values
    assert values["watchline_monitor_process_restarts_total",] == 0
    assert 0 < values["watchline_canary_delay_seconds",] < 60
    assert SECRET not in page


@pytest.fixture
def blocked(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setenv(GATE, str(tmp_path / "gate"))
    monkeypatch.setenv(JOIN_GATE, str(tmp_path / "join"))
    settings = {
        "WATCHLINE_DETECTORS": "pii",
        "WATCHLINE_REDACTION": "false",
        "WATCHLINE_TOPIC_PARTITIONS": "1",
        "WATCHLINE_BUFFER_MESSAGES": "16",
    }
    return Worker(broker, topic_prefix, tmp_path, settings, "tests.end_to_end.blocked_worker")


def test_ready_alive_stuck_and_draining(blocked: Worker, tmp_path: Path) -> None:
    worker, gate, join = blocked, tmp_path / "gate", tmp_path / "join"
    gate.touch()
    join.touch()
    try:
        worker.launch()
        status, page = worker.page("ready")
        assert (status, json.loads(page)["ready"]) == (503, False)
        assert "no partitions assigned yet" in page
        join.unlink()
        worker.wait(lambda: worker.page("ready")[0] == 200, READY_TIMEOUT_S)
        assert worker.health()["status"] == "ok"
        worker.wait(lambda: worker.health()["monitors"] == "running")

        worker.produce(envelope(interaction()))
        worker.wait(lambda: worker.page("health")[0] == 503)
        assert json.loads(worker.page("health")[1])["status"] == "stalled"
        worker.wait(lambda: "blocked_worker.py" in worker.log.read_text())
        log = worker.log.read_text()
        assert log.count("all stacks") == log.count("in evaluate") == 1
        assert "in run_forever" in log  # the event loop's thread, beside the one that hangs
        assert SECRET not in log
        # More than is read ahead, so that the partition is paused; the worker has to ask how much waits.
        worker.produce(*(envelope(interaction()) for _ in range(2000)))
        if not brokers.kind().startswith("Tansu"):  # which doesn't say where a partition ends
            worker.wait(lambda: worker.page("health")[1].count('"lag_messages": 2001') == 1)

        worker.send_signal(signal.SIGTERM)
        worker.wait(lambda: "draining" in worker.page("ready")[1])
        gate.unlink()
        assert worker.join(60) == 0
    finally:
        worker.end()


def test_a_page_that_cannot_be_served_stops_no_scoring(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    settings = {"WATCHLINE_DETECTORS": "", "WATCHLINE_REDACTION": "false", "WATCHLINE_TOPIC_PARTITIONS": "1"}
    elsewhere = {"WATCHLINE_HTTP_HOST": "192.0.2.1"}  # of the documentation (RFC 5737): not ours
    worker = Worker(broker, topic_prefix, tmp_path, settings | elsewhere)
    worker.spawn()
    try:
        worker.wait(lambda: "no page with health and metrics" in worker.log.read_text(), READY_TIMEOUT_S)
        worker.produce(envelope(interaction()))
        worker.wait(lambda: worker.count("v_interactions") == 1)
        assert worker.stop() == 0
    finally:
        worker.end()
