"""How a worker ends: drained on SIGTERM, with code 1 and a reason when it must not go on."""

from __future__ import annotations

from collections.abc import Callable

from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.workers import Worker

SETTINGS = {"detectors": "", "redaction": "false", "topic_partitions": "1"}


def test_sigterm_drains(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(**SETTINGS)
    worker.produce(*(envelope(*(interaction() for _ in range(32))) for _ in range(20)))
    worker.wait(lambda: worker.health()["events"] > 0)
    assert worker.stop() == 0
    worker.start()
    worker.wait(lambda: worker.count("v_interactions") == 640)


def test_the_brake_stops_the_worker_and_commits_nothing_more(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(**SETTINGS, dead_letter_max_consecutive="5")
    worker.produce(*(b"junk" for _ in range(10)))
    assert worker.join(60) == 1
    assert "dead letters in a row" in worker.log.read_text()
    assert "WATCHLINE_DEAD_LETTER_MAX_CONSECUTIVE" in worker.log.read_text()
