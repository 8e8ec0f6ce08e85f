"""Whatever is lost of a store is found and named, and what has a reason is no loss."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.streams.governance.books import DAY, DETECTORS, NOW, PRODUCERS, Books, Event, traffic
from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance.proof.interval import HOUR, Interval, stamp
from watchline.streams.governance.proof.prove import prove
from watchline.streams.governance.proof.report import Report
from watchline.streams.query import run as query
from watchline.streams.query.run import Queries

WHOLE = Interval.of(DAY, DAY + timedelta(days=1), now=NOW)


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    made = clickhouse("prove")
    for table in ("interactions", "findings", "ledger"):
        made.command(f"SYSTEM STOP MERGES {table}")
    return made


@pytest.fixture(scope="module")
def queries(client: Any, clickhouse: Callable[..., Any]) -> Queries:
    reader = clickhouse(migrated=False)
    reader.command(f"USE {client.test_database}")
    query.restrict(reader)
    return Queries(reader, client.test_database)


@pytest.fixture
def books(client: Any) -> Books:
    made = Books(client)
    made.clear()
    return made


def proved(queries: Queries, interval: Interval = WHOLE, **more: Any) -> Report:
    return prove(queries, interval, now=NOW, **more)


def named(report: Report, section: str, what: str, *names: str) -> set[tuple[Any, ...]]:
    """What is named of what has no reason."""
    return {
        tuple(each.where[name] for name in names)
        for each in report.named
        if (each.section, each.what) == (section, what)
    }


def test_a_whole_day_is_proven_and_again_after_redelivery(books: Books, queries: Queries) -> None:
    events = traffic(1)
    expected = {
        "numbers": {"stored": len(events)},
        "events": {"stored": len(events)},
        "findings": {"evaluated": len(events) * len(DETECTORS)},
        "offsets": {},
    }
    books.deliver(events)
    report = proved(queries)
    assert report.is_proven and report.explained == expected, report.named
    books.deliver(events[10:50], batch=11)  # at least once, cut otherwise
    assert proved(queries).explained == expected
    one_app = proved(queries, app="app-1")
    assert one_app.is_proven and one_app.rows == sum(each.app == "app-1" for each in events)


def test_nothing_is_no_proof(books: Books, queries: Queries) -> None:
    report = proved(queries)
    assert report.is_empty and not report.is_proven and not report.unexplained
    books.deliver(traffic(1))
    assert not proved(queries, app="nobody").is_proven


SEEDS = 20  # of each kind of loss: a hundred in all


def hours() -> list[tuple[datetime, list[Event]]]:
    """An hour of traffic of each seed."""
    found = []
    offsets: dict[int, int] = {}
    numbers: dict[UUID, int] = {}
    for seed in range(SEEDS):
        hour = DAY + seed * HOUR
        events = [
            each._replace(
                time=hour + (each.time - DAY) / 24,
                offset=each.offset + offsets.get(each.partition, 0),
                number=each.number + numbers.get(each.producer, 0),
            )
            for each in traffic(seed, 40)
        ]
        for each in events:
            offsets[each.partition] = each.offset + 1
            numbers[each.producer] = each.number + 1
        found.append((hour, events))
    return found


@pytest.fixture
def planted(books: Books) -> list[tuple[random.Random, list[Event]]]:
    """A day, each hour of a seed of its own, and its events."""
    made = hours()
    for _, events in made:
        books.deliver(events, batch=40)  # a part of each table
    return [(random.Random(seed), events) for seed, (_, events) in enumerate(made)]


Planted = list[tuple[random.Random, list[Event]]]


def among(column: str, values: Iterable[object]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def test_a_lost_event_is_named(planted: Planted, books: Books, queries: Queries) -> None:
    lost = [rng.choice(events) for rng, events in planted]
    books.delete("interactions", among("event_id", (each.id for each in lost)))
    report = proved(queries)
    assert named(report, "events", "missing", "event", "partition") == {(str(e.id), e.partition) for e in lost}
    assert named(report, "numbers", "gone", "producer", "number") == {(str(e.producer), e.number) for e in lost}
    assert report.counts["events"]["missing"] == report.counts["numbers"]["gone"] == SEEDS
    assert not report.is_proven and f"{report.named[0]}".startswith(f"event {lost[0].id}, app {lost[0].app}, hour ")
    # Its batch of the ledger too: its number is known all the same.
    books.delete("ledger", " OR ".join(f"has(event_ids, '{each.id}')" for each in lost))
    report = proved(queries)
    assert named(report, "numbers", "gone", "producer", "number") == {(str(e.producer), e.number) for e in lost}
    assert named(report, "events", "without event", "event") == {(str(e.id),) for e in lost}


def test_a_lost_finding_is_named(planted: Planted, books: Books, queries: Queries) -> None:
    lost = [(rng.choice(events), rng.choice(DETECTORS)) for rng, events in planted]
    wheres = (f"(event_id = '{event.id}' AND detector = '{detector}')" for event, detector in lost)
    books.delete("findings", " OR ".join(wheres))
    report = proved(queries)
    assert named(report, "findings", "missing", "event", "detector") == {(str(e.id), d) for e, d in lost}
    assert report.unexplained == SEEDS


def test_a_lost_row_of_the_ledger_is_named(planted: Planted, books: Books, queries: Queries) -> None:
    lost = [rng.choice(events) for rng, events in planted]
    books.delete("ledger", " OR ".join(f"has(event_ids, '{each.id}')" for each in lost))
    report = proved(queries)
    batches = [
        each
        for event, (_, events) in zip(lost, planted, strict=True)
        for each in events
        if (each.partition, each.app) == (event.partition, event.app)
    ]
    assert report.counts["events"]["not in the ledger"] == len(batches) == report.unexplained
    found = named(report, "events", "not in the ledger", "event")
    assert found <= {(str(each.id),) for each in batches}
    assert {each.where["event"] for each in report.named[:1]} == {str(min(batches, key=lambda e: (e.hour, e.id)).id)}


@pytest.mark.parametrize("table", ["interactions", "findings", "ledger"])
def test_a_lost_part_is_named(table: str, planted: Planted, books: Books, queries: Queries) -> None:
    of = "arrayJoin(event_ids)" if table == "ledger" else "event_id"
    for number, (rng, events) in enumerate(planted):
        if number % 3 != ["interactions", "findings", "ledger"].index(table):
            continue
        id = rng.choice(events).id
        (part,) = books.client.query(f"SELECT DISTINCT _part FROM {table} WHERE {of} = '{id}'").first_row
        books.client.command(f"ALTER TABLE {table} DROP PART '{part}'")
        interval = Interval(events[0].hour, events[0].hour + HOUR)
        report = proved(queries, interval)
        section, what = {
            "interactions": ("events", "missing"), "findings": ("findings", "missing"),
            "ledger": ("events", "not in the ledger"),
        }[table]  # fmt: skip
        assert report.counts[section][what] == len(events) * (3 if table == "findings" else 1)
        assert report.named[0].where["event"] == str(min(e.id for e in events))


def test_lost_offsets_are_named(planted: Planted, books: Books, queries: Queries) -> None:
    """Whatever was made of some messages of a partition is gone from everywhere: the batch, the events, their findings."""
    lost = []
    for rng, events in planted:
        partition = rng.choice(events).partition
        lost.append([each for each in events if each.partition == partition])
    ids = [each.id for part in lost for each in part]
    books.delete("interactions", among("event_id", ids))
    books.delete("findings", among("event_id", ids))
    books.delete("ledger", " OR ".join(f"hasAny(event_ids, ['{part[0].id}'])" for part in lost))
    report = proved(queries)
    assert report.counts["numbers"]["gone"] == len(ids)
    gone = [
        (each.where["partition"], each.where["first_offset"], each.where["last_offset"])
        for each in report.named
        if each.section == "offsets"
    ]
    del gone
    assert not report.is_proven
