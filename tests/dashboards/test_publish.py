"""Publishing against a fake Grafana: a small HTTP server that keeps what it is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from watchline.dashboards.boards import all_boards
from watchline.dashboards.publish import diff, publish
from watchline.schemas.errors import ConfigurationError, TransientError

pytest.importorskip("grafana_api")
TOKEN = "a-token"


class FakeGrafana(ThreadingHTTPServer):
    """Answers folders and dashboards as Grafana's HTTP API does; not a Grafana."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folders: list[dict[str, Any]] = []
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.failing = False
        self.url = f"http://127.0.0.1:{self.server_port}/grafana"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        status, reply = self._reply(body)
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _reply(self, body: Any) -> tuple[int, Any]:
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return 401, {"message": "Unauthorized"}
        if self.server.failing:
            return 500, {"message": "Internal server error"}
        match self.command, self.path:
            case "GET", "/grafana/api/folders":
                return 200, self.server.folders
            case "POST", "/grafana/api/folders":
                self.server.folders.append(body)
                return 200, body
            case "POST", "/grafana/api/dashboards/db":
                board = body["dashboard"]
                if board["uid"] in self.server.dashboards and not body["overwrite"]:
                    return 412, {"message": "version-mismatch"}
                self.server.dashboards[board["uid"]] = body
                return 200, {"uid": board["uid"], "url": f"/grafana/d/{board['uid']}/watchline", "status": "success"}
            case "GET", path if path.startswith("/grafana/api/dashboards/uid/"):
                kept = self.server.dashboards.get(path.rpartition("/")[2])
                if kept is not None:
                    return 200, {"dashboard": {**kept["dashboard"], "id": 7, "version": 3}, "meta": {}}
        return 404, {"message": "Not found"}

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_pushes_every_board_into_one_folder_and_twice_is_the_same(grafana: FakeGrafana) -> None:
    for _ in range(2):
        addresses = publish(grafana.url, TOKEN)
    assert addresses[0] == f"{grafana.url}/d/watchline/watchline"
    assert len(addresses) == len(grafana.dashboards) == len(all_boards()) + 1
    assert grafana.folders == [{"title": "Watchline", "uid": "watchline"}]
    assert grafana.dashboards["watchline"]["folderUid"] == "watchline"


def test_a_difference_is_named(grafana: FakeGrafana) -> None:
    assert f"{all_boards()[0].uid}: is not there" in diff(grafana.url, TOKEN)
    publish(grafana.url, TOKEN)
    assert diff(grafana.url, TOKEN) == []
    board = grafana.dashboards["watchline"]["dashboard"]
    board["timezone"] = "browser"
    board["panels"][1]["title"] = "Changed by hand"
    board["panels"].pop(2)
    assert diff(grafana.url, TOKEN) == [
        "watchline: panel «Failed calls» is not there",
        "watchline: panel «Unsupported answers» is another",
        "watchline: timezone is another",
    ]


def test_a_refusal_says_why_and_never_shows_the_token(grafana: FakeGrafana) -> None:
    with pytest.raises(ConfigurationError, match="Unauthorized") as raised:
        publish(grafana.url, "a-wrong-token")
    assert "a-wrong-token" not in str(raised.value)


def test_trouble_is_transient(grafana: FakeGrafana) -> None:
    grafana.failing = True
    with pytest.raises(TransientError):
        publish(grafana.url, TOKEN)
    with pytest.raises(TransientError):
        publish("http://127.0.0.1:1", TOKEN)


def test_a_bad_address_is_told() -> None:
    with pytest.raises(ConfigurationError, match="http"):
        publish("grafana", TOKEN)
