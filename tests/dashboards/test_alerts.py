"""The alert rules: well-formed as Grafana's file provisioning wants them, loud on bad data, silent on good."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.seed import seed
from tests.dashboards.test_boards import panels
from watchline.dashboards import rules
from watchline.schemas.errors import ConfigurationError

RULES = {rule["uid"]: rule for rule in rules.load()}
RUNBOOKS = rules.FOLDER.parent / "runbooks"
UNSUPPORTED = RULES["watchline-unsupported-answers"]
NO_DATA = RULES["watchline-no-data"]
NO_CANARY = RULES["watchline-no-canary"]
DEAD_LETTERS = RULES["watchline-dead-letters"]
CONFLICTS = RULES["watchline-conflicts"]
DRIFT = RULES["watchline-drift"]


def test_six_rules_with_uids_of_their_own() -> None:
    assert len(rules.load()) == len(RULES) == 6
    assert all(len(uid) <= 40 for uid in RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_well_formed(rule: dict[str, Any]) -> None:
    refs = [query["refId"] for query in rule["data"]]
    assert len(set(refs)) == len(refs)
    assert rule["condition"] in refs
    assert {"noDataState", "execErrState", "for"} <= set(rule)
    assert "severity" in rule["labels"]
    for query in rule["data"]:
        model = query["model"]
        assert model["refId"] == query["refId"]
        if query["datasourceUid"] == "__expr__":
            assert model["expression"] in refs
        else:
            assert query["datasourceUid"] == "watchline-clickhouse"  # a literal: alert rules take no variable
            assert model["intervalMs"] >= 60_000  # the default is one second
            assert all(isinstance(value, int) for value in query["relativeTimeRange"].values())
            assert not re.search(r"\$\{|\$__conditionalAll|\$(?!__)\w", model["rawSql"])


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_texts_survive_the_interpolation_of_provisioning_files(rule: dict[str, Any]) -> None:
    for text in rule["labels"].values():
        assert not re.search(r"(?<!\$)\$(?!\$)", text)
    for text in rule["annotations"].values():
        assert "${" not in text


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_leads_to_a_panel_and_a_runbook(rule: dict[str, Any]) -> None:
    assert rule["dashboardUid"] == "watchline"
    assert rule["panelId"] in {panel["id"] for panel in panels() if panel["type"] != "row"}
    assert (RUNBOOKS / Path(rule["annotations"]["runbook_url"]).name).is_file()


def test_unsupported_answers_says_what_changed(seeded: Any, now: datetime) -> None:
    (alert,) = rules.evaluate(UNSUPPORTED, seeded, now)
    assert alert.labels["prompt_version"] == "2"
    assert alert.labels["model"] == "small"
    assert alert.labels["before"] == "version 1 on small"
    assert alert.values["B"] == pytest.approx(0.377, abs=0.001)  # Wilson's lower end of 30 in 60
    assert "prompt answer version 2 on small: at least 37.7% of" in alert.summary
    assert "Before it: version 1 on small, with 3.3%." in alert.description
    assert "go back to it" in alert.description


def test_unsupported_answers_is_silent_on_good_data(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("good")
    seed(client, now, unsupported_v2=3)
    assert rules.evaluate(UNSUPPORTED, client, now) == []


def test_unsupported_answers_waits_for_twenty_answers(seeded: Any, now: datetime) -> None:
    early = now - timedelta(minutes=11)  # 13 answers of version 2 by then, all of them unsupported
    assert rules.evaluate(UNSUPPORTED, seeded, early) == []


def test_no_data_is_silent_while_events_come(seeded: Any, now: datetime) -> None:
    assert rules.evaluate(NO_DATA, seeded, now) == []


def test_no_data_says_for_how_long(seeded: Any, now: datetime) -> None:
    (alert,) = rules.evaluate(NO_DATA, seeded, now + timedelta(minutes=25))
    assert alert.values["B"] == pytest.approx(25, abs=1)
    assert f"no interaction for {alert.values['B']:.0f} minutes" in alert.summary


def test_no_data_fires_on_an_empty_database(clickhouse: Callable[..., Any], now: datetime) -> None:
    (alert,) = rules.evaluate(NO_DATA, clickhouse("empty"), now)
    assert "no interaction for 1440 minutes" in alert.summary


def test_no_canary_is_silent_while_they_arrive(seeded: Any, now: datetime) -> None:
    assert rules.evaluate(NO_CANARY, seeded, now) == []


def test_no_canary_names_the_partition_after_five_minutes(seeded: Any, now: datetime) -> None:
    later = now + timedelta(minutes=4, seconds=50)  # the last ones arrived a minute ago, and 5 seconds ago
    (alert,) = rules.evaluate(NO_CANARY, seeded, later)
    assert "partition 0 of raw for 6 minutes" in alert.summary


def test_no_canary_at_all_is_grafanas_no_data(clickhouse: Callable[..., Any], now: datetime) -> None:
    assert rules.evaluate(NO_CANARY, clickhouse("empty"), now) == []
    assert NO_CANARY["noDataState"] == "Alerting"


def test_dead_letters_names_the_app_and_what_has_none(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("letters")
    seed(client, now)  # three, of which two can't be read: a few are no alarm
    assert rules.evaluate(DEAD_LETTERS, client, now) == []
    letters = [("shop", "invalid", 11), ("bank", "invalid", 10), ("", "undecodable", 11)]
    client.insert(
        "dead_letters",
        [
            [now - timedelta(days=1), now - timedelta(minutes=1), "raw", "t", 9, offset, app, kind]
            for number, (app, kind, count) in enumerate(letters)
            for offset in range(100 * number, 100 * number + count)
        ],
        column_names=["time", "stored_at", "topic", "topic_id", "partition", "offset", "app", "kind"],
    )
    shop, unknown = rules.evaluate(DEAD_LETTERS, client, now)
    assert "11 dead letters of the app shop in 15 minutes: invalid" in shop.summary
    assert (unknown.labels["app"], unknown.labels["kind"]) == ("unknown", "undecodable")
    assert rules.evaluate(DEAD_LETTERS, client, now + timedelta(minutes=20)) == []


def test_conflicts_names_the_detector_for_an_hour(seeded: Any) -> None:
    (alert,) = rules.evaluate(CONFLICTS, seeded, datetime.now(UTC) + timedelta(minutes=5))
    assert alert.summary == "12 events came again in the last hour and say otherwise of pii than what is stored"
    assert rules.evaluate(CONFLICTS, seeded, datetime.now(UTC) + timedelta(minutes=65)) == []


def test_drift_says_what_changed_once_it_may_wake_somebody(seeded: Any) -> None:
    soon, later = datetime.now(UTC) + timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=65)
    (alert,) = rules.evaluate(DRIFT, seeded, soon)
    assert alert.summary == "support-bot (production): groundedness of prompt answer went from 0.03 to 0.5"
    assert "what explains it: prompt_version 2. Changes told of in the last hour: 1." in alert.description
    assert rules.evaluate(DRIFT, seeded, later) == []


def test_drift_that_is_only_told_is_silent(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("told")
    seed(client, now)
    client.command("ALTER TABLE signals UPDATE page = false WHERE 1 SETTINGS mutations_sync = 1")
    assert rules.evaluate(DRIFT, client, datetime.now(UTC) + timedelta(minutes=5)) == []


def test_a_template_that_only_grafana_knows_is_an_error(seeded: Any, now: datetime) -> None:
    rule = {**NO_DATA, "annotations": {**NO_DATA["annotations"], "summary": "{{ if true }}x{{ end }}"}}
    with pytest.raises(ConfigurationError, match="template"):
        rules.evaluate(rule, seeded, now + timedelta(minutes=25))
