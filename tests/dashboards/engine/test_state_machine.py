"""Each transition that Grafana documents, as a row: what is set, what evaluations gave, in which states that ends."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from watchline.dashboards.engine.state_machine import KEPT_S, Alert, Change, Labels, Outcome, Policy, Reading, step

SHOP, OTHER = (("app", "shop"),), (("app", "other"),)
MINUTE = 60.0
GIVES = {
    "x": Outcome(readings={SHOP: Reading(value=0.9, over=True)}),  # over the limit
    "~": Outcome(readings={SHOP: Reading(value=0.5, over=False, holds=True)}),  # not over it, nor past the recovery
    ".": Outcome(readings={SHOP: Reading(value=0.1, over=False)}),  # not over it
    "?": Outcome(readings={SHOP: Reading(value=None, over=False)}),  # can't be told
    "o": Outcome(readings={OTHER: Reading(value=0.1, over=False)}),  # the series is missing, another is there
    "-": Outcome(),  # no data
    "!": Outcome(failure="the store is away"),
}
SHORT = {"normal": "N", "pending": "P", "firing": "F", "recovering": "R", "no_data": "D", "error": "E"}


def run(policy: Policy, given: str) -> tuple[str, list[Change], dict[Labels, Alert]]:
    """Evaluates each minute; the state of the worst alert after each."""
    alerts: dict[Labels, Alert] = {}
    states, all_changes = "", []
    for number, letter in enumerate(given):
        # As after a restart each time: what is kept goes through JSON.
        alerts = {
            alert.labels: alert for alert in (Alert.of(json.loads(json.dumps(a.record()))) for a in alerts.values())
        }
        alerts, changes = step(policy, alerts, GIVES[letter], at=number * MINUTE)
        states += max((SHORT[alert.state] for alert in alerts.values()), key="NPRDEF".index, default="N")
        all_changes += changes
    return states, all_changes, alerts


@pytest.mark.parametrize(
    ("settings", "given", "states"),
    [
        # Pending period.
        ({}, ".x.", "NFN"),
        ({"for_s": 60}, "xx", "PF"),
        ({"for_s": 120}, "xxx.", "PPFN"),
        ({"for_s": 120}, "xx.x", "PPNP"),
        # Keep firing for: recovering, and back without a wait.
        ({"keep_firing_for_s": 120}, "x...", "FRRN"),
        ({"keep_firing_for_s": 120}, "x..x", "FRRF"),
        ({"keep_firing_for_s": 120, "for_s": 60}, "xx.x", "PFRF"),
        ({"keep_firing_for_s": 120, "for_s": 60}, "x.x", "PNP"),
        # Recovery threshold: what fires or waits to goes on, nothing begins.
        ({}, "~x~~.~", "NFFFNN"),
        ({"for_s": 120}, "x~~.", "PPFN"),
        ({"keep_firing_for_s": 120}, "x.~~", "FRRN"),
        # No data.
        ({"no_data": "ok"}, "x-", "FN"),
        ({"no_data": "ok", "keep_firing_for_s": 60}, "x--", "FRN"),
        ({"no_data": "alerting"}, "-", "F"),
        ({"no_data": "alerting", "for_s": 60}, "--", "PF"),
        ({"no_data": "alerting"}, ".-", "NF"),
        ({"no_data": "keep_last"}, "x--x.", "FFFFN"),
        ({"no_data": "keep_last"}, ".-", "NN"),
        ({"no_data": "keep_last", "for_s": 120}, "x--", "PPF"),
        ({"no_data": "own_alert"}, "-", "D"),
        ({"no_data": "own_alert"}, "--.", "DDD"),
        ({"no_data": "own_alert"}, "-..", "DDN"),
        ({"no_data": "own_alert"}, "x--", "FFD"),
        # A number that can't be told is no data of that series.
        ({"no_data": "ok"}, "x?", "FN"),
        ({"no_data": "keep_last"}, "x?", "FF"),
        ({"no_data": "alerting"}, "?", "F"),
        # Error.
        ({"error": "keep_last"}, "x!.", "FFN"),
        ({"error": "keep_last"}, "!", "N"),
        ({"error": "ok"}, "x!", "FN"),
        ({"error": "alerting", "for_s": 60}, "!!", "PF"),
        ({"error": "own_alert"}, "!", "E"),
        ({"error": "own_alert"}, "!..", "EEN"),
        # Missing series: resolved by the second evaluation without it, or what is set.
        ({}, "xo", "FF"),
        ({}, "xoo", "FFN"),
        ({}, "xoxo", "FFFF"),
        ({"missing_evaluations": 1}, "xo", "FN"),
        ({"missing_evaluations": 4}, "xoooo", "FFFFN"),
        ({"for_s": 600}, "xoo", "PPN"),
        # Where no data keeps the last state, a gap is no recovery, whoever else is there.
        ({"no_data": "keep_last"}, "x" + 40 * "o" + "x", 42 * "F"),
        ({"no_data": "keep_last", "keep_firing_for_s": 600}, "x.-.", "FRRR"),
    ],
)  # fmt: skip
def test_transitions(settings: dict[str, float], given: str, states: str) -> None:
    assert run(Policy(**settings), given)[0] == states


def told(changes: Sequence[Change]) -> str:
    return "".join("b" if change.began else "e" if change.ended else "" for change in changes)


@pytest.mark.parametrize(
    ("settings", "given", "expected"),
    [
        ({"for_s": 60}, "xxxx..", "be"),
        ({"for_s": 60}, "x.x.", ""),
        ({"keep_firing_for_s": 180}, "x.x.x....", "be"),
        ({"error": "own_alert"}, "!..", "be"),
        ({"no_data": "own_alert"}, "-..", "be"),
        ({}, "xoo", "be"),
        ({"no_data": "keep_last"}, "x" + 40 * "o" + "x", "b"),
    ],
)
def test_people_are_told_once_that_it_began_and_once_that_it_ended(
    settings: dict[str, float], given: str, expected: str
) -> None:
    assert told(run(Policy(**settings), given)[1]) == expected


def test_the_start_stays_and_what_is_missing_is_said() -> None:
    _, _, alerts = run(Policy(for_s=120, no_data="keep_last"), "xxxxooo")
    (alert,) = alerts.values()
    assert (alert.started, alert.since, alert.seen) == (0, 2 * MINUTE, 3 * MINUTE)
    assert (alert.missing, alert.reason) == (3, "nothing came")


def test_what_never_comes_again_ends_after_a_day() -> None:
    alerts, _ = step(Policy(no_data="keep_last"), {}, GIVES["x"], at=0)
    kept, changes = step(Policy(no_data="keep_last"), alerts, GIVES["o"], at=KEPT_S - 1)
    assert kept and not changes
    gone, (change,) = step(Policy(no_data="keep_last"), kept, GIVES["o"], at=KEPT_S)
    assert not gone and change.ended and change.reason == "nothing came"


def test_two_series_are_two_alerts() -> None:
    both = Outcome(readings={SHOP: Reading(value=1, over=True), OTHER: Reading(value=1, over=True)})
    alerts, changes = step(Policy(), {}, both, at=0)
    assert len(alerts) == 2 and told(changes) == "bb"
    alerts, changes = step(Policy(), alerts, GIVES["x"], at=MINUTE)
    assert len(alerts) == 2 and not changes
    alerts, changes = step(Policy(), alerts, GIVES["x"], at=2 * MINUTE)
    assert [*alerts] == [SHOP] and told(changes) == "e"
