"""Rules on seeded data, asked as the command line asks: what the policy of `watchline sql` allows, with its limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine import evaluator
from watchline.dashboards.engine.texts import render
from watchline.schemas.errors import ConfigurationError
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

LABELS = "app, environment, prompt_name, prompt_version, model"
RULE = Rule(
    uid="watchline-unsupported",
    title="Unsupported answers",
    group="quality",
    severity="warning",
    queries={
        "A": f"SELECT {LABELS}, countIf(flagged) / count() AS value FROM v_findings WHERE $__timeFilter(time)"
        f" AND detector = 'groundedness' AND decision = 'evaluated' GROUP BY {LABELS}",
        "answers": f"SELECT {LABELS}, count() AS value FROM v_findings WHERE $__timeFilter(time)"
        f" AND detector = 'groundedness' GROUP BY {LABELS}",
        "all": "SELECT count() AS value FROM v_findings WHERE $__timeFilter(time) AND detector = 'groundedness'",
    },
    above=0.35,
    summary="{{ $labels.app }}: {{ humanizePercentage $values.A.Value }} of {{ $values.answers.Value }}",
    description="",
    board="quality",
    panel=1,
    window_s=3600,
)


@pytest.fixture(scope="module")
def queries(seeded: Any, reader_of: Callable[[Any], Any]) -> Queries:
    client = reader_of(seeded)
    restrict(client)
    return Queries(client, "dashboards")


def test_labels_values_and_the_limit(queries: Queries, now: datetime) -> None:
    found = evaluator.evaluate(RULE, queries, now, now)
    assert not found.outcome.failure
    over = {dict(labels)["prompt_version"]: reading for labels, reading in found.outcome.readings.items()}
    assert {version: reading.over for version, reading in over.items()} == {"1": False, "2": True}
    assert (over["2"].value, over["2"].values["answers"], over["2"].values["all"]) == (0.5, 60.0, 120.0)
    assert render(RULE.summary, {"app": "support-bot"}, over["2"].values) == "support-bot: 50% of 60"
    assert evaluator.evaluate(RULE, queries, now, now, all_values=False) == found  # one is over: all are asked for


def test_the_window_ends_where_all_is_stored(queries: Queries, now: datetime) -> None:
    found = evaluator.evaluate(RULE, queries, now, now - timedelta(minutes=20))
    assert [dict(labels)["prompt_version"] for labels in found.outcome.readings] == ["1"]
    assert found.end is not None and found.start == found.end - timedelta(hours=1)
    assert all(reading.values.keys() == {"A", *RULE.queries} for reading in found.outcome.readings.values())
    usual = evaluator.evaluate(RULE, queries, now, now - timedelta(minutes=20), all_values=False)
    assert [(reading.over, {*reading.values}) for reading in usual.outcome.readings.values()] == [(False, {"A"})]
    early = evaluator.evaluate(RULE, queries, now, now + timedelta(hours=2))  # another clock is ahead
    assert early.end == now.replace(microsecond=0)


def test_where_the_watermark_cannot_be_asked_for_nothing_is_judged(queries: Queries, now: datetime) -> None:
    found = evaluator.evaluate(RULE, queries, now, None)
    assert (found.end, found.outcome.readings, found.outcome.failure) == (None, {}, "")
    assert evaluator.evaluate(replace(RULE, ends="now"), queries, now, None).outcome.readings


def test_the_watermark_is_the_lowest_of_the_partitions(clickhouse: Callable[..., Any], now: datetime) -> None:
    client = clickhouse("watermarks")
    queries = Queries(client, "watermarks")
    low, high = now - timedelta(minutes=5), now
    client.insert(
        "watermarks", [("t", 0, high), ("t", 1, low)], column_names=["topic", "partition", "time"]
    )  # fmt: skip
    assert evaluator.watermark(queries, now) == low


def test_a_watermark_that_nobody_moved_for_a_day_holds_up_nothing(
    clickhouse: Callable[..., Any], now: datetime
) -> None:
    client = clickhouse("old_watermarks")
    queries = Queries(client, "old_watermarks")
    assert evaluator.watermark(queries, now) == now  # no monitor: the clock
    columns = ["topic", "partition", "time", "stored_at"]
    gone, low = now - timedelta(days=9), now - timedelta(minutes=5)
    client.insert("watermarks", [("former", 0, gone, now - timedelta(hours=25))], column_names=columns)
    assert evaluator.watermark(queries, now) == now
    client.insert("watermarks", [("t", 0, low, now - timedelta(hours=23))], column_names=columns)
    assert evaluator.watermark(queries, now) == low
    assert evaluator.watermark(queries, now + timedelta(hours=2)) == now + timedelta(hours=2)
    assert evaluator.watermark(queries, now - timedelta(hours=2)) == gone  # by the time of the evaluation


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT app FROM v_findings", "one number"),
        ("SELECT app, 1 AS a, 2 AS b FROM v_findings LIMIT 1", "its numbers are a, b"),
        ("SELECT 'x' AS app, 1 AS value UNION ALL SELECT 'x', 2", "two rows"),
        ("SELECT app, 1 AS value FROM system.tables", ""),
        ("SELECT nothing FROM v_findings", ""),
        ("SELECT 1 AS value WHERE $__unknown(time)", "unknown macro"),
    ],
)
def test_what_is_no_rules_query_fails_for_this_rule(queries: Queries, now: datetime, sql: str, words: str) -> None:
    found = evaluator.evaluate(replace(RULE, queries={"A": sql}, summary=""), queries, now, now)
    assert found.outcome.failure and words in found.outcome.failure and not found.outcome.readings


@pytest.mark.parametrize("value", ["NULL", "0 / 0", "1 / 0", "nan"])
def test_what_cannot_be_told_is_no_number(queries: Queries, now: datetime, value: str) -> None:
    sql = f"SELECT 'shop' AS app, {value} AS value"
    found = evaluator.evaluate(replace(RULE, queries={"A": sql}, summary=""), queries, now, now)
    assert not found.outcome.failure, found.outcome.failure
    (reading,) = found.outcome.readings.values()
    assert reading.value is None and not reading.over


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"above": None}, "neither a limit"),
        ({"below": 0.1}, "two limits"),
        ({"above": float("nan")}, "no number is beyond"),
        ({"window_s": 0}, "window_s"),
        ({"interval_s": 0}, "interval_s"),
        ({"queries": {"B": "SELECT 1"}}, "no query A"),
        ({"summary": "{{ range . }}"}, "template that is not known"),
        ({"summary": "{{ $values.Z.Value }}"}, "value Z"),
    ],
)
def test_a_rule_that_can_never_fire_or_say_so_is_refused(changes: dict[str, Any], words: str) -> None:
    assert any(words in fault for fault in evaluator.faults(replace(RULE, **changes)))


def test_a_sound_rule_is_not_refused() -> None:
    assert evaluator.faults(RULE) == []
    assert evaluator.unknown_labels(RULE, ["app", "value"]) == []
    assert evaluator.unknown_labels(replace(RULE, details="SELECT {tenant:String}"), ["app"]) == ["tenant"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ $labels.app }}", "shop"),
        ("{{ $labels.none }} {{ $values.none.Value }} {{ $values.null.Value }}", "unknown unknown unknown"),
        ('{{ printf "%.1f" $values.A.Value }}', "0.4"),
        ('{{ printf "%.0f" $values.null.Value }}', "unknown"),
        ('{{ printf "%.1f%%" $values.A.Value }}', "0.4%"),
        ("{{ humanizeDuration $values.B.Value }}", "2 min 30 s"),
        ("{{ humanize $values.C.Value }}", "1.5k"),
        ("{{ if $values.A }}is {{ $values.A.Value }}{{ else }}nothing came{{ end }}", "is 0.42"),
        ("{{ if $values.null }}is {{ $values.null.Value }}{{ else }}nothing came{{ end }}", "nothing came"),
        ("{{ if $values.null }}is{{ end }} so", "so"),
        ("{{ $labels.odd }}", "{{ $labels.app }}"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    labels = {"app": "shop", "odd": "{{ $labels.app }}"}
    assert render(text, labels, {"A": 0.42, "B": 150.0, "C": 1500.0, "null": None}) == expected


def test_a_template_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not known"):
        render("{{ template }}", {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ if $values.A }}so", "without its {{ end }}"),
        ("so{{ end }}", "{{ end }} where {{ if }} can be"),
        ("{{ if $values.A }}{{ else }}{{ else }}{{ end }}", "{{ else }} where {{ end }} can be"),
        ("{{ if $values.A }}{{ if $values.B }}{{ end }}{{ end }}", "{{ if }} where {{ else }} can be"),
    ],
)
def test_branches_that_do_not_fit_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        render(text, {}, {})
