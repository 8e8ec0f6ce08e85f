"""The page over the seeded database, and over one with hostile and huge texts; a real browser where there is one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.dashboards.page.boards import BOARDS
from watchline.dashboards.alert_rules.quality import RULES
from watchline.dashboards.definitions import Board, Rule
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.dashboards.page import server
from watchline.dashboards.page.protocols import Engine as Alerts
from watchline.dashboards.page.protocols import Open, Queries
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries as Real

TOKEN = "a-token-of-the-tests"
CHROMIUM = shutil.which("chromium")


@dataclass(frozen=True)
class Served:
    """A page that is served."""

    link: str

    @property
    def base(self) -> str:
        return self.link.partition("/#")[0]

    @property
    def host(self) -> str:
        return urlsplit(self.base).netloc

    def request(
        self, method: str, path: str, headers: Mapping[str, str | None] | None = None, body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """One request with exactly these headers. Host: as it should be, unless another is given; None: none."""
        connection = HTTPConnection(self.host, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": self.host, "Content-Length": str(len(body)), **(headers or {})}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        found = response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        connection.close()
        return found

    def ask(self, name: str, /, **body: Any) -> dict[str, Any]:
        """What the page's own requests get; `status` beside it."""
        status, _, content = self.request(
            "POST", f"/api/{name}", {"Authorization": f"Bearer {TOKEN}"}, json.dumps(body).encode()
        )
        return {"status": status, **json.loads(content)}


@contextmanager
def served(
    open_: Open, *, engine: Alerts | None = None, zone: str = "UTC", boards: Sequence[Board] = BOARDS
) -> Iterator[Served]:
    """A page on a free port."""
    made = server.Settings(boards=boards, open_=open_, engine=engine, zone=zone, port=0, threads=1, token=TOKEN)
    with server.serving(made) as link:
        yield Served(link)


def opener(client: Any) -> Open:
    """Queries over a client of the tests, with the limits that readers have."""
    restrict(client)

    @contextmanager
    def open_() -> Iterator[Queries]:
        yield Real(client, client.test_database)

    return open_


FIRING = replace(
    next(rule for rule in RULES if rule.uid == "watchline-unsupported-answers"),
    description="<img src=http://127.0.0.1:9/x>",
    details="SELECT 0.03 AS before, NULL AS model",
    board="overview",
    panel=5,
    ends="now",
    above=0.2,
    for_s=0,
)


@pytest.fixture
def alerts(seeded: Any, now: datetime, reader_of: Callable[[Any], Any]) -> Engine:
    """An engine with one alert that fires: version 2's, just after it was seeded."""
    with opener(reader_of(seeded))() as queries:
        return evaluated(queries, FIRING, clock=lambda: now + timedelta(seconds=15))


def evaluated(queries: Queries, *rules: Rule, **settings: Any) -> Engine:
    """An engine that has evaluated rules once."""
    engine = Engine(rules=lambda: rules, queries=queries, journal=MemoryJournal(), **settings)
    assert engine.tick(), engine.health()
    return engine


@pytest.fixture(scope="session")
def page(seeded: Any, reader_of: Callable[[Any], Any]) -> Iterator[Served]:
    with served(opener(reader_of(seeded))) as found:
        yield found


@pytest.fixture(scope="module")  # while it is open an event loop runs: others' `asyncio.run` would be refused
def browser() -> Iterator[Any]:
    """Debian's chromium."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab that fails the test where a script fails or something is asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.on("request", lambda request: errors.append(request.url) if _is_elsewhere(request.url) else None)
    yield found
    context.close()
    assert errors == []


def _is_elsewhere(url: str) -> bool:
    return urlsplit(url).scheme not in ("blob", "data") and urlsplit(url).hostname != "127.0.0.1"
