"""The ledger: what it says is missing is what is gone, however batches were cut and wherever an event came from."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.schemas.samples import TIME
from tests.schemas.test_views import PLANNED, scored
from tests.streams.worker.parts import scored_part
from watchline.schemas.errors import Kind, PoisonError
from watchline.streams.clickhouse import damage
from watchline.streams.clickhouse.damage import MissingRange
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.messages import Message, ScoredEvent
from watchline.streams.worker import ledger, offset_gaps
from watchline.streams.worker.offset_gaps import Gap
from watchline.streams.worker.stages.store import store, write_all

pytestmark = pytest.mark.slow

HOUR_US = 3_600_000_000
AGE = "ALTER TABLE ledger UPDATE stored_at = stored_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 1"


def event(number: int, offset: int | None = None, *, partition: int = 0, app: str = "a", hours: int = 0) -> ScoredEvent:
    """The event of a number, which stands in a message of its own, at its number unless the offset is given."""
    made = scored(number)
    interaction = dataclasses.replace(made.scored.interaction, app=app, time=TIME + hours * HOUR_US + number)
    origin = dataclasses.replace(made.origin, offset=number if offset is None else offset, partition=partition)
    return ScoredEvent(origin, dataclasses.replace(made.scored, interaction=interaction))


def messages(events: Sequence[ScoredEvent]) -> list[Message]:
    places = {(each.origin.partition, each.origin.offset) for each in events}
    return [Message("raw", "id", *place, TIME, b"") for place in sorted(places)]


class Store:
    """A database to which batches are delivered as a worker does it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.write = Sink(lambda: client, 5).write

    def deliver(self, events: Sequence[ScoredEvent], *, with_ledger: bool = True) -> None:
        part = scored_part(events)
        assert store(part, self.write) == {}
        if with_ledger:
            self.write_ledger(messages(events), part)

    def write_ledger(self, read: Sequence[Message], part: Any, refused: Any = ()) -> None:
        write_all(ledger.table(read, part, refused), self.write)

    def age(self) -> None:
        """What the ledger has is older by an hour."""
        self.client.command(AGE)

    def delete(self, table: str, where: str) -> None:
        self.client.command(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 1")

    def missing(self) -> set[int]:
        """The numbers of the events that are not there, or lack findings."""
        return {int(number[-12:], 16) for each in damage.missing(self.client) for number in each.event_ids}

    def gaps(self, committed: int = 0) -> list[tuple[int, int]]:
        found = damage.gaps(self.client, {("id", 0): committed})
        return [(each.first_offset, each.last_offset) for each in found]

    def coverage(self) -> dict[str, tuple[int, ...]]:
        counts = "sum(events), sum(planned), sum(evaluated), sum(missing), sum(lost)"
        sql = f"SELECT detector, {counts} FROM v_coverage GROUP BY detector"
        return {row[0]: row[1:] for row in self.client.query(sql).result_rows}


@pytest.fixture
def stored(clickhouse: Callable[..., Any]) -> Store:
    return Store(clickhouse("ledger"))


def ids(*numbers: int) -> str:
    return ", ".join(f"'{event(number).scored.interaction.event_id}'" for number in numbers)


def test_events_that_are_gone_are_missing_and_count_in_the_coverage(stored: Store) -> None:
    stored.deliver([event(number, app="ab"[number % 2], hours=number // 5) for number in range(10)])
    stored.delete("interactions", f"event_id IN ({ids(3, 4, 8)})")
    assert stored.missing() == set()  # it may be in flight
    stored.age()
    assert stored.missing() == {3, 4, 8}
    assert stored.coverage() == dict.fromkeys(PLANNED, (10, 10, 7, 3, 0))
    assert [(each.app, each.hour % 86_400 // 3600, len(each.event_ids)) for each in damage.missing(stored.client)] == [
        (app, TIME // HOUR_US % 24 + later, 1) for app, later in (("a", 0), ("a", 1), ("b", 0))
    ]
    found = damage.look(stored.client, {})
    assert (found.missing, found.lost, found.gaps) == (3, 0, [])
    assert found.reasons == ["3 stored events are missing: run `watchline repair`"]


def test_findings_that_are_gone_are_missing(stored: Store) -> None:
    stored.deliver([event(number) for number in range(6)])
    stored.delete("findings", f"event_id IN ({ids(1, 2)}) AND detector = 'toxicity' OR event_id = {ids(5)}")
    assert stored.missing() == {1, 2, 5}
    detectors = stored.client.query("SELECT arraySort(detectors) FROM v_missing_findings ORDER BY event_id").result_rows
    assert detectors == [(["toxicity"],), (["toxicity"],), (["groundedness", "toxicity"],)]
    assert stored.coverage() == {"groundedness": (6, 6, 5, 1, 0), "toxicity": (6, 6, 3, 3, 0)}


def test_what_is_lost_for_good_is_no_longer_missing_until_it_is_there_again(stored: Store) -> None:
    stored.deliver([event(number) for number in range(5)])
    stored.delete("interactions", f"event_id IN ({ids(0, 1)})")
    stored.delete("findings", f"event_id = {ids(4)}")
    stored.age()
    write_all(ledger.lost([each for each in damage.missing(stored.client) if each.first_offset != 1]), stored.write)
    assert damage.look(stored.client, {}).reasons == []
    assert damage.look(stored.client, {}).lost == 3
    assert stored.coverage() == dict.fromkeys(PLANNED, (5, 5, 2, 0, 3))
    assert all(each.lost for each in damage.missing(stored.client))
    store(scored_part([event(0), event(4)]), Sink(lambda: stored.client, 5, anew=True).write)
    assert damage.look(stored.client, {}).lost == 1
    assert stored.coverage() == dict.fromkeys(PLANNED, (5, 5, 4, 0, 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_missing_however_batches_were_cut(stored: Store, seed: int) -> None:
    rng = random.Random(seed)
    events = [event(number, partition=number % 2, hours=rng.randrange(30)) for number in range(60)]
    for _ in range(3):
        start = 0
        while start < len(events):
            end = start + rng.randint(1, 20)
            stored.deliver(events[start:end], with_ledger=rng.random() < 0.8)  # else killed in between
            start = end
    stored.deliver(events)
    stored.age()
    assert damage.look(stored.client, {("id", 0): 59, ("id", 1): 60}).reasons == []
    assert stored.missing() == set()


def test_an_event_that_came_twice_is_there_at_one_of_its_offsets(stored: Store) -> None:
    """A producer's retry, or a dead letter that was sent back; in other hours of a day too."""
    stored.deliver([event(0), event(1)])
    stored.deliver([event(0, offset=2, partition=0), event(3)])
    again = event(1, offset=4)
    late = dataclasses.replace(again.scored.interaction, time=again.scored.interaction.time + HOUR_US)
    stored.deliver([ScoredEvent(again.origin, dataclasses.replace(again.scored, interaction=late))])
    stored.client.command("OPTIMIZE TABLE interactions FINAL")
    stored.age()
    assert stored.missing() == set()
    stored.delete("interactions", f"event_id = {ids(0)}")
    assert stored.missing() == {0}
    assert stored.coverage()["toxicity"][:2] == stored.coverage()["groundedness"][:2]
    assert stored.coverage()["toxicity"][3] == 1


def test_what_was_refused_was_not_stored(stored: Store) -> None:
    part = scored_part([event(0), event(1)])
    refused = {(0, 1, 0): PoisonError(Kind.REFUSED, "row refused")}
    store(scored_part([event(0)]), stored.write)
    stored.write_ledger(messages([event(0), event(1)]), part, refused)
    stored.age()
    assert stored.missing() == set()
    assert stored.client.query("SELECT first_offset, last_offset, events, findings FROM v_ledger").result_rows == [
        (0, 1, 1, {"groundedness": 1, "toxicity": 1})
    ]


def test_offsets_that_the_ledger_lacks_are_named(stored: Store) -> None:
    for offsets in ((0, 1, 2), (3, 4), (2, 3), (8, 9)):  # a batch twice, cut otherwise
        stored.deliver([event(number) for number in offsets])
    assert stored.gaps() == [(5, 7)]
    assert stored.gaps(committed=10) == [(5, 7)]
    assert stored.gaps(committed=12) == [(5, 7), (10, 11)]
    # Letters, canaries and reports have offsets and no events.
    stored.write_ledger([Message("raw", "id", 0, offset, TIME, b"") for offset in (5, 6)], scored_part([]))
    assert stored.gaps() == [(7, 7)]
    # Gone before it was read.
    gap = Gap(7, Message("raw", "id", 0, 8, TIME, b""))
    write_all(offset_gaps.table([gap]), stored.write)
    assert stored.gaps() == []


def test_gaps_from_before_the_ledger_are_none_of_its_own(stored: Store) -> None:
    write_all(offset_gaps.table([Gap(10, Message("raw", "id", 0, 25, TIME, b""))]), stored.write)
    stored.deliver([event(500)])
    assert stored.gaps(committed=501) == []


def test_offsets_that_are_gone_for_good_are_accounted_for(stored: Store) -> None:
    stored.deliver([event(0)])
    stored.deliver([event(9)])
    assert stored.gaps() == [(1, 8)]
    write_all(ledger.lost([MissingRange("id", 0, 1, 8, hour=TIME // 1_000_000)]), stored.write)
    assert (stored.gaps(), damage.look(stored.client, {}).lost) == ([], 0)


def test_a_repeated_insert_is_stored_anew_only_when_it_is_asked_for(stored: Store) -> None:
    """ClickHouse remembers inserts whose rows are gone."""
    part = scored_part([event(0)])
    store(part, stored.write)
    for table in ("interactions", "findings"):
        stored.delete(table, "1")
    store(part, stored.write)
    assert stored.client.query("SELECT count() FROM v_interactions").result_rows == [(0,)]
    sink = Sink(lambda: stored.client, 5, anew=True)
    store(part, sink.write)
    store(part, sink.write)
    assert stored.client.query("SELECT count() FROM interactions").result_rows == [(1,)]
    assert stored.client.query("SELECT count() FROM v_findings").result_rows == [(2,)]
