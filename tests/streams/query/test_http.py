"""Reading from a ClickHouse server: the same answers over HTTP, and read-only with limits in every request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clickhouse_server import ClickHouseServer
from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.query.open import open_queries
from watchline.streams.query.policy import QueryError
from watchline.streams.query.reader import LIMITS
from watchline.streams.query.run import Queries, Result
from watchline.streams.settings import load


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    folder = tmp_path_factory.mktemp("http")
    with ClickHouseServer(folder / "data") as server:
        client = connect(load(clickhouse_url=server.url, data_dir=folder), database="")
        migrate(client, "watchline")
        client.close()
        yield server


@pytest.fixture
def queries(server: ClickHouseServer, tmp_path: Path) -> Iterator[Queries]:
    with open_queries(load(clickhouse_url=server.url, data_dir=tmp_path)) as queries:
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


def test_every_query_is_read_only_with_limits(queries: Queries, server: ClickHouseServer) -> None:
    server.requests()
    queries.query("SELECT * FROM v_coverage")
    expected = {**{name: str(value) for name, value in LIMITS.items()}, "readonly": "1", "database": "watchline"}
    requests = server.requests()
    assert len(requests) == 3  # written anew, run, described
    for request in requests:
        assert {name: request.get(name) for name in expected} == expected


def test_a_database_that_is_not_there_says_what_to_do(server: ClickHouseServer, tmp_path: Path) -> None:
    settings = load(clickhouse_url=server.url, clickhouse_database="nope", data_dir=tmp_path)
    with pytest.raises(ConfigurationError, match="watchline migrate"), open_queries(settings) as queries:
        queries.query("SELECT * FROM v_coverage")


@pytest.mark.parametrize(("way", "error"), [("cut", TransientError), ("error", QueryError)])
def test_half_an_answer_is_an_error_and_no_short_result(
    way: str, error: type[Exception], queries: Queries, server: ClickHouseServer
) -> None:
    sql = "SELECT arrayJoin(range(100000)) AS n"
    assert len(queries.query(sql).rows) == 100_000
    server.break_off(way)
    with pytest.raises(error):
        queries.query(sql)
