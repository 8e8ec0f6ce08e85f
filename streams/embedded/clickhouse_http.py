"""ClickHouse's HTTP interface in front of chDB, as far as clickhouse-connect uses it.

Each request gets a handle of its own with the settings in its URL, so that requests run side by side.
What a server has and this lacks: sessions, users and grants, compressed bodies, progress, and the header block of an
empty result.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Mapping
from email import message_from_bytes
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

# What the client sets for the transport; the engine behind has none.
_TRANSPORT = {"client_protocol_version", "session_id", "session_timeout", "session_check", "query_id", "quota_key",
              "wait_end_of_query", "send_progress_in_http_headers", "http_headers_progress_interval_ms", "buffer_size",
              "enable_http_compression", "compress", "decompress", "cancel_http_readonly_queries_on_client_close",
              "role", "user", "password", "database", "query"}  # fmt: skip
INSERT = re.compile(
    rb"\s*+INSERT\s++INTO\s++(?P<into>[^\n]*?)(?<!\s)\s++FORMAT\s++(?P<format>Native|RowBinary)\s*?\n", re.I
)
_GIVES_ROWS = re.compile(rb"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE|EXISTS|EXPLAIN|VALUES)\b", re.I)


class Engine:
    """chDB on a folder, open for as long as this lives. Raises what chDB raises where it can't be opened."""

    def __init__(self, folder: Path) -> None:
        import chdb

        # Backups go wherever its user may write: whoever reaches it is that user.
        self._connect: Callable[[], Any] = partial(chdb.connect, f"{folder}?backups.allowed_path=/")
        self._held = self._connect()

    def run(self, settings: Mapping[str, str], query: bytes) -> bytes:
        """Runs one statement and gives what the engine writes, as it is. Any thread may. Raises what chDB raises.

        Parameters
        ----------
        settings : mapping
            The URL's: the engine's settings, `database`, and `param_NAME` for each parameter.
        query : bytes
            The statement; after the first line of an INSERT, its rows.
        """
        ours = {name: value for name, value in settings.items() if name not in _TRANSPORT}
        parameters = {name[6:]: ours.pop(name) for name in list(ours) if name.startswith("param_")}
        with contextlib.closing(self._connect()) as handle:
            if database := settings.get("database"):
                handle.query(f"USE `{database.replace('`', '')}`")
            if ours:  # all at once: `readonly` among them holds for what comes next
                handle.query("SET " + ", ".join(f"{_name(name)} = {_quoted(value)}" for name, value in ours.items()))
            if insert := INSERT.match(query):
                return self._insert(handle, insert, query)
            return bytes(handle.query(query.decode(), "TabSeparated", params=parameters).bytes())

    def close(self) -> None:
        """Closes it, once nothing runs any more."""
        self._held.close()

    @staticmethod
    def _insert(handle: Any, insert: re.Match[bytes], query: bytes) -> bytes:
        with tempfile.TemporaryFile() as rows:  # without a name: nothing stays behind when the process is killed
            rows.write(memoryview(query)[insert.end() :])
            rows.flush()
            into, form = insert["into"].decode(), insert["format"].decode()
            sql = f"INSERT INTO {into} FROM INFILE '/dev/fd/{rows.fileno()}' FORMAT {form}"
            return bytes(handle.query(sql).bytes())


class Handler(BaseHTTPRequestHandler):
    """One connection. A subclass for each server names its engine."""

    engine: Engine
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answers one request."""
        address = urlsplit(self.path)
        settings = {name: values[-1] for name, values in parse_qs(address.query, keep_blank_values=True).items()}
        body = self.body()
        if (kind := self.headers.get("Content-Type", "")).startswith("multipart/form-data"):
            settings, body = {**_form(kind, body), **settings}, b""
        query = b"\n".join(filter(None, [settings.get("query", "").encode(), body]))
        if address.path == "/ping":
            self.reply(200, b"Ok.\n")
        elif not query.strip():  # the engine would take it for done
            self.refuse("Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)\n", 400)
        else:
            self.answer(settings, query)

    do_GET = do_POST  # noqa: N815

    def answer(self, settings: Mapping[str, str], query: bytes) -> None:
        """Runs a statement and sends what it gives, or the engine's error with its code."""
        try:
            content = self.engine.run(settings, query)
        except MemoryError:
            self.refuse("Code: 241. DB::Exception: no memory is left. (MEMORY_LIMIT_EXCEEDED)")
            return
        except Exception as error:
            self.refuse(str(error))
            return
        headers = {"X-ClickHouse-Query-Id": settings.get("query_id") or str(uuid4())}
        if content or _GIVES_ROWS.match(query):
            headers["X-ClickHouse-Format"] = "TabSeparated"
        self.reply(200, content, headers)

    def body(self) -> bytes:
        """What came after the headers."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._exactly(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self._exactly(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        if len(data) < size:  # the client has gone: half a statement may be a statement too
            raise ConnectionError(f"{len(data)} of {size} bytes came")
        return data

    def refuse(self, text: str, status: int = 500) -> None:
        """An error as ClickHouse sends it: `Code: NUMBER. DB::Exception: ...`."""
        code = re.search(r"Code: (\d+)", text)
        self.reply(status, text.encode(), {"X-ClickHouse-Exception-Code": code[1] if code else "0"})

    def reply(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Sends one answer; a client that has gone gets none."""
        try:
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    def handle(self) -> None:
        """Answers until the client closes the connection, also in the middle of a body."""
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Logs nothing: a statement may quote an event."""


def _form(kind: str, body: bytes) -> dict[str, str]:
    """The fields of a form: the client sends parameters so that are too long for an address, such as long SQL."""
    form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts = [part for part in form.walk() if not part.is_multipart()]
    return {str(part.get_param("name", "", "content-disposition")): _text(part) for part in parts}


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode() if isinstance(content, bytes) else ""


def _name(name: str) -> str:
    if not re.fullmatch(r"\w+", name):
        raise ValueError("Code: 115. DB::Exception: a setting's name has letters, digits and _ only. (UNKNOWN_SETTING)")
    return name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
