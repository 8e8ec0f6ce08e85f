"""SQL over the worker's socket: answers as the engine does, refuses on its own, and keeps others out."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.streams.query import run as query
from watchline.streams.query.client import QueryClient
from watchline.streams.query.open import open_queries
from watchline.streams.query.policy import QueryError
from watchline.streams.query.server import QueryServer
from watchline.streams.settings import Settings, load


@contextmanager
def running(server: QueryServer) -> Iterator[None]:
    """The server in an event loop of its own, as in the worker."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(120)
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()


@pytest.fixture
def settings(tmp_path: Path, clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings whose store is the session's engine: chDB opens one folder a process."""
    database = clickhouse("socket").test_database

    def reader(settings: Settings) -> Any:
        client = clickhouse(migrated=False)
        client.command(f"USE {database}")
        query.restrict(client)
        return client

    monkeypatch.setattr("watchline.streams.query.server.reader", reader)
    yield load(data_dir=tmp_path / "d", clickhouse_database=database)


def test_it_answers_as_the_engine_does(settings: Settings) -> None:
    with running(QueryServer(settings)), open_queries(settings) as queries:
        assert isinstance(queries, QueryClient)
        assert queries.query("SELECT {a:String} AS a, NULL AS b, now() > 0 AS c", {"a": "it's ü\n"}) == query.Result(
            ["a", "b", "c"], [["it's ü\n", None, 1]]
        )
        assert queries.query("SELECT detector FROM v_coverage").columns == ["detector"]


def test_it_refuses_by_itself(settings: Settings) -> None:
    with running(QueryServer(settings)):
        asker = QueryClient(settings.query_socket)
        for sql in (
            "SELECT file('/etc/hostname')",
            "SELECT * FROM interactions",
            "DROP VIEW v_coverage",
        ):
            with pytest.raises(QueryError):
                asker.query(sql)
        assert asker.query("SELECT 1").rows == [[1]]


@pytest.mark.parametrize(
    "body", ["", "x", "[]", "{}", '{"sql": "SELECT 1", "parameters": 3}', "\x00", "{" * 10_000, '{"sql": null}']
)
def test_nonsense_is_answered_with_an_error(body: str, settings: Settings) -> None:
    with running(QueryServer(settings)):
        status, answer = _post(settings.query_socket, body.encode())
        assert (status, list(json.loads(answer))) == (400, ["error"])


def test_only_its_owner_reaches_it(settings: Settings) -> None:
    with running(QueryServer(settings)):
        mode = settings.query_socket.stat().st_mode
        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
        assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_a_dead_workers_socket_is_replaced_and_a_live_one_is_not(settings: Settings) -> None:
    settings.data_dir.mkdir()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(settings.query_socket))
    dead.close()
    assert not QueryClient.answers(settings.query_socket)
    with running(QueryServer(settings)):
        assert QueryClient(settings.query_socket).query("SELECT 1").rows == [[1]]
        with pytest.raises(FatalError, match="another worker"):
            QueryServer(settings)
        assert QueryClient(settings.query_socket).query("SELECT 1").rows == [[1]]
    assert not settings.query_socket.exists()


def test_a_path_too_long_for_a_socket_is_said(settings: Settings, tmp_path: Path) -> None:
    far = load(data_dir=tmp_path / ("x" * 100))
    assert not QueryClient.answers(far.query_socket)
    with pytest.raises(ConfigurationError, match="too long"), running(QueryServer(far)):
        pass


def test_a_worker_that_went_away_is_said(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="broke off the connection"):
        QueryClient(tmp_path / "none").query("SELECT 1")


def _post(path: Path, body: bytes) -> tuple[int, bytes]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(120)
        connection.connect(str(path))
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), content
