"""ClickHouse's HTTP interface in front of the tests' engine: what the client sends to a server, without a server.

Each request gets a handle of its own with the settings in its URL, `readonly` last, as a server does it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# What the client sets for the transport; the engine behind has none.
_TRANSPORT = {"client_protocol_version", "session_id", "query_id", "wait_end_of_query", "send_progress_in_http_headers",
              "http_headers_progress_interval_ms", "enable_http_compression", "compress",
              "cancel_http_readonly_queries_on_client_close", "role"}  # fmt: skip


@contextmanager
def serve(connect: Callable[[], Any]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Gives HOST:PORT and the requests it has had: URL parameters, and `query`."""
    requests: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked["query"] = "\n".join(filter(None, [asked.get("query"), body]))
            requests.append(asked)
            try:
                self._reply(200, _run(connect, asked))
            except Exception as error:
                text = str(error)
                code = re.search(r"Code: (\d+)", text)
                self._reply(500, text.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})

        do_GET = do_POST  # noqa: N815

        def _reply(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _run(connect: Callable[[], Any], asked: dict[str, str]) -> bytes:
    sql, output = asked["query"].strip(), "TabSeparated"
    if found := re.search(r"\s+FORMAT\s+(\w+)\s*$", sql):
        sql, output = sql[: found.start()], found[1]
    client = connect()
    try:
        if database := asked.get("database"):
            client.command(f"USE {database}")
        plain = {name for name in asked if not name.startswith("param_")} - _TRANSPORT - {"query", "database"}
        for name in sorted(plain, key=lambda name: name == "readonly"):
            client.command(f"SET {name} = '{asked[name]}'")
        parameters = {name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")}
        return bytes(client._backend._handle.conn.query(sql, output, params=parameters).bytes())
    finally:
        client.close()
