"""The engine on a real ClickHouse engine and real receivers: what it evaluates, keeps, and tells."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.dashboards.engine.receivers import Receiver, http_receiver, wait_until
from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine.book import Book
from watchline.dashboards.engine.channels import PagerDuty, Slack, Webhook
from watchline.dashboards.engine.engine import Engine, Step
from watchline.dashboards.engine.grouping import HOLD_S
from watchline.dashboards.engine.journal import MemoryJournal, MemoryLog
from watchline.dashboards.engine.notification import Addresses
from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.streams.governance import signed
from watchline.streams.health.engine_metrics import EngineMetrics
from watchline.streams.health.outgoing import post

START = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
RULE = Rule(
    uid="watchline-bad-answers",
    title="Bad answers",
    group="quality",
    severity="warning",
    queries={
        "A": "SELECT app, model, avg(value) AS value FROM {table} WHERE $__timeFilter(time) GROUP BY app, model",
        "N": "SELECT app, model, count() AS value FROM {table} WHERE $__timeFilter(time) GROUP BY app, model",
    },
    above=0.35,
    critical_beyond=0.8,
    summary="{{ $labels.app }}, {{ $labels.model }}: {{ humanizePercentage $values.A.Value }} are bad",
    description="{{ $values.N.Value }} answers.",
    board="quality",
    panel=12,
    window_s=300,
    ends="now",
    for_s=60,
    keep_firing_for_s=0,
    interval_s=60,
)


@dataclass
class Rows:
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Store:
    """A table of a real engine with a row a minute for what is set, and a clock that is set."""

    def __init__(self, client: Any) -> None:
        self.client, self.table, self.now = client, f"probe_{uuid4().hex[:8]}", START
        self.failing = ""
        self.asked = 0
        client.command(
            f"CREATE TABLE {self.table} (time DateTime64(3, 'UTC'), app String, model String, value Nullable(Float64))"
            " ENGINE = MergeTree ORDER BY time"
        )

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Rows:
        self.asked += 1
        if self.failing:
            raise TransientError(self.failing)
        result = self.client.query(sql, parameters=dict(parameters or {}) or None)
        return Rows(result.column_names, result.result_rows)

    def put(
        self, value: float | None, *, app: str = "shop", models: Iterable[str] = ("small",), minutes: int = 5
    ) -> None:
        """Rows for the last minutes, in place of what is there."""
        self.client.command(f"DELETE FROM {self.table} WHERE app = '{app}'")
        for minute in range(minutes):
            self.add(value, app=app, models=models, time=self.now - timedelta(minutes=minute, seconds=1))

    def add(
        self, value: float | None, *, time: datetime, app: str = "shop", models: Iterable[str] = ("small",)
    ) -> None:
        rows = [(time, app, model, value) for model in models]
        self.client.insert(self.table, rows, column_names=["time", "app", "model", "value"])

    def rule(self, **changes: Any) -> Rule:
        """The rule on this table."""
        queries = {
            name: sql.replace("{table}", self.table) for name, sql in changes.pop("queries", RULE.queries).items()
        }
        return replace(RULE, queries=queries, **changes)


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("alerts")


@pytest.fixture
def store(client: Any) -> Store:
    return Store(client)


class Rig:
    """Engines on one log, with what their channels got. `minutes` lets time pass."""

    def __init__(self, store: Store, *channels: Any, **settings: Any) -> None:
        self.store, self.channels, self.settings = store, channels, settings
        self.rules: list[Rule] = [store.rule()]
        self.log = MemoryLog()
        self.engine = self.start()

    def start(self) -> Engine:
        """An evaluator that takes over: as after SIGKILL, nothing but the log is left of the one before."""
        self.log.owner = None
        return Engine(
            rules=lambda: self.rules,
            queries=self.store,
            journal=MemoryJournal(self.log),
            channels=self.channels,
            clock=lambda: self.store.now,
            watermark=lambda: self.store.now,
            addresses=Addresses(page="https://watchline.example"),
            first_pause_s=0.0,
            **self.settings,
        )

    def minutes(self, count: int = 1) -> None:
        for _ in range(count):
            self.store.now += timedelta(minutes=1)
            assert self.engine.tick(), self.engine.health()
            self.deliver()

    def deliver(self) -> None:
        """All that is to be brought now."""
        for courier in self.engine.couriers:
            for _ in range(50):
                if courier.step() > 0:
                    break

    @property
    def states(self) -> list[str]:
        return [alert["state"] for alert in self.engine.book.alerts()]


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def pager() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


def test_it_waits_fires_once_and_resolves_once(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    recorded: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
    rig.engine.book.recorded = lambda *act: recorded.append(act)  # type: ignore[arg-type]
    store.put(0.5, minutes=3)
    assert rig.engine.tick() and rig.states == ["pending"]
    rig.deliver()
    assert not hook.bodies
    rig.minutes()
    assert rig.states == ["firing"] and len(hook.bodies) == 1
    assert "Bad answers, shop: shop, small: 50% are bad" in hook.bodies[0]["text"]
    store.put(0.5)
    rig.minutes(3)
    assert len(hook.bodies) == 1
    store.put(0.1)
    rig.minutes(1)
    assert rig.states == [] and len(hook.bodies) == 1  # it may come back within the minute
    store.put(0.1)
    rig.minutes(1)
    assert len(hook.bodies) == 2 and hook.bodies[1]["text"].startswith("Over: Bad answers")
    rig.minutes(5)
    assert len(hook.bodies) == 2
    changes = [(each["before"], each["after"]) for each in reversed(rig.engine.book.history())]
    assert changes == [("normal", "pending"), ("pending", "firing"), ("firing", "normal")]
    (began, incident, details, texts), ended = recorded
    assert (began, details["rule"], details["app"]) == ("incident_began", RULE.uid, "shop")
    assert texts == {"labels": "app=shop model=small"} and ended[:2] == ("incident_ended", incident)
    for action, target, known, more in recorded:
        assert signed.fault_of(signed.make(action, target, "keeper", details=known, texts=more)[0]) == ""


def test_a_rule_says_why_it_fires_or_does_not_as_it_was_recorded(store: Store) -> None:
    rig = Rig(store)
    rig.rules = [store.rule(for_s=90)]

    def standing() -> dict[str, Any]:
        rig.engine._not_before.clear()  # this machine may be slow
        assert rig.engine.tick()
        reader = Book(MemoryJournal(rig.log), lambda: store.now)  # of another process, which evaluates nothing
        reader.refresh()
        (stands,) = reader.standing("Europe/Berlin")
        assert [stands] == rig.engine.book.standing("Europe/Berlin")
        return stands

    assert standing()["says"] == (
        "does not fire: nothing, or too little, to judge from 2026-11-30 02:55:00 CET to 2026-11-30 03:00:00 CET"
    )
    store.put(0.1)
    store.put(0.05, app="bot")
    store.now += timedelta(minutes=1)
    stands = standing()
    assert stands["says"] == "does not fire: nearest is 0.1 of app=shop, model=small; fires above 0.35"
    assert (stands["fires"], stands["value"], stands["limit"], stands["judged"]) == (False, 0.1, 0.35, 2)
    store.put(0.5)
    store.now += timedelta(minutes=1)
    pending = "0.5 of app=shop, model=small is above 0.35 since 2026-11-30 03:02:00 CET and must be for 1 min 30 s"
    assert standing()["says"] == f"does not fire yet: {pending}"
    store.now += timedelta(minutes=1)
    store.put(0.5)
    assert standing()["state"] == "pending"
    store.now += timedelta(minutes=1)
    store.put(0.5)
    firing = "fires since 2026-11-30 03:02:00 CET: 0.5 of app=shop, model=small; fires above 0.35"
    stands = standing()
    assert (stands["fires"], stands["state"], stands["says"]) == (True, "firing", firing)
    id = rig.engine.book.silence(["app=shop"], store.now + timedelta(hours=1), "ann", "known")
    stands = standing()
    assert stands["silenced_by"] == id
    assert stands["says"] == f"{firing}; silenced by ann until 2026-11-30 04:04:00 CET: known"
    rig.rules = [store.rule(uid="broken", queries={"A": "SELECT nothing"})]
    store.now += timedelta(minutes=1)
    assert standing()["says"].startswith("can't be evaluated since 2026-11-30 03:05:00 CET: ")


def test_what_the_page_gets(store: Store) -> None:
    rig = Rig(store)
    store.put(0.9)
    rig.engine.tick()
    rig.minutes()
    (alert,) = rig.engine.book.alerts()
    assert alert == {
        "rule": "watchline-bad-answers",
        "title": "Bad answers",
        "severity": "critical",
        "state": "firing",
        "labels": {"app": "shop", "model": "small"},
        "value": 0.9,
        "values": {"A": 0.9, "N": 4.0},
        "since": "2026-11-30T02:01:00Z",
        "started": "2026-11-30T02:00:00Z",
        "summary": "shop, small: 90% are bad",
        "description": "4 answers.",
        "details": {},
        "silenced_by": None,
        "acknowledged_by": None,
        "runbook": "bad-answers.md",
        "board": "quality",
        "panel": 12,
        "from": "2026-11-30T01:56:00Z",
        "to": "2026-11-30T02:01:00Z",
    }


def test_killed_three_times_it_fires_on_with_the_same_start_and_tells_nobody(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    store.put(0.5)
    rig.engine.tick()
    rig.minutes()
    started = rig.engine.book.alerts()[0]["started"]
    for _ in range(3):
        rig.engine = rig.start()
        store.put(0.5)
        rig.minutes()
        assert rig.states == ["firing"] and rig.engine.book.alerts()[0]["started"] == started
    assert len(hook.bodies) == 1


def test_killed_between_record_and_message_it_is_told_after_the_restart(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    store.put(0.5)
    rig.engine.tick()
    store.now += timedelta(minutes=1)
    rig.engine.tick()  # recorded; killed before anything was sent
    rig.engine = rig.start()
    store.now += timedelta(seconds=30)
    rig.engine.tick()
    rig.deliver()
    assert len(hook.bodies) == 1


def test_stopped_and_overtaken_it_sends_nothing(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    stopped = rig.engine
    store.put(0.5)
    stopped.tick()
    store.now += timedelta(minutes=1)
    stopped.tick()  # has a message ready, and is stopped
    rig.engine = rig.start()
    rig.minutes()
    assert len(hook.bodies) == 1
    for courier in stopped.couriers:
        courier.step()
    assert len(hook.bodies) == 1 and not stopped.tick()


def test_twelve_slices_are_one_page_and_a_thirteenth_joins_it(store: Store, hook: Receiver, pager: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post), PagerDuty("pagerduty", "key", post, url=pager.url))
    models = [f"m{number:02}" for number in range(12)]
    store.put(0.5, models=models)
    rig.engine.tick()
    rig.minutes()
    assert len(hook.bodies) == 1 and "(and 11 more)" in hook.bodies[0]["text"]
    assert all(model in hook.bodies[0]["blocks"][1]["text"]["text"] for model in models)
    store.put(0.5, models=[*models, "m99"])
    rig.minutes(2)
    assert len(hook.bodies) == 1 and len(pager.bodies) == 2
    assert "m99" in pager.bodies[1]["payload"]["custom_details"]["alerts"]
    assert len({body["dedup_key"] for body in pager.bodies}) == 1


@pytest.mark.slow
def test_two_apps_are_two_incidents_unless_they_go_bad_together(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post))

    def minutes(count: int, *apps: str, bad: float = 0.5) -> None:
        for _ in range(count):
            for app in apps:
                store.put(bad, app=app)
            rig.minutes()

    minutes(10, "shop")
    minutes(25, "shop", "together")
    minutes(2, "shop", "together", "later")
    assert [(body["kind"], body["text"].split(": ")[0]) for body in hook.bodies] == [
        ("began", "Bad answers, shop"),
        ("update", "Bad answers, 2 apps"),
        ("began", "Bad answers, later"),
    ]
    assert len({body["key"] for body in hook.bodies}) == 2
    minutes(1, "shop", "together", bad=0.1)
    minutes(3, "later")
    ended = [body for body in hook.bodies if body["status"] == "resolved"]
    assert [alert["labels"]["app"] for body in ended for alert in body["alerts"]] == ["shop", "together"]
    assert ended[0]["text"].startswith("Over: Bad answers, 2 apps: 2 alerts")
    assert [alert["labels"]["app"] for alert in rig.engine.book.alerts()] == ["later"]


def test_warning_critical_warning_is_one_incident(store: Store, pager: Receiver, hook: Receiver) -> None:
    rig = Rig(store, PagerDuty("pagerduty", "key", post, url=pager.url), Slack("slack", hook.url, post))
    for value in (0.5, 0.5, 0.9, 0.5, 0.9):
        store.put(value)
        rig.minutes()
    assert [body["payload"]["severity"] for body in pager.bodies] == ["warning", "critical", "warning", "critical"]
    assert len({body["dedup_key"] for body in pager.bodies}) == 1
    assert [body["text"].split("]")[0] for body in hook.bodies] == ["[Warning", "[Critical"]


def test_fires_clears_fires_within_the_hold_is_one_notification(store: Store, pager: Receiver) -> None:
    rig = Rig(store, PagerDuty("pagerduty", "key", post, url=pager.url))
    rig.rules = [store.rule(for_s=0, interval_s=10)]
    for value in (0.5, 0.1, 0.5):
        store.put(value)
        store.now += timedelta(seconds=HOLD_S / 3)
        rig.engine.tick()
        rig.deliver()
    assert [body["event_action"] for body in pager.bodies] == ["trigger"] and rig.states == ["firing"]
    assert [each["after"] for each in reversed(rig.engine.book.history())] == ["firing", "normal", "firing"]


def test_a_gap_is_no_recovery_and_is_said(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    rig.rules = [store.rule(no_data="keep_last")]
    store.put(0.5)
    store.add(0.1, time=store.now, app="other")
    rig.engine.tick()
    rig.minutes(2)
    for _ in range(40):
        store.add(0.1, time=store.now, app="other")
        rig.minutes()
    assert rig.states == ["firing"] and len(hook.bodies) == 1
    assert "nothing came since 2026-11-30 02:0" in rig.engine.book.alerts()[0]["description"]
    store.put(0.5)
    rig.minutes()
    assert rig.states == ["firing"] and len(hook.bodies) == 1


def test_a_rule_that_is_removed_closes_once_with_the_reason(store: Store, hook: Receiver, pager: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post), PagerDuty("pagerduty", "key", post, url=pager.url))
    store.put(0.5)
    rig.engine.tick()
    rig.minutes()
    rig.rules = []
    rig.minutes(3)
    assert [body["status"] for body in hook.bodies] == ["firing", "resolved"]
    assert hook.bodies[1]["reason"] == "the rule was removed"
    assert [body["event_action"] for body in pager.bodies] == ["trigger", "resolve"]
    assert "Why it is over: the rule was removed." in pager.bodies[1]["payload"]["custom_details"]["notes"]
    assert pager.bodies[0]["dedup_key"] == pager.bodies[1]["dedup_key"]
    assert not rig.engine.book.rules and not rig.engine.book.evaluated


def test_a_rule_that_is_edited_keeps_identity_and_start(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    store.put(0.5)
    rig.engine.tick()
    rig.minutes()
    before = next(iter(rig.engine.book.incidents.items()))
    for change in ({}, {"title": "Answers that are bad"}, {"above": 0.3}, {"window_s": 240}):
        rig.rules = [store.rule(**change)]
        store.put(0.5)
        rig.minutes()
    ((id, incident),) = rig.engine.book.incidents.items()
    assert (id, incident.opened) == (before[0], before[1].opened) and len(hook.bodies) == 1


def test_one_rules_failure_touches_it_alone(store: Store) -> None:
    rig = Rig(store)
    broken = store.rule(uid="broken", queries={"A": "SELECT nothing FROM {table}", "N": "SELECT 1"})
    refused = replace(store.rule(uid="refused"), above=float("inf"))
    unknown = store.rule(uid="unknown", summary="{{ $labels.tenant }}")
    rig.rules = [replace(broken, error="keep_last"), refused, unknown, store.rule()]
    store.put(0.5)
    rig.engine.tick = _tolerant(rig.engine)
    rig.engine.tick()
    rig.minutes()
    by_rule = {alert["rule"]: alert for alert in rig.engine.book.alerts()}
    assert by_rule["watchline-bad-answers"]["state"] == "firing"
    assert {name: by_rule[name]["state"] for name in ("broken", "refused", "unknown")} == dict.fromkeys(
        ("broken", "refused", "unknown"), "error"
    )
    assert "no number is beyond it" in by_rule["refused"]["description"]
    assert "its texts name tenant" in by_rule["unknown"]["description"]


def _tolerant(engine: Engine) -> Callable[[], bool]:
    """As `Queries` of streams: what ClickHouse refuses is an error of ours."""
    store, tick = engine._queries, engine.tick
    ask = store.query

    def query(sql: str, parameters: Mapping[str, str] | None = None) -> Any:
        try:
            return ask(sql, parameters)
        except Exception as error:
            raise ConfigurationError(str(error)[:100]) from None

    store.query = query  # type: ignore[method-assign]
    return tick


def test_the_store_away_keeps_what_is(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    store.put(0.5)
    rig.engine.tick()
    rig.minutes()
    store.failing = "ClickHouse is not reachable"
    rig.minutes(10)
    assert rig.states == ["firing", "error"] and len(hook.bodies) == 1
    assert "error, kept" in rig.engine.book.alerts()[0]["description"]
    store.failing = ""
    store.put(0.5)
    rig.minutes()
    assert rig.states == ["firing"] and len(hook.bodies) == 1


def test_windows_that_nobody_evaluated_are_made_up_for_or_named(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post))
    store.put(0.1)
    rig.engine.tick()
    for minute in range(150, 170):  # it was bad for 20 minutes while nobody looked
        store.add(0.9, time=START + timedelta(minutes=minute))
    store.now = START + timedelta(minutes=200)
    rig.engine = rig.start()
    rig.engine.tick()
    rig.deliver()
    lost = [each["reason"] for each in rig.engine.book.history() if each["reason"].startswith("not evaluated")]
    assert lost == ["not evaluated from 2026-11-30 02:01:00 UTC to 2026-11-30 04:20:00 UTC"]
    (body,) = hook.bodies
    assert (body["kind"], body["status"]) == ("over", "resolved")
    assert body["began"] == "2026-11-30T04:30:00Z" and body["ended"] == "2026-11-30T04:55:00Z"


def test_an_unfinished_window_is_not_judged(store: Store) -> None:
    rig = Rig(store)
    rig.rules = [store.rule(ends="watermark")]
    complete = START - timedelta(minutes=30)
    rig.engine._watermark = lambda: complete
    store.put(0.9, minutes=20)  # all of it after the watermark
    rig.engine.tick()
    rig.minutes(3)
    assert rig.states == []
    complete = store.now
    rig.minutes(1)
    assert rig.states == ["pending"]
    rig.minutes(5)  # the watermark stands still: the same window is no second proof
    assert rig.states == ["pending"]
    assert rig.engine.book.alerts()[0]["to"] == "2026-11-30T02:03:00Z"


def test_silenced_then_told_when_the_silence_ends(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    book = rig.engine.book
    rig.engine.tick()
    id = book.silence(["app=shop"], store.now + timedelta(hours=1), "ann", "known")
    store.put(0.5)
    rig.minutes(3)
    assert [alert["silenced_by"] for alert in book.alerts()] == [id] and not hook.bodies
    assert book.preview(["app=shop"]) == book.alerts() and book.preview(["app=shop", "model=large"]) == []
    assert book.preview(["rule=watchline-bad-answers"]) == book.alerts()
    book.end_silence(id, "bob")
    store.put(0.5)
    rig.minutes()
    assert len(hook.bodies) == 1 and book.silences()[0]["ended_by"] == "bob"


def test_acknowledged_before_the_second_step(store: Store, hook: Receiver, pager: Receiver) -> None:
    first, second = Slack("slack", hook.url, post), Slack("phone", pager.url, post)
    rig = Rig(store, first, second, second_steps=[Step("phone", 60.0)], repeat_s=600.0)
    store.put(0.5)
    rig.engine.tick()
    rig.minutes()
    assert (len(hook.bodies), len(pager.bodies)) == (1, 0)
    # By another process: the page, or the command line.
    other = MemoryJournal(rig.log)
    alert = rig.engine.book.alerts()[0]
    other.append({f"ack/{next(iter(rig.engine.book.incidents))}": {"who": "ann", "at": 0.0}})
    for _ in range(15):
        store.put(0.5)
        rig.minutes()
    assert (len(hook.bodies), len(pager.bodies)) == (1, 0)
    assert rig.engine.book.alerts()[0]["acknowledged_by"] == "ann"
    store.put(0.9)
    rig.minutes()
    assert len(hook.bodies) == 2 and alert["acknowledged_by"] is None


def test_not_acknowledged_it_goes_on(store: Store, hook: Receiver, pager: Receiver) -> None:
    first, second = Slack("slack", hook.url, post), Slack("phone", pager.url, post)
    rig = Rig(store, first, second, second_steps=[Step("phone", 60.0)], repeat_s=600.0)
    store.put(0.5)
    rig.engine.tick()
    for _ in range(13):
        rig.minutes()
        store.put(0.5)
    assert (len(hook.bodies), len(pager.bodies)) == (2, 2)


def test_a_channel_that_was_away(store: Store, hook: Receiver, pager: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post), Webhook("other", pager.url, post))
    rig.rules = [store.rule(for_s=0)]
    hook.answer = lambda path, body: (503, {}, b"")
    for number in range(6):  # six begin and end, each told to the other channel
        store.put(0.5, app=f"app{number}")
        rig.minutes()
        store.put(0.1, app=f"app{number}")
        rig.minutes(3)
    store.put(0.5)
    rig.minutes()
    assert len(pager.bodies) == 13
    hook.bodies.clear()
    hook.answer = lambda path, body: (200, {}, b"")
    for courier in rig.engine.couriers:
        courier._not_before = 0.0
    rig.deliver()
    assert [body["kind"] for body in hook.bodies] == ["began", "missed"]
    assert hook.bodies[1]["count"] == 6 and hook.bodies[1]["status"] == "resolved"


def test_over_when_it_is_delivered_says_began_and_ended(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post))
    rig.rules = [store.rule(for_s=0)]
    hook.answer = lambda path, body: (503, {}, b"")
    store.put(0.5)
    rig.minutes()
    store.put(0.1)
    rig.minutes(4)
    hook.bodies.clear()
    hook.answer = lambda path, body: (200, {}, b"")
    rig.engine.couriers[0]._not_before = 0.0
    rig.deliver()
    (body,) = hook.bodies
    assert (body["kind"], body["status"]) == ("over", "resolved") and body["text"].startswith("Over: ")
    assert body["began"] and body["ended"]


def test_metrics_are_there_from_the_start_and_say_what_came(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    rig.rules = [store.rule(), store.rule(uid="broken", queries={"A": "SELECT nothing"})]
    with EngineMetrics(rig.engine.measures).served("127.0.0.1", 0) as address:

        def value(name: str, **labels: str) -> float:
            with urlopen(address, timeout=10) as answer:
                families = text_string_to_metric_families(answer.read().decode())
            samples = [each for family in families for each in family.samples]
            (found,) = (each.value for each in samples if each.name == name and each.labels == labels)
            return float(found)

        for rule in ("watchline-bad-answers", "broken"):
            assert value("watchline_rule_evaluations_total", rule=rule) == 0
        for outcome in ("sent", "failed", "given_up"):
            assert value("watchline_notifications_total", channel="slack", outcome=outcome) == 0
        assert value("watchline_alerts", state="firing", severity="critical") == 0
        assert value("watchline_notification_wait_seconds_count", channel="slack") == 0
        assert value("watchline_rules_evaluator") == 0
        store.put(0.9)
        rig.engine.tick()
        hook.answer = lambda path, body: (500, {}, b"")
        rig.minutes()
        assert value("watchline_notifications_total", channel="slack", outcome="failed") > 1
        hook.answer = lambda path, body: (200, {}, b"")
        rig.engine.couriers[0]._not_before = 0.0
        store.put(0.9)
        rig.minutes()
        assert value("watchline_rules_evaluator") == 1 and value("watchline_rules_run_seconds") > 0
        assert value("watchline_rules_last_run_age_seconds") < 60
        assert value("watchline_rule_evaluations_total", rule="broken") == 3
        assert value("watchline_rule_failures_total", rule="broken") == 3
        assert value("watchline_rule_failures_total", rule="watchline-bad-answers") == 0
        assert value("watchline_alerts", state="firing", severity="critical") == 1
        assert value("watchline_alerts", state="error", severity="warning") == 1
        assert value("watchline_notifications_total", channel="slack", outcome="sent") == len(hook.bodies) - value(
            "watchline_notifications_total", channel="slack", outcome="failed"
        )
        waited = {bound: value("watchline_notification_wait_seconds_bucket", channel="slack", le=bound) for bound in
                  ("1.0", "3600.0", "+Inf")}  # fmt: skip
        assert waited["1.0"] < waited["3600.0"] == waited["+Inf"]  # it was tried in vain for a minute of the rig's
        assert value("watchline_notification_wait_seconds_sum", channel="slack") >= 60


def test_a_dead_channel_holds_nobody_up(store: Store, hook: Receiver, pager: Receiver) -> None:
    with ExitStack() as stack:
        rig = Rig(store, Webhook("dead", hook.url, partial(post, timeout_s=0.2)), Slack("slack", pager.url, post))
        rig.rules = [store.rule(uid=f"r{number}", about=f"{number}", for_s=0) for number in range(20)]
        hook.answer = lambda path, body: (time.sleep(1.0), (200, {}, b""))[1]
        for courier in rig.engine.couriers:
            courier.start()
            stack.callback(courier.stop)
        store.put(0.5, minutes=1)
        began = time.monotonic()
        store.now += timedelta(minutes=1)
        rig.engine.tick()
        took = time.monotonic() - began
        wait_until(lambda: len(pager.bodies) == 20)
        assert rig.engine.book.trouble() == []
        assert hook.most_open <= 6  # the server's, which sleeps on after the client has gone
        wait_until(lambda: rig.engine.health()["channels"]["dead"]["failed"] > 1)
        store.now += timedelta(minutes=1)
        rig.engine.tick()
        (sentence,) = rig.engine.book.trouble()
        assert sentence.startswith("Channel dead has taken nothing for") and "no answer within 0.2 s" in sentence
        health = rig.engine.health()["channels"]
        assert health["dead"]["last_error"] == "no answer within 0.2 s" and not health["slack"]["last_error"]
        assert took < 5


def test_incomplete_is_said(store: Store) -> None:
    rig = Rig(store)
    queries = {**RULE.queries, "coverage": "SELECT 0.6 AS value"}
    rig.rules = [store.rule(for_s=0, queries=queries, least_coverage=0.9)]
    store.put(0.5)
    rig.engine.tick()
    assert (
        "Incomplete: 60% of what was planned was checked, less than 90%." in rig.engine.book.alerts()[0]["description"]
    )


def test_details_are_asked_once_with_the_labels(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    details = f"SELECT max(value) AS before FROM {store.table} WHERE app = {{app:String}} AND $__timeFilter(time)"
    rig.rules = [store.rule(for_s=0, details=details)]
    store.put(0.5)
    rig.engine.tick()
    rig.deliver()
    assert rig.engine.book.alerts()[0]["details"] == {"before": 0.5}
    assert "before: 0.5" in hook.bodies[0]["blocks"][1]["text"]["text"]
    asked = store.asked
    rig.minutes()
    assert store.asked - asked == 2  # the two queries
    assert rig.engine.book.alerts()[0]["details"] == {"before": 0.5}


def test_a_rule_without_a_row_says_so_in_words(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Slack("slack", hook.url, post))
    rig.rules = [store.rule(for_s=0, no_data="alerting", error="alerting")]
    rig.engine.tick()
    rig.deliver()
    assert hook.bodies[0]["text"].startswith("[Warning] Bad answers: nothing came in the window")
    store.failing = "ClickHouse is not reachable at the address"
    rig.minutes()
    assert [alert["summary"] for alert in rig.engine.book.alerts() if alert["state"] == "firing"] == ["its query fails"]


def test_a_flood_fits_into_what_kafka_takes_and_is_counted(store: Store, hook: Receiver) -> None:
    rig = Rig(store, Webhook("webhook", hook.url, post))
    rig.rules = [store.rule(for_s=0, description=9000 * "y")]
    store.put(0.5, models=[f"m{number:04}" for number in range(700)], minutes=1)
    rig.minutes()
    assert max(len(json.dumps(record)) for _, _, record in rig.log.entries) < 900_000
    (rule,) = rig.engine.book.rules.values()
    assert len(rule["alerts"]) + rule["left_out"] == 700
    assert hook.bodies[0]["count"] > 400
    rig.engine = rig.start()
    rig.minutes()
    assert len(hook.bodies) == 1


def test_a_slow_rule_is_asked_less_often(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(store)
    store.put(0.9)
    ask = store.query
    monkeypatch.setattr(store, "query", lambda *args: (time.sleep(0.6), ask(*args))[1])
    rig.rules = [store.rule(interval_s=1)]
    rig.engine.tick()
    asked = store.asked
    store.now += timedelta(seconds=4)
    rig.engine.tick()
    assert store.asked == asked
    store.now += timedelta(seconds=10)
    rig.engine.tick()
    assert store.asked == asked + 2  # once, and nothing is made up for


def test_null_is_no_zero(store: Store) -> None:
    rig = Rig(store)
    rig.rules = [store.rule(for_s=0, above=None, below=0.1, critical_beyond=None)]
    store.put(None)
    rig.engine.tick()
    assert rig.states == []
