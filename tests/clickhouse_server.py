"""A ClickHouse server for the tests: its HTTP interface in front of chDB, a process of its own, with faults on order.

`python -m tests.clickhouse_server FOLDER` prints HOST:PORT, then takes orders as JSON lines on its standard input and
ends with it. `ClickHouseServer` is the other end. It is the interface of the embedded store, and what that one lacks:
a port, TLS, users and compressed bodies. What a server adds and this lacks: sessions and grants.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from watchline.streams.embedded.broker import free_port
from watchline.streams.embedded.clickhouse_http import INSERT, Engine, Handler


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

    def answer(self, status: int, content: str, times: int = 1, **headers: str) -> None:
        """The next inserts get this answer, as from a proxy that stands between; nothing is applied."""
        self._order(do="answer", status=status, content=content, headers=headers, times=times)

    def break_off(self, way: str, times: int = 1) -> None:
        """The next reads with arrayJoin get no whole answer: `cut` (the connection closes), `error` (one follows)."""
        self._order(do=way, times=times)

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
        self.engine = Engine(Path(folder))
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

    def order(self, do: str, times: int = 1, **fault: Any) -> Any:
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
            self._faults.extend({"do": do, **fault} for _ in range(times))
        return True

    def fault(self, query: bytes) -> dict[str, Any]:
        """The fault that this request meets; empty for none."""
        with self._lock:
            of_reads = bool(self._faults) and self._faults[0]["do"] in ("cut", "error")
            meets = b"arrayJoin" in query and b"formatQuery" not in query if of_reads else INSERT.match(query)
            return self._faults.popleft() if self._faults and meets else {}

    def _listen(self) -> None:
        handler = type("Handler", (_Handler,), {"front": self, "engine": self.engine})
        self._listening = ThreadingHTTPServer(self._address, handler)
        self._listening.daemon_threads = True
        threading.Thread(target=self._listening.serve_forever, args=(0.02,), daemon=True).start()


class _Handler(Handler):
    front: _Server

    def setup(self) -> None:
        if self.front.tls:
            self.request = self.front.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        self.front.open.add(self.connection)

    def finish(self) -> None:
        self.front.open.discard(self.connection)
        super().finish()

    def body(self) -> bytes:
        return _decompressed(super().body(), self.headers.get("Content-Encoding", ""))

    def do_POST(self) -> None:  # noqa: N802
        try:
            super().do_POST()
        except RuntimeError as error:  # of LZ4
            self.refuse(f"Code: 618. DB::Exception: LZ4 decompression failed: {error}. (LZ4_DECODER_FAILED)\n")

    def answer(self, settings: Mapping[str, str], query: bytes) -> None:
        if self.front.logins and self.headers.get("Authorization", "").removeprefix("Basic ") not in self.front.logins:
            text = "Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with " \
                   "such name. (AUTHENTICATION_FAILED)\n"  # fmt: skip
            self.refuse(text, 403)
            return
        insert = INSERT.match(query)
        shown = query[: insert.end()] if insert else query
        self.front.asked.append({**settings, "query": shown.decode("utf-8", "replace").strip()})
        self._fault = self.front.fault(query)
        if self._fault.get("do") == "fail":
            self.refuse(f"Code: {self._fault['code']}. DB::Exception: a fault that the test ordered. (ORDERED_FAULT)\n")
            return
        if self._fault.get("do") == "answer":
            super().reply(self._fault["status"], self._fault["content"].encode(), self._fault["headers"])
            return
        time.sleep(self._fault.get("seconds", 0))
        super().answer(settings, query)

    def reply(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        if status == 200 and self._fault.get("do") == "drop":
            self.close_connection = True
            _close(self.connection)
            return
        if self._fault.get("do") in ("cut", "error"):
            self._break_off(content)
            return
        super().reply(status, content, headers)

    def _break_off(self, content: bytes) -> None:
        """All but an answer's last byte, in chunks as a server sends it; then the end, or an error in another chunk."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("X-ClickHouse-Format", "Native")
        self.end_headers()
        chunks = [content[:-1]]
        if self._fault["do"] == "error":
            chunks = [content, b"Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)\n", b""]
        for chunk in chunks:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        self.close_connection = True

    _fault: Mapping[str, Any] = {}


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _frames(data: bytes) -> Iterator[bytes]:
    """What is in each LZ4 frame: the client makes one of each block, some 2 MB, and a server reads them all."""
    from lz4.frame import LZ4FrameDecompressor

    while data:
        frame = LZ4FrameDecompressor()
        yield frame.decompress(data)
        if not frame.eof:
            raise RuntimeError("the frame is cut off")
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
