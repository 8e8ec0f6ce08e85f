"""`schemas/columns.py` says what the engine says, and a value lands in the column of its name."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.schemas.samples import FINDING, INTERACTION, SAMPLES, TIME
from tests.schemas.test_views import PLANNED, scored
from tests.streams.worker.parts import scored_part
from watchline.schemas import columns
from watchline.schemas.columns import RECORDS, TABLES, Column
from watchline.schemas.errors import Kind
from watchline.schemas.generate import migration, values
from watchline.schemas.generate.__main__ import declared
from watchline.schemas.records import Feedback, GovernanceEvent, InteractionBatch, Signal
from watchline.schemas.validation import Repaired
from watchline.streams import dead_letters
from watchline.streams.clickhouse import producer_reports, rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.governance import keeper
from watchline.streams.governance.fold import Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.health import canary
from watchline.streams.kafka import replay
from watchline.streams.kafka.tombstones import Tombstones, of_values
from watchline.streams.messages import Message, ScoredEvent
from watchline.streams.monitor import signals, watermarks
from watchline.streams.worker import feedback, ledger, offset_gaps
from watchline.streams.worker.stages.store import erased_events

pytestmark = pytest.mark.slow

LETTER = DeadLetter("topic", "topic-id", 1, 2, 3, TIME, b"junk", Kind.INVALID, "no Avro", "cost", "an event", "an app")
MESSAGE = Message("topic", "topic-id", 1, 9, TIME, b"", LETTER)
WHEN = datetime.fromtimestamp(TIME / 1e6, UTC).replace(tzinfo=None)  # as the client gives it
(OPINION,) = (sample for sample in SAMPLES if isinstance(sample, Feedback))
(SIGNAL,) = (sample for sample in SAMPLES if isinstance(sample, Signal))
(ACT,) = (sample for sample in SAMPLES if isinstance(sample, GovernanceEvent))
GOVERNED = Fold(Roots({"first": Key.new().public}, 1)).take_event(ACT, "", ACT.time)
(BATCH,) = (sample for sample in SAMPLES if isinstance(sample, InteractionBatch))


def test_the_table_is_what_the_migrations_make(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("columns")
    assert migration.statements(client, client.test_database) == []
    for table, expected in TABLES.items():
        found = {row[0] for row in client.query(f"DESCRIBE TABLE {table}").result_rows}
        own = set() if table in ("dead_letter_replays", "watermarks") else {"version"}  # those go on: the last stays
        if "subject" in found:  # written, and stored as these
            own |= {"subject_key", "subject_hash"}
        assert found == {column.name for column in expected} | {"stored_at"} | own


@pytest.mark.parametrize(
    ("column", "statement"),
    [
        (Column("mood", "String", "the user's"), "ADD COLUMN IF NOT EXISTS mood String COMMENT 'the user''s';"),
        (Column("mood", "String", codec="ZSTD(3)"), "ADD COLUMN IF NOT EXISTS mood String CODEC(ZSTD(3));"),
        (Column("comment", "String", "redacted", "ZSTD(3)"), "MODIFY COLUMN comment String COMMENT 'redacted' CODEC"),
        (Column("comment", "String", "other words"), "MODIFY COLUMN comment String COMMENT 'other words';"),
    ],
)
def test_a_migration_is_proposed_for_what_differs_and_mends_it(
    clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, column: Column, statement: str
) -> None:
    client = clickhouse("proposed")
    changed = [each for each in TABLES["feedback"] if each.name != column.name]
    monkeypatch.setattr(migration, "TABLES", {"feedback": (*changed, column)})
    (proposed,) = migration.statements(client, client.test_database)
    assert proposed.startswith(f"ALTER TABLE feedback {statement}")
    client.command(proposed.removesuffix(";"))
    assert migration.statements(client, client.test_database) == []


def made() -> dict[str, Table]:
    """A row for each table, through what writes it."""
    first = scored(41)
    place = {"topic": "raw", "topic_id": "raw-id", "partition": 6, "offset": 77, "index": 2}
    origin = dataclasses.replace(first.origin, **place, producer_sequence=43, producer_dropped=5)
    origin = dataclasses.replace(origin, sent_time=-(1 << 63), invalid_fields=("time", "cost"))
    sent = dataclasses.replace(first.scored.interaction, time=time.time_ns() // 1000)  # old canaries are deleted
    event = ScoredEvent(origin, dataclasses.replace(first.scored, interaction=sent))
    tables = (
        rows.interactions_table([event]),
        rows.findings_table([event])[0],
        feedback.table([Repaired(OPINION, ("rating",), 5)]),
        signals.table([SIGNAL]),
        dead_letters.table([LETTER]),
        replay.table([(MESSAGE, 4)], [LETTER]),
        offset_gaps.table([offset_gaps.Gap(7, MESSAGE)]),
        ledger.table([dataclasses.replace(MESSAGE, partition=6)], scored_part([event])),
        producer_reports.table([BATCH]),
        canary.table([event], "w1"),
        watermarks.table("findings", {6: MESSAGE.time}),
        keeper.entries_table("00" * 32, [GOVERNED]),
        erased_events(scored_part([event]), Tombstones(of_values("e1", "event", "", "00" * 16, [sent.event_id])))[1],
        keeper.texts_table([(ACT.governance_id, "reason", "00:it answers better")]),
    )
    return {table.name: table for table in tables}


# What isn't called in the record as it is in the table.
EXPECTED: dict[str, dict[str, Any]] = {
    "interactions": {
        "model": INTERACTION.model,
        "planned": PLANNED,
        "redactions": {"PERSON": 1},
        "producer_sequence": 43,
        "producer_dropped": 5,
        "raw_topic_id": "raw-id",
        "raw_partition": 6,
        "raw_offset": 77,
        "raw_index": 2,
        "sent_time": -(1 << 63),
        "invalid_fields": ["time", "cost"],
    },
    "feedback": {"sent_time": 5, "invalid_fields": ["rating"]},
    "findings": {"model": INTERACTION.model, "prompt_name": "answer", "tenant": "acme", "device": FINDING.device},
    "dead_letters": {
        "time": WHEN,
        "event_index": 3,
        "size_bytes": 4,
        "sha256": LETTER.sha256,
        "topic": "topic",
        "kind": "invalid",
        "app": "an app",
    },
    "dead_letter_replays": {"replayed_at": WHEN, "event_index": 3, "offset": 2, "stored": 3, "dead": 1},
    "offset_gaps": {"time": WHEN, "topic_id": "topic-id", "partition": 1, "first_missing": 7, "next_offset": 9},
    "ledger": {"topic_id": "topic-id", "partition": 6, "first_offset": 9, "last_offset": 9, "events": 1, "lost": False},
    "producer_reports": {"next_sequence": 41, "dropped": 3, "feedback_dropped": 1, "environment": "production"},
    "canaries": {"worker": "w1", "raw_topic": "raw", "raw_topic_id": "raw-id", "raw_partition": 6, "raw_offset": 77},
    "watermarks": {"topic": "findings", "partition": 6, "time": WHEN},
    "governance": {
        "position": 0,
        "said_us": ACT.time,
        "actor": ACT.actor,
        "target": ACT.target,
        "target_version": ACT.version,
        "content_hash": ACT.content_hash,
        "accepted": False,
        "reason": GOVERNED.reason,
        "previous": GOVERNED.previous,
    },
    "erased": {
        "records": "interactions",
        "app": INTERACTION.app,
        "environment": INTERACTION.environment,
        "tenant": "acme",
        "producer_sequence": 43,
        "erasure": "e1",
    },
    "governance_texts": {"governance_id": ACT.governance_id, "name": "reason", "text": "00:it answers better"},
}


@pytest.mark.parametrize("name", TABLES)
def test_a_value_stands_in_the_column_of_its_name(clickhouse: Callable[..., Any], name: str) -> None:
    client, table = clickhouse("values"), made()[name]
    assert Sink(lambda: client, 5).write(table) == []
    shown = f"v_{name}" if name in ("interactions", "feedback") else name  # these show a subject as it was given
    (row,) = client.query(f"SELECT * FROM {shown} LIMIT 1").named_results()
    records = {"interactions": INTERACTION, "findings": FINDING, "feedback": OPINION, "signals": SIGNAL}
    expected = dict(EXPECTED.get(name, {}))
    if name in records:
        plain = dataclasses.asdict(records[name])
        expected |= {key: value for key, value in plain.items() if isinstance(value, str) and "id" not in key}
        expected |= {key: pytest.approx(value) for key, value in plain.items() if isinstance(value, float)}
    assert expected
    assert {key: row[key] for key in expected} == expected


def without(record: str, name: str, **changes: Any) -> dict[str, tuple[Column, ...]]:
    """The records' columns with one of them changed, or left out where nothing is."""
    found = [dataclasses.replace(each, **changes) if each.name == name else each for each in RECORDS[record]]
    return {record: tuple(each for each in found if changes or each.name != name)}


@pytest.mark.parametrize(
    ("columns_of", "complaint"),
    [
        (without("Interaction", "cost"), "Interaction.cost: a field and no column"),
        (without("Interaction", "cost", type="Float64"), r"Interaction.cost: null in the schema, so Nullable"),
        (without("Interaction", "tenant", text=None), "Interaction.tenant: a string without text="),
        (without("Interaction", "attributes", text=None), "Interaction.attributes: a string without text="),
        (without("Interaction", "truncated", text=None), "Interaction.truncated: a string without text="),
        (without("Interaction", "finish_reasons", text=None), "Interaction.finish_reasons: a string without text="),
        (
            without("Interaction", "documents", text={"content": columns.Text("prose")}),
            "Interaction.documents.id: a string without text=",
        ),
        (without("Interaction", "documents", type="Array(Tuple(content String))"), "lacks fields of Document"),
        (without("Feedback", "comment", text=None), "Feedback.comment: a string without text="),
    ],
)
def test_a_table_that_lacks_a_fact_is_refused(columns_of: dict[str, tuple[Column, ...]], complaint: str) -> None:
    """A text that is forgotten would be stored unredacted."""
    with pytest.raises(ValueError, match=complaint):
        values.source(declared(), columns_of)
