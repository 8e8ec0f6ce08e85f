"""Rules that are tried once: what they would tell, and why they are silent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.engine.notification import Addresses
from watchline.dashboards.engine.trial import Trial, at_once, tried
from watchline.dashboards.planted import events
from watchline.streams.query.run import Queries

RULES = {rule.uid: rule for rule in all_rules()}
ERRORS = RULES["watchline-errors"]
Try = Callable[..., Trial]


@pytest.fixture(scope="module")
def place(clickhouse: Callable[..., Any]) -> tuple[Queries, datetime]:
    """40 calls of a good app and 40 of one of which a tenth and one fail, in the last ten minutes."""
    client, now = clickhouse("trials"), datetime.now(UTC)
    times = [now - timedelta(seconds=10 + 15 * each) for each in range(40)]
    events(client, times, app="good")
    events(client, times[:5], app="poor", error_type="Timeout")
    events(client, times[5:], app="poor")
    return Queries(client, client.test_database), now


@pytest.fixture
def attempt(place: tuple[Queries, datetime]) -> Try:
    queries, now = place
    return lambda rule, zone="UTC": tried(rule, queries, now, Addresses(zone=zone))


def test_one_that_is_silent_says_how_near_its_nearest_slice_is(attempt: Try) -> None:
    trial = attempt(ERRORS)
    assert (trial.fault, trial.messages) == ("", ()) and 0 < trial.took_s < 30
    assert trial.silent.startswith("nearest is 0.0363 of app=poor, environment=production, model=small; fires above 0")
    below = attempt(replace(ERRORS, above=None, below=-1.0))
    assert "of app=good" in below.silent and below.silent.endswith("; fires below -1")


def test_one_that_fires_has_its_message_without_waiting(attempt: Try, place: tuple[Queries, datetime]) -> None:
    rule = replace(ERRORS, above=0.02, recovery=None, for_s=3600)
    trial = attempt(rule)
    (message,) = trial.messages
    assert not trial.silent and message.head.startswith("Failed calls, poor (production): ")
    (alert,) = at_once([rule], *place).alerts()
    assert (alert["state"], alert["labels"]["app"]) == ("firing", "poor")


def test_one_without_a_row_says_of_which_time_in_the_zone(attempt: Try) -> None:
    trial = attempt(RULES["watchline-drift"], "Asia/Tokyo")
    assert trial.silent.startswith("nothing, or too little, to judge from 20") and trial.silent.endswith(" JST")
    unknown = replace(
        ERRORS, queries={"A": "SELECT 'x' AS app, NULL AS value"}, summary="", description="", details=None
    )
    assert attempt(unknown).silent.startswith("no number can be told from 20")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"above": None}, "refused: has neither a limit"),
        ({"queries": {"A": "SELECT nothing FROM v_findings"}, "description": ""}, "nothing"),
    ],
)
def test_one_that_can_never_fire_or_fails_says_why(attempt: Try, changes: dict[str, Any], words: str) -> None:
    trial = attempt(replace(ERRORS, **changes))
    assert words in trial.fault and not trial.messages and not trial.silent


def test_that_nothing_comes_is_told_where_the_rule_says_so(attempt: Try) -> None:
    (message,) = attempt(RULES["watchline-no-canary"]).messages
    assert message.severity == "critical" and "nothing came in the window" in message.head
