"""The comparison itself: it sees one event that is lost and one that is shown twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults import ledger
from tests.faults.load import Envelopes, event_id
from watchline.detectors.scorer import Scored
from watchline.schemas.codec import decode
from watchline.schemas.records import Finding, InteractionBatch
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse import rows
from watchline.streams.messages import Event, Message, ScoredEvent

SIZE, MESSAGES, DETECTOR = 4, 3, "pii"
DAY_US = 86_400_000_000
REPORTS = [(offset % 2, offset, offset * SIZE, SIZE) for offset in range(MESSAGES)]  # partition, offset, first, events


def scored(shift_us: int = 0) -> list[ScoredEvent]:
    """What the reports accepted."""
    envelopes = Envelopes(SIZE)
    found = []
    for partition, offset, first, _ in REPORTS:
        batch = decode(envelopes.make(first), InteractionBatch)
        message = Message("t", "id", partition, offset, 0, b"")
        for index, interaction in enumerate(batch.interactions):
            object.__setattr__(interaction, "time", interaction.time + shift_us)
            finding = Finding(
                event_id=interaction.event_id, detector=DETECTOR, detector_version="1", decision="evaluated",
                calibration_version="1", scored_fraction=1.0, duration_us=1, batch_size=1, device="cpu",
            )  # fmt: skip
            item = Scored(RedactedInteraction(interaction), (finding,), {DETECTOR: "1"}, {}, ())  # type: ignore[arg-type]
            found.append(ScoredEvent(Event(interaction, message, batch, index).origin, item))
    return found


@pytest.fixture
def client(clickhouse: Callable[..., Any]) -> Any:
    client = clickhouse("ledger")
    ledger.count_inserted(client)
    return client


def insert(client: Any, items: list[ScoredEvent], *, findings: bool = True, interactions: bool = True) -> None:
    tables = [rows.findings_table(items)[0]] if findings else []
    for table in tables + ([rows.interactions_table(items)] if interactions else []):
        client.insert(table.name, [list(row.values) for row in table.rows], column_names=list(table.columns))


def compare(client: Any) -> ledger.Outcome:
    return ledger.compare(client, ledger.places(REPORTS), [DETECTOR])


def test_all_is_well(client: Any) -> None:
    insert(client, scored())
    outcome = compare(client)
    assert outcome == ledger.Outcome(SIZE * MESSAGES, 0, 0, 0.0)
    assert outcome.exact


def test_inserted_again_is_a_duplicate_and_shown_once(client: Any) -> None:
    items = scored()
    insert(client, items)
    insert(client, items[:6])
    outcome = compare(client)
    assert outcome.exact
    assert outcome.duplicates == 0.5


def test_a_lost_event_is_seen(client: Any) -> None:
    items = scored()
    del items[5]
    insert(client, items)
    outcome = compare(client)
    assert (outcome.lost, outcome.double_counted) == (1, 0)
    assert not outcome.exact
    assert "[5]" in outcome.differences[0]


def test_a_lost_finding_is_seen(client: Any) -> None:
    items = scored()
    insert(client, items, findings=False)
    insert(client, items[1:], interactions=False)
    outcome = compare(client)
    assert (outcome.lost, outcome.double_counted) == (1, 0)


def test_an_event_at_another_place_is_lost_there(client: Any) -> None:
    items = scored()
    items[3] = replace(items[3], origin=replace(items[3].origin, partition=0, offset=99, index=0))
    insert(client, items)
    assert compare(client).lost == 1


def test_an_event_that_is_shown_twice_is_seen(client: Any) -> None:
    """On another day it has another key: no merge takes the two for one."""
    insert(client, scored())
    insert(client, scored(shift_us=-DAY_US)[:1])
    outcome = compare(client)
    assert (outcome.lost, outcome.double_counted) == (0, 1)
    assert not outcome.exact


def test_what_no_report_names_is_nobodys_loss(client: Any) -> None:
    insert(client, scored())
    outcome = ledger.compare(client, ledger.places(REPORTS[:-1]), [DETECTOR])
    assert outcome.exact
    assert outcome.events == SIZE * (MESSAGES - 1)


def test_ids_bear_their_number() -> None:
    assert event_id(255).endswith("0000000000ff")
