"""ClickHouse's HTTP interface for readers: with clickhouse-connect's own client, and by hand."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from tests.streams.query.conftest import SECRET
from watchline.schemas.errors import FatalError
from watchline.streams.query.http_port import MAX_REQUEST_BYTES, USER, serving
from watchline.streams.settings import load

TOKEN = "a-token-of-the-tests"
LOGIN = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": TOKEN}


@pytest.fixture(scope="module")
def port(reader: Any) -> Iterator[int]:
    settings = load(clickhouse_database=reader.test_database)
    with serving(settings, port=0, token=TOKEN, open_=lambda: reader) as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    found = clickhouse_connect.get_client(host="127.0.0.1", port=port, username=USER, password=TOKEN)
    yield found
    found.close()


def ask(
    port: int, sql: str, headers: Mapping[str, str] | None = None, *, method: str = "POST", **address: str
) -> tuple[int, str]:
    """One request with these headers, those of the login unless others are given."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, f"/?{urlencode(address)}", sql.encode(), dict(LOGIN if headers is None else headers))
    response = connection.getresponse()
    found = response.status, response.read().decode(errors="replace")
    connection.close()
    return found


def test_a_clients_own_queries(client: Any) -> None:
    assert client.query("SELECT app, count() AS n FROM v_interactions GROUP BY app").result_rows == []
    result = client.query(
        "SELECT {a:String} AS a, {n:UInt8} AS n, {all:Array(String)} AS all",
        parameters={"a": "it's ü\n\t\\", "n": 3, "all": ["it's", "b\\c\n"]},
    )
    assert (result.column_names, result.result_rows) == (("a", "n", "all"), [("it's ü\n\t\\", 3, ["it's", "b\\c\n"])])
    numbers = client.query("SELECT arraySum({n:Array(Int64)}) AS n", parameters={"n": [1, -2, 2**53 + 1]})
    assert numbers.result_rows == [(2**53,)]
    assert client.query("SELECT length({n:Array(String)}) AS n", parameters={"n": []}).result_rows == [(0,)]
    assert client.query("SELECT arrayJoin(range(1000)) AS n").row_count == 1000
    assert client.server_version and client.ping()


def test_formats_as_they_are_asked_for(port: int) -> None:
    assert ask(port, "SELECT 1 AS a FORMAT JSONEachRow") == (200, '{"a":1}\n')
    assert ask(port, "SELECT 1 AS a;", default_format="CSVWithNames") == (200, '"a"\n1\n')
    assert ask(port, "", query="SELECT 1 AS a") == ask(port, "SELECT 1 AS a") == (200, "1\n")
    assert ask(port, "SELECT 1 AS a", method="GET", query="")[1] == "1\n"
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert ask(port, "SELECT 1 AS a", {"Authorization": f"Basic {basic}"}) == (200, "1\n")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "SELECT file('/etc/hostname')",
        "SELECT 1 AS a SETTINGS max_execution_time = 1000",
        "SELECT 1 AS a INTO OUTFILE '/tmp/x'",
        "SELECT 1 AS a INTO OUTFILE '/tmp/x' FORMAT CSV",
        "SELECT 1 AS a FORMAT CSV SETTINGS max_memory_usage = 0",
        "SELECT 1 AS a; SELECT 2 AS a",
        "SELECT 1 AS a FORMAT Null; DROP TABLE interactions FORMAT CSV",
        "SELECT 1 AS a FORMAT Template",
        "SELECT reason FROM dead_letters",
        "SELECT * FROM system.settings",
        "SELECT name, value, readonly FROM system.users LIMIT 10000",
        "SELECT version(), timezone() FROM dead_letters",
        "SET readonly = 0",
        "INSERT INTO dead_letters FORMAT CSV",
        "EXPLAIN SELECT 1",
        "",
    ],
)
def test_refused(port: int, client: Any, sql: str) -> None:
    status, text = ask(port, sql)
    assert status == 403 and text.startswith("Code: 497. DB::Exception: ") and SECRET not in text
    if sql:
        with pytest.raises(DatabaseError):
            client.raw_query(sql)


def test_no_setting_form_or_other_database_comes_through(port: int, client: Any) -> None:
    for name in ("readonly", "max_execution_time", "user", "password", "role", "http_response_headers", "stacktrace"):
        assert ask(port, "SELECT 1", **{name: "1"})[0] == 403, name
    assert ask(port, "SELECT 1", database="system")[0] == 403
    with pytest.raises(ClickHouseError):
        client.query("SELECT 1", settings={"max_memory_usage": 0})
    form = {**LOGIN, "Content-Type": "multipart/form-data; boundary=x"}
    assert ask(port, '--x\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--x--\r\n', form)[0] == 400
    assert ask(port, "query=SELECT+1", {**LOGIN, "Content-Type": "application/x-www-form-urlencoded"})[0] == 400
    assert ask(port, "SELECT 1", {**LOGIN, "Content-Encoding": "gzip"})[0] == 400
    assert ask(port, "SELECT 2", query="SELECT 1")[0] == 403
    for wrong in ("['a", "a", "[a]", "['a',]", "['a'] ['b']", "[('a', 1)]"):
        assert ask(port, "SELECT length({x:Array(String)}) AS n", param_x=wrong)[0] == 403, wrong
    assert ask(port, "SELECT 1" + " " * MAX_REQUEST_BYTES)[0] == 413


def test_only_with_the_token(port: int) -> None:
    wrong = (
        {},
        {**LOGIN, "X-ClickHouse-Key": TOKEN[:-1]},
        {**LOGIN, "X-ClickHouse-User": "default"},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": "Basic !"},
    )
    for headers in wrong:
        status, text = ask(port, "SELECT 1", headers)
        assert (status, text[:9]) == (401, "Code: 516") and TOKEN not in text
    with pytest.raises(ClickHouseError, match="516"):
        clickhouse_connect.get_client(host="127.0.0.1", port=port, username=USER, password="none")


def test_only_for_programs_on_this_machine(port: int) -> None:
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.2:{port}", ""):
        assert ask(port, "SELECT 1", {**LOGIN, "Host": host})[0] == 403, host
    assert ask(port, "SELECT 1", {**LOGIN, "Origin": f"http://127.0.0.1:{port}"})[0] == 403
    assert ask(port, "SELECT 1", {**LOGIN, "Host": f"localhost:{port}"})[0] == 200


def test_a_port_that_is_taken_is_said(port: int) -> None:
    with pytest.raises(FatalError, match="choose another"), serving(load(), port=port, token=TOKEN):
        pass
