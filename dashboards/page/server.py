"""The page's server: files without data for everybody on this machine, data for who has the token."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from watchline.dashboards import audits
from watchline.dashboards.definitions import Board, Panel
from watchline.dashboards.page import answers, events, security
from watchline.dashboards.page.pool import Pool
from watchline.dashboards.page.protocols import Engine, Open, Queries
from watchline.dashboards.page.ranges import Range, read
from watchline.schemas.errors import ConfigurationError, FatalError, TransientError, WatchlineError, where
from watchline.schemas.views import views

PORT = 8765
MOST_BYTES = 256 * 1024  # of a request: the longest is SQL
_STATIC = Path(__file__).parent / "static"
_RUNBOOKS = Path(__file__).parents[1] / "runbooks"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
Body = Mapping[str, Any]
refreshed: ContextVar[str] = ContextVar("refreshed", default="")
"""Of which board a query is that is asked again by itself; empty for what somebody has asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the page is made of.

    Parameters
    ----------
    boards : sequence of Board
    open_ : callable
        Opens queries; each thread opens its own.
    engine : Engine, optional
        Who evaluates the alert rules, where that is Watchline.
    zone : str
        In which every time is shown.
    host, port : str, int
        Where it listens; port 0: one that is free.
    threads : int
        How many queries run at once.
    token : str
        Whoever has it may read.
    named : callable
        The name of the reader whose token it is, who may read too; empty where it is nobody's.
    """

    boards: Sequence[Board]
    open_: Open
    engine: Engine | None = None
    zone: str = "UTC"
    host: str = "127.0.0.1"
    port: int = PORT
    threads: int = 3
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    named: Callable[[str], str] = lambda token: ""


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ConfigurationError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigurationError(f"there is no time zone {name!r}: want a name such as UTC or Europe/Berlin") from None


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serves the page from a thread for as long as this is entered. Gives the link, with the token in its fragment.

    A fragment is not sent to a server, so it is in no log; the page takes it out of the address at once.

    Raises
    ------
    ConfigurationError
        There is no such time zone, or the host is no name that a browser can use.
    FatalError
        The port is taken, or the address isn't this machine's.
    """
    started: list[str | BaseException] = []
    ready, stop = threading.Event(), threading.Event()
    names = security.names(settings.host)
    zone = zone_of(settings.zone)

    async def serve() -> None:
        pool = Pool(settings.open_, settings.threads)
        runner = None
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            listener = socket.create_server((settings.host, settings.port), family=family)
            port = listener.getsockname()[1]
            app = _app(settings, tuple(f"{name}:{port}" for name in names), zone, pool)
            runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
            await runner.setup()
            await web.SockSite(runner, listener).start()
            started.append(f"http://{names[0]}:{port}/#token={settings.token}")
            ready.set()
            await asyncio.to_thread(stop.wait)
        finally:
            if runner is not None:
                await runner.cleanup()
            pool.close()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            started.append(error)
            ready.set()

    thread = threading.Thread(target=work, name="page", daemon=True)
    thread.start()
    ready.wait()
    if isinstance(started[0], OSError):
        why = started[0].strerror or type(started[0]).__name__
        raise FatalError(f"the page can't listen on {settings.host}:{settings.port}: {why}; choose another --port")
    if isinstance(started[0], BaseException):
        raise started[0]
    try:
        yield started[0]
    finally:
        stop.set()
        thread.join(10)


def _app(settings: Settings, hosts: tuple[str, ...], zone: ZoneInfo, pool: Pool) -> web.Application:
    files = {f"/{path.relative_to(_STATIC).as_posix()}": path for path in sorted(_STATIC.rglob("*")) if path.is_file()}
    app = web.Application(
        client_max_size=MOST_BYTES,
        middlewares=[
            security.guard(
                hosts, settings.token, needs_token=lambda path: path.startswith("/api/"), named=settings.named
            )
        ],
    )
    for name, path in files.items():
        if path.suffix in _TYPES:
            app.router.add_get(name, _file(path.read_bytes(), _TYPES[path.suffix]))
    index = files["/index.html"].read_bytes()
    for name in ("/", "/board/{uid}", "/event/{id}", "/rows", "/alerts", "/runbook/{name}", "/sql"):
        app.router.add_get(name, _file(index, "text/html"))
    routes = _Routes(settings, zone, pool)
    for name, answer in {
        "start": routes.start, "panel": routes.panel, "values": routes.values, "rows": routes.rows,
        "marks": routes.marks, "event": routes.event, "text": routes.text, "status": routes.status, "sql": routes.sql,
        "audit": routes.audit, "alerts": routes.alerts, "standing": routes.standing, "preview": routes.preview,
        "silence": routes.silence, "end_silence": routes.end_silence, "acknowledge": routes.acknowledge,
        "runbook": routes.runbook,
    }.items():  # fmt: skip
        app.router.add_post(f"/api/{name}", _json(answer))
    return app


def _file(content: bytes, type_: str) -> security.Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=content, content_type=type_, charset="utf-8")

    return answer


def _json(answer: Callable[[Body], Awaitable[Any]]) -> security.Handler:
    """JSON in, JSON out; what goes wrong is said in words, with its kind."""

    async def handle(request: web.Request) -> web.StreamResponse:
        began = time.monotonic()
        try:
            body = await request.json() if request.can_read_body else {}
            if not isinstance(body, dict):
                raise ConfigurationError("want a JSON object")
            result = await answer(body)
            status = 200
        except web.HTTPException:  # of aiohttp, such as a request that is too long
            raise
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            status, result = 400, {"error": f"this can't be read: {type(error).__name__}", "kind": "refused"}
        except (WatchlineError, OSError) as error:
            status, result = _error(error)
        except Exception as error:  # never its message, which may quote the text of an event
            status, result = 500, {"error": f"a fault in Watchline: {where(error)}", "kind": "fault"}
        if isinstance(result, dict):
            result = {**result, "took_s": round(time.monotonic() - began, 3)}
        return web.json_response(text=json.dumps(_exact(result), ensure_ascii=True, allow_nan=False), status=status)

    return handle


def _exact(value: Any) -> Any:
    """The value with whole numbers that a browser would round as text: it counts in floats."""
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, Mapping):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return value


def _error(error: Exception) -> tuple[int, dict[str, str]]:
    text = str(error)
    if isinstance(error, TransientError | OSError):
        return 503, {"error": text, "kind": "away"}
    if "Not enough privileges" in text:
        return 403, {"error": text, "kind": "permission"}
    if text.startswith(("stopped after", "needs more memory")):
        return 422, {"error": text, "kind": "slow"}
    return 400, {"error": text, "kind": "refused"}


class _Routes:
    """What is under /api. Each takes the request's object and gives the answer's."""

    def __init__(self, settings: Settings, zone: ZoneInfo, pool: Pool) -> None:
        self._settings = settings
        self._zone = zone
        self._pool = pool
        self._boards = {board.uid: board for board in settings.boards}

    async def start(self, body: Body) -> dict[str, Any]:
        """All that doesn't change while the page is open."""
        return {
            "zone": self._settings.zone,
            "now": _iso(datetime.now(UTC)),
            "boards": [_board(board) for board in self._settings.boards],
            "views": {
                name: {
                    "one_row_for": view.one_row_for,
                    "columns": [[column.name, column.type, column.comment] for column in view.columns],
                }
                for name, view in views().items()
            },
            "audits": [asdict(audits.load(name)) for name in audits.names()],
            "alerts": self._settings.engine is not None,
        }

    async def panel(self, body: Body) -> dict[str, Any]:
        """The numbers of one panel."""
        board, panel, range_ = *self._panel(body), self._range(body)
        refreshed.set(board.uid)
        points = min(max(int(body.get("points", 120)), 10), 1000)
        step_s = range_.step_s(points) if body.get("step") is None else range_.wanted_step_s(int(body["step"]))
        found = await self._pool.run(answers.panel, board, panel, range_, _chosen(body), step_s)
        return {**_said(range_), **found}

    async def values(self, body: Body) -> dict[str, Any]:
        """What a variable may be."""
        board, range_ = self._board(body), self._range(body)
        refreshed.set(board.uid)
        return {"values": await self._pool.run(answers.values, board, str(body["name"]), range_)}

    async def rows(self, body: Body) -> dict[str, Any]:
        """A page of the rows behind a panel."""
        (board, panel), range_ = self._panel(body), self._range(body)
        chosen = answers.variables(board, _chosen(body))
        if panel.rows is None:
            raise ConfigurationError("this panel has no rows behind it")
        after = None if body.get("after") is None else [str(value) for value in body["after"]]
        labels = {str(name): str(value) for name, value in dict(body.get("labels") or {}).items()}
        page = await self._pool.run(answers.rows, panel.rows, range_, chosen, labels, after)
        return {**_said(range_), "columns": page.columns, "rows": page.rows, "after": page.after}

    async def marks(self, body: Body) -> dict[str, Any]:
        """What happened in the range."""
        board = self._board(body)
        refreshed.set(board.uid)
        return {"marks": await self._pool.run(answers.marks, board, self._range(body), _chosen(body))}

    async def event(self, body: Body) -> dict[str, Any]:
        """One event whole."""
        return _there(await self._pool.run(events.whole, _id(body)), body)

    async def text(self, body: Body) -> dict[str, Any]:
        """More of one of its texts."""
        start = max(int(body["start"]), 0)
        return _there(await self._pool.run(events.part, _id(body), str(body["field"]), start), body)

    async def status(self, body: Body) -> dict[str, Any]:
        """Whether the store answers, and up to when there is data."""
        refreshed.set("status")
        return {"now": _iso(datetime.now(UTC)), **await self._pool.run(answers.status)}

    async def sql(self, body: Body) -> dict[str, Any]:
        """One SELECT of the reader's own."""
        return await self._query(str(body["sql"]), _texts(body.get("parameters")))

    async def audit(self, body: Body) -> dict[str, Any]:
        """One of the audit queries."""
        audit = audits.load(str(body["name"]))
        given = _texts(body.get("parameters"))
        audit.statement(**given)
        return await self._query(audit.sql, {**audit.parameters, **given})

    async def alerts(self, body: Body) -> dict[str, Any]:
        """All that isn't normal, what was, and what is silenced."""
        engine = self._engine()
        alerts, silences, history = await asyncio.gather(
            *(asyncio.to_thread(ask) for ask in (engine.alerts, engine.silences, engine.history))
        )
        return {"alerts": list(alerts), "silences": list(silences), "history": list(history)[:200]}

    async def standing(self, body: Body) -> dict[str, Any]:
        """How the rules stand that a board's panels show."""
        board = self._board(body)
        rules = await asyncio.to_thread(self._engine().standing, self._settings.zone)
        return {"rules": [each for each in rules if each["board"] == board.uid]}

    async def preview(self, body: Body) -> dict[str, Any]:
        """What a silence would quieten."""
        return {"alerts": list(await asyncio.to_thread(self._engine().preview, _matchers(body)))}

    async def silence(self, body: Body) -> dict[str, Any]:
        """Makes a silence."""
        engine, until = self._engine(), datetime.fromisoformat(str(body["until"]))
        who, why = str(body["who"]).strip(), str(body["why"]).strip()
        if until.tzinfo is None or until <= datetime.now(UTC) or not who or not why:
            raise ConfigurationError("a silence needs an end that is to come, who wants it and why")
        return {"id": await asyncio.to_thread(engine.silence, _matchers(body), until.astimezone(UTC), who, why)}

    async def end_silence(self, body: Body) -> dict[str, Any]:
        """Ends one."""
        await asyncio.to_thread(self._engine().end_silence, str(body["id"]))
        return {}

    async def acknowledge(self, body: Body) -> dict[str, Any]:
        """Says that somebody looks at an alert."""
        who = str(body["who"]).strip()
        if not who:
            raise ConfigurationError("say who looks at it")
        await asyncio.to_thread(self._engine().acknowledge, str(body["rule"]), _texts(body.get("labels")), who)
        return {}

    async def runbook(self, body: Body) -> dict[str, Any]:
        """What to do where a rule fires, as Markdown."""
        files = {path.name: path for path in _RUNBOOKS.glob("*.md")}
        name = str(body["name"])
        if name not in files:
            raise ConfigurationError(f"there is no runbook {name[:60]!r}; there are: {', '.join(sorted(files))}")
        return {"text": files[name].read_text(encoding="utf-8")}

    async def _query(self, sql: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        result = await self._pool.run(_ask, sql, parameters)
        return {"columns": result.columns, "rows": result.rows}

    def _engine(self) -> Engine:
        if self._settings.engine is None:
            raise ConfigurationError("Watchline's own alerts are off here: Grafana evaluates the rules")
        return self._settings.engine

    def _board(self, body: Body) -> Board:
        uid = str(body["board"])
        if uid not in self._boards:
            raise ConfigurationError(f"there is no board {uid[:60]!r}; there are: {', '.join(self._boards)}")
        return self._boards[uid]

    def _panel(self, body: Body) -> tuple[Board, Panel]:
        board, number = self._board(body), int(body["panel"])
        if number not in board.panels:
            raise ConfigurationError(f"the board {board.uid} has no panel {number}")
        return board, board.panels[number]

    def _range(self, body: Body) -> Range:
        return read(str(body["from"]), str(body["to"]), now=datetime.now(UTC), zone=self._zone)


def _ask(queries: Queries, sql: str, parameters: Mapping[str, str]) -> Any:
    return queries.query(sql, parameters)


def _board(board: Board) -> dict[str, Any]:
    """What a browser needs of a board: not its SQL."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "hours": board.hours,
        "refresh_s": board.refresh_s,
        "variables": [
            {"name": variable.name, "label": variable.label, "default": variable.default}
            for variable in board.variables
        ],
        "sections": [
            {"title": title, "panels": [_described(panel) for panel in panels]}
            for title, panels in board.sections.items()
        ],
    }


def _described(panel: Panel) -> dict[str, Any]:
    described = {name: value for name, value in asdict(panel).items() if name not in ("queries", "rows")}
    return {**described, "rows": panel.rows is not None, "thresholds": [tuple(each) for each in panel.thresholds]}


def _chosen(body: Body) -> dict[str, list[str] | None]:
    """The variables that narrow; None where all values are meant. Ids stay the text that was typed."""
    given = dict(body.get("variables") or {})
    return {str(name): [str(value) for value in chosen] if chosen else None for name, chosen in given.items()}


def _texts(given: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in dict(given or {}).items()}


def _matchers(body: Body) -> list[str]:
    matchers = [str(each) for each in body["matchers"]]
    if not matchers:
        raise ConfigurationError("a silence needs a label at least: without one it would quieten everything")
    return matchers


def _id(body: Body) -> str:
    try:
        return str(uuid.UUID(str(body["event_id"])))
    except ValueError:
        raise ConfigurationError(f"{str(body['event_id'])[:60]!r} is no event id: want a UUID") from None


def _there(found: dict[str, Any] | None, body: Body) -> dict[str, Any]:
    if found is None:
        raise ConfigurationError(f"no event {_id(body)}: not stored yet, a dead letter, erased, or never sent")
    return found


def _said(range_: Range) -> dict[str, str]:
    return {"from": _iso(range_.start), "to": _iso(range_.end)}


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
