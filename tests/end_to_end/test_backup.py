"""A rehearsal: a backup while a worker stores, the store lost, the backup brought back, the rest from Kafka again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from tests.end_to_end.workers import Worker
from watchline.streams import Producer
from watchline.streams.cli.main import main

LIGHT = {"WATCHLINE_DETECTORS": "", "WATCHLINE_TOPIC_PARTITIONS": "1"}
BEFORE, LEAST = 200, 50
# What the store says of the events that were stored before the backup began, in full.
VIEWS = {
    "v_interactions": "SELECT * FROM v_interactions WHERE tenant = 'before' ORDER BY event_id",
    "v_findings": "SELECT * FROM v_findings WHERE tenant = 'before' ORDER BY event_id, detector",
    "v_feedback": "SELECT * FROM v_feedback ORDER BY feedback_id",
    "v_dead_letters": "SELECT * FROM v_dead_letters ORDER BY ALL",
    "v_prompt_versions": "SELECT * FROM v_prompt_versions WHERE app = 'early' ORDER BY ALL",
}


def test_a_store_is_lost_and_comes_back_with_the_same_numbers(broker: str, topic_prefix: str, tmp_path: Path) -> None:
    worker = Worker(broker, topic_prefix, tmp_path / "d", LIGHT)
    (tmp_path / "d").mkdir()
    place = str(tmp_path / "backup")
    try:
        worker.start()
        with Producer(broker, app="early", topic_prefix=topic_prefix, strict=True) as producer:
            ids = [producer.emit(input="q", output="a", model="m", tenant="before") for _ in range(BEFORE)]
            producer.feedback(ids[0], rating=-1, comment="wrong")
        worker.produce(b"no record")
        worker.wait(lambda: worker.count("v_interactions") == BEFORE)
        worker.wait(lambda: worker.count("v_feedback") == 1 and worker.count("v_dead_letters") == 1)
        said_before = {name: worker.rows(sql) for name, sql in VIEWS.items()}

        ended, sent = threading.Event(), []
        emitting = threading.Thread(target=lambda: emit_until(ended, sent, broker, topic_prefix))
        emitting.start()
        worker.wait(lambda: worker.count("v_interactions") > BEFORE)
        backing_up = command(worker, "backup", place)
        worker.wait(lambda: len(sent) > LEAST)
        ended.set()
        emitting.join(60)
        worker.wait(lambda: worker.count("v_interactions") == BEFORE + len(sent))
        assert "rows when it began: " in backing_up
        assert worker.stop() == 0

        shutil.rmtree(worker.data_dir / "clickhouse")
        assert f"restored from {place}; rows: " in command(worker, "restore", place)
        assert {name: worker.rows(sql) for name, sql in VIEWS.items()} == said_before
        assert BEFORE <= worker.count("v_interactions") <= BEFORE + len(sent)

        # As `kafka-consumer-groups.sh --reset-offsets --to-earliest` does it: read everything once more.
        again = Worker(broker, topic_prefix, tmp_path / "d", {**LIGHT, "WATCHLINE_GROUP_ID": topic_prefix + "again"})
        try:
            again.start()
            again.wait(lambda: again.count("v_interactions") == BEFORE + len(sent))
            again.wait(lambda: again.health()["lag_messages"] == 0)
            assert again.count("v_interactions") == BEFORE + len(sent)
            assert again.count("v_feedback") == again.count("v_dead_letters") == 1
        finally:
            again.end()
    finally:
        worker.end()


def emit_until(ended: threading.Event, sent: list[str], broker: str, topic_prefix: str) -> None:
    """Events without a pause worth naming."""
    with Producer(broker, app="late", topic_prefix=topic_prefix, strict=True, linger_s=0.02) as producer:
        while not ended.wait(0.01):
            sent.append(str(producer.emit(input="q", output="a", model="m", tenant="during")))


def command(worker: Worker, *arguments: str) -> str:
    """What a command says."""
    run = [sys.executable, "-m", main.__module__, *arguments]
    done = subprocess.run(run, env={**os.environ, **worker.environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
