"""What is one incident, and what a channel is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from watchline.dashboards.definitions import OF_WATCHLINE
from watchline.dashboards.engine.grouping import (
    HOLD_S,
    JOIN_S,
    MOST_PARTS,
    SPREAD_S,
    Incident,
    Part,
    Told,
    add,
    content,
    end,
    heard,
    home,
    opened,
    repeat,
    settle,
    wanted,
)


def part(
    model: str, severity: str = "warning", started: float = 0.0, *, app: str = "shop", rule: str = "r", **of: Any
) -> Part:
    at = (("app", app), ("environment", "production"), ("model", model))
    return Part(rule=rule, labels=at, severity=severity, started=started, **{"summary": f"{model} bad", **of})


def incident(*parts: Part) -> Incident:
    first, *others = parts
    found = opened(first, 0.0)
    for each in others:
        found = add(found, each, 0.0)
    return found


def all_of(of: Incident) -> list[Part]:
    return heard(of, lambda part: False)


def told(of: Incident, channel: str = "slack", *, ended: bool = False) -> Incident:
    return replace(of, told={**of.told, channel: Told(of.news, content(all_of(of)), 0.0, ended)})


def test_what_is_kept_is_what_was() -> None:
    was = told(replace(incident(part("a"), part("b", "critical")), owed=("slack",)))
    assert Incident.of(json.loads(json.dumps(was.record()))) == was


def test_a_later_part_is_added_without_a_new_page() -> None:
    twelve = told(told(incident(*(part(f"m{number}") for number in range(12)))), "pagerduty")
    assert len(all_of(twelve)) == 12 and wanted(twelve, "slack", all_of(twelve), 10) is None
    thirteen = add(twelve, part("m12", started=30.0), 30.0)
    assert wanted(thirteen, "slack", all_of(thirteen), 30) is None
    assert wanted(thirteen, "pagerduty", all_of(thirteen), 30, updates=True) == "update"


def test_a_part_that_ended_leaves_the_text() -> None:
    two = told(incident(part("a"), part("b")), "pagerduty")
    one = end(two, part("a").key, 60.0)
    assert [each.summary for each in all_of(one)] == ["b bad"] and one.quiet_since is None
    assert wanted(one, "pagerduty", all_of(one), 60, updates=True) == "update"


def test_fires_clears_and_fires_within_the_hold_is_one_notification() -> None:
    first = told(incident(part("a")))
    cleared = end(first, part("a").key, 10.0)
    assert wanted(cleared, "slack", all_of(cleared), 20, updates=True) is None
    assert settle(cleared, 20.0) is cleared
    back = add(cleared, part("a", started=30.0), 30.0)
    assert settle(back, 500.0) is back and back.lasting[0].started == 0.0
    assert wanted(back, "slack", all_of(back), 500, updates=True) is None


def test_it_is_closed_once_after_the_hold() -> None:
    over = settle(end(told(incident(part("a"))), part("a").key, 10.0), 10.0 + HOLD_S)
    assert over.closed == 10.0 and wanted(over, "slack", all_of(over), 100) == "ended"
    assert wanted(told(over, ended=True), "slack", [], 100) is None
    assert wanted(over, "never told", [], 100) is None
    assert wanted(replace(over, owed=("away",)), "away", [], 100) == "over"


def test_a_raised_severity_is_news_and_a_repeated_one_is_not() -> None:
    first = told(incident(part("a")))
    raised = add(first, part("a", "critical"), 60.0)
    assert wanted(raised, "slack", all_of(raised), 60, acknowledged=True) == "again"
    raised = told(raised)
    lower = add(raised, part("a"), 120.0)
    assert lower.severity == "warning" and wanted(lower, "slack", all_of(lower), 120) is None
    assert wanted(lower, "slack", all_of(lower), 120, updates=True) == "update"
    assert wanted(add(lower, part("a", "critical"), 180.0), "slack", all_of(lower), 180) is None
    assert first.key == raised.key == lower.key == opened(part("b", rule="another"), 9e9).key


def test_acknowledged_it_is_neither_repeated_nor_handed_on() -> None:
    first = told(incident(part("a")))
    assert repeat(first, 3600.0, every_s=3600, acknowledged=False).news == first.news + 1
    assert repeat(first, 3600.0, every_s=3600, acknowledged=True) is first
    assert repeat(first, 3600.0, every_s=0, acknowledged=False) is first
    steps = {"after_s": 60.0}
    assert wanted(first, "phone", all_of(first), 59, **steps) is None
    assert wanted(first, "phone", all_of(first), 60, **steps) == "began"
    assert wanted(first, "phone", all_of(first), 60, **steps, acknowledged=True) is None


def test_what_is_silenced_is_not_told() -> None:
    both = incident(part("a"), part("b"))
    parts = heard(both, lambda each: dict(each.labels)["model"] == "a")
    assert [each.summary for each in parts] == ["b bad"]
    assert wanted(both, "slack", heard(both, lambda each: True), 0) is None


def test_a_flood_is_counted() -> None:
    flood = incident(*(part(f"m{number}") for number in range(MOST_PARTS + 5)))
    assert (len(flood.parts), flood.more) == (MOST_PARTS, 5)
    assert add(flood, part("m202"), 60.0, began=False).more == 5  # it lasts: it isn't one more


def test_rules_of_one_app_have_one_incident_and_harm_has_its_own() -> None:
    first = incident(part("a", rule="quality"))
    assert home([first], part("b", rule="quality, little traffic"), 9e9) is first
    assert home([first], part("b", app="bot"), 9e9) is None
    assert home([first], part("a", rule="toxicity", about="toxicity"), 0.0) is None
    assert home([replace(first, closed=60.0)], part("a", rule="quality"), 60.0) is None


def test_what_another_runbook_is_for_is_news_once_the_first_has_lasted() -> None:
    first = told(incident(part("a", rule="quality", runbook="quality.md")))
    latency = part("a", rule="latency", runbook="latency.md", started=60.0)
    soon = add(first, latency, JOIN_S)
    assert wanted(soon, "slack", all_of(soon), JOIN_S) is None
    late = add(first, latency, JOIN_S + 1)
    assert wanted(late, "slack", all_of(late), JOIN_S + 1) == "again"
    assert add(late, latency, JOIN_S + 2) == replace(late, news=late.news)
    usual = add(first, part("a", rule="quality, unusual", runbook="quality.md"), 9e9)
    assert wanted(usual, "slack", all_of(usual), 9e9) is None
    over = end(late, latency.key, 2 * JOIN_S)
    assert add(over, latency, 3 * JOIN_S).news == late.news
    assert add(over, latency, 3 * JOIN_S + 1).news == late.news + 1


def test_one_cause_in_many_apps_is_one_incident() -> None:
    first = incident(part("a", runbook="quality.md"))
    assert home([first], part("a", app="bot", runbook="quality.md"), SPREAD_S) is first
    assert home([first], part("a", app="bot", runbook="quality.md"), SPREAD_S + 1) is None
    assert home([first], part("a", app="bot", runbook="latency.md"), 0.0) is None
    both = add(first, part("a", app="bot", runbook="quality.md"), 60.0)
    assert home([both], part("z", app="bot", runbook="latency.md"), 9e9) is both


def test_watchline_itself_is_one_incident_whatever_the_app() -> None:
    checks = incident(part("a", rule="failed checks", about=OF_WATCHLINE))
    assert home([checks], part("b", app="bot", rule="no canary", about=OF_WATCHLINE), 9e9) is checks


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_severity_is_of_the_worst_part(severity: str) -> None:
    assert incident(part("a"), part("b", severity)).severity == severity
