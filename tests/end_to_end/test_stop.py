"""How a worker ends: drained on SIGTERM, with code 1 and a reason when it must not go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from confluent_kafka.admin import AdminClient

from tests import brokers
from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.test_dead_letters import REFUSE, alter
from tests.end_to_end.workers import Worker

SETTINGS = {"detectors": "", "redaction": "false", "topic_partitions": "1"}


def members(worker: Worker) -> list[str]:
    """Names of the workers that the group waits for."""
    admin = AdminClient({"bootstrap.servers": worker.settings.bootstrap_servers})
    group = worker.settings.group_id
    found = admin.describe_consumer_groups([group])[group].result(10).members
    return [member.group_instance_id for member in found]


def test_sigterm_drains(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(**SETTINGS)
    worker.produce(*(envelope(*(interaction() for _ in range(32))) for _ in range(20)))
    worker.wait(lambda: worker.health()["events"] > 0)
    kafka = not brokers.kind().startswith("Tansu")  # which keeps the name of a dead worker in any case
    assert not kafka or members(worker) == ["w1"]
    assert worker.stop() == 0
    assert not kafka or members(worker) == []
    worker.start()
    worker.wait(lambda: worker.count("v_interactions") == 640)


def test_the_brake_stops_the_worker_and_nothing_is_lost(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    """Every app's rows are refused: stopped with what to do; with limits raised it reads on, each letter once."""
    limit = "WATCHLINE_DEAD_LETTER_MAX_CONSECUTIVE"
    settings = {f"WATCHLINE_{name.upper()}": value for name, value in SETTINGS.items()}
    worker = Worker(broker, topic_prefix, tmp_path, settings | {limit: "5"})
    alter(worker, REFUSE)
    worker.start()
    try:
        worker.produce(*(envelope(interaction(app="refused")) for _ in range(10)))
        worker.wait(lambda: worker.count("v_dead_letters") == 10)  # one app alone
        worker.produce(*(envelope(interaction(app="refused too")) for _ in range(10)))
        assert worker.join(60) == 1
        log = worker.log.read_text()
        assert "dead letters are the rule in each of 2 apps" in log
        assert "watchline dead-letters list --counts" in log and limit in log

        worker.environment[limit] = "1000"
        worker.start()
        good = interaction()
        worker.produce(envelope(good))
        worker.wait(lambda: worker.rows("SELECT toString(event_id) FROM v_interactions") == [(good.event_id,)])
        assert sorted(worker.rows("SELECT offset FROM v_dead_letters")) == [(offset,) for offset in range(20)]
        worker.wait(lambda: worker.health()["lag_messages"] == 0)
    finally:
        worker.end()
