"""Panels and rules of governance, on a month of acts: what waits, what was not allowed, and what has an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dashboards.trail import APP, OPEN
from watchline.dashboards.alert_rules import governance as rules
from watchline.dashboards.boards import governance as panels
from watchline.dashboards.engine.trial import at_once
from watchline.dashboards.macros import Request, expand
from watchline.dashboards.planted import acts, events, insert
from watchline.dashboards.sql import VARIABLES
from watchline.streams.query.run import Queries

PANELS = {panel.title: panel for panel in (*panels.APPROVED, *panels.TRAIL, *panels.TERMS)}
RULES = {rule.uid.removeprefix("watchline-"): rule for rule in rules.RULES}


def shown(title: str, client: Any, now: datetime, **chosen: list[str]) -> list[dict[str, Any]]:
    variables = {**dict.fromkeys(VARIABLES), **chosen}
    request = Request(
        start=now - timedelta(days=60), end=now + timedelta(minutes=5), interval_s=3600, variables=variables
    )
    return list(client.query(expand(PANELS[title].queries["A"], request)).named_results())


def fired(name: str, client: Any, now: datetime) -> list[dict[str, Any]]:
    alerts = at_once([RULES[name]], Queries(client, client.test_database), now + timedelta(seconds=1)).alerts()
    assert not [alert for alert in alerts if alert["state"] == "error"], alerts
    return alerts


def test_the_panels_show_what_people_decided(governed: Any, now: datetime) -> None:
    (waiting,) = shown("Approvals waiting", governed, now)
    assert (waiting["version"], waiting["author"], waiting["approvals"]) == ("4", "anna", 1)
    assert sum(row["answers"] for row in shown("Unapproved prompts served", governed, now)) == 124
    assert [row["model"] for row in shown("Unregistered apps and models", governed, now)] == ["unknown"]
    assert [row["state"] for row in shown("Emergency promotions", governed, now)] == ["overdue"]
    assert len(shown("Refused acts", governed, now)) == 3
    assert shown("Broken links of the trail", governed, now) == [{"broken": 0}]
    assert [(row["reader"], row["reads"]) for row in shown("Reads by person", governed, now)] == [("p9 (claimed)", 2)]
    by_person = shown("Acts by person", governed, now)
    assert sum(row["acts"] for row in by_person if row["actor"] == "ben") == 3
    assert [row["certified"] for row in shown("Erasures", governed, now)] == ["", "complete"]
    states = {
        row["class"]: (row["days_set"], row["days_in_force"], row["state"]) for row in shown("Retention", governed, now)
    }
    assert states == {"text": (0, 30, "default"), "rows": (200, 184, "due"), "metrics": (0, 730, "default")}


@pytest.mark.parametrize("title", [title for title, panel in PANELS.items() if "$app" in panel.queries["A"]])
def test_a_panel_follows_the_chosen_app(title: str, governed: Any, now: datetime) -> None:
    assert shown(title, governed, now, app=[APP])
    assert shown(title, governed, now, app=["other"]) == []


def test_the_rules_fire_on_the_month(governed: Any) -> None:
    fired_by = {name: fired(name, governed, datetime.now(UTC)) for name in RULES}  # refused acts by when they came
    assert fired_by.pop("broken-trail") == []
    assert {name for name, alerts in fired_by.items() if not alerts} == set()
    (overdue,) = fired_by["erasure-overdue"]
    assert (overdue["labels"]["target"], overdue["severity"]) == (f"erasure:{OPEN}", "critical")
    assert int(overdue["values"]["A"]) == 40 * 24
    assert int(fired_by["approvals-waiting"][0]["values"]["A"]) == 3 * 24
    assert fired_by["refused-acts"][0]["values"]["A"] == 3


DRAFT = {"action": "prompt_drafted", "target": "prompt:answer", "content_hash": "aa" * 32, "details": {"app": "shop"}}
IN_PLACE = {"details": {"app": "shop", "environment": "prod"}}


@pytest.mark.parametrize("what", ["promoted", "canaried", "withdrawn", "rolled_back", "replaced"])
def test_what_was_decided_waits_no_more(what: str, clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("decided")
    draft = {**DRAFT, "time": now - timedelta(hours=30)}
    then = {
        **draft,
        **IN_PLACE,
        "action": f"prompt_{what}",
        "target": "prompt:renamed",
        "time": now - timedelta(hours=2),
    }
    if what == "replaced":
        then = {**draft, "content_hash": "bb" * 32, "time": now - timedelta(hours=2)}
    acts(client, draft, {**then, "accepted": False})
    assert len(fired("approvals-waiting", client, now)) == 1
    acts(client, draft, then)
    assert fired("approvals-waiting", client, now) == []


def test_a_draft_of_long_ago_is_left_aside(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("aside")
    acts(client, {**DRAFT, "time": now - timedelta(days=8)})
    assert fired("approvals-waiting", client, now) == []


@pytest.mark.parametrize(("whole", "fires"), [("incomplete", 1), ("pending", 0), ("complete", 0), ("nothing found", 0)])
def test_an_erasure_is_overdue_until_it_is_done(
    whole: str, fires: int, clickhouse: Callable[..., Any], now: datetime
) -> None:
    client, asked = clickhouse("erasing"), {"target": "erasure:0c0c0c0c", "time": now - timedelta(hours=80)}
    done = {**asked, "action": "erasure_certified", "details": {"whole": whole}}
    acts(client, {**asked, "action": "erasure_requested"}, done)
    alerts = fired("erasure-overdue", client, now)
    assert [alert["severity"] for alert in alerts] == ["warning"] * fires


def test_a_review_ends_an_emergency(clickhouse: Callable[..., Any], now: datetime) -> None:
    client, at = clickhouse("reviewed"), {**IN_PLACE, "target": "prompt:answer"}
    promoted = {**at, "action": "emergency_promoted", "time": now - timedelta(hours=60)}
    acts(client, promoted, {**at, "action": "emergency_reviewed", "time": now - timedelta(hours=1)})
    assert fired("emergency-review", client, now) == []


def test_the_trail_is_whole_across_a_clock_that_falls(clickhouse: Callable[..., Any], now: datetime) -> None:
    """The window takes entries by their place: one whose clock was set back isn't missing between two of the window."""
    client, week = clickhouse("clock"), now - timedelta(days=7)
    times = (week + timedelta(minutes=1), week - timedelta(hours=1), now - timedelta(hours=1))
    acts(client, *({"time": time, "action": "exported"} for time in times))
    assert fired("broken-trail", client, now) == []


@pytest.fixture
def kept(clickhouse: Callable[..., Any], now: datetime) -> Iterator[Any]:
    """Texts for 30 days, rows for 60, and of the app `brief` for 40."""
    client = clickhouse("kept")
    days = {("text", ""): 30, ("rows", ""): 60, ("metrics", ""): 90, ("rows", "brief"): 40}
    since = now - timedelta(days=100)
    insert(
        client,
        "retention",
        [{"since": since, "class": kind, "app": app, "days": count} for (kind, app), count in days.items()],
    )
    yield client


def due(client: Any, now: datetime) -> dict[str, float]:
    return {alert["labels"]["kind"]: alert["values"]["A"] for alert in fired("retention-due", client, now)}


def test_rows_and_texts_past_their_end_are_due(kept: Any, now: datetime) -> None:
    def at(*days: int) -> list[datetime]:
        return [now - timedelta(days=day) for day in days]

    text = {"input_messages": [("user", "a question")]}
    events(kept, at(1, 31, 41, 59, 61))  # within two days of their end, or without text
    assert due(kept, now) == {}
    events(kept, at(63, 64, 65))
    events(kept, at(45), app="brief")
    events(kept, at(29, 31, 33, 34), **text)
    assert due(kept, now) == {"rows": 4, "texts": 2}


@pytest.mark.parametrize("held", ["tenant:t1", "app:shop"])
def test_what_a_hold_keeps_is_not_due(held: str, kept: Any, now: datetime) -> None:
    events(kept, [now - timedelta(days=70)])
    hold = {"action": "hold_placed", "target": held, "time": now - timedelta(days=110)}
    acts(kept, {**hold, "details": {"hold": "h0", "until": f"{now - timedelta(days=3):%Y-%m-%d}"}})
    assert due(kept, now) == {"rows": 1}
    acts(kept, {**hold, "details": {"hold": "h1"}})
    assert due(kept, now) == {}
    acts(kept, {"action": "hold_released", "target": "h1", "time": now - timedelta(days=2)})
    assert due(kept, now) == {"rows": 1}


def test_a_hold_that_nobody_has_put_in_force_is_told(kept: Any, now: datetime) -> None:
    acts(
        kept, {"action": "hold_placed", "target": "app:bot", "details": {"hold": "h2"}, "time": now - timedelta(days=1)}
    )
    assert due(kept, now) == {"holds": 1}
    since = now - timedelta(hours=1)
    insert(kept, "retention", [{"since": since, "class": "rows", "app": "", "days": 60}])
    assert due(kept, now) == {}


def test_without_a_retention_in_force_nothing_is_past_it(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("for_ever")
    events(client, [now - timedelta(days=900)])
    assert due(client, now) == {}
