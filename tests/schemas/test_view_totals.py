"""Totals of the views are those of the events that were sent: delivered twice, merged, or looked at meanwhile."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from tests.schemas.samples import FINDING, INTERACTION, SAMPLES, TIME
from tests.schemas.test_views import PRODUCER, write
from tests.streams.worker.parts import scored_part
from watchline.detectors.scorer import Scored
from watchline.schemas.errors import Kind
from watchline.schemas.records import Feedback, InteractionBatch, Signal
from watchline.schemas.texts import RedactedInteraction
from watchline.schemas.validation import Repaired
from watchline.streams import dead_letters
from watchline.streams.clickhouse import rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Event, Message, ScoredEvent
from watchline.streams.monitor import signals
from watchline.streams.worker import feedback
from watchline.streams.worker import offset_gaps as offsets
from watchline.streams.worker.offset_gaps import Gap
from watchline.streams.worker.stages import store

pytestmark = pytest.mark.slow

DECISIONS = ("evaluated", "not_applicable", "not_sampled", "shed", "failed")
PLANNED = {"groundedness": "1", "toxicity": "1", "pii": "1"}
HOUR = 3_600_000_000  # microseconds


def random_events(rng: random.Random, count: int) -> list[ScoredEvent]:
    """Events over three days, of two apps and prompt versions, with every decision; one in ten lacks a finding."""
    events = []
    for number in range(count):
        interaction = dataclasses.replace(
            INTERACTION,
            event_id=f"01935c3e-7a00-7000-8000-{number:012x}",
            time=TIME + rng.randrange(72) * HOUR + number,
            app=rng.choice(["a", "b"]),
            prompt_version=rng.choice(["1", "2"]),
            latency_s=rng.choice([None, rng.random()]),
            cost=rng.choice([None, 0.5]),
            error_type=rng.choice([None, None, "Timeout"]),
            cancelled=rng.random() < 0.3,
            source=rng.choice(["production"] * 4 + ["experiment"]),
        )
        findings = []
        for detector in PLANNED:
            decision = rng.choice(DECISIONS)
            flagged = decision == "evaluated" and rng.random() < 0.3
            finding = dataclasses.replace(
                FINDING, event_id=interaction.event_id, detector=detector, decision=decision, flagged=flagged
            )
            findings.append(dataclasses.replace(finding, alert=flagged and rng.random() < 0.5))
        if number % 10 == 0:
            findings.pop()
        batch = InteractionBatch(producer_id=PRODUCER, first_sequence=number, interactions=(interaction,))
        message = Message("raw", "id", 0, number, TIME, b"")
        scored = Scored(RedactedInteraction(interaction), tuple(findings), PLANNED, {}, ())  # type: ignore[arg-type]
        events.append(ScoredEvent(Event(interaction, message, batch, 0).origin, scored))
    return events


def deliver(client: Any, rng: random.Random, events: list[ScoredEvent]) -> None:
    """At least once: cut at random borders, some parts again with other borders, some as the very same insert."""
    for repeats in (1.0, 0.5, 0.5):
        shuffled = rng.sample(events, len(events))
        while shuffled:
            size = rng.randint(1, 40)
            part, shuffled = shuffled[:size], shuffled[size:]
            if rng.random() < repeats:
                write(client, part)
                if rng.random() < 0.3:
                    write(client, part)  # the same token: as a client does whose connection broke


@contextmanager
def merges_stopped(client: Any) -> Iterator[None]:
    for table in ("interactions", "findings"):
        client.command(f"SYSTEM STOP MERGES {table}")
    yield
    for table in ("interactions", "findings"):
        client.command(f"SYSTEM START MERGES {table}")
        client.command(f"OPTIMIZE TABLE {table} FINAL")


def refresh(client: Any) -> None:
    for rollup in ("uncommitted", "quality_hourly", "usage_hourly"):
        client.command(f"SYSTEM REFRESH VIEW {rollup}_refresh")
        client.command(f"SYSTEM WAIT VIEW {rollup}_refresh")


def age(client: Any, hours: int = 3) -> None:
    """As if all had been stored and counted so many hours ago."""
    for table, column in (
        ("interactions", "stored_at"),
        ("findings", "stored_at"),
        ("uncommitted", "listed_at"),
        ("superseded", "listed_at"),
        ("quality_hourly", "computed_at"),
        ("usage_hourly", "computed_at"),
    ):
        # Stored some hours before it was counted. A copy, since the version of a row can't be updated.
        earlier = f"{column} - INTERVAL {hours + 2 if column == 'stored_at' else hours} HOUR"
        if column != "computed_at":
            client.command(f"ALTER TABLE {table} UPDATE {column} = {earlier} WHERE 1 SETTINGS mutations_sync = 2")
            continue
        client.command(f"CREATE TABLE aged AS {table}")
        client.command(f"INSERT INTO aged SELECT * REPLACE ({earlier} AS {column}) FROM {table}")
        client.command(f"EXCHANGE TABLES aged AND {table}")
        client.command("DROP TABLE aged")


def found(client: Any, sql: str) -> Any:
    return client.query(sql).result_rows


def check_views(client: Any, events: list[ScoredEvent], *, gaps: bool = True) -> None:
    """Every view's totals are what plain Python counts over the distinct events."""
    count = len(events)
    everything = [(event.scored.interaction, finding) for event in events for finding in event.scored.findings]
    decided = Counter((finding.detector, finding.decision) for _, finding in everything)
    columns = ", ".join(f"sum({name})" for name in ("events", "planned", "missing", *DECISIONS))
    for detector, total, planned, missing, *by_decision in found(
        client, f"SELECT detector, {columns} FROM v_coverage GROUP BY detector"
    ):
        assert (total, planned) == (count, count)
        assert by_decision == [decided[detector, decision] for decision in DECISIONS]
        assert planned == missing + sum(by_decision)
    assert found(client, "SELECT count(), uniqExact(event_id) FROM v_interactions") == [(count, count)]
    assert found(client, "SELECT count(), countIf(flagged) FROM v_findings") == [
        (len(everything), sum(finding.flagged for _, finding in everything))
    ]
    assert dict(found(client, "SELECT decision, count() FROM v_decisions WHERE decision != 'missing' GROUP BY 1")) == (
        dict(Counter(finding.decision for _, finding in everything))
    )
    spans = Counter(finding.detector for _, finding in everything for _ in finding.spans)
    assert dict(found(client, "SELECT detector, count() FROM v_spans GROUP BY detector")) == spans
    if gaps:
        assert found(client, "SELECT sum(stored), sum(missing) FROM v_producer_gaps") == [(count, 0)]
    rates = Counter(
        (i.app, i.prompt_version, f.detector, f.flagged)
        for i, f in everything
        if f.decision == "evaluated" and i.source == "production"
    )
    sums = "sum(flagged_events), sum(flagged_events) / sum(evaluated)"
    for app, version, detector, flagged, rate in found(
        client, f"SELECT app, prompt_version, detector, {sums} FROM v_quality GROUP BY ALL HAVING sum(evaluated) > 0"
    ):
        yes, no = (rates[app, version, detector, flag] for flag in (True, False))
        assert (flagged, rate) == (yes, pytest.approx(yes / (yes + no)))
    production = [event.scored.interaction for event in of_production(events)]
    versions = Counter((interaction.app, interaction.prompt_version) for interaction in production)
    sql = "SELECT app, prompt_version, sum(events) FROM v_prompt_versions GROUP BY ALL"
    assert {(app, version): events for app, version, events in found(client, sql)} == versions


def of_production(events: list[ScoredEvent]) -> list[ScoredEvent]:
    return [event for event in events if event.scored.interaction.source == "production"]


def check_rollups(client: Any, events: list[ScoredEvent]) -> None:
    """Row by row what the exact views give, and in sum what was sent."""
    group = "hour, app, environment, prompt_name, prompt_version, model"
    columns = ", ".join(DECISIONS)
    decided = ", ".join(f"countIf(d.decision = '{decision}') AS {decision}" for decision in DECISIONS)
    rolled = found(client, f"SELECT {group}, detector, planned, missing, {columns} FROM v_quality_hourly ORDER BY ALL")
    exact = found(
        client,
        f"SELECT toStartOfHour(d.time) AS hour, d.app, d.environment, d.prompt_name, d.prompt_version,"
        f" i.model AS model, d.detector, count() AS planned, countIf(d.decision = 'missing') AS missing, {decided}"
        f" FROM v_decisions AS d JOIN v_interactions AS i ON d.event_id = i.event_id WHERE i.source = 'production'"
        f" GROUP BY {group}, detector ORDER BY ALL",
    )
    assert rolled == exact and rolled
    events = of_production(events)
    flags = [finding for event in events for finding in event.scored.findings]
    assert found(client, "SELECT sum(planned), sum(flagged_events), sum(alert_events) FROM v_quality_hourly") == [
        (len(events) * len(PLANNED), sum(f.flagged for f in flags), sum(f.alert for f in flags))
    ]
    usage = "events, errors, input_tokens, output_tokens, cost, latency_p50_s, latency_p95_s"
    assert found(client, f"SELECT {group}, {usage} FROM v_usage_hourly ORDER BY ALL") == found(
        client,
        "SELECT toStartOfHour(time) AS hour, app, environment, prompt_name, prompt_version, model, count() AS events,"
        " countIf(error_type != '') AS errors, sum(input_tokens), sum(output_tokens), sum(cost),"
        " quantileExactIf(0.5)(latency_s, error_type = '' AND cancelled = 0),"
        f" quantileExactIf(0.95)(latency_s, error_type = '' AND cancelled = 0) FROM v_interactions"
        f" WHERE source = 'production' GROUP BY {group} ORDER BY ALL",
    )
    assert found(client, "SELECT sum(events) FROM v_usage_hourly") == [(len(events),)]


def test_what_a_good_answer_costs(clickhouse: Callable[..., Any]) -> None:
    """The cost of all calls, shared by those that nothing flags, nobody rates down, and no error or Stop ended."""
    client, events = clickhouse("cost"), random_events(random.Random(5), 120)
    write(client, events)
    flagged = {event.scored.interaction.event_id for event in events for f in event.scored.findings if f.flagged}
    disliked = {event.scored.interaction.event_id for event in events[::3]}
    given = [
        Feedback(feedback_id=str(UUID(int=number)), event_id=event, time=TIME, app="a", rating=rating, score=score)
        for number, (event, rating, score) in enumerate(
            [(event, -1, 0.0) for event in disliked]
            + [(event.scored.interaction.event_id, 1, 1.0) for event in events[1::3]]
        )
    ]
    Sink(lambda: client, 5).write(feedback.table([Repaired(each) for each in given]))
    counted: dict[tuple[Any, ...], list[Any]] = {}
    for event in events:
        call = event.scored.interaction
        sums = counted.setdefault((call.app, call.source), [0, 0, 0.0, 0])
        bad = call.error_type or call.cancelled or call.event_id in flagged | disliked
        sums[:] = [sums[0] + 1, sums[1] + (call.cost is None), sums[2] + (call.cost or 0), sums[3] + (not bad)]
    assert min(sums[3] for sums in counted.values()) > 0
    totals = "sum(events), sum(without_cost), sum(cost), sum(good_answers)"
    rows = found(client, f"SELECT app, toString(source), {totals} FROM v_cost_hourly GROUP BY ALL")
    assert {(app, source): sums for app, source, *sums in rows} == {key: pytest.approx(s) for key, s in counted.items()}
    for cost, good, each in found(client, "SELECT cost, good_answers, cost_per_good_answer FROM v_cost_hourly"):
        assert each == (None if good == 0 or cost is None else pytest.approx(cost / good))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.slow
def test_every_total_is_that_of_the_distinct_events(clickhouse: Callable[..., Any], seed: int) -> None:
    client, rng = clickhouse("totals"), random.Random(seed)
    events = random_events(rng, 150)
    with merges_stopped(client):
        deliver(client, rng, events)
        assert found(client, "SELECT count() FROM interactions")[0][0] > len(events)  # duplicates are there
        check_views(client, events)
        refresh(client)
        check_rollups(client, events)
    assert found(client, "SELECT count() FROM interactions")[0][0] == len(events)
    check_views(client, events)
    refresh(client)
    check_rollups(client, events)


def store_findings(client: Any, events: list[ScoredEvent]) -> None:
    """As a worker does that dies before it stores the interactions."""
    table, _ = rows.findings_table(events)
    Sink(lambda: client, 5).write(table)


def under_tenant(event: ScoredEvent, tenant: str) -> ScoredEvent:
    interaction = dataclasses.replace(event.scored.interaction, tenant=tenant)
    return dataclasses.replace(event, scored=dataclasses.replace(event.scored, interaction=interaction))


def look(client: Any) -> None:
    for name in ("superseded", "later_contents"):
        client.command(f"SYSTEM REFRESH VIEW {name}_refresh")
        client.command(f"SYSTEM WAIT VIEW {name}_refresh")


@pytest.mark.parametrize("refreshed", [True, False], ids=["by rollup", "without"])
def test_totals_are_exact_whether_counted_before_or_since(clickhouse: Callable[..., Any], refreshed: bool) -> None:
    """Late, twice, under another tenant, without an interaction: nothing of it waits for a refresh."""
    client, rng = clickhouse("since"), random.Random(11)
    events = random_events(rng, 220)
    early, late, orphans = events[:140], events[140:180], events[180:]
    deliver(client, rng, early)
    store_findings(client, orphans)
    write(client, [under_tenant(event, "other") for event in early[:3]])
    look(client)
    if refreshed:
        refresh(client)
        age(client)
    check_totals(client, early)
    with merges_stopped(client):
        store_findings(client, late[:10])
        check_totals(client, early)
        deliver(client, rng, late[:20])
        write(client, [*early[::3], *orphans[:10]])
        now = early + late[:20] + orphans[:10]
        check_totals(client, now)
        write(client, [under_tenant(event, "other") for event in early[3:6]])
        look(client)
        check_totals(client, now)
    if refreshed:
        refresh(client)
        check_totals(client, now)
        check_rollups(client, now)
        age(client)
    write(client, events)
    look(client)
    check_totals(client, events)


def check_totals(client: Any, events: list[ScoredEvent]) -> None:
    check_views(client, events, gaps=False)
    totals = "sum(planned), sum(missing), " + ", ".join(f"sum({name})" for name in DECISIONS)
    production = [finding for event in of_production(events) for finding in event.scored.findings]
    decided = Counter(finding.decision for finding in production)
    planned = len(of_production(events)) * len(PLANNED)
    assert found(client, f"SELECT {totals} FROM v_quality") == [
        (planned, planned - len(production), *(decided[decision] for decision in DECISIONS))
    ]
    calls = [event.scored.interaction for event in of_production(events)]
    ((errors, cancelled, cost),) = found(client, "SELECT sum(errors), sum(cancelled), sum(cost) FROM v_prompt_versions")
    assert (errors, cancelled) == (sum(bool(c.error_type) for c in calls), sum(c.cancelled for c in calls))
    assert cost == pytest.approx(sum(call.cost or 0 for call in calls))


def test_a_filter_on_time_gives_the_hours_of_it(clickhouse: Callable[..., Any]) -> None:
    client, events = clickhouse("bounded"), random_events(random.Random(12), 100)
    write(client, events)
    refresh(client)
    age(client)
    first = TIME // HOUR * HOUR
    counted = Counter(event.scored.interaction.time // HOUR * HOUR for event in events)
    day = " AND ".join(
        f"time {sign} fromUnixTimestamp64Micro({first + hours * HOUR})" for sign, hours in ((">=", 24), ("<", 48))
    )
    within = sum(count for hour, count in counted.items() if first + 24 * HOUR <= hour < first + 48 * HOUR)
    assert 0 < within < len(events)
    sql = f"SELECT sum(planned) FROM v_coverage WHERE {day} AND detector = 'pii'"
    assert found(client, sql) == [(within,)]


def test_what_a_producer_lost_belongs_to_the_hour_in_which_it_was_lost(clickhouse: Callable[..., Any]) -> None:
    """And neither deletion nor an event that is numbered later and began earlier looks like a loss."""
    client = clickhouse("producers")
    events = random_events(random.Random(13), 40)
    timed = [
        under_time(event, TIME + hour * HOUR)
        for hour, numbers in enumerate(([0, 1, 2, 5, 7], [6, 8, 9], [12, 20]))
        for event in (events[number] for number in numbers)
    ]
    for part in (timed[::2], timed, timed[1::2]):
        write(client, part)
    for event in reversed(timed):  # the engine merges parts in any order, and a small bitmap keeps that order
        write(client, [event])
    by_hour = "SELECT stored, missing FROM v_producer_gaps ORDER BY hour"
    assert found(client, by_hour) == [(5, 2), (3, 0), (2, 9)]  # 3, 4; none; 10, 11, 13 to 19
    client.command("DELETE FROM interactions WHERE 1")
    assert found(client, by_hour) == [(5, 2), (3, 0), (2, 9)]


def under_time(event: ScoredEvent, time: int) -> ScoredEvent:
    interaction = dataclasses.replace(event.scored.interaction, time=time)
    return dataclasses.replace(event, scored=dataclasses.replace(event.scored, interaction=interaction))


def test_a_refresh_counts_anew_only_the_days_that_changed(clickhouse: Callable[..., Any]) -> None:
    client, rng = clickhouse("days"), random.Random(7)
    events = random_events(rng, 60)
    write(client, events)
    refresh(client)
    age(client)
    (counted,) = found(client, "SELECT max(computed_at) FROM quality_hourly")
    late = of_production(random_events(random.Random(8), 90)[60:])[:1]
    write(client, late)
    refresh(client)
    check_rollups(client, events + late)
    day = f"toDate(fromUnixTimestamp64Micro(toInt64({late[0].scored.interaction.time})), 'UTC')"
    days = f"SELECT toDate(hour) = {day} AS changed, max(computed_at) > {{counted:DateTime64(3)}} FROM quality_hourly"
    assert dict(
        client.query(f"{days} WHERE detector != '' GROUP BY changed", parameters={"counted": counted[0]}).result_rows
    ) == {
        0: 0,
        1: 1,
    }


def test_rollups_show_their_age(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("age")
    write(client, random_events(random.Random(3), 5))
    refresh(client)
    age(client, hours=2)
    for view in ("v_quality_hourly", "v_usage_hourly"):
        ((low, high, distinct),) = found(client, f"SELECT min(age_s), max(age_s), uniqExact(refreshed_at) FROM {view}")
        assert 7200 <= low == high < 7260 and distinct == 1
    rollups = found(client, "SELECT rollup, age_s, exception FROM v_refreshes WHERE database = currentDatabase()")
    lists = ["later_contents", "quality_hourly", "superseded", "uncommitted", "usage_hourly"]
    assert [name for name, _, _ in sorted(rollups)] == lists
    assert all(0 <= age < 60 and exception == "" for _, age, exception in rollups)


@pytest.mark.slow
def test_who_looks_meanwhile_sees_nothing_in_part(clickhouse: Callable[..., Any]) -> None:
    """Every poll: no interaction without its findings, no finding without its interaction, no count above the truth."""
    client = clickhouse("meanwhile")
    events = [event for event in random_events(random.Random(1), 1500) if len(event.scored.findings) == len(PLANNED)]
    done = threading.Event()
    polls: list[tuple[Any, ...]] = []
    reading = clickhouse(migrated=False)
    reading.command(f"USE {client.test_database}")

    def look() -> None:
        while not done.is_set():
            events_of_each = "intDiv(sum(events), greatest(detectors, 1)), uniqExact(detector) AS detectors"
            coverage = found(reading, f"SELECT sum(missing), sum(planned), {events_of_each} FROM v_coverage")[0]
            orphans = found(
                reading,
                "SELECT count() FROM v_findings AS f LEFT ANTI JOIN v_interactions AS i ON f.event_id = i.event_id",
            )[0][0]
            findings, stored = (
                found(reading, f"SELECT count() FROM {view}")[0][0] for view in ("v_findings", "v_interactions")
            )
            polls.append((*coverage, orphans, findings, stored))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for start in range(0, len(events), 50):
            write(client, events[max(0, start - 20) : start + 50])  # every border is redelivered
    finally:
        done.set()
        reader.join(30)
    assert len(polls) >= 5 and len({stored for *_, stored in polls}) > 1, "the reader saw only one state"
    before = (0, 0)
    for missing, planned, total, detectors, orphans, findings, stored in polls:
        assert (missing, orphans) == (0, 0)
        assert planned == total * detectors  # the event count is of the same moment
        assert findings <= stored * len(PLANNED) <= len(events) * len(PLANNED)  # findings were counted first
        assert (findings, stored) >= before
        before = (findings, stored)
    assert found(client, "SELECT count() FROM v_interactions") == [(len(events),)]


def test_findings_that_arrive_before_their_interaction_are_not_counted(clickhouse: Callable[..., Any]) -> None:
    """A worker that dies between the two inserts: nothing of the event is seen until it is delivered again."""
    client = clickhouse("between")
    events = random_events(random.Random(5), 30)
    write(client, events[:20])
    table, _ = rows.findings_table(events[20:])
    Sink(lambda: client, 5).write(table)
    refresh(client)
    check_views(client, events[:20])
    check_rollups(client, events[:20])
    assert store.store(scored_part(events[10:]), Sink(lambda: client, 5).write) == {}
    refresh(client)
    check_views(client, events)
    check_rollups(client, events)


def other_tables() -> list[tuple[str, Table]]:
    """Views over the tables that no event stands in, and three rows of each."""
    letters = [
        DeadLetter("raw", "id", 0, number, -1, TIME, b"junk", Kind.UNDECODABLE, "no Avro") for number in range(3)
    ]
    (opinion,) = (sample for sample in SAMPLES if isinstance(sample, Feedback))
    (signal,) = (sample for sample in SAMPLES if isinstance(sample, Signal))
    opinions = [dataclasses.replace(opinion, feedback_id=f"01935c3e-7a00-7000-8000-{n:012x}") for n in range(3)]
    moved = [dataclasses.replace(signal, signal_id=f"01935c3e-7a00-7000-8000-{n:012x}") for n in range(3)]
    gaps = [Gap(number, Message("raw", "id", number, 9, TIME, b"")) for number in range(3)]
    return [
        ("v_dead_letters", dead_letters.table(letters)),
        ("v_feedback", feedback.table([Repaired(each) for each in opinions])),
        ("v_signals", signals.table(moved)),
        ("v_offset_gaps", offsets.table(gaps)),
    ]


@pytest.mark.parametrize(("view", "table"), other_tables(), ids=lambda value: value if isinstance(value, str) else "")
def test_rows_that_come_again_with_other_borders_count_once(
    clickhouse: Callable[..., Any], view: str, table: Table
) -> None:
    client = clickhouse("again")
    client.command(f"SYSTEM STOP MERGES {table.name}")
    sink = Sink(lambda: client, 5)
    for part in (slice(0, 2), slice(1, 3), slice(0, 2), slice(0, 3)):
        again = dataclasses.replace(table, rows=table.rows[part])
        assert sink.write(again) == []
    assert found(client, f"SELECT count() FROM {table.name}") == [(7,)]  # the third was the same insert again
    assert found(client, f"SELECT count() FROM {view}") == [(3,)]
    client.command(f"SYSTEM START MERGES {table.name}")
    client.command(f"OPTIMIZE TABLE {table.name} FINAL")
    assert found(client, f"SELECT count() FROM {view}") == [(3,)]
