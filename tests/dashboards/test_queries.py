"""Every query of board, alert rules and audits on the real engine, with the plugin's macros expanded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from tests.dashboards.seed import CLAIM
from watchline.dashboards import audits, grafana
from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.boards import all_boards, governance
from watchline.dashboards.definitions import Panel, Rule
from watchline.dashboards.macros import Request, expand
from watchline.dashboards.planted import refresh
from watchline.dashboards.sql import VARIABLES
from watchline.schemas.errors import ConfigurationError
from watchline.streams.query.policy import check

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL: dict[str, list[str] | None] = dict.fromkeys((*VARIABLES, "prompt_version", "detector"))
ONE: dict[str, list[str] | None] = {**ALL, "app": ["support-bot", "it's"], "environment": ["production"]}
OTHER: dict[str, list[str] | None] = {**ALL, "app": ["other"]}
OVER_TIME = ("time_series", "heat_map", "state_timeline")
# What the seed has nothing of.
EMPTY = {
    "Watermarks",
    "Arguments that producers could not read",
    "Scored again",
    "Ids that came under another key",
    *(panel.title for panel in (*governance.APPROVED, *governance.TRAIL, *governance.TERMS)),  # test_governance.py
}


@pytest.fixture(scope="module", autouse=True)
def _counted(seeded: Any) -> None:
    refresh(seeded)


def board_queries() -> list[Any]:
    return [
        pytest.param(panel, sql, id=f"{board.uid}/{panel.title}")
        for board in all_boards()
        for panel in board.panels.values()
        for sql in panel.queries.values()
    ]


def _all_sql() -> Iterator[Any]:
    request = Request(start=START, end=START, variables=ONE)
    for parameter in board_queries():
        yield pytest.param(expand(parameter.values[1], request), id=parameter.id)
    for board in all_boards():
        for variable in board.variables:
            yield pytest.param(expand(variable.sql, request), id=f"{board.uid}/variable {variable.name}")
        for annotation in board.annotations:
            yield pytest.param(expand(annotation.sql, request), id=f"{board.uid}/annotation {annotation.name}")
    for panel in json.loads(grafana.files()["boards/watchline-events.json"])["panels"]:
        yield pytest.param(expand(panel["targets"][0]["rawSql"], request), id=f"events/{panel['title']}")
    for rule in all_rules():
        window = Request(start=START - timedelta(seconds=rule.window_s), end=START)
        for name, sql in rule.queries.items():
            yield pytest.param(expand(sql, window), id=f"{rule.uid}/{name}")
    for name in audits.names():
        yield pytest.param(audits.load(name).statement(), id=f"audit/{name}")


ALL_SQL = list(_all_sql())


def run(client: Any, sql: str, now: datetime, variables: dict[str, list[str] | None]) -> Any:
    end = now + timedelta(seconds=1)
    request = Request(start=end - timedelta(hours=6), end=end, interval_s=60, variables=variables)
    return client.query(expand(sql, request))


@pytest.mark.parametrize(("panel", "sql"), board_queries())
@pytest.mark.parametrize("variables", [ALL, ONE], ids=["all", "chosen"])
def test_a_board_query_gives_what_its_kind_promises(
    panel: Panel, sql: str, variables: dict[str, list[str] | None], seeded: Any, now: datetime
) -> None:
    result = run(seeded, sql, now, variables)
    if panel.title in EMPTY or (panel.title == "Dead letters by kind" and variables is ONE):
        return
    assert result.row_count > 0
    types = [kind.name for kind in result.column_types]
    if panel.kind in OVER_TIME:
        assert result.column_names[0] == "time"
        assert types[0].startswith("DateTime")
        assert len([kind for kind in types[1:] if re.search(r"Int|Float", kind)]) == 1
        times = [row[0] for row in result.result_rows]
        assert times == sorted(times)
    # Grafana shows a Map or an Array as JSON at best.
    assert not any(kind.startswith(("Map", "Array", "Tuple")) for kind in types)


@pytest.mark.parametrize(("panel", "sql"), [each for each in board_queries() if "$app" in each.values[1]])
def test_a_board_query_follows_the_chosen_app(panel: Panel, sql: str, seeded: Any, now: datetime) -> None:
    result = run(seeded, sql, now, OTHER)
    assert result.row_count == 0 or set(result.result_rows[0]) <= {0, None}


def test_a_bucket_that_starts_before_the_range_is_not_dropped(seeded: Any, now: datetime) -> None:
    """`time` the alias must not hide `time` the column: the filter would then drop the first, partial bucket."""
    (sql,) = (each.values[1] for each in board_queries() if each.id == "watchline/Interactions per second")
    request = Request(start=now - timedelta(minutes=30), end=now, interval_s=3600, variables=ALL)
    rows = seeded.query(expand(sql, request)).result_rows
    count = expand("SELECT count() FROM v_interactions WHERE $__timeFilter(time)", request)
    assert round(sum(row[-1] for row in rows) * 3600) == seeded.query(count).result_rows[0][0]


def test_the_boards_show_the_numbers_that_were_put_in(seeded: Any, now: datetime) -> None:
    def rows(title: str) -> list[dict[str, Any]]:
        sql = next(each.values[1] for each in board_queries() if each.id.endswith(f"/{title}"))
        return list(run(seeded, sql, now, ALL).named_results())

    assert rows("Interactions") == [{"interactions": 120}]
    assert rows("Unsupported answers") == [{"share": 32 / 120}]
    assert rows("Failed calls") == [{"share": 2 / 120}]
    assert rows("Missing findings") == [{"missing": 2}]
    assert rows("Lost before storage") == [{"missing": 5}]
    assert rows("Dead letters") == [{"dead_letters": 3}]
    assert rows("Slowest canary") == [{"seconds": 0}]
    assert {row["kind"]: row["dead_letters"] for row in rows("Dead letters by kind")} == {
        "undecodable": 2,
        "invalid": 1,
    }
    coverage = {row["detector"]: row for row in rows("Coverage by detector")}
    assert {name: row["evaluated"] for name, row in coverage.items()} == {
        "groundedness": 120,
        "pii": 120,
        "toxicity": 0,
    }
    assert (coverage["toxicity"]["not_applicable"], coverage["toxicity"]["missing"]) == (118, 2)
    assert rows("Checked") == [{"share": 358 / 360}]
    flagged = {(row["detector"], row["prompt_version"]): row for row in rows("Flagged, by prompt version and detector")}
    assert flagged["groundedness", "2"]["flagged"] == 0.5
    assert flagged["groundedness", "1"]["high"] < flagged["groundedness", "2"]["low"] < 0.5
    worst = rows("Worst slices")[0]
    assert (worst["prompt_version"], worst["detector"], worst["at_least"]) == ("2", "groundedness", 0.377)
    latency = {(row["time"], row["percentile"]): row["seconds"] for row in rows("Latency")}
    assert all(seconds <= latency[time, "95 %"] for (time, percentile), seconds in latency.items())
    assert sum(row["cost"] / 60 for row in rows("Cost per hour")) == pytest.approx(0.12)
    assert sum(row["cost"] for row in rows("Cost by app")) == pytest.approx(0.12)
    assert {row["claim"] for row in rows("Latest unsupported answers")} == {CLAIM}


@pytest.mark.parametrize("sql", ALL_SQL)
def test_watchlines_own_engine_and_page_may_run_it(sql: str, seeded: Any) -> None:
    """The policy of `watchline sql` reads it."""
    check(seeded.query("SELECT formatQuery({sql:String})", {"sql": sql}).result_rows[0][0], database=None)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: str(rule.uid))
def test_a_window_of_events_is_bounded(rule: Rule) -> None:
    """Rules run each minute: their SQL says itself from when to when it reads."""
    for sql in rule.queries.values():
        assert "INTERVAL" in sql or "$__timeFilter" in sql or "v_refreshes" in sql


@pytest.mark.parametrize("sql", ALL_SQL)
def test_only_views_are_read(sql: str) -> None:
    tree = sqlglot.parse_one(sql, dialect="clickhouse")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = {table.name for table in tree.find_all(exp.Table)} - own
    assert tables
    assert all(name.startswith("v_") for name in tables), tables


@pytest.mark.parametrize("sql", ALL_SQL)
def test_runs(sql: str, seeded: Any) -> None:
    seeded.query(sql)


@pytest.mark.parametrize("sql", ["SELECT $__timeGroup(time, 5m)", "SELECT $nothing", "SELECT $__timeFilter(a, b)"])
def test_what_the_plugin_would_leave_as_it_is_is_an_error(sql: str) -> None:
    with pytest.raises(ConfigurationError):
        expand(sql, Request(start=START, end=START))


def test_macros() -> None:
    chosen = {"app": ["a'b"], "env": None}
    request = Request(start=START, end=START + timedelta(hours=1), interval_s=30, variables=chosen)
    assert expand("$__timeFilter(x)", request) == "x >= toDateTime(1767225600) AND x <= toDateTime(1767229200)"
    assert expand("$__timeFilter_ms(x)", request).startswith("x >= fromUnixTimestamp64Milli(1767225600000)")
    assert expand("$__dateFilter(d)", request) == "d >= toDate('2026-01-01') AND d <= toDate('2026-01-01')"
    assert expand("$__timeInterval(f(x))", request) == "toStartOfInterval(toDateTime(f(x)), INTERVAL 30 second)"
    assert expand("$__toTime - $__fromTime", request) == "toDateTime(1767229200) - toDateTime(1767225600)"
    assert expand("count() / $__interval_s", request) == "count() / 30"
    assert expand("$__conditionalAll(app IN (${app:singlequote}), $app)", request) == "app IN ('a\\'b')"
    assert expand("$__conditionalAll(env IN (${env:singlequote}), ${env})", request) == "1=1"
