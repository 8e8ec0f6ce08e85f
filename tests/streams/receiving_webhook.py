"""A server that webhooks and heartbeats are sent to: it keeps what comes, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """One that came: when, its method, path, headers and body."""

    time: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Its body."""
        said: dict[str, Any] = json.loads(self.body)
        return said


class Receiver:
    """`status` is what it answers next, with `headers`, after `delay_s`; the answer quotes the path, as some do."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status, self.headers, self.delay_s = 200, dict[str, str](), 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                receiver.requests.append(Request(time.time(), self.command, self.path, dict(self.headers), body))
                time.sleep(receiver.delay_s)
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                answer = b"" if receiver.status == 204 else f"no: {self.path}".encode()
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                with suppress(OSError):  # whoever asked may have given up
                    self.wfile.write(answer)

            do_GET = do_POST = _answer  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])

    def address(self, path: str = "/") -> str:
        """Of it."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """One that runs."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()
