"""Real workers tell others: severe findings to a webhook, heartbeats, and Prometheus, which fires the shipped rules."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen
from uuid import uuid4

import psutil
import pytest
import yaml

from tests.end_to_end.severe_worker import WORD
from tests.end_to_end.test_bad_input import SECRET, envelope, interaction
from tests.end_to_end.workers import Worker
from tests.streams.receiving_webhook import Receiver, receiving
from watchline.schemas.records import Interaction, Message
from watchline.streams.embedded.broker import free_port
from watchline.streams.kafka import topics
from watchline.streams.severe import Severe

MODULE = "tests.end_to_end.severe_worker"
RULES = Path(__file__).parents[2] / "dashboards" / "provisioning" / "prometheus"
TOKEN = "T0KENxyz"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def settings(receiver: Receiver, **more: str) -> dict[str, str]:
    return {
        "WATCHLINE_DETECTORS": "toxicity",
        "WATCHLINE_REDACTION": "false",
        "WATCHLINE_TOPIC_PARTITIONS": "2",
        "WATCHLINE_CANARY_INTERVAL_S": "1",
        "WATCHLINE_WEBHOOK_URL": receiver.address(f"/hook/{TOKEN}"),
        "WATCHLINE_WEBHOOK_INTERVAL_S": "1",
        "WATCHLINE_HEARTBEAT_URL": receiver.address(f"/beat/{TOKEN}"),
        **more,
    }


@pytest.fixture(scope="module")
def worker(broker: str, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    prefix = f"t{uuid4().hex[:12]}."
    worker = Worker(broker, prefix, tmp_path_factory.mktemp("w"), settings(receiver), MODULE)
    try:
        yield worker.start()
    finally:
        worker.end()


def violent(**changes: Any) -> Interaction:
    return interaction(event_id=str(uuid4()), output_messages=(Message("assistant", f"{SECRET} {WORD}"),), **changes)


def messages(receiver: Receiver) -> list[dict[str, Any]]:
    """What came to the webhook."""
    return [request.json for request in list(receiver.requests) if request.path.startswith("/hook")]


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """The findings that the webhook was told of."""
    return [finding for said in messages(receiver) for finding in said["findings"]]


def beats(receiver: Receiver) -> int:
    return sum(request.path.startswith("/beat") for request in receiver.requests)


def test_a_severe_finding_is_at_the_webhook_within_seconds(worker: Worker, receiver: Receiver) -> None:
    worker.wait(lambda: worker.page("metrics")[1].count('watchline_source_age_seconds{source="alerts"}') == 1)
    worker.produce(envelope(violent()))  # the group joins
    worker.wait(lambda: len(told(receiver)) == 1)
    delays = []
    for number in range(2, 12):
        event = violent()
        sent = time.time()
        worker.produce(envelope(event, interaction(event_id=str(uuid4()))))
        worker.wait(lambda number=number: len(told(receiver)) == number)  # type: ignore[misc]
        assert told(receiver)[-1]["event_id"] == event.event_id
        delays.append(time.time() - sent)
    # From sending, of which scoring and storing are a part.
    assert max(delays) < 5.0
    assert SECRET not in str([request.body for request in receiver.requests])
    hooks = [request for request in receiver.requests if request.path.startswith("/hook")]
    assert all(request.headers["Idempotency-Key"] == request.json["id"] for request in hooks)


def test_an_event_that_comes_again_has_the_same_id_and_is_told_once(worker: Worker, receiver: Receiver) -> None:
    before, event = len(told(receiver)), violent()
    worker.produce(envelope(event), envelope(event))
    worker.produce(envelope(event))
    worker.wait(lambda: len(told(receiver)) == before + 1)
    published = [Severe.of(value) for value, _ in worker.consume(topics.alerts)]
    worker.wait(lambda: sum(each.event_id == event.event_id for each in published) >= 1)
    assert len({each.id for each in published if each.event_id == event.event_id}) == 1
    time.sleep(2.0)
    assert len(told(receiver)) == before + 1


def test_a_burst_is_few_messages(worker: Worker, receiver: Receiver) -> None:
    before = len(messages(receiver))
    worker.produce(envelope(*(violent() for _ in range(300))))
    worker.wait(lambda: sum(each["count"] for each in messages(receiver)[before:]) >= 300)
    assert len(messages(receiver)) - before <= 6


def test_a_webhook_that_is_away_slows_no_scoring_and_gets_all_once_it_is_back(
    worker: Worker, receiver: Receiver
) -> None:
    receiver.status = 503
    try:
        events = [violent() for _ in range(20)]
        before = worker.health()["events"]
        worker.produce(*(envelope(event) for event in events))
        worker.wait(lambda: worker.health()["events"] == before + 20, 20)
        worker.wait(lambda: "webhook: severe findings are not delivered since" in worker.page("ready")[1])
        status, page = worker.page("ready")
        assert (status, json.loads(page)["ready"]) == (200, True)
        assert TOKEN not in page + worker.page("metrics")[1] + worker.log.read_text()
    finally:
        receiver.status = 200
    wanted = {event.event_id for event in events}
    worker.wait(lambda: wanted <= {finding["event_id"] for finding in told(receiver)}, 90)
    worker.wait(lambda: "webhook" not in worker.page("ready")[1])


def test_heartbeats_come_while_canaries_do(worker: Worker, receiver: Receiver) -> None:
    worker.wait(lambda: beats(receiver) > 0)
    before = beats(receiver)
    worker.wait(lambda: beats(receiver) > before + 1)
    assert 'watchline_heartbeats_total{outcome="failed"}' in worker.page("metrics")[1]


def test_a_killed_delivery_process_comes_back_and_nothing_is_lost(worker: Worker, receiver: Receiver) -> None:
    (process,) = (
        child for child in psutil.Process(worker.pid).children() if "severe_process" in " ".join(child.cmdline())
    )
    process.kill()
    event = violent()
    worker.produce(envelope(event))
    worker.wait(lambda: event.event_id in {finding["event_id"] for finding in told(receiver)}, 90)


@pytest.fixture
def prometheus(worker: Worker, tmp_path: Path) -> Iterator[str]:
    """Debian's Prometheus with the shipped files, at a worker's page; only the times are shorter."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    shutil.copy(RULES / "watchline.rules.yml", tmp_path)
    settings = yaml.safe_load((RULES / "prometheus.yml").read_text())
    settings["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["scrape_configs"] = settings["scrape_configs"][:1]
    address = json.loads(worker.settings.state_file.read_text())["metrics"].split("/")[2]
    settings["scrape_configs"][0]["static_configs"] = [{"targets": [address]}]
    del settings["alerting"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(settings))
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://127.0.0.1:{port}"
        assert "level=error" not in (tmp_path / "log").read_text()
        assert "level=warn" not in (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(30)


def ask(prometheus: str, expression: str) -> dict[str, float]:
    """Values by the alert's or the series' name."""
    try:
        with urlopen(f"{prometheus}/api/v1/query?query={quote(expression)}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
    except OSError:  # it starts
        return {}
    return {
        each["metric"].get("alertname", each["metric"].get("__name__", "")): float(each["value"][1]) for each in found
    }


def test_prometheus_reads_the_page_and_the_first_five_dead_letters_fire_the_rule(
    worker: Worker, prometheus: str
) -> None:
    worker.wait(lambda: ask(prometheus, "up") == {"up": 1.0})
    worker.wait(lambda: ask(prometheus, "watchline_dead_letters_total{app='unknown',kind='undecodable'}") != {})
    time.sleep(3.0)
    firing = 'ALERTS{alertstate="firing", alertname="WatchlineDeadLetters"}'
    assert ask(prometheus, firing) == {}
    assert ask(prometheus, 'ALERTS{alertname="WatchlineDown"}') == {}
    worker.produce(*[b"junk"] * 5)
    worker.wait(lambda: ask(prometheus, firing) == {"WatchlineDeadLetters": 1.0})
    for name in ("process_resident_memory_bytes", "watchline_canary_age_seconds", "watchline_severe_findings_total"):
        assert ask(prometheus, f"max({name})"), name
