"""A ClickHouse server for the tests: its HTTP interface in front of chDB, a process of its own, with faults on order.

`python -m tests.clickhouse_server FOLDER` prints HOST:PORT, then takes orders as JSON lines on its standard input and
ends with it. `ClickHouseServer` is the other end. The engine is the real one; what a server adds and this lacks:
sessions and grants. Each request gets a handle of its own with the settings in its URL, `readonly` last.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from watchline.streams.embedded.broker import free_port

# What the client sets for the transport; the engine behind has none.
_TRANSPORT = {"client_protocol_version", "session_id", "session_timeout", "session_check", "query_id", "quota_key",
              "wait_end_of_query", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "buffer_size",
              "enable_http_compression", "compress", "decompress", "cancel_http_readonly_queries_on_client_close",
              "role", "user", "password", "database", "query"}  # fmt: skip
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s+(?P<into>[^\n]*?)\s+FORMAT\s+(?P<format>Native|RowBinary)\s*?\n", re.I)
_GIVES_ROWS = re.compile(r"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|VALUES)\b", re.I)


class ClickHouseServer:
    """Such a process on loopback. A context manager; the folder's data stays when it is killed or stopped.

    Parameters
    ----------
    folder : of the data; nobody else may have it open
    cert : PEM file with key and certificate: the server speaks TLS only
    users : names and passwords; anybody may come where there are none
    """

    def __init__(self, folder: Path, *, cert: Path | None = None, users: Mapping[str, str] | None = None) -> None:
        self.folder, self.port, self.log = folder, free_port(), folder.with_name(folder.name + ".log")
        self.url = f"{'https' if cert else 'http'}://127.0.0.1:{self.port}"
        self._options = [
            *(["--cert", str(cert)] if cert else []),
            *(option for name, password in (users or {}).items() for option in ("--user", f"{name}:{password}")),
        ]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> ClickHouseServer:
        """Starts it, on the same port each time; returns when it answers."""
        command = [sys.executable, "-m", "tests.clickhouse_server", str(self.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                cwd=Path(__file__).parents[1],
            )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline(), f"the ClickHouse server ended:\n{self.log.read_text()[-2000:]}"
        return self

    def kill(self) -> None:
        """SIGKILL. `start` goes on with the same data."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    stop = kill

    def __enter__(self) -> ClickHouseServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def fail(self, code: int, times: int = 1) -> None:
        """The next inserts get status 500 and this code of ClickHouse; nothing is applied."""
        self._order(do="fail", code=code, times=times)

    def hang(self, seconds: float, times: int = 1) -> None:
        """The next inserts wait so long before they are applied, whether or not the client still waits."""
        self._order(do="hang", seconds=seconds, times=times)

    def drop(self, times: int = 1) -> None:
        """The next inserts are applied, and the connection closes without an answer."""
        self._order(do="drop", times=times)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Every connection is closed and new ones are refused, for as long as this is entered."""
        self._order(do="down")
        try:
            yield
        finally:
            self._order(do="up")

    def faults_left(self) -> int:
        """Faults that were ordered and met no insert yet."""
        return int(self._order(do="left"))

    def requests(self) -> list[dict[str, str]]:
        """The requests since the last call, at most 10,000: URL parameters, and `query`."""
        return list(self._order(do="requests"))

    def _order(self, **order: Any) -> Any:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())


class _Server:
    """The process itself."""

    def __init__(self, folder: str, port: int, cert: str | None, users: Sequence[str]) -> None:
        import chdb

        self._connect = lambda: chdb.connect(folder)
        self._engine = self._connect()  # open for as long as the process lives: the engine stays with it
        self._address = ("127.0.0.1", port)
        self.logins = {base64.b64encode(user.encode()).decode() for user in users}
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if cert else None
        if self.tls and cert:
            self.tls.load_cert_chain(cert)
        self.asked: deque[dict[str, str]] = deque(maxlen=10_000)
        self.open: set[socket.socket] = set()
        self._faults: deque[dict[str, Any]] = deque()
        self._lock = threading.Lock()
        self._listen()

    def order(self, do: str, times: int = 1, seconds: float = 0, code: int = 0) -> Any:
        """What came on the standard input; gives the answer."""
        if do == "down":
            self._listening.shutdown()
            self._listening.server_close()
            # Bound and not listening: connections are refused, and no client gets the port as its own meanwhile.
            self._placeholder = socket.socket()
            self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._placeholder.bind(self._address)
            for connection in list(self.open):
                _close(connection)
        elif do == "up":
            self._listen()
            self._placeholder.close()
        elif do == "requests":
            found = list(self.asked)
            self.asked.clear()
            return found
        elif do == "left":
            return len(self._faults)
        else:
            self._faults.extend({"do": do, "seconds": seconds, "code": code} for _ in range(times))
        return True

    def fault(self, query: bytes) -> dict[str, Any]:
        """The fault that this request meets; empty for none."""
        with self._lock:
            return self._faults.popleft() if self._faults and _INSERT.match(query) else {}

    def run(self, asked: Mapping[str, str], query: bytes) -> bytes:
        """Runs one statement with the settings of the request. Raises what the engine raises."""
        settings = {name: value for name, value in asked.items() if name not in _TRANSPORT}
        parameters = {name[6:]: settings.pop(name) for name in list(settings) if name.startswith("param_")}
        handle = self._connect()
        try:
            if database := asked.get("database"):
                handle.query(f"USE `{database}`")
            for name in sorted(settings, key=lambda name: name == "readonly"):
                handle.query(f"SET {name} = {_quoted(settings[name])}")
            if insert := _INSERT.match(query):
                with tempfile.NamedTemporaryFile(suffix=".block") as block:
                    block.write(query[insert.end() :])
                    block.flush()
                    into, form = insert["into"].decode(), insert["format"].decode()
                    sql = f"INSERT INTO {into} FROM INFILE {_quoted(block.name)} FORMAT {form}"
                    return bytes(handle.query(sql).bytes())
            return bytes(handle.query(query.decode(), "TabSeparated", params=parameters).bytes())
        finally:
            handle.close()

    def _listen(self) -> None:
        handler = type("Handler", (_Handler,), {"front": self})
        self._listening = ThreadingHTTPServer(self._address, handler)
        self._listening.daemon_threads = True
        threading.Thread(target=self._listening.serve_forever, args=(0.02,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    front: _Server
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        if self.front.tls:
            self.request = self.front.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.front.open.add(self.connection)

    def finish(self) -> None:
        self.front.open.discard(self.connection)
        super().finish()

    def do_POST(self) -> None:
        address = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        body = _decompressed(self._body(), self.headers.get("Content-Encoding", ""))
        query = b"\n".join(filter(None, [asked.get("query", "").encode(), body]))
        if address.path == "/ping":
            self._reply(200, b"Ok.\n")
            return
        if self.front.logins and self.headers.get("Authorization", "").removeprefix("Basic ") not in self.front.logins:
            text = b"Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user " \
                   b"with such name. (AUTHENTICATION_FAILED)\n"  # fmt: skip
            self._reply(403, text, {"X-ClickHouse-Exception-Code": "516"})
            return
        insert = _INSERT.match(query)
        shown = query[: insert.end()] if insert else query
        self.front.asked.append({**asked, "query": shown.decode("utf-8", "replace").strip()})
        self._answer(asked, query, self.front.fault(query))

    do_GET = do_POST  # noqa: N815

    def _answer(self, asked: Mapping[str, str], query: bytes, fault: Mapping[str, Any]) -> None:
        if fault.get("do") == "fail":
            text = f"Code: {fault['code']}. DB::Exception: a fault that the test ordered. (ORDERED_FAULT)\n"
            self._reply(500, text.encode(), {"X-ClickHouse-Exception-Code": str(fault["code"])})
            return
        time.sleep(fault.get("seconds", 0))
        try:
            content = self.front.run(asked, query)
        except Exception as error:
            code = re.search(r"Code: (\d+)", str(error))
            self._reply(500, str(error).encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})
            return
        if fault.get("do") == "drop":
            self.close_connection = True
            _close(self.connection)
            return
        rows = content or _GIVES_ROWS.match(query.decode("utf-8", "replace"))
        self._reply(200, content, {"X-ClickHouse-Format": "TabSeparated"} if rows else {})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the client has gone
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):  # closed by an order, or by the client in the middle of a body
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _frames(data: bytes) -> Iterator[bytes]:
    """What is in each LZ4 frame: the client makes one of each block, some 2 MB, and a server reads them all."""
    from lz4.frame import LZ4FrameDecompressor

    while data:
        frame = LZ4FrameDecompressor()
        yield frame.decompress(data)
        data = frame.unused_data or b""


def _decompressed(data: bytes, encoding: str) -> bytes:
    if encoding == "lz4":
        return b"".join(_frames(data))
    if encoding == "gzip":
        return gzip.decompress(data)
    if encoding == "deflate":
        return zlib.decompress(data)
    assert not encoding, f"Content-Encoding {encoding}"
    return data


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def main() -> None:
    """Serves until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert", help="PEM file with key and certificate")
    parser.add_argument("--user", action="append", default=[], metavar="NAME:PASSWORD")
    args = parser.parse_args()
    port = args.port or free_port()
    server = _Server(args.folder, port, args.cert, args.user)
    sys.stdout.write(f"127.0.0.1:{port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(server.order(**json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
