"""Every query of board, alert rules and audits on the real engine, with the plugin's macros expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from tests.dashboards.seed import CLAIM
from tests.dashboards.test_boards import boards
from watchline.dashboards import audits, rules
from watchline.dashboards.macros import Request, expand
from watchline.schemas.errors import ConfigurationError

START = datetime(2026, 1, 1, tzinfo=UTC)
ALL: dict[str, list[str] | None] = {"app": None, "environment": None}
ONE: dict[str, list[str] | None] = {"app": ["support-bot", "it's"], "environment": ["production"]}
OTHER: dict[str, list[str] | None] = {"app": ["other"], "environment": None}


def board_queries() -> list[Any]:
    return [
        pytest.param(target, id=f"{board['uid']}/{panel['title']}")
        for board in boards()
        for panel in board["panels"]
        for target in panel.get("targets", [])
    ]


def _all_sql() -> Iterator[Any]:
    request = Request(start=START, end=START, variables=ONE)
    for parameter in board_queries():
        yield pytest.param(expand(parameter.values[0]["rawSql"], request), id=parameter.id)
    for board in boards():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield pytest.param(variable["query"], id=f"variable {variable['name']}")
    for rule in rules.load():
        for query in rule["data"]:
            if "rawSql" in query["model"]:
                yield pytest.param(rules.statement(query, START), id=f"{rule['uid']}/{query['refId']}")
    for name in audits.names():
        yield pytest.param(audits.load(name).statement(), id=f"audit/{name}")


ALL_SQL = list(_all_sql())


def run(client: Any, target: dict[str, Any], now: datetime, variables: dict[str, list[str] | None]) -> Any:
    request = Request(start=now - timedelta(hours=6), end=now, interval_s=60, variables=variables)
    return client.query(expand(target["rawSql"], request))


@pytest.mark.parametrize("target", board_queries())
@pytest.mark.parametrize("variables", [ALL, ONE], ids=["all", "chosen"])
def test_a_board_query_gives_what_its_format_promises(
    target: dict[str, Any], variables: dict[str, list[str] | None], seeded: Any, now: datetime
) -> None:
    result = run(seeded, target, now, variables)
    assert result.row_count > 0
    types = [kind.name for kind in result.column_types]
    if target["format"] == 0:
        assert result.column_names[0] == "time"
        assert types[0].startswith("DateTime")
        assert any(re.search(r"Int|Float", kind) for kind in types[1:])
        times = [row[0] for row in result.result_rows]
        assert times == sorted(times)
    # Grafana shows a Map or an Array as JSON at best.
    assert not any(kind.startswith(("Map", "Array", "Tuple")) for kind in types)


@pytest.mark.parametrize("target", [each for each in board_queries() if "$app" in each.values[0]["rawSql"]])
def test_a_board_query_follows_the_chosen_app(target: dict[str, Any], seeded: Any, now: datetime) -> None:
    result = run(seeded, target, now, OTHER)
    assert result.row_count == 0 or set(result.result_rows[0]) <= {0, None}


def test_a_bucket_that_starts_before_the_range_is_not_dropped(seeded: Any, now: datetime) -> None:
    """`time` the alias must not hide `time` the column: the filter would then drop the first, partial bucket."""
    (target,) = (each.values[0] for each in board_queries() if each.id.endswith("/Interactions per second"))
    request = Request(start=now - timedelta(minutes=30), end=now, interval_s=3600, variables=ALL)
    rows = seeded.query(expand(target["rawSql"], request)).result_rows
    count = expand("SELECT count() FROM v_interactions WHERE $__timeFilter(time)", request)
    assert round(sum(row[-1] for row in rows) * 3600) == seeded.query(count).result_rows[0][0]


def test_the_board_shows_the_numbers_that_were_put_in(seeded: Any, now: datetime) -> None:
    def rows(title: str) -> list[dict[str, Any]]:
        (target,) = (each.values[0] for each in board_queries() if each.id.endswith(f"/{title}"))
        return list(run(seeded, target, now, ALL).named_results())

    assert rows("Interactions") == [{"interactions": 120}]
    assert rows("Unsupported answers") == [{"share": 32 / 120}]
    assert rows("Missing findings") == [{"missing": 2}]
    assert rows("Lost before storage") == [{"missing": 5}]
    assert rows("Dead letters") == [{"dead_letters": 3}]
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
    flagged = {(row["detector"], row["version"]): row for row in rows("Flagged, by prompt version and detector")}
    assert flagged["groundedness", "2"]["flagged"] == 0.5
    assert flagged["groundedness", "1"]["high"] < flagged["groundedness", "2"]["low"] < 0.5
    assert all(row["p50"] <= row["p95"] for row in rows("Latency"))
    assert sum(row["cost"] / 60 for row in rows("Cost per hour")) == pytest.approx(0.12)
    assert {row["claim"] for row in rows("Latest unsupported answers")} == {CLAIM}


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
