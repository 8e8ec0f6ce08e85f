"""The views are exact: before and after merges, after redelivery, and for an event that is there in part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.schemas.samples import FINDING, INTERACTION, TIME
from tests.streams.worker.parts import scored_part
from watchline.detectors.scorer import Scored
from watchline.schemas import codec
from watchline.schemas.records import Finding, Interaction, InteractionBatch, ToolCall
from watchline.schemas.records import Message as Said
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse import producer_reports, rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.messages import DecodedMessage, Event, Message, ScoredEvent
from watchline.streams.worker.stages import decode, store

PRODUCER = "01935c3e-7a00-7000-8000-0000000000ff"
DAY = datetime(2026, 3, 4, tzinfo=UTC)
PLANNED = {"groundedness": "v1", "toxicity": "v1"}


def scored(
    number: int, *, planned: dict[str, str] = PLANNED, findings: tuple[Finding, ...] | None = None
) -> ScoredEvent:
    event_id = f"01935c3e-7a00-7000-8000-{number:012x}"
    interaction: Interaction = dataclasses.replace(INTERACTION, event_id=event_id, time=TIME + number)
    batch = InteractionBatch(producer_id=PRODUCER, first_sequence=number, interactions=(interaction,))
    if findings is None:
        findings = tuple(dataclasses.replace(FINDING, event_id=event_id, detector=name) for name in planned)
    message = Message("raw", "id", 0, number, TIME, b"")
    return ScoredEvent(
        Event(interaction, message, batch, 0).origin,
        Scored(RedactedInteraction(interaction), findings, planned, {"PERSON": 1}, ()),  # type: ignore[arg-type]
    )


@pytest.fixture
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("views")


def write(client: Any, events: list[ScoredEvent]) -> None:
    assert store.store(scored_part(events), Sink(lambda: client, 5).write) == {}


def coverage(client: Any) -> dict[str, tuple[int, ...]]:
    counts = ("events", "planned", "evaluated", "not_applicable", "failed", "missing")
    sql = f"SELECT detector, {', '.join(f'sum({count})' for count in counts)} FROM v_coverage GROUP BY detector"
    return {row[0]: row[1:] for row in client.query(sql).result_rows}


def test_every_column_of_the_tables_is_written(client: Any) -> None:
    """What the worker leaves out would be empty for ever, and nobody would notice."""
    reports = producer_reports.table([InteractionBatch(producer_id=PRODUCER, first_sequence=1, interactions=())])
    for table in (rows.interactions_table([scored(1)]), rows.findings_table([scored(1)])[0], reports):
        columns = {row[0] for row in client.query(f"DESCRIBE {table.name}").result_rows}
        by_the_server = {"stored_at", "version", "subject_key", "subject_hash"}
        assert columns - set(table.columns) == by_the_server & columns


CONVERSATIONS: list[tuple[dict[str, Any], tuple[str, str, bool]]] = [
    ({"input_messages": (Said("user", "q"), Said("assistant", "a"), Said("user", "r"))}, ("r", "", False)),
    ({"input_messages": (Said("user", "q"), Said("tool", "15"))}, ("q", "", False)),
    ({"input_messages": (Said("critic", "c"), Said("function", "15"))}, ("c", "", False)),
    ({"input_messages": (Said("tool", "15"),)}, ("", "", False)),
    ({"output_messages": (Said("assistant", ""), Said("assistant", "a"))}, ("", "a", False)),
    ({"output_messages": (Said("assistant", "a"),), "tool_calls": (ToolCall("f", "{}"),)}, ("", "a", False)),
    ({"output_messages": (Said("assistant", " "),), "tool_calls": (ToolCall("f", "{}"),)}, ("", " ", True)),
    ({"output_messages": (Said("assistant", "a"),), "finish_reasons": ("Tool-Calls",)}, ("", "a", True)),
]


def test_what_was_asked_and_answered_is_as_the_record_says(client: Any) -> None:
    empty: dict[str, Any] = dict.fromkeys(("input_messages", "output_messages", "tool_calls", "finish_reasons"), ())
    events = []
    for number, (fields, expected) in enumerate(CONVERSATIONS, 1):
        event = scored(number)
        interaction = dataclasses.replace(event.scored.interaction, **{**empty, **fields})
        assert (interaction.input, interaction.output, interaction.is_step) == expected
        events.append(dataclasses.replace(event, scored=dataclasses.replace(event.scored, interaction=interaction)))
    write(client, events)
    found = client.query("SELECT input, output, is_step FROM v_interactions ORDER BY producer_sequence").result_rows
    assert [(asked, answered, bool(step)) for asked, answered, step in found] == [said for _, said in CONVERSATIONS]


def test_values_come_back(client: Any) -> None:
    write(client, [scored(1)])
    (row,) = client.query(
        "SELECT input, output, tenant, variant, documents, cost, redactions, planned, producer_sequence "
        "FROM v_interactions"
    ).result_rows
    assert row[:4] == ("What is the total?", "The total is 12 €.", "acme", {"quantization": "int8"})
    assert row[4:] == (
        [{"content": "The total is 12 €.", "id": "doc-1", "score": 0.9}],
        0.0021,
        {"PERSON": 1},
        PLANNED,
        1,
    )
    ((spans, score, decision),) = client.query(
        "SELECT spans, score, toString(decision) FROM v_findings WHERE detector = 'toxicity'"
    ).result_rows
    assert (spans, score, decision) == (
        [{"field": "output:0", "start": 0, "end": 18, "label": "unsupported", "score": 0.75}],
        0.75,
        "evaluated",
    )


@pytest.mark.parametrize("merge", [False, True], ids=["before merges", "after merges"])
def test_redelivery_with_other_batch_borders_counts_once(client: Any, merge: bool) -> None:
    events = [scored(number) for number in range(10)]
    write(client, events[:5])
    write(client, events[3:10])
    write(client, events[::-1])
    if merge:
        client.command("OPTIMIZE TABLE interactions FINAL")
        client.command("OPTIMIZE TABLE findings FINAL")
    assert coverage(client) == {"groundedness": (10, 10, 10, 0, 0, 0), "toxicity": (10, 10, 10, 0, 0, 0)}
    assert client.query("SELECT count() FROM v_findings").result_rows == [(20,)]
    assert client.query("SELECT sum(events) FROM v_prompt_versions").result_rows == [(10,)]
    assert client.query("SELECT sum(evaluated) FROM v_quality").result_rows == [(20,)]


def test_an_upgraded_detector_adds_no_finding(client: Any) -> None:
    write(client, [scored(1)])
    write(client, [scored(1, planned={"groundedness": "v2", "toxicity": "v2"})])
    assert client.query("SELECT count(), uniqExact(detector) FROM v_findings").result_rows == [(2, 2)]


def test_a_missing_finding_is_seen(client: Any) -> None:
    write(client, [scored(1), scored(2, findings=(FINDING,))])
    assert coverage(client)["toxicity"] == (2, 2, 1, 0, 0, 1)


def test_findings_without_their_interaction_are_not_shown(client: Any) -> None:
    """The interaction row is the commit mark."""
    table, _ = rows.findings_table([scored(1)])
    Sink(lambda: client, 5).write(table)
    assert client.query("SELECT count() FROM v_findings").result_rows == [(0,)]


@pytest.mark.parametrize(("later", "events"), [(1, 1), (86_400_000_000, 2)], ids=["same hour", "next day"])
def test_an_id_that_an_app_uses_twice(client: Any, later: int, events: int) -> None:
    """An id is an event's identity: nothing is multiplied. Of another hour it is counted until it is listed."""
    again = scored(1)
    interaction = dataclasses.replace(again.scored.interaction, time=again.scored.interaction.time + later)
    write(client, [scored(1)])
    write(client, [dataclasses.replace(again, scored=dataclasses.replace(again.scored, interaction=interaction))])
    assert coverage(client)["toxicity"] == (events, events, events, 0, 0, 0)


def test_what_a_producer_lost_is_seen(client: Any) -> None:
    write(client, [scored(0), scored(1), scored(7)])
    assert client.query("SELECT stored, missing FROM v_producer_gaps").result_rows == [(3, 5)]


def test_ranges_of_numbers_that_never_came_are_those_that_no_hour_has(client: Any) -> None:
    """Of hours whose numbers are whole, are not, and lie among those of another; and of numbers beyond all measure."""

    def hour_of(number: int) -> int:
        return number // 7 if number % 5 else number // 7 + 1  # neighbours take turns

    came = [number for number in range(40) if number not in (0, 1, 9, 20, 21, 22, 39)] + [1_000_000, 2**62]
    rows = [(UUID(int=number), DAY + timedelta(hours=min(hour_of(number), 99)), PRODUCER, number) for number in came]
    columns = ["event_id", "time", "producer_id", "producer_sequence"]
    client.insert("interactions", rows, column_names=columns, database=client.test_database)
    columns = ["producer_id", "time", "next_sequence", "dropped"]
    report = (PRODUCER, DAY, 2**62 + 4, 9)
    client.insert("producer_reports", [report], column_names=columns, database=client.test_database)
    expected = [(0, 2), (9, 10), (20, 23), (39, 1_000_000), (1_000_001, 2**62), (2**62 + 1, 2**62 + 4)]
    found = client.query(
        "SELECT first_missing, next_number, dropped, since, hour FROM v_number_gaps ORDER BY first_missing"
    ).result_rows
    assert [row[:3] for row in found] == [(*gap, 9) for gap in expected]
    hours = {
        number: row[1].replace(minute=0, second=0, microsecond=0, tzinfo=None)
        for number, row in zip(came, rows, strict=True)
    }
    assert [row[3] for row in found[1:]] == [hours[first - 1] for first, _ in expected[1:]]
    assert [row[4] for row in found[:-1]] == [hours[end] for _, end in expected[:-1]]
    missing = sum(end - first for first, end in expected)
    assert client.query("SELECT sum(missing) FROM v_producer_gaps").result_rows == [(missing,)]


def report(next_sequence: int, feedback: int = 0, later: int = 0, **by_reason: int) -> DecodedMessage:
    batch = InteractionBatch(
        producer_id=PRODUCER,
        first_sequence=next_sequence,
        dropped=sum(by_reason.values()),
        app="support-bot",
        environment="production",
        time=TIME + later,
        dropped_by=by_reason,
        feedback_dropped=feedback,
        interactions=(),
    )
    return decode.unpack(Message("raw", "id", 0, 0, TIME, codec.encode(batch)))


def test_what_a_producer_reports_is_seen_with_and_without_events(client: Any) -> None:
    def gaps() -> list[tuple[Any, ...]]:
        columns = "app, environment, stored, missing, dropped, dropped_by, feedback_dropped, last_time - first_time"
        return [*client.query(f"SELECT {columns} FROM v_producer_gaps").result_rows]

    sink = Sink(lambda: client, 5)
    origin = ("support-bot", "production")
    early, late = report(5, closed=5), report(12, feedback=2, later=10_000_000, closed=6, internal=1)
    assert store.store(scored_part([], [early]), sink.write) == {}
    assert gaps() == [(*origin, 0, 5, 5, {"closed": 5}, 0, 0)]
    write(client, [scored(number) for number in range(5, 10)])  # of 12, 5 are stored and 7 dropped
    for batch in ([late, early], [late], [early]):  # out of order and delivered again
        assert store.store(scored_part([], batch), sink.write) == {}
        assert gaps() == [(*origin, 5, 7, 7, {"closed": 6, "internal": 1}, 2, 10)]
    write(client, [scored(12)])
    assert gaps() == [(*origin, 6, 7, 7, {"closed": 6, "internal": 1}, 2, 10)]
    assert client.query("SELECT count() FROM producer_reports FINAL").result_rows == [(2,)]
