"""Whatever is lost of a store is found and named, and what has a reason is no loss."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.streams.governance.books import DAY, DETECTORS, NOW, PARTITIONS, PRODUCERS, Books, Event, following, traffic
from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance.proof.canaries import KEPT_DAYS
from watchline.streams.governance.proof.interval import HOUR, Interval, stamp
from watchline.streams.governance.proof.prove import prove
from watchline.streams.governance.proof.report import Report
from watchline.streams.query import reader as query
from watchline.streams.query.run import Queries

NO_MERGES = "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1"
WHOLE = Interval.of(DAY, DAY + timedelta(days=1), now=NOW)


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    made = clickhouse("prove")
    for table in ("interactions", "findings", "ledger"):
        made.command(f"ALTER TABLE {table} MODIFY SETTING {NO_MERGES}")
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
    books.deliver([each for each in events if 5 <= each.offset < 15])  # at least once, cut otherwise
    assert proved(queries).explained == expected
    one_app = proved(queries, app="app-1")
    assert one_app.is_proven and one_app.rows == sum(each.app == "app-1" for each in events)


def test_nothing_is_no_proof(books: Books, queries: Queries) -> None:
    report = proved(queries)
    assert report.is_empty and not report.is_proven and not report.unexplained
    books.deliver(traffic(1))
    assert not proved(queries, app="nobody").is_proven


SEEDS = 20  # of each kind of loss: a hundred in all


@pytest.fixture
def planted(books: Books) -> list[tuple[random.Random, list[Event]]]:
    """A day, each hour of a seed of its own, and its events."""
    return plant(books)


Planted = list[tuple[random.Random, list[Event]]]


def plant(books: Books, seeds: int = SEEDS, *, parts: bool = False) -> Planted:
    """Each hour of a seed of its own, and its events; `parts`: a part of each table for each."""
    made: list[Event] = []
    found: Planted = []
    for seed in range(seeds):
        events = following(traffic(seed, 40), made, seed * HOUR, 24)
        found.append((random.Random(seed), events))
        made += events
        if parts:
            books.deliver(events, batches=[events])
    if not parts:
        books.deliver(made, batches=[events for _, events in found])
    return found


def among(column: str, values: Iterable[object]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def in_ledger(events: Iterable[Event]) -> str:
    ids = ", ".join(f"toUUID('{each.id}')" for each in events)
    return f"hasAny(event_ids, [{ids}])"


def test_a_lost_event_is_named(planted: Planted, books: Books, queries: Queries) -> None:
    lost = [rng.choice(events) for rng, events in planted]
    books.delete("interactions", among("event_id", (each.id for each in lost)))
    report = proved(queries)
    assert named(report, "events", "missing", "event", "partition") == {(str(e.id), e.partition) for e in lost}
    assert named(report, "numbers", "gone", "producer", "number") == {(str(e.producer), e.number) for e in lost}
    assert report.counts["events"]["missing"] == report.counts["numbers"]["gone"] == SEEDS
    assert not report.is_proven and f"{report.named[0]}".startswith(f"event {lost[0].id}, app {lost[0].app}, hour ")
    # Its batch of the ledger too: its number is known all the same.
    books.delete("ledger", in_ledger(lost))
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
    books.delete("ledger", in_ledger(lost))
    report = proved(queries)
    batches = [
        each
        for event, (_, events) in zip(lost, planted, strict=True)
        for each in events
        if (each.partition, each.app) == (event.partition, event.app)
    ]
    assert report.counts["events"]["not in the ledger"] == len(batches)
    assert report.unexplained == len(batches) + report.counts["offsets"].total()
    found = named(report, "events", "not in the ledger", "event")
    assert found <= {(str(each.id),) for each in batches}
    assert {each.where["event"] for each in report.named[:1]} == {str(min(batches, key=lambda e: (e.hour, e.id)).id)}


def test_a_hundred_losses_of_each_kind_in_turn_are_named_each(books: Books, queries: Queries) -> None:
    """A row, a row of the ledger, a part, a range of offsets: an hour each, and a proof of the four."""
    hours = plant(books, 101, parts=True)[:100]  # of the very last offsets only the numbers tell
    expected, deleted = [], dict[str, list[str]](interactions=[], findings=[], ledger=[])
    for number, (rng, events) in enumerate(hours):
        event = rng.choice(events)
        neighbours = [each for each in events if each.partition == event.partition]
        match number % 4:
            case 0:
                deleted["interactions"].append(among("event_id", [event.id]))
                loss = ("events", "missing", "event", {str(event.id)})
            case 1:
                deleted["ledger"].append(in_ledger([event]))
                batch = {str(each.id) for each in neighbours if each.app == event.app}
                loss = ("events", "not in the ledger", "event", batch)
            case 2:
                part = f"SELECT DISTINCT _part FROM interactions WHERE event_id = '{event.id}'"
                books.client.command(f"ALTER TABLE interactions DROP PART '{books.client.query(part).first_row[0]}'")
                loss = ("events", "missing", "event", {str(each.id) for each in events})
            case _:
                for table in ("interactions", "findings"):
                    deleted[table].append(among("event_id", (each.id for each in neighbours)))
                deleted["ledger"].append(in_ledger(neighbours))
                loss = ("offsets", "not in the ledger", "first_offset", {neighbours[0].offset})
        expected.append((events[0].hour, *loss))
    for table, wheres in deleted.items():
        books.delete(table, " OR ".join(wheres))
    for first in range(0, 100, 4):
        four = expected[first : first + 4]
        report = proved(queries, Interval.of(four[0][0], four[-1][0] + HOUR, now=NOW))
        for hour, section, what, name, lost in four:
            assert (min(lost),) in named(report, section, what, name), (hour, report.named)
            assert report.counts[section][what] >= len(lost)


@pytest.mark.parametrize("table", ["interactions", "findings", "ledger"])
def test_a_lost_part_is_named(table: str, books: Books, queries: Queries) -> None:
    planted = plant(books, 7, parts=True)
    of = "arrayJoin(event_ids)" if table == "ledger" else "event_id"
    lost = [events for rng, events in planted[1:] if rng.random() < 0.5] or [planted[1][1]]
    for events in lost:
        sql = f"SELECT DISTINCT _part FROM {table} WHERE {of} = '{events[0].id}'"
        books.client.command(f"ALTER TABLE {table} DROP PART '{books.client.query(sql).first_row[0]}'")
    section, what = {
        "interactions": ("events", "missing"), "findings": ("findings", "missing"),
        "ledger": ("events", "not in the ledger"),
    }[table]  # fmt: skip
    report = proved(queries)
    count = sum(map(len, lost)) * (len(DETECTORS) if table == "findings" else 1)
    assert report.counts[section][what] == count
    assert report.named[0].where["event"] == str(min(each.id for each in lost[0]))


def test_lost_offsets_are_named(planted: Planted, books: Books, queries: Queries) -> None:
    """What was made of some messages is gone from everywhere: the batch, the events, their findings."""
    lost = [[each for each in events if each.partition == n % PARTITIONS] for n, (_, events) in enumerate(planted)]
    ids = [each.id for part in lost for each in part]
    books.delete("interactions", among("event_id", ids))
    books.delete("findings", among("event_id", ids))
    books.delete("ledger", in_ledger(each for part in lost for each in part))
    report = proved(queries)
    assert report.counts["numbers"]["gone"] == len(ids)
    ranges = {(part[0].partition, part[0].offset, part[-1].offset) for part in lost}
    found = named(report, "offsets", "not in the ledger", "partition", "first_offset", "last_offset")
    # Of a range at the very beginning or end of a partition the ledger can't tell: the producers' numbers do.
    ends = {(partition, *end) for partition in range(PARTITIONS) for end in _ends(ranges, partition, planted)}
    assert found == ranges - ends and len(found) >= SEEDS - 2


def _ends(ranges: set[tuple[int, int, int]], partition: int, planted: Planted) -> list[tuple[int, int]]:
    offsets = [each.offset for _, events in planted for each in events if each.partition == partition]
    own = [(first, last) for of, first, last in ranges if of == partition]
    return [(first, last) for first, last in own if first == min(offsets) or last == max(offsets)]


def test_what_a_producer_dropped_is_explained_as_far_as_it_says(books: Books, queries: Queries) -> None:
    events = traffic(2)
    own = [each for each in events if each.producer == PRODUCERS[0]]
    gone = own[5:8]
    sent = [each for each in events if each not in gone]
    books.deliver(sent, dropped=0)
    report = proved(queries)
    assert report.counts["numbers"]["never came"] == 3 == report.unexplained
    places = named(report, "numbers", "never came", "producer", "first_number", "last_number")
    assert places == {(str(PRODUCERS[0]), 5, 7)}
    report_of(books, own[-1], dropped=2)
    assert proved(queries).explained["numbers"] == {
        "stored": len(sent), "dropped by the producer": 2, "never came": 1,
    }  # fmt: skip
    report_of(books, own[-1], dropped=3)
    assert proved(queries).is_proven
    # Numbers of its last events, which never came: by its report alone.
    report_of(books, own[-1], dropped=4, more=2)
    assert proved(queries).counts["numbers"]["never came"] == 1


def report_of(books: Books, last: Event, *, dropped: int, more: int = 0) -> None:
    columns = ("producer_id", "time", "app", "environment", "next_sequence", "dropped")
    row = (last.producer, last.time, last.app, "test", last.number + 1 + more, dropped)
    books.insert("producer_reports", columns, [row])


def test_dead_letters_and_gone_offsets_explain_what_stood_there_and_no_more(books: Books, queries: Queries) -> None:
    events = traffic(3, 90)
    dead = next(each for each in events[20:] if each.place > 0)
    after = next(each for each in events[events.index(dead) :] if each.partition == dead.partition and each.place == 0)
    message = [each for each in events if (each.partition, each.offset) == (after.partition, after.offset)]
    books.deliver([each for each in events if each is not dead and each not in message])
    assert proved(queries).counts["numbers"]["never came"] == 1 + len(message)
    columns = ("time", "topic", "topic_id", "partition", "offset", "event_index", "app")
    letter = (dead.time, "raw", "topic", dead.partition, dead.offset, dead.place)
    books.insert("dead_letters", columns, [(*letter, "another")])
    assert proved(queries).counts["numbers"]["never came"] == 1 + len(message)
    books.clear_letters()
    books.insert("dead_letters", columns, [(*letter, dead.app)])
    stored = len(events) - 1 - len(message)
    assert proved(queries).counts["numbers"] == {"stored": stored, "dead letter": 1, "never came": len(message)}
    of_gap = ("time", "topic", "topic_id", "partition", "first_missing", "next_offset")
    books.insert("offset_gaps", of_gap, [(after.time, "raw", "topic", after.partition, after.offset, after.offset + 1)])
    report = proved(queries)
    assert report.is_proven, report.named
    assert report.counts["numbers"]["gone from Kafka before it was read"] == len(message)
    assert report.counts["offsets"] == {"gone from Kafka before it was read": 1}


def test_what_retention_took_is_explained_to_the_day(books: Books, queries: Queries) -> None:
    events = traffic(4)
    books.deliver(events)
    books.delete("interactions", "1")
    books.delete("findings", "1")
    assert proved(queries).unexplained == 2 * len(events)
    days = (datetime.now(UTC).date() - DAY.date()).days
    try:
        for kept, proven in ((days + 1, False), (days - 1, True)):
            books.insert("retention", ("since", "class", "app", "days"), [(datetime.now(UTC), "rows", "", kept)])
            report = proved(queries)
            assert report.is_proven == proven
        assert report.explained["events"] == report.explained["numbers"] == {"retention of the store": len(events)}
    finally:
        books.client.command("TRUNCATE TABLE retention")


def test_what_was_erased_is_explained_by_its_certificate(books: Books, queries: Queries) -> None:
    events = traffic(5)
    books.deliver(events)
    gone = events[::7]
    columns = ("records", "event_id", "time", "app", "environment", "producer_id", "producer_sequence", "erasure")
    rows = [("interactions", e.id, e.time, e.app, "test", e.producer, e.number, "7f3a") for e in gone]
    books.insert("erased", columns, rows)
    for table in ("interactions", "findings"):
        books.delete(table, among("event_id", (each.id for each in gone)))
    assert proved(queries).unexplained == 2 * len(gone)  # by the store alone: nobody asked for it
    acts = [
        ("log", 0, "erasure_requested", "erasure:7f3a", False),
        ("log", 1, "erasure_certified", "erasure:7f3a", True),
    ]
    columns = ("log", "position", "action", "target", "accepted")
    books.insert("governance", columns, acts)
    assert proved(queries).unexplained == 2 * len(gone)  # and not by an act that was rejected
    books.insert("governance", columns, [("log", 2, "erasure_requested", "erasure:7f3a", True)])
    report = proved(queries)
    assert report.is_proven, report.named
    for section in ("numbers", "events"):
        assert report.explained[section]["erased under certificate 7f3a"] == len(gone)


def test_canaries_are_kept_as_long_as_is_said(client: Any) -> None:
    assert f"toIntervalDay({KEPT_DAYS})" in client.command("SHOW CREATE TABLE canaries")


@pytest.mark.parametrize("decision", ["not_applicable", "not_sampled", "shed", "failed"])
def test_each_decision_is_a_reason(decision: str, books: Books, queries: Queries) -> None:
    events = traffic(5, 8)
    books.deliver(events, decision=decision)
    assert proved(queries).explained["findings"] == {decision: len(events) * len(DETECTORS)}


def test_an_event_that_nobody_wrote_down_and_a_number_given_twice_are_named(books: Books, queries: Queries) -> None:
    events = traffic(6)
    books.deliver(events)
    books.client.command("TRUNCATE TABLE producer_hours")
    assert proved(queries).counts["numbers"]["unknown"] == len(events)
    books.clear()
    forged = events[3]._replace(id=UUID(int=1 << 100))
    books.deliver([*events, forged])
    report = proved(queries)
    assert report.counts["numbers"]["given again"] == 1 and not report.is_proven
    assert named(report, "numbers", "given again", "producer") == {(str(forged.producer),)}


def test_when_nobody_would_have_seen_is_in_the_report(books: Books, queries: Queries) -> None:
    events = traffic(7)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    day = Interval(now - timedelta(hours=3), now)
    books.deliver([each._replace(time=day.start + (each.time - DAY) / 8) for each in events])
    assert "none is in the store" in proved(queries, day).canaries
    columns = ("event_id", "time", "raw_topic", "raw_partition")
    times = [day.start + timedelta(minutes=minute) for minute in range(180) if not 60 < minute < 100]
    books.insert("canaries", columns, [(UUID(int=n), time, "raw", 1) for n, time in enumerate(times)])
    report = proved(queries, day)
    at = timedelta(minutes=60), timedelta(minutes=100)
    blind = {(each.partition, stamp(each.start), stamp(each.end)) for each in report.blind}
    whole = {(of, stamp(day.start), stamp(day.end)) for of in (0, 2)}
    assert blind == {(1, stamp(day.start + at[0]), stamp(day.start + at[1]))} | whole
    assert report.is_proven  # nothing was lost meanwhile
    assert ["raw", 1, *(stamp(day.start + each) for each in at)] in json.loads(report.details["blind"])
    assert "none are sent" in proved(queries, day, canary_interval_s=0).canaries


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (DAY, DAY, "is empty"),
        (DAY + HOUR, DAY, "before it begins"),
        (DAY, DAY + timedelta(minutes=30), "within an hour"),
        (DAY, datetime(2100, 1, 1, tzinfo=UTC), "may still be in flight"),
    ],
)
def test_an_interval_that_is_none_is_refused(start: datetime, end: datetime, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Interval.of(start, end)
