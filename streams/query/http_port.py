"""ClickHouse's HTTP interface on loopback, for reading: clickhouse-connect, DBeaver, curl.

A statement goes the way of `watchline sql`: written anew by ClickHouse, checked, run with the limits of readers. No
setting, body of another kind or second statement comes through; what drivers ask on connecting is let through word for
word. Answers have the format that was asked for, as ClickHouse writes it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from queue import Empty, LifoQueue
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded.clickhouse_http import Handler
from watchline.streams.query.noting import Note, Running, noting
from watchline.streams.query.policy import QueryError
from watchline.streams.query.reader import MAX_RESULT_BYTES, restrict
from watchline.streams.query.run import checked, raw
from watchline.streams.settings import Settings

HOST, USER = "127.0.0.1", "watchline_reader"
MAX_REQUEST_BYTES = 256 * 1024
MAX_QUERIES = 4  # at a time
WAIT_S = 20.0  # of a query for its turn
IDLE_S = 60.0  # of a connection
_FORMAT = re.compile(r"(?<!\s)\s+FORMAT\s+(\w+)\s*$", re.IGNORECASE)
_FORMATS = re.compile(
    r"Native|RowBinary\w*|TabSeparated\w*|TSV\w*|CSV\w*|JSON\w*|Pretty\w*|Values|Vertical|Markdown|Arrow\w*|Parquet"
)
# What drivers ask on connecting: clickhouse-connect, clickhouse-go, ClickHouse's own for Java.
_ASKED = frozenset(
    {
        "SELECT version()",
        "SELECT timezone()",
        "SELECT version(), timezone()",
        "SELECT name, value, readonly FROM system.settings LIMIT 10000",
        "SELECT displayName(), version(), revision(), timezone()",
        "SELECT currentUser() AS user, timezone() AS timezone, version() AS version LIMIT 1",
    }
)
# In the address beside `query` and parameters: how an answer travels. Left unused, they cost nobody anything.
_UNUSED = frozenset(
    {
        "buffer_size", "cancel_http_readonly_queries_on_client_close", "client_protocol_version", "compress",
        "enable_http_compression", "http_headers_progress_interval_ms", "query_id", "quota_key",
        "send_progress_in_http_headers", "session_check", "session_id", "session_timeout", "wait_end_of_query",
    }
)  # fmt: skip
_REFUSED = "Code: {code}. DB::Exception: {text} ({name})\n"


class _Clients:
    """Clients for a few queries at a time. One whose store went away is closed."""

    def __init__(self, open_: Callable[[], Any]) -> None:
        self._open = open_
        self._turns = threading.BoundedSemaphore(MAX_QUERIES)
        self._free: LifoQueue[Any] = LifoQueue()

    @contextmanager
    def one(self) -> Iterator[Any]:
        if not self._turns.acquire(timeout=WAIT_S):
            raise TransientError(f"{MAX_QUERIES} other queries run, none has ended for {WAIT_S:.0f} s; try again")
        try:
            try:
                client = self._free.get_nowait()
            except Empty:
                client = self._open()
            try:
                yield client
            except (TransientError, OSError):
                client.close()
                raise
            except BaseException:
                self._free.put(client)
                raise
            self._free.put(client)
        finally:
            self._turns.release()

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait().close()


class _Request(NamedTuple):
    """What an address says, and the format that was asked for."""

    query: str
    form: str
    parameters: Mapping[str, str]


@contextmanager
def serving(
    settings: Settings,
    *,
    port: int,
    token: str,
    open_: Callable[[], Any] | None = None,
    named: Callable[[str], str] = lambda token: "",
    note_of: Callable[[str], Note | None] = lambda name: None,
) -> Iterator[int]:
    """Serves for as long as this is entered. Gives the port.

    Parameters
    ----------
    settings : Settings
    port : int
        0: one that is free.
    token : str
        The password of `watchline_reader`.
    open_ : callable, optional
        Opens a client with the limits of readers. Default: on the settings' store.
    named : callable
        The name of the reader whose token it is, which is the user then; empty where it is nobody's.
    note_of : callable
        Who is told of what a reader of that name reads; of an empty name: of whoever has `token`.

    Raises
    ------
    FatalError
        The port is taken.
    """

    def reader() -> Any:
        client = connect(settings)
        restrict(client)
        return client

    clients = _Clients(open_ or reader)
    told = {"named": staticmethod(named), "note_of": staticmethod(note_of)}
    own = {"clients": clients, "token": token, "database": settings.clickhouse_database, **told}
    handler = type("_Reading", (_Handler,), own)
    try:
        server = ThreadingHTTPServer((HOST, port), handler)
    except OSError as error:
        raise FatalError(f"--clickhouse-port {port}: {error.strerror}; choose another") from None
    with server, ExitStack() as stack:
        stack.callback(clients.close)
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="clickhouse-port", daemon=True)
        thread.start()
        stack.callback(server.shutdown)
        yield int(server.server_address[1])


class _Handler(Handler):
    clients: _Clients
    token: str
    database: str
    named: Callable[[str], str]
    note_of: Callable[[str], Note | None]
    timeout = IDLE_S

    def do_POST(self) -> None:  # noqa: N802
        """Answers one request."""
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True  # its body isn't read
            status, code, text, name = refusal
            self.refuse(_REFUSED.format(code=code, text=text, name=name), status)
            return
        address = urlsplit(self.path)
        body = self.body()
        if address.path == "/ping":
            self.reply(200, b"Ok.\n")
            return
        try:
            user = self._login()[0]
            with noting(self.note_of("" if user == USER else user), "") as running:
                asked = self._asked(address.query, self.headers.get("X-ClickHouse-Format"))
                if asked.query and body.strip():
                    raise QueryError("one statement: in the address or in the body")
                content, form = self._run(asked, asked.query or body.decode(), running)
            self.reply(200, content, {"X-ClickHouse-Format": form, "X-ClickHouse-Timezone": "UTC"})
        except UnicodeDecodeError:
            self.refuse(_REFUSED.format(code=62, text="a statement is UTF-8", name="SYNTAX_ERROR"), 400)
        except QueryError as error:
            self.refuse(_REFUSED.format(code=497, text=error, name="ACCESS_DENIED"), 403)
        except (TransientError, OSError) as error:
            self.refuse(_REFUSED.format(code=210, text=error, name="NETWORK_ERROR"), 503)
        except Exception as error:  # never its message, which may quote an event
            text = f"a fault in Watchline: {type(error).__name__}"
            self.refuse(_REFUSED.format(code=1002, text=text, name="UNKNOWN_EXCEPTION"), 500)

    do_GET = do_POST  # noqa: N815

    def _refusal(self) -> tuple[int, int, str, str] | None:
        """Why this isn't answered at all: status, ClickHouse's code and name, and what is wrong."""
        port = self.connection.getsockname()[1]
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
        host = self.headers.get_all("Host", [])
        if len(host) != 1 or host[0].lower() not in hosts or "Origin" in self.headers:
            return 403, 497, "this answers programs on this machine, by its own name", "ACCESS_DENIED"
        if urlsplit(self.path).path == "/ping" and self.command == "GET":
            return None
        user, password = self._login()
        is_everybody = hmac.compare_digest(password.encode(), self.token.encode()) and user == USER
        if not is_everybody and (user in ("", USER) or self.named(password) != user):
            text = f"{USER} with the token of the page as password, or a reader's name with their token"
            return 401, 516, f"this needs the user {text}", "AUTHENTICATION_FAILED"
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        if "Content-Encoding" in self.headers or kind.startswith(("multipart/", "application/x-www-form-urlencoded")):
            return 400, 48, "the body is the statement: no form, no compression", "NOT_IMPLEMENTED"
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or int(length) > MAX_REQUEST_BYTES:
            return 413, 48, f"a statement has at most {MAX_REQUEST_BYTES >> 10} KiB, and its length", "NOT_IMPLEMENTED"
        return None

    def _login(self) -> tuple[str, str]:
        """From ClickHouse's headers or HTTP's own; never from the address, which ends in histories and logs."""
        kind, _, given = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return user, password
        return self.headers.get("X-ClickHouse-User", ""), self.headers.get("X-ClickHouse-Key", "")

    def _asked(self, query: str, form: str | None) -> _Request:
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        if len(given) < len(pairs):
            raise QueryError("each name stands in the address once")
        parameters = {name[6:]: value for name, value in given.items() if name.startswith("param_")}
        if given.pop("database", "") not in ("", "default", self.database):
            raise QueryError(f"there is the database {self.database} only")
        for name in given.keys() - _UNUSED - {"query", "default_format"}:
            if not name.startswith("param_"):
                raise QueryError(
                    f"{name[:60]} isn't allowed here: settings are Watchline's, and a login stands in headers"
                )
        return _Request(given.get("query", ""), given.get("default_format") or form or "TabSeparated", parameters)

    def _run(self, asked: _Request, sql: str, running: Running) -> tuple[bytes, str]:
        """What it gives, and in which format."""
        sql, form = sql.strip().removesuffix(";"), asked.form
        if match := _FORMAT.search(sql):
            sql, form = sql[: match.start()], match[1]
        running.sql = sql
        if not _FORMATS.fullmatch(form):
            raise QueryError(f"the format {form[:60]} isn't allowed here")
        running.is_read = " ".join(sql.split()) not in _ASKED
        with self.clients.one() as client:
            statement = checked(client, sql, database=self.database) if running.is_read else sql
            running.checked = statement
            types = dict(re.findall(r"\{(\w+):([^{}]+)\}", statement))
            values = {name: _value(asked.parameters[name], types[name]) for name in types.keys() & asked.parameters}
            content = raw(client, statement, values, form)
        if len(content) > MAX_RESULT_BYTES:
            raise QueryError(f"more than {MAX_RESULT_BYTES >> 20} MiB: add LIMIT, or read fewer columns")
        if running.is_read:
            running.rows = _rows(content, form)
        return content, form


def _rows(content: bytes, form: str) -> int:
    """How many rows an answer has, -1 where its format doesn't tell. Of CSV its lines, also those within a text."""
    if form == "Native":
        from clickhouse_connect.driver.buffer import ResponseBuffer
        from clickhouse_connect.driver.transform import NativeTransform

        class Source:
            gen = iter([content])

            def close(self) -> None:
                pass

        return len(NativeTransform.parse_response(ResponseBuffer(Source())).result_rows) if content else 0
    if form.startswith(("TabSeparated", "TSV", "CSV")) or (form.startswith("JSON") and "EachRow" in form):
        return max(content.count(b"\n") - ("WithNames" in form) - ("AndTypes" in form), 0)
    found = re.search(rb'"rows": *(\d+)', content[-1000:]) if form.startswith("JSON") else None
    return int(found[1]) if found else -1


_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_ITEM = re.compile(r"\s*+(?:'((?:[^'\\]|\\.)*+)'|(-?\d+(?:\.\d+)?))\s*+(,|$)", re.DOTALL)


def _value(text: str, type_: str) -> Any:
    """A parameter's value, as the address has it: a text with escapes, or an array of texts or numbers.

    >>> _value(r"it\\'s", "String"), _value("['a', 'b']", "Array(String)"), _value("[1, 2.5]", "Array(Float64)")
    ("it's", ['a', 'b'], [1, 2.5])
    """
    if not type_.strip().lower().startswith("array"):
        return _unescaped(text)
    inner = text.strip()[1:-1].strip()
    items: list[str | int | float] = []
    at = 0
    while at < len(inner) and (match := _ITEM.match(inner, at)):
        quoted, number, comma = match.groups()
        items.append(_unescaped(quoted) if number is None else float(number) if "." in number else int(number))
        at = match.end() if comma else len(inner) + 1
    if text.strip() != f"[{text.strip()[1:-1]}]" or (inner and at <= len(inner)):
        raise QueryError(f"{text[:60]!r} is no array: want ['a', 'b'] or [1, 2]")
    return items


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPED.get(match[1], match[1]), text, flags=re.DOTALL)
