"""Real servers on loopback that take messages, or don't in a way that is set: HTTP, and SMTP as far as smtplib asks."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Mapping[str, str], bytes]
OK: Answer = (200, {}, b"ok")


@dataclass
class Receiver:
    """What came, and what is answered: `answer` gets the path and the body."""

    url: str = ""
    bodies: list[Any] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[str, bytes], Answer] = lambda path, body: OK
    open_now: int = 0
    most_open: int = 0


@contextlib.contextmanager
def http_receiver(path: str = "/hook") -> Iterator[Receiver]:
    """A server that keeps what is posted to it."""
    receiver = Receiver()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with lock:
                receiver.open_now += 1
                receiver.most_open = max(receiver.most_open, receiver.open_now)
            try:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, text = receiver.answer(self.path, body)
                receiver.raw.append(body)
                receiver.headers.append(dict(self.headers))
                receiver.bodies.append(json.loads(body))
                with contextlib.suppress(OSError):  # whoever asked may have given up
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
            finally:
                with lock:
                    receiver.open_now -= 1

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Mailbox:
    """Mails that came, and the code with which the next are answered."""

    url: str = ""
    mails: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


@contextlib.contextmanager
def smtp_stand_in() -> Iterator[Mailbox]:
    """No mail server: it says what smtplib wants to hear, and keeps the mail."""
    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 stand-in\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = []
                    while (text := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(text.decode())
                    code = mailbox.codes.pop(0) if mailbox.codes else 250
                    if code == 250:
                        mailbox.mails.append("".join(lines))
                    self.wfile.write(b"%d said\r\n" % code)
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mailbox.url = f"smtp://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield mailbox
    finally:
        server.shutdown()
        server.server_close()


def wait_until(is_so: Callable[[], object], seconds: float = 10.0) -> None:
    """Waits; fails where it isn't so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)
