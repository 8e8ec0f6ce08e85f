"""How a worker ends: drained on SIGTERM, with code 1 and a reason when it must not go on."""

from __future__ import annotations

from collections.abc import Callable

from confluent_kafka.admin import AdminClient

from tests import brokers
from tests.end_to_end.test_bad_input import envelope, interaction
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


def test_the_brake_stops_the_worker_and_nothing_is_lost(make_worker: Callable[..., Worker]) -> None:
    """Poison amid good messages: stopped with what to do; with the limit raised it reads on, each letter once."""
    worker = make_worker(**SETTINGS, dead_letter_max_consecutive="5")
    good = [interaction() for _ in range(4)]
    worker.produce(envelope(*good[:2]), *(b"junk" for _ in range(10)), envelope(*good[2:]))
    assert worker.join(60) == 1
    log = worker.log.read_text()
    assert "dead letters in a row" in log
    assert "watchline dead-letters list --counts" in log and "WATCHLINE_DEAD_LETTER_MAX_CONSECUTIVE" in log

    worker.environment["WATCHLINE_DEAD_LETTER_MAX_CONSECUTIVE"] = "1000"
    worker.start()
    worker.wait(lambda: worker.count("v_interactions") == len(good))
    stored = {row[0] for row in worker.rows("SELECT toString(event_id) FROM v_interactions")}
    assert stored == {event.event_id for event in good}
    assert sorted(worker.rows("SELECT offset FROM v_dead_letters")) == [(offset,) for offset in range(1, 11)]
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
