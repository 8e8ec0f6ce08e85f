"""The alert rules: well-formed as Grafana's file provisioning wants them, loud on bad data, silent on good."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.dashboards.seed import seed
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.evaluator import evaluate, policy
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.dashboards.engine.notification import Addresses
from watchline.dashboards.engine.state_machine import Alert, step
from watchline.dashboards.engine.trial import at_once, told
from watchline.dashboards.grafana.rules import documents
from watchline.dashboards.macros import Request, expand
from watchline.dashboards.planted import APART, DETECTORS, PLANTS, canaries, events, good, insert, refresh
from watchline.schemas.errors import TransientError
from watchline.streams.query.run import Queries

RULES = {rule.uid: rule for rule in all_rules()}
FOR_GRAFANA = {
    rule["uid"]: rule
    for file in documents(RULES.values()).values()
    for group in file["groups"]
    for rule in group["rules"]
}
UNSUPPORTED = RULES["watchline-unsupported-answers"]
NO_CANARY = RULES["watchline-no-canary"]
LAG = RULES["watchline-lag"]


def firing(rule: Rule, client: Any, now: datetime) -> list[dict[str, Any]]:
    """What the engine would tell of at a time, had the rule not to wait."""
    alerts = at_once([rule], Queries(client, client.test_database), now).alerts()
    assert not [alert for alert in alerts if alert["state"] == "error"], alerts
    return alerts


@pytest.fixture(scope="module")
def well(clickhouse: Callable[..., Any]) -> tuple[Any, datetime]:
    client, now = clickhouse("good"), datetime.now(UTC)
    good(client, now)
    return client, now


@pytest.fixture(scope="module")
def ill(clickhouse: Callable[..., Any]) -> tuple[Any, datetime]:
    """What every rule but those `APART` fires on."""
    client, now = clickhouse("bad"), datetime.now(UTC)
    good(client, now)
    for plant in dict.fromkeys(plant.plant for uid, plant in PLANTS.items() if uid not in APART):
        plant(client, now)
    return client, now


@pytest.fixture(scope="module")
def late(clickhouse: Callable[..., Any]) -> tuple[Any, datetime]:
    client, now = clickhouse("late"), datetime.now(UTC)
    good(client, now)
    for uid in APART:
        PLANTS[uid].plant(client, now)
    return client, now


def test_every_rule_has_a_planter_and_those_that_were_there_their_uid() -> None:
    assert set(PLANTS) == set(RULES) == set(FOR_GRAFANA)
    names = ("unsupported-answers", "drift", "no-data", "conflicts", "no-canary", "dead-letters")
    assert {f"watchline-{name}" for name in names} <= set(RULES)


@pytest.mark.parametrize("rule", FOR_GRAFANA.values(), ids=list(FOR_GRAFANA))
def test_well_formed(rule: dict[str, Any]) -> None:
    refs = [query["refId"] for query in rule["data"]]
    assert len(set(refs)) == len(refs)
    assert rule["condition"] in refs
    assert {"noDataState", "execErrState", "for", "keepFiringFor"} <= set(rule)
    assert rule["labels"]["severity"] in ("warning", "critical")
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
    asked = [query["model"]["rawSql"] for query in rule["data"] if query["datasourceUid"] != "__expr__"]
    assert sorted(asked) == sorted(f"{sql}\n" for sql in RULES[rule["uid"]].queries.values())


@pytest.mark.parametrize("rule", FOR_GRAFANA.values(), ids=list(FOR_GRAFANA))
def test_texts_survive_the_interpolation_of_provisioning_files(rule: dict[str, Any]) -> None:
    for text in (rule["title"], *rule["labels"].values()):
        assert not re.search(r"(?<!\$)\$(?!\$)", text)
    for text in rule["annotations"].values():
        assert "${" not in text


@pytest.mark.parametrize("uid", RULES)
def test_silent_on_good_data(uid: str, well: tuple[Any, datetime]) -> None:
    client, now = well
    assert firing(RULES[uid], client, now + timedelta(seconds=1)) == []


@pytest.mark.parametrize("uid", RULES)
def test_loud_on_bad_data(uid: str, request: pytest.FixtureRequest) -> None:
    client, now = request.getfixturevalue("late" if uid in APART else "ill")
    planted = PLANTS[uid]
    alerts = firing(RULES[uid], client, now + planted.later)
    (alert,) = (alert for alert in alerts if planted.labels.items() <= alert["labels"].items())
    for text in (alert["summary"], alert["description"]):
        assert text and not re.search(r"\{\{|nil|no value|\bnan\b|\binf\b", text), text
    details = RULES[uid].details
    if details is not None:
        window = Request(start=now - timedelta(seconds=RULES[uid].window_s), end=now + planted.later)
        assert client.query(expand(details, window), parameters=alert["labels"]).row_count == 1


def test_unsupported_answers_says_which_version_and_how_the_others_were(seeded: Any) -> None:
    assert firing(UNSUPPORTED, seeded, _now_of(seeded)) == []  # half of 60 may be less than 35 %
    (alert,) = firing(replace(UNSUPPORTED, above=0.3), seeded, _now_of(seeded))
    assert set(alert["labels"]) == {"app", "environment", "prompt_name", "prompt_version", "model"}
    assert (alert["labels"]["prompt_version"], alert["labels"]["model"]) == ("2", "small")
    assert alert["values"]["A"] == pytest.approx(0.319, abs=0.001)  # Wilson's lower end of 30 in 60
    assert "prompt answer version 2 on small: at least 31.94% of" in alert["summary"]
    assert "50% of 60 scored" in alert["description"]
    assert "in the day before: 3.33%." in alert["description"]


def _now_of(client: Any) -> datetime:
    (last,) = client.query("SELECT max(time) FROM v_interactions").result_rows[0]
    return last.replace(tzinfo=UTC) + timedelta(seconds=15)


@pytest.mark.slow
def test_two_models_side_by_side_keep_their_labels(clickhouse: Callable[..., Any]) -> None:
    """A fault of an earlier rule: each named the other as the one before it, by turns, and so was another alert."""
    client, now = clickhouse("flap"), datetime.now(UTC)
    for number, model in enumerate(("small", "large")):
        times = [now - timedelta(seconds=10 + number + 20 * each) for each in range(180)]
        for flagged in (["groundedness"], []):
            events(client, times if flagged else times[::2], flagged=flagged, app="flap", model=model)
    seen = set()
    for minute in range(0, 30, 3):
        alerts = firing(UNSUPPORTED, client, now - timedelta(minutes=minute))
        assert len(alerts) == 2
        seen |= {tuple(sorted(alert["labels"].items())) for alert in alerts}
    assert len(seen) == 2


def test_few_answers_are_not_judged_and_a_slice_is_quiet_once_its_latest_are_good(
    clickhouse: Callable[..., Any],
) -> None:
    slow = RULES["watchline-unsupported-answers-slow"]
    client, now = clickhouse("few"), datetime.now(UTC)
    four = [now - timedelta(minutes=3 * each + 1) for each in range(4)]
    events(client, four, flagged=["groundedness"], app="night")
    assert firing(UNSUPPORTED, client, now) == firing(slow, client, now) == []
    bad = [now - timedelta(hours=10, minutes=3 * each) for each in range(40)]
    fine = [now - timedelta(minutes=10 * each + 1) for each in range(30)]
    events(client, bad, flagged=["groundedness"], app="mended")
    (alert,) = firing(slow, client, now)
    assert alert["labels"]["app"] == "mended"
    assert alert["values"]["answers"] == 30
    events(client, fine, app="mended")
    assert firing(slow, client, now) == []


def numbers(rule: Rule, client: Any, at: datetime, label: str) -> dict[str, float | None]:
    found = evaluate(rule, Queries(client, client.test_database), at, at).outcome
    assert not found.failure
    return {dict(labels)[label]: reading.value for labels, reading in found.readings.items()}


def test_a_version_that_is_rolled_back_is_over_and_one_that_is_silent_like_all_is_not(
    clickhouse: Callable[..., Any],
) -> None:
    slow = RULES["watchline-unsupported-answers-slow"]
    client, now = clickhouse("rolled_back"), datetime.now(UTC)
    back = now - timedelta(minutes=30)
    bad = [back - timedelta(seconds=20 * each) for each in range(180)]
    events(client, bad, flagged=["groundedness"], app="shop", prompt_version="2")
    (alert,) = firing(UNSUPPORTED, client, back)
    assert alert["labels"]["prompt_version"] == "2"
    assert numbers(UNSUPPORTED, client, back + timedelta(minutes=14), "prompt_version") == {}  # few: what fires is kept
    assert {*numbers(slow, client, now + timedelta(minutes=35), "prompt_version")} == {"2"}
    events(client, [back + timedelta(seconds=20 * each) for each in range(90)], app="shop", prompt_version="1")
    soon = numbers(UNSUPPORTED, client, back + timedelta(minutes=6), "prompt_version")
    assert soon["2"] == 0
    assert "2" not in numbers(slow, client, now + timedelta(minutes=35), "prompt_version")


@pytest.mark.slow
def test_chance_in_one_of_many_slices_is_no_alert(clickhouse: Callable[..., Any]) -> None:
    """A fault of an earlier version: intervals of 95 %, and slices that are judged each minute."""
    leaks, slower = RULES["watchline-leaked-personal-data"], RULES["watchline-latency-unusual"]
    client, now, rng = clickhouse("many"), datetime.now(UTC).replace(minute=35), random.Random(1)
    others = {*DETECTORS} - {"pii"}
    for number in range(100):
        app = f"app-{number}"
        lately = [now - timedelta(seconds=30 * each) for each in range(25)]
        bad = [time for time in lately if rng.random() < 0.03]
        for flagged, times in ((["pii"], bad), ([], [time for time in lately if time not in bad])):
            events(client, times, flagged=flagged, missing=[*others], app=app)
        events(
            client,
            [now - timedelta(days=1 + each % 7, seconds=each) for each in range(105)],
            missing=DETECTORS,
            app=app,
        )
    # Of one lognormal distribution, and the same in each run.
    number = f"app, dateDiff('second', time, toDateTime64('{now:%F %T.%f}', 6, 'UTC'))"
    even = [f"(1 + cityHash64({number}, {each}) % 1000000) / 1000001" for each in range(2)]
    normal = f"sqrt(-2 * log({even[0]})) * cos(2 * pi() * {even[1]})"
    client.command(f"ALTER TABLE interactions UPDATE latency_s = 2 * exp({normal}) WHERE true")
    refresh(client)
    assert firing(leaks, client, now) == firing(slower, client, now) == []


@pytest.mark.slow
def test_what_sways_about_the_limit_tells_once(clickhouse: Callable[..., Any]) -> None:
    """A fault of an earlier version: a share a little above the limit was over and began by turns."""
    client, now = clickhouse("sways"), datetime.now(UTC)
    toxicity = RULES["watchline-toxicity"]
    times: dict[bool, list[datetime]] = {True: [], False: []}
    for number in range(9 * 45):  # 45 answers in a quarter of an hour, of which 7 and 12 are toxic by turns
        bad = (7, 12)[number // 45 % 2]
        times[number % 45 * bad % 45 < bad].append(now - timedelta(seconds=20 * number + 1))
    events(client, times[True], flagged=["toxicity"], app="shop")
    events(client, times[False], app="shop")
    alerts: dict[Any, Alert] = {}
    began = over = 0
    for minute in range(120, 0, -3):
        at = now - timedelta(minutes=minute)
        outcome = evaluate(toxicity, Queries(client, client.test_database), at, at).outcome
        over += any(reading.over for reading in outcome.readings.values())
        alerts, changes = step(policy(toxicity), alerts, outcome, at.timestamp())
        began += sum(change.began for change in changes)
    assert 3 < over < 37 and began == 1


def test_more_than_usual_is_told_within_minutes_and_is_over_once_the_latest_are_good(
    clickhouse: Callable[..., Any],
) -> None:
    rule = RULES["watchline-irrelevant-answers-unusual"]
    client, now = clickhouse("usual"), datetime.now(UTC)
    for day in range(1, 8):
        events(client, [now - timedelta(days=day, minutes=each - 60) for each in range(120)], app="shop")
    events(client, [now - timedelta(seconds=30 * each) for each in range(120)], app="shop")
    refresh(client)
    assert all((value or 0) <= 0 for value in numbers(rule, client, now, "app").values())
    events(client, [now + timedelta(seconds=10 * each) for each in range(60)], flagged=["relevance"], app="shop")
    assert (numbers(rule, client, now + timedelta(minutes=10), "app")["shop"] or 0) > (rule.above or 0)
    good_again = now + timedelta(minutes=10)
    events(client, [good_again + timedelta(seconds=5 * each) for each in range(180)], app="shop")
    assert (numbers(rule, client, good_again + timedelta(minutes=15), "app")["shop"] or 0) < (rule.recovery or 0)


@pytest.mark.parametrize(("every_s", "over_by"), [(60, 36), (150, 66)])
def test_what_is_over_does_not_come_again_by_one_bad_answer(
    every_s: int, over_by: int, clickhouse: Callable[..., Any]
) -> None:
    """While what was bad is still in the last hour: an incident is told once."""
    rule = RULES["watchline-bias-unusual"]
    client, now = clickhouse("chance"), datetime.now(UTC)
    for day in range(1, 8):
        events(client, [now + timedelta(minutes=each, days=-day) for each in range(-60, 120)], app="shop")
    refresh(client)
    bad, good = range(0, 1_200, every_s), range(1_200, 6_000, every_s)
    chances = {good[len(good) * share // 10] for share in (4, 7, 9)}
    events(client, [now + timedelta(seconds=each) for each in (*bad, *chances)], flagged=["bias"], app="shop")
    events(client, [now + timedelta(seconds=each) for each in good if each not in chances], app="shop")

    def value(minute: int) -> float:
        return numbers(rule, client, now + timedelta(minutes=minute), "app").get("shop") or 0

    if len(bad) >= 20:  # of fewer nothing is said so soon
        assert value(20) > (rule.above or 0)
    assert max(value(minute) for minute in range(over_by, 95)) < (rule.above or 0)


@pytest.mark.parametrize(
    ("uid", "label", "change"),
    [("watchline-latency-unusual", "model", {"latency_s": 4.0}), ("watchline-cost", "app", {"cost": 1.0})],
)
def test_slower_and_dearer_than_usual_is_told_within_minutes_and_soon_over(
    uid: str, label: str, change: dict[str, float], clickhouse: Callable[..., Any]
) -> None:
    """A fault of an earlier version: after 20 minutes, since the whole hour had to be so; over after another hour."""
    rule, client, now = RULES[uid], clickhouse("sooner"), datetime.now(UTC).replace(minute=35)
    for day in range(1, 8):
        events(client, [now - timedelta(days=day, seconds=30 * each) for each in range(-120, 120)], app="shop")
    events(client, [now - timedelta(seconds=30 * each) for each in range(120)], app="shop")
    refresh(client)
    (usual,) = numbers(rule, client, now, label).values() or [None]
    assert (usual or 0) <= (rule.recovery or 0)
    events(client, [now + timedelta(seconds=30 * each) for each in range(12)], app="shop", **change)
    (told,) = numbers(rule, client, now + timedelta(minutes=6), label).values()
    assert (told or 0) > (rule.above or 0)
    as_before = now + timedelta(minutes=6)
    events(client, [as_before + timedelta(seconds=30 * each) for each in range(36)], app="shop")
    (over,) = numbers(rule, client, as_before + timedelta(minutes=18), label).values() or [None]
    assert (over or 0) < (rule.recovery or 0)


def test_a_lag_is_told_where_everything_arrives_late(late: tuple[Any, datetime]) -> None:
    """A fault of an earlier version: a canary every minute, each half an hour old, and three rules that were silent."""
    client, now = late
    (alert,) = firing(LAG, client, now + timedelta(seconds=1))
    assert "1800 seconds behind" in alert["summary"]
    assert firing(NO_CANARY, client, now + timedelta(seconds=1)) == []


def test_windows_end_at_the_watermark(clickhouse: Callable[..., Any]) -> None:
    client, now = clickhouse("watermark"), datetime.now(UTC)
    times = [now - timedelta(seconds=10 + 10 * each) for each in range(60)]
    events(client, times, flagged=["groundedness"], app="shop")
    assert len(firing(UNSUPPORTED, client, now)) == 1
    behind = {"topic": "findings", "partition": 1, "time": now - timedelta(minutes=30)}
    insert(client, "watermarks", [{**behind, "partition": 0, "time": now}, behind])
    assert firing(UNSUPPORTED, client, now) == []


def test_a_dead_partition_is_told_of_for_a_week(ill: tuple[Any, datetime]) -> None:
    client, now = ill
    alerts = firing(NO_CANARY, client, now + timedelta(days=3))
    assert "7" in {alert["labels"]["partition"] for alert in alerts}


def test_no_canary_at_all_is_grafanas_no_data_and_says_words(clickhouse: Callable[..., Any], now: datetime) -> None:
    (alert,) = firing(NO_CANARY, clickhouse("empty"), now)
    assert alert["summary"] == "nothing came in the window"
    for_grafana = FOR_GRAFANA["watchline-no-canary"]
    assert for_grafana["noDataState"] == for_grafana["execErrState"] == "Alerting"
    assert [uid for uid, rule in RULES.items() if rule.error == "alerting"] == ["watchline-no-canary"]
    assert "{{ else }}No canary came, or ClickHouse does not answer" in for_grafana["annotations"]["summary"]


def test_a_store_that_is_restarted_wakes_nobody_and_one_that_stays_away_does(clickhouse: Callable[..., Any]) -> None:
    client, now = clickhouse("restarted"), datetime.now(UTC)
    good(client, now)
    second, away = 0, range(0)

    class Restarting(Queries):
        def query(self, *asked: Any) -> Any:
            if second in away:
                raise TransientError("ClickHouse does not answer")
            return super().query(*asked)

    engine = Engine(
        rules=lambda: [NO_CANARY],
        queries=Restarting(client, client.test_database),
        journal=MemoryJournal(),
        clock=lambda: now + timedelta(seconds=second),
    )

    def seen(until: int) -> set[str]:
        """The states that it has, looked at each ten seconds."""
        nonlocal second
        found = set()
        while second < until:
            assert engine.tick()
            found |= {alert["state"] for alert in engine.book.alerts()} - {"error"}  # that of the rule
            second += 10
        return found

    away = range(20, 130)
    assert seen(240) == {"pending"}
    canaries(client, [(partition, now + timedelta(seconds=240), 0) for partition in (0, 1)])
    away = range(250, 1_000)
    assert seen(350) == {"pending"} and "firing" in seen(500)


def test_an_unknown_price_is_not_nothing(ill: tuple[Any, datetime]) -> None:
    client, now = ill
    (alert,) = (
        alert
        for alert in firing(RULES["watchline-cost"], client, now + timedelta(seconds=1))
        if alert["labels"]["app"] == "costly"
    )
    assert "The price of 50% of its calls is unknown and not in it." in alert["description"]


def test_drift_says_what_changed_once_it_may_wake_somebody(seeded: Any) -> None:
    drift = RULES["watchline-drift"]
    soon, later = datetime.now(UTC) + timedelta(minutes=5), datetime.now(UTC) + timedelta(minutes=65)
    (alert,) = firing(drift, seeded, soon)
    assert alert["summary"] == "support-bot (production): groundedness of prompt answer went from 0.03 to 0.5"
    assert firing(drift, seeded, later) == []


def test_drift_that_is_only_told_is_silent(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("told")
    seed(client, now)
    client.command("ALTER TABLE signals UPDATE page = false WHERE 1 SETTINGS mutations_sync = 1")
    assert firing(RULES["watchline-drift"], client, datetime.now(UTC) + timedelta(minutes=5)) == []


def test_drift_of_several_measures_leads_with_what_the_answers_are_like(
    clickhouse: Callable[..., Any], now: datetime
) -> None:
    """A fault of an earlier version: it led with the tokens, though groundedness had collapsed at the same time."""
    client = clickhouse("several")
    moved = {"cost": (0.01, 0.02), "groundedness": (0.03, 0.5), "input_tokens": (900, 700), "bias": (0.3, 0.1)}
    shared = {"app": "shop", "environment": "production", "prompt_name": "answer", "kind": "drift", "page": True}
    rows = [
        {
            **shared,
            "signal_id": UUID(int=number),
            "event_id": UUID(int=number),
            "time": now,
            "measure": measure,
            "before": before,
            "after": after,
            "since": now - timedelta(minutes=9),
            "events_after": 40 if measure == "groundedness" else 7,
        }
        for number, (measure, (before, after)) in enumerate(moved.items())
    ]
    insert(client, "signals", rows)
    queries, soon = Queries(client, client.test_database), datetime.now(UTC) + timedelta(minutes=5)
    (message,) = told([RULES["watchline-drift"]], queries, soon, Addresses())
    assert message.head == (
        "Drift, shop (production): groundedness of prompt answer went from 0.03 to 0.5 (and 3 more)"
    )
    assert "events_after: 40" in message.notes and "ruled_out: nothing" in message.notes
    assert ["groundedness" in line for line in message.lines] == [True, False, False, False]
    assert "Other measures of this prompt that moved in the same hour: 3." in message.notes[1]
    assert "Changes of groundedness in the last hour that may wake somebody: 1." in message.notes[1]


def test_a_runbook_may_be_shared() -> None:
    named: dict[str, list[Rule]] = {}
    for rule in RULES.values():
        named.setdefault(rule.runbook, []).append(rule)
    assert len(named["flagged-answers.md"]) > 1 and len(named["no-canary.md"]) == 1


def test_late_answers_are_told_of_with_their_times_and_other_windows_stay(clickhouse: Callable[..., Any]) -> None:
    """500 events, made five hours before they are stored, 60 % of them unsupported."""
    client, now = clickhouse("arriving_late"), datetime.now(UTC)
    good(client, now)
    late = [now - timedelta(hours=5, seconds=each) for each in range(500)]
    events(client, late[:300], flagged=["groundedness"], app="edge")
    events(client, late[300:], app="edge")
    events(client, late[:60], flagged=["bias"], app="ahead")
    events(client, [now - timedelta(seconds=each) for each in range(60)], flagged=["bias"], app="in time")
    events(client, late[:19], flagged=["bias"], app="few")
    events(client, [now - timedelta(days=9, seconds=each) for each in range(60)], flagged=["bias"], app="too old")
    at = now + timedelta(minutes=1)
    rule = RULES["watchline-late-answers"]
    found = {(alert["labels"]["app"], alert["labels"]["about"]): alert for alert in firing(rule, client, at)}
    assert set(found) == {("edge", "app"), ("ahead", "bias")}
    edge = found["edge", "app"]
    assert "of answers that arrived only now, groundedness flags at least 53.31" in edge["summary"]
    assert "from 5.2 to 5.0 hours ago and were stored in the last 15 minutes" in edge["description"]
    assert re.search(r"60(\.0)?% of 500 are flagged; more than 35(\.0)?%", edge["description"])
    assert edge["details"]["first_event"].startswith(f"{late[-1]:%Y-%m-%dT%H:%M:%S}")
    assert firing(UNSUPPORTED, client, at) == []
    assert firing(rule, client, at + timedelta(minutes=20)) == []
