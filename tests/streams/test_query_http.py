"""Reading from a ClickHouse server: the same answers over HTTP, and read-only with limits in every request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.streams.clickhouse_http import serve
from watchline.schemas.errors import ConfigurationError
from watchline.streams.query import query
from watchline.streams.query.policy import QueryError
from watchline.streams.query.query import Queries, Result
from watchline.streams.settings import load


@pytest.fixture
def server(clickhouse: Callable[..., Any]) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    database = clickhouse("http").test_database
    with serve(lambda: clickhouse(migrated=False)) as (address, requests):
        yield address, database, requests


@pytest.fixture
def queries(server: tuple[str, str, list[dict[str, str]]], tmp_path: Path) -> Iterator[Queries]:
    address, database, _ = server
    settings = load(clickhouse_url=f"http://{address}", clickhouse_database=database, data_dir=tmp_path)
    with query.open_queries(settings) as queries:
        yield queries


def test_the_same_answers(queries: Queries) -> None:
    assert queries.query("SELECT {a:String} AS a, {n:UInt8} AS n -- c", {"a": "it's ü\n\\", "n": "3"}) == Result(
        ["a", "n"], [["it's ü\n\\", 3]]
    )
    assert queries.query("SELECT detector, planned AS n FROM v_coverage") == Result(["detector", "n"], [])


@pytest.mark.parametrize("sql", ["SELECT file('/etc/hostname')", "SELECT * FROM findings", "SELECT 1 FORM x", "DROP x"])
def test_the_same_refusals(sql: str, queries: Queries) -> None:
    with pytest.raises(QueryError) as refused:
        queries.query(sql)
    assert "formatQuery" not in str(refused.value) and not {"DB::", "http:"} & set(str(refused.value).split())


def test_every_query_is_read_only_with_limits(queries: Queries, server: tuple[str, str, list[dict[str, str]]]) -> None:
    _, database, requests = server
    requests.clear()
    queries.query("SELECT * FROM v_coverage")
    expected = {**{name: str(value) for name, value in query.LIMITS.items()}, "readonly": "1", "database": database}
    assert len(requests) == 3  # written anew, run, described
    for request in requests:
        assert {name: request.get(name) for name in expected} == expected


def test_a_database_that_is_not_there_says_what_to_do(
    server: tuple[str, str, list[dict[str, str]]], tmp_path: Path
) -> None:
    settings = load(clickhouse_url=f"http://{server[0]}", clickhouse_database="nope", data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="watchline migrate"), query.open_queries(settings) as queries:
        queries.query("SELECT * FROM v_coverage")
