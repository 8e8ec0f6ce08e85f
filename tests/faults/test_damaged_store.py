"""Parts of an embedded store are damaged or deleted while it is off: what is lost is named, and repaired from Kafka."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests import brokers
from tests.end_to_end.workers import Worker
from tests.faults.load import SIZE, event_id
from tests.faults.rig import Rig
from tests.streams.worker.test_ledger import AGE
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.kafka import admin, tombstones, topics

BATCHES = 4
MESSAGES = 3  # in each
EVENTS = BATCHES * MESSAGES * SIZE
ALL = {event_id((batch << 24) + number) for batch in range(BATCHES) for number in range(MESSAGES * SIZE)}


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A worker that has stored batches, each a part of its own, and was stopped; the ledger is an hour old."""
    rig = make_rig(clickhouse_url="chdb://", test_look_s="1")
    worker = rig.worker().start()
    with closing(connect(worker.settings)) as client:
        for table in TABLES:
            client.command(f"ALTER TABLE {table} MODIFY SETTING {NO_MERGES}")
        for batch in range(1, BATCHES + 1):
            rig.send(MESSAGES)
            worker.wait(lambda batch=batch: worker.count("v_interactions") == batch * MESSAGES * SIZE)  # type: ignore[misc]
    worker.wait(lambda: rig.committed() == {0: BATCHES * MESSAGES})
    assert worker.stop() == 0
    with offline(worker) as client:
        client.command(AGE)
    return rig


TABLES = ("interactions", "findings", "ledger")
NO_MERGES = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"


@contextmanager
def offline(worker: Worker) -> Iterator[Any]:
    """A client on the store of a worker that doesn't run."""
    with store.running(worker.settings), closing(connect(worker.settings)) as client:
        yield client


def parts(worker: Worker, table: str) -> list[tuple[Path, set[str]]]:
    """The folders of a table's parts, and the events of each."""
    ids = "arrayJoin(event_ids)" if table == "ledger" else "event_id"
    with offline(worker) as client:
        found = client.query(
            "SELECT name, path FROM system.parts WHERE active AND database = currentDatabase() "
            "AND table = {table:String} ORDER BY min_block_number",
            parameters={"table": table},
        ).result_rows
        return [
            (Path(path), {str(row[0]) for row in client.query(_EVENTS.format(ids, table), {"part": name}).result_rows})
            for name, path in found
        ]


_EVENTS = "SELECT DISTINCT {} FROM {} WHERE _part = {{part:String}}"


def truncate(part: Path) -> None:
    os.truncate(part / "data.bin", 100)


def run(worker: Worker, *command: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", worker.module, *command],
        env={**os.environ, **worker.environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def degraded(worker: Worker) -> list[str]:
    """What both pages say; asked again where it has changed between the two."""
    for _ in range(3):
        status, page = worker.page("ready")
        said: list[str] = json.loads(page)["degraded"]
        assert status == 200
        if said == worker.health()["degraded"]:
            return said
    raise AssertionError("the pages say different things")


def coverage(worker: Worker) -> tuple[int, ...]:
    counts = "sum(events), sum(planned), sum(evaluated), sum(missing), sum(lost)"
    (row,) = worker.rows(f"SELECT {counts} FROM v_coverage GROUP BY detector")
    return row


def stored(worker: Worker) -> set[str]:
    """The events that are there, with their findings, each once."""
    rows = worker.rows(
        "SELECT toString(i.event_id) FROM v_interactions AS i INNER JOIN v_findings AS f "
        "ON i.time = f.time AND i.event_id = f.event_id"
    )
    assert len(rows) == len(set(rows))
    return {row[0] for row in rows}


def test_a_truncated_part_is_named_counted_and_repaired_beside_the_worker(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    part, lost = parts(worker, "interactions")[1]
    assert 0 < len(lost) < EVENTS
    truncate(part)
    worker.start()
    worker.wait(lambda: len(degraded(worker)) == 2)
    named, missing = degraded(worker)
    assert f"a part of table interactions is set aside (broken-on-start): {part.parent}/detached/" in named
    assert missing == f"{len(lost)} stored events are missing: run `watchline repair`"
    log = worker.log.read_text()
    assert f"ERROR watchline.streams.worker.store_watch: {named}" in log and missing in log
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS - len(lost), len(lost), 0)
    assert stored(worker) == ALL - lost
    assert {row[0] for row in worker.rows("SELECT toString(event_id) FROM v_missing_events")} == lost
    metrics = worker.page("metrics")[1]
    assert f"watchline_store_missing_events {len(lost)}.0" in metrics
    assert "watchline_store_detached_parts 1.0" in metrics
    code, text = run(worker, "doctor")
    assert code == 1 and f"fail  events   {len(lost)} stored events are missing" in text
    assert "run `watchline repair`" in text and part.name in text

    assert run(worker, "repair", "--dry-run")[0] == 0
    assert stored(worker) == ALL - lost
    code, text = run(worker, "repair")
    assert (code, f"{len(lost)} events are whole again" in text) == (0, True), text
    assert stored(worker) == ALL
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS, 0, 0)
    assert run(worker, "repair") == (0, "nothing is missing\n")
    worker.wait(lambda: degraded(worker) == [named], 150)
    shutil.rmtree(part.parent / "detached" / f"broken-on-start_{part.name}")
    worker.wait(lambda: degraded(worker) == [], 150)


@pytest.mark.parametrize("table", TABLES[:2])
def test_a_part_that_is_deleted_is_missed_and_repaired_without_a_worker(rig: Rig, table: str) -> None:
    (worker,) = rig.workers[1:]
    part, lost = parts(worker, table)[-1]
    shutil.rmtree(part)
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS - len(lost), len(lost), 0)
    assert stored(worker) == ALL - lost
    erased = {min(lost)} if table == "interactions" else set()  # nothing brings it back
    tombstones.write(worker.settings, tombstones.of_values("7f3a", "event", "", "00" * 16, erased))
    code, text = run(worker, "repair")
    assert (code, f"{len(lost)} events are whole again" in text) == (0, True), text
    left = EVENTS - len(erased)
    assert stored(worker) == ALL - erased
    assert coverage(worker) == (left, left, left, 0, 0)
    assert {row[0] for row in worker.rows("SELECT toString(event_id) FROM v_erased")} == erased
    worker.start()
    assert "missing" not in worker.log.read_text()
    rig.send(1)
    worker.wait(lambda: len(stored(worker)) == left + SIZE)


def test_a_part_of_the_ledger_is_missed_and_written_again(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    for part, _ in parts(worker, "ledger")[1:]:
        for folder in part.parent.glob(f"{'_'.join(part.name.split('_')[:3])}_*"):  # also what it was made of
            shutil.rmtree(folder)
    worker.start()
    worker.wait(lambda: bool(degraded(worker)))
    (said,) = degraded(worker)
    assert "acknowledged offsets are not in the ledger: run `watchline repair`" in said
    assert worker.stop() == 0
    assert run(worker, "repair")[0] == 0
    assert (stored(worker), coverage(worker)) == (ALL, (EVENTS, EVENTS, EVENTS, 0, 0))
    (row,) = worker.rows("SELECT count(), min(first_offset), max(last_offset) FROM v_ledger")
    assert row[1:] == (0, BATCHES * MESSAGES - 1)
    assert run(worker, "repair") == (0, "nothing is missing\n")


def test_what_kafka_has_no_more_is_gone_for_good(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    part, lost = parts(worker, "interactions")[0]
    truncate(part)
    client = AdminClient({"bootstrap.servers": rig.broker})
    client.delete_topics([rig.topic])[rig.topic].result(20)
    code, text = run(worker, "repair")
    assert code == 1 and f"has no topic {rig.topic}" in text
    made = NewTopic(rig.topic, 1, 1, config=admin.config(topics.interactions, worker.settings))
    client.create_topics([made])[rig.topic].result(20)
    code, text = run(worker, "repair", "--dry-run")
    assert code == 1 and f"{len(lost)} events are not, or not all, in Kafka any more:" in text
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS - len(lost), len(lost), 0)
    code, text = run(worker, "repair")
    assert code == 1 and f"{len(lost)} events are gone for good:" in text and "app load: " in text
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS - len(lost), 0, len(lost))
    assert {row[0] for row in worker.rows("SELECT toString(event_id) FROM v_missing_events WHERE lost")} == lost
    code, text = run(worker, "doctor")
    assert code == 0 and f"{len(lost)} are lost for good" in text


@pytest.mark.skipif(brokers.kind().startswith("Tansu"), reason="Tansu does not delete records")
def test_of_a_range_of_which_kafka_has_the_end_that_much_is_repaired(rig: Rig) -> None:
    (worker,) = rig.workers[1:]
    part, lost = parts(worker, "interactions")[0]
    first = event_id(0)
    assert first in lost
    truncate(part)
    client = AdminClient({"bootstrap.servers": rig.broker})
    for deleted in client.delete_records([TopicPartition(rig.topic, 0, 1)]).values():
        deleted.result()
    code, text = run(worker, "repair")
    assert code == 1 and f"{SIZE} events are gone for good:" in text
    assert stored(worker) == ALL - {event_id(number) for number in range(SIZE)}
    assert coverage(worker) == (EVENTS, EVENTS, EVENTS - SIZE, 0, SIZE)
