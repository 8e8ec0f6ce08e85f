"""The page in a real browser: Debian's chromium, over the real engine."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from tests.dashboards.page.conftest import FIRING, TOKEN, Served, evaluated, opener, served
from tests.dashboards.seed import _insert
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.page.protocols import Queries
from watchline.dashboards.planted import events
from watchline.schemas.errors import TransientError
from watchline.streams.query.policy import QueryError

pytestmark = pytest.mark.slow
AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
SIZES = ((1280, 900), (390, 844))
HIDDEN = "pay\u202eniba\u200bl\U000e0041l"  # turned around, split, and with a tag character
LISTENING = "http://127.0.0.1:{port}"
MARKUP = (
    "![x]({to}/a) <img src={to}/b onerror=alert(1)> <style>body{{background:url({to}/c)}}</style>"
    '<svg><image href="{to}/d"/></svg><link rel=preload href={to}/e as=image><script>fetch("{to}/f")</script>'
    "<base href={to}><meta http-equiv=refresh content='0;{to}/g'> =HYPERLINK(\"{to}/h\") {{{{ 7*7 }}}}"
)
HUGE = 5_000_000


def open_board(tab: Any, page: Served, path: str = "/") -> None:
    tab.goto(f"{page.base}{path}#token={TOKEN}")
    tab.wait_for_selector("#updated:not(:empty)")


def width_over(tab: Any) -> int:
    return int(tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def serious(tab: Any) -> list[str]:
    """What axe finds serious or worse. It is run by the debugger, which the page's policy doesn't bind."""
    tab.evaluate(AXE + "; 0")
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_each_view_fits_and_can_be_read(
    browser: Any, page: Served, alerting: Served, size: tuple[int, int], scheme: str
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    tab = context.new_page()
    open_board(tab, alerting)
    for path, ready in (
        ("/board/overview", ".u-over"),
        ("/board/odd", ".failure"),
        ("/rows?board=overview&panel=5&from=now-2h&to=now&label-prompt_version=2", "tbody tr"),
        (f"/event/{_an_event(page)}", ".finding"),
        ("/sql", "#sql"),
        ("/alerts", ".alert"),
        ("/alerts?matcher=app%3D%22support-bot%22&matcher=model%3D~s.*", ".silence"),
        ("/runbook/unsupported-answers.md", ".runbook pre"),
    ):
        tab.goto(alerting.base + path)
        tab.wait_for_selector(ready)
        tab.wait_for_timeout(400)
        assert width_over(tab) <= 0, path
        assert serious(tab) == [], path
    context.close()


def test_the_token_leaves_the_address(browser: Any, page: Served) -> None:
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    open_board(tab, page)
    assert tab.url == f"{page.base}/" and TOKEN not in tab.content()
    tab.click("text=Copy link")
    link = tab.evaluate("navigator.clipboard.readText()")
    assert TOKEN not in link and re.search(r"from=20\d\d-.*to=20\d\d-", link)
    assert context.cookies() == [] and tab.evaluate("JSON.stringify(localStorage)").find(TOKEN) < 0
    other = context.new_page()  # who gets the link brings a token of their own
    other.goto(link)
    other.wait_for_selector("#token")
    assert "Interactions" not in other.inner_text("main")
    other.fill("#token", "wrong")
    other.press("#token", "Enter")
    other.wait_for_selector("#token")
    other.fill("#token", page.link)
    other.press("#token", "Enter")
    other.wait_for_selector("#updated:not(:empty)")
    assert other.evaluate("location.search") in link
    context.close()


def test_a_point_leads_to_its_rows_and_to_the_event(tab: Any, page: Served) -> None:
    open_board(tab, page, "/board/overview?from=now-2h&to=now&var-app=support-bot")
    over = tab.locator("#panel-overview-5 .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    # The last points of version 1 are at zero, of version 2 at one.
    tab.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 4)
    tab.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 4)
    tab.wait_for_selector("tbody tr")
    assert "label-prompt_version=2" in tab.url and "var-app=support-bot" in tab.url
    assert "prompt_version: 2" in tab.inner_text(".chips")
    tab.click("tbody a")
    tab.wait_for_selector("mark.span")
    assert tab.inner_text("mark.span").endswith("the total is 99 €")
    assert tab.text_content("mark.span") == "the total is 99 €"
    assert tab.text_content("mark.evidence") == "the total is 12 €"
    aside = tab.inner_text("aside")
    for said in (
        "groundedness",
        "alert",
        "score 0.900",
        "toxicity",
        "not applicable",
        "reason: empty text",
        "Kafka offset",
    ):
        assert said in aside
    tab.click(".found .go")
    assert tab.evaluate("document.activeElement.tagName") == "MARK"
    tab.go_back()
    tab.wait_for_selector("tbody tr")
    tab.go_back()
    tab.wait_for_selector("#panel-overview-5 .u-over")


def test_bars_tables_and_states_lead_to_rows_by_keyboard(tab: Any, page: Served) -> None:
    open_board(tab, page)
    for panel in (1, 2, 7, 9, 10):
        assert tab.locator(f"#panel-overview-{panel} .panel-body a[href^='/rows?']").count() > 0
    tab.focus("#panel-overview-5 [aria-label$='as a table']")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#panel-overview-5 tbody tr")
    tab.focus("#panel-overview-5 tbody a")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("h1:has-text('Rows behind')")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_state_is_in_words(tab: Any, page: Served) -> None:
    open_board(tab, page)
    assert "warning from 10 %" in tab.inner_text("#panel-overview-2")
    labels = tab.locator("#panel-overview-9 .block").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    assert any("critical from" in label for label in labels) and all(" last " in label for label in labels)
    assert "The button Table shows the numbers" in tab.get_attribute("#panel-overview-8 canvas", "aria-label")
    tab.click("#panel-overview-8 [aria-label$='as a table']")
    tab.wait_for_selector("#panel-overview-8 tbody tr")


def test_empty_unknown_refused_and_many(tab: Any, page: Served) -> None:
    open_board(tab, page, "/board/odd")
    assert "Nothing came in this range." in tab.inner_text("#panel-odd-1")
    assert "unknown" in tab.inner_text("#panel-odd-2 .panel-body")
    assert "Refused: the function file isn't allowed here" in tab.inner_text("#panel-odd-3")
    tab.click("#panel-odd-4 [aria-label$='as a table']")
    values = tab.locator("#panel-odd-4 tbody tr").all_inner_texts()
    assert sum("unknown" in value for value in values) == 1 and len(values) == 12
    assert tab.locator("#panel-odd-5 tbody tr").count() == 200
    assert "200 of 10,000 rows" in tab.inner_text("#panel-odd-5 .more")
    with tab.expect_download() as download:
        tab.click("#panel-odd-5 [aria-label$='as CSV']")
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 10_001 and lines[-1] == "9999,row 9999"


def test_a_line_is_broken_where_a_value_is_null_and_only_there(tab: Any, page: Served) -> None:
    """Two series at different times: each lacks the other's times, one has a NULL."""
    open_board(tab, page)
    drawn = tab.evaluate(
        """async () => {
            const { chart } = await import("/chart.js");
            const { default: uPlot } = await import("/vendor/uplot/uPlot.esm.min.js");
            const at = (s) => new Date(1700000000000 + s * 1000).toISOString();
            const rows = [[at(0), "a", 1], [at(15), "a", 2], [at(30), "a", null], [at(45), "a", 3], [at(60), "a", 4],
                          [at(10), "b", 1], [at(40), "b", 2], [at(70), "b", 3]];
            const panel = { unit: "count", thresholds: [], decimals: null, title: "t" };
            const queries = { A: { columns: ["time", "app", "n"], rows } };
            const answer = { from: at(0), to: at(80), step_s: 10, queries };
            const made = chart({ panel, answer, marks: [], open: null, select: () => {} });
            document.body.append(made.element);
            await new Promise((done) => setTimeout(done, 300));
            const canvas = made.element.querySelector("canvas");
            const ctx = canvas.getContext("2d");
            // Columns of pixels in which a line's colour is, from left to right.
            const data = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
            const has = (x, want) => {
                for (let y = 0; y < canvas.height; y++) {
                    const i = 4 * (y * canvas.width + x);
                    if (data[i + 3] > 100 && want.every((c, k) => Math.abs(data[i + k] - c) < 40)) return true;
                }
                return false;
            };
            const colours = [1, 2].map((n) => {
                const e = document.createElement("span");
                e.style.color = `var(--line-${n})`;
                document.body.append(e);
                return getComputedStyle(e).color.match(/\\d+/g).slice(0, 3).map(Number);
            });
            const plot = made.element.querySelector(".u-over").getBoundingClientRect();
            const left = plot.left - canvas.getBoundingClientRect().left;
            const x = (s) => Math.round((left + plot.width * s / 80) * devicePixelRatio);
            const there = (n, s) => has(x(s), colours[n]);
            return { a: [7, 22, 38, 52].map((s) => there(0, s)), b: [20, 30, 50, 60].map((s) => there(1, s)) };
        }"""
    )
    assert drawn == {"a": [True, False, False, True], "b": [True, True, True, True]}


def test_parts_of_intervals_can_be_hidden_and_the_address_says_so(
    tab: Any, clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> None:
    """Fourteen whole days, daily, are fourteen rows; half a day later they are thirteen, with a part at each end."""
    client, midnight = clickhouse("parts"), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=14)
    events(client, [first + timedelta(hours=6 * each) for each in range(-4, 4 * 15 - 3)])
    with served(opener(reader_of(client))) as page:

        def intervals(start: datetime, end: datetime, *more: str) -> list[str]:
            times = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
            tab.goto("about:blank")
            tab.goto(f"{page.base}/board/overview?{'&'.join([times, 'step=86400', *more])}#token={TOKEN}")
            return listed()

        def listed() -> list[str]:
            tab.wait_for_selector("#updated:not(:empty)")
            tab.click("#panel-overview-6 button:has-text('Table')")
            return [
                str(each) for each in tab.locator("#panel-overview-6 tbody tr td:nth-last-child(2)").all_inner_texts()
            ]

        assert intervals(first, midnight, "whole=1") == 14 * ["whole"]
        half = timedelta(hours=12)
        parts = intervals(first - half, midnight - half)
        assert (parts.count("whole"), parts.count("part")) == (13, 2)
        tab.check("text=whole ones only")
        assert "whole=1" in tab.url and "step=86400" in tab.url
        assert listed() == 13 * ["whole"]
        intervals_of_an_hour = f"from={first:%Y-%m-%dT%H:%M:%SZ}&to={first + timedelta(hours=7):%Y-%m-%dT%H:%M:%SZ}"
        tab.goto(f"{page.base}/board/overview?{intervals_of_an_hour}&step=86400&whole=1")
        tab.wait_for_selector("#panel-overview-6 >> text=No interval is whole in this range")


def test_csv_is_nothing_that_a_spreadsheet_runs(tab: Any, page: Served) -> None:
    open_board(tab, page)
    rows = [[-0.12, "=1+1", "-cmd", "+49 30", "@x", "\tx", "\rx", "'x", None, True, 'a "b", c', "plain"]]
    text = tab.evaluate("async (rows) => (await import('/csv.js')).csv(rows[0].map((_, i) => `c${i}`), rows)", rows)
    import csv
    import io

    (_, cells) = list(csv.reader(io.StringIO(text, newline="")))
    assert cells == [
        "-0.12",
        "'=1+1",
        "'-cmd",
        "'+49 30",
        "'@x",
        "'\tx",
        "'\rx",
        "''x",
        "",
        "true",
        'a "b", c',
        "plain",
    ]
    undone = [
        cell.removeprefix("'") if isinstance(value, str) else cell for cell, value in zip(cells, rows[0], strict=True)
    ]
    assert undone[1:8] == rows[0][1:8]


def test_times_are_in_the_zone_that_is_named(
    browser: Any, seeded: Any, now: datetime, reader_of: Callable[[Any], Any]
) -> None:
    with served(opener(reader_of(seeded)), zone="Asia/Tokyo") as page:
        context = browser.new_context(timezone_id="America/New_York")
        tab = context.new_page()
        open_board(tab, page)
        there = now + timedelta(hours=9)
        assert "Asia/Tokyo" in tab.inner_text("#updated") and f"{there:%Y-%m-%d}" in tab.inner_text("#updated")
        latest = tab.inner_text("#panel-overview-10 tbody tr:last-child time")
        assert abs((datetime.fromisoformat(latest[:19]) - there.replace(tzinfo=None)).total_seconds()) < 120
        tab.click("#panel-overview-6 [aria-label$='as a table']")
        first = tab.inner_text("#panel-overview-6 tbody tr:last-child td")
        assert abs((datetime.fromisoformat(first) - there.replace(tzinfo=None)).total_seconds()) < 400
        # What is typed is meant in that zone too, also across a clock's change.
        typed = tab.evaluate("""async () => {
            const { fromInput, setZone } = await import("/time.js");
            const first = fromInput("2026-03-29T09:30:00");
            setZone("Europe/Berlin");
            return [first, fromInput("2026-03-29T03:30:00"), fromInput("2026-03-29T01:30:00")];
        }""")
        assert typed == ["2026-03-29T00:30:00.000Z", "2026-03-29T01:30:00.000Z", "2026-03-29T00:30:00.000Z"]
        context.close()


def test_ids_of_many_digits_go_out_as_typed(tab: Any, page: Served) -> None:
    open_board(tab, page)
    tab.click(".picker summary")
    tab.wait_for_selector(".choices label")
    with tab.expect_request(lambda request: request.url.endswith("/api/panel")) as request:
        tab.fill(".picker input[type=text]", "123456789012345678")
        tab.press(".picker input[type=text]", "Enter")
    assert json.loads(request.value.post_data)["variables"] == {"app": ["123456789012345678"]}
    assert "var-app=123456789012345678" in tab.url


def test_the_sql_box(tab: Any, page: Served) -> None:
    open_board(tab, page)
    tab.click("nav >> text=SQL")
    tab.fill(
        "#sql", "SELECT prompt_version, count() AS n FROM v_interactions WHERE app = {app:String} GROUP BY 1 ORDER BY 1"
    )
    tab.fill("input[name=app]", "support-bot")
    tab.press("#sql", "Control+Enter")
    tab.wait_for_selector("tbody tr")
    assert tab.locator("tbody tr").all_inner_texts() == ["1\t60", "2\t60"]
    tab.fill("#sql", "SELECT file('/etc/passwd')")
    tab.click("text=Run")
    tab.wait_for_selector(".failure")
    assert "isn't allowed here" in tab.inner_text(".failure")
    tab.click("aside >> text=coverage")
    tab.click("text=Run")
    tab.wait_for_selector("th:has-text('planned')")


@pytest.fixture
def alerting(alerts: Engine, seeded: Any, reader_of: Callable[[Any], Any]) -> Iterator[Served]:
    with served(opener(reader_of(seeded)), engine=alerts.book) as found:
        yield found


def test_a_panel_says_whether_its_rule_fires_and_why(
    tab: Any, seeded: Any, reader_of: Callable[[Any], Any], now: datetime
) -> None:
    silent = replace(FIRING, uid="calm", title="<b>Calm</b>", above=0.99)
    with opener(reader_of(seeded))() as queries:
        engine = evaluated(queries, FIRING, silent, clock=lambda: now + timedelta(seconds=15))
    with served(opener(reader_of(seeded)), engine=engine.book) as page:
        open_board(tab, page)
        tab.wait_for_selector("#panel-overview-5 .watched.warning")
        tab.click("#panel-overview-5 .watched summary")
        said = tab.inner_text("#panel-overview-5 .watched")
        assert "1 of 2 rules fires" in said
        for rule in engine.book.standing():
            assert f"{rule['title']} {rule['says']}" in said
        assert tab.locator(".watched:visible").count() == 1


def test_an_alert_leads_to_its_window_and_is_silenced_after_a_look(
    browser: Any, alerts: Engine, seeded: Any, reader_of: Callable[[Any], Any]
) -> None:
    with served(opener(reader_of(seeded)), engine=alerts.book) as page:
        context = browser.new_context()
        tab = context.new_page()
        open_board(tab, page)
        tab.click("nav >> text=Alerts")
        tab.wait_for_selector(".alert")
        assert "1 alert fires" in tab.inner_text(".summary") and "<img" in tab.inner_text(".alert")
        assert "unknown" in tab.inner_text(".alert dl")
        tab.click("text=Silence")
        tab.wait_for_selector("text=It would quieten 1 alert of now")
        tab.uncheck("label:has-text('app: support-bot') input")
        tab.check("label:has-text('app: support-bot') input")
        tab.wait_for_selector("text=It would quieten 1 alert of now")
        tab.fill("[aria-label=Why]", "known")
        tab.fill("[aria-label='Your name']", "Ada")
        tab.click(".silence button[type=submit]")
        tab.wait_for_selector(".silence", state="detached")
        (silence,) = alerts.book.silences()
        assert 'app="support-bot"' in silence["matches"] and (silence["who"], silence["why"]) == ("Ada", "known")
        assert timedelta(minutes=59) < _time(silence["until"]) - datetime.now(UTC) < timedelta(minutes=61)
        tab.click("text=Show it then")
        tab.wait_for_selector("#updated:not(:empty)")
        assert "var-app=support-bot" in tab.url and "from=20" in tab.url
        context.close()


def test_a_stored_event_shows_within_two_seconds(
    tab: Any, clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> None:
    client = clickhouse("live")
    event = {"time": datetime.now(UTC) - timedelta(minutes=1), "app": "a"}
    _insert(client, "interactions", [{"event_id": uuid5(NAMESPACE_URL, "live/0"), **event}])
    with served(opener(reader_of(client))) as page:
        open_board(tab, page)
        tab.select_option("[aria-label=Refresh]", label="Refresh: live")
        tab.wait_for_timeout(1_500)
        for number in range(1, 4):
            _insert(client, "interactions", [{"event_id": uuid5(NAMESPACE_URL, f"live/{number}"), **event}])
            tab.wait_for_selector(f"#panel-overview-1 .big:text-is('{number + 1}')", timeout=2_000)


class Slow:
    """Queries that are slow, or fail, as is said; counts those that run."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.wait_s = 0.0
        self.asked = 0

    @contextmanager
    def open_(self) -> Iterator[Queries]:
        yield self

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Any:
        self.asked += 1
        time.sleep(self.wait_s)
        if self.error is not None:
            raise self.error
        if "v_watermarks" in sql or "v_ledger" in sql:
            return _Result(["stored_at", "partitions"], [[datetime.now(UTC).isoformat(), 1]])
        return _Result(["interactions"], [] if "v_signals" in sql or "v_usage_hourly" in sql else [[7]])


class _Result:
    def __init__(self, columns: list[str], rows: list[list[Any]]) -> None:
        self.columns, self.rows = columns, rows


def test_what_goes_wrong_stands_in_the_panel_and_the_last_picture_stays(tab: Any) -> None:
    queries = Slow()
    with served(queries.open_) as page:
        open_board(tab, page)
        panel = "#panel-overview-1"
        assert "7" in tab.inner_text(f"{panel} .big")
        for error, words in (
            (TransientError("ClickHouse is not reachable"), "The store doesn't answer"),
            (QueryError("stopped after 30 s: narrow it by time"), "Too slow"),
            (QueryError("watchline_reader: Not enough privileges"), "No permission"),
        ):
            queries.error = error
            tab.click("[aria-label='Refresh now']")
            tab.wait_for_selector(f'{panel} .failure:has-text("{words}")')
            assert "What is below is of" in tab.inner_text(panel) and "7" in tab.inner_text(f"{panel} .big")
        queries.error = None
        tab.click("[aria-label='Refresh now']")
        tab.wait_for_selector(f"{panel} .failure", state="detached")


def test_a_slow_query_is_never_asked_for_twice(tab: Any) -> None:
    queries = Slow()
    with served(queries.open_) as page:
        open_board(tab, page, "/board/odd")
        before = queries.asked
        queries.wait_s = 0.3
        for _ in range(20):
            tab.click("[aria-label='Refresh now']")
        tab.wait_for_timeout(2_000)
        one_round = 1 + 2 + 5  # the status, the marks' two, the panels
        assert queries.asked - before <= 2 * one_round


def test_a_tab_that_nobody_looks_at_asks_nothing(browser: Any) -> None:
    queries = Slow()
    with served(queries.open_) as page:
        context = browser.new_context()
        tab = context.new_page()
        open_board(tab, page)
        tab.evaluate("sessionStorage.setItem('watchline-refresh', '1')")
        tab.reload()
        tab.wait_for_selector("#updated:not(:empty)")
        tab.evaluate("Object.defineProperty(document, 'hidden', { get: () => true });"
                     "document.dispatchEvent(new Event('visibilitychange'))")  # fmt: skip
        tab.wait_for_timeout(1_500)
        before = queries.asked
        tab.wait_for_timeout(3_000)
        assert queries.asked == before
        context.close()


@pytest.fixture(scope="module")
def hostile(
    clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> Iterator[tuple[Served, dict[str, str], list[str]]]:
    """A page over events with markup in every field, hidden characters, and 5 MB; and what reached a listening port."""
    reached: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reached.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    bad = MARKUP.format(to=LISTENING.format(port=listener.server_port))
    now = datetime.now(UTC) - timedelta(minutes=1)
    ids = {name: str(uuid5(NAMESPACE_URL, name)) for name in ("markup", "hidden", "huge")}
    client = clickhouse("hostile")
    every = {
        "tenant": bad, "prompt_name": bad, "prompt_version": bad, "model": bad, "provider": bad, "error_message": bad,
        "error_type": bad, "conversation_id": bad, "system_instructions": bad, "subject": bad, "finish_reasons": [bad],
        "input_messages": [(bad, bad)], "output_messages": [("assistant", bad)], "documents": [(bad, bad, 0.5)],
        "tool_calls": [(bad, bad, bad, bad)], "prompt_variables": {bad: bad}, "attributes": {bad: bad},
        "redactions": {bad: 1}, "request_parameters": {bad: bad}, "variant": {bad: bad}, "planned": {bad: "1"},
    }  # fmt: skip
    common = {"time": now, "app": bad, "environment": bad}
    image = "data:image/png;base64," + "iVBORw0KGgo" * (HUGE // 11)
    _insert(client, "interactions", [{"event_id": ids["markup"], **common, **every}])
    _insert(
        client,
        "interactions",
        [{"event_id": ids["hidden"], "time": now, "app": "a", "input_messages": [("user", HIDDEN)]}],
    )
    huge = {"input_messages": [("user", image)], "output_messages": [("assistant", "x" * 1_000_000)]}
    _insert(client, "interactions", [{"event_id": ids["huge"], "time": now, "app": "a", **huge}])
    _insert(
        client,
        "findings",
        [{"event_id": ids["markup"], **common, "detector": bad, "decision": "failed", "reason": bad}],
    )
    _insert(client, "feedback", [{"feedback_id": ids["markup"], "event_id": ids["markup"], **common, "comment": bad}])
    with served(opener(reader_of(client))) as page:
        yield page, ids, reached
    listener.shutdown()


def test_hostile_text_reaches_nobody_even_without_the_policy(
    browser: Any, hostile: tuple[Served, dict[str, str], list[str]]
) -> None:
    page, ids, reached = hostile
    context = browser.new_context(bypass_csp=True)
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("dialog", lambda dialog: asked.append("dialog"))
    open_board(tab, page)
    for path, ready in (
        (f"/event/{ids['markup']}", ".finding"),
        ("/rows?board=overview&panel=1&from=now-2h&to=now", "tbody tr"),
        ("/board/overview", ".u-over"),
    ):
        tab.goto(page.base + path)
        tab.wait_for_selector(ready)
        tab.wait_for_timeout(500)
        assert "<img src=" in tab.inner_text("main")
        assert tab.locator("main img, main link, main base, main iframe, main script, main style").count() == 0
    assert reached == [] and all(url.startswith((page.base, "data:,")) for url in asked)
    context.close()


def test_characters_that_cannot_be_seen_are_named_and_copied_as_they_are(
    browser: Any, hostile: tuple[Served, dict[str, str], list[str]]
) -> None:
    page, ids, _ = hostile
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    open_board(tab, page)
    tab.goto(f"{page.base}/event/{ids['hidden']}")
    tab.wait_for_selector(".unseen")
    names = tab.locator(".unseen").evaluate_all("all => all.map(e => getComputedStyle(e, '::before').content)")
    for name in ("U+202E RIGHT-TO-LEFT OVERRIDE", "U+200B ZERO WIDTH SPACE", "U+E0041 TAG A"):
        assert any(name in each for each in names), name
    assert tab.text_content(".text") == HIDDEN
    tab.click(".text-foot >> text=Copy")
    assert tab.evaluate("navigator.clipboard.readText()") == HIDDEN
    tab.evaluate("getSelection().selectAllChildren(document.querySelector('.text')); document.execCommand('copy')")
    assert tab.evaluate("navigator.clipboard.readText()") == HIDDEN
    # What follows reads from left to right all the same.
    lefts = tab.evaluate("""() => {
        const text = [...document.querySelector('.text').childNodes].filter((n) => n.nodeType === 3);
        const range = document.createRange();
        return text.map((n) => { range.selectNode(n); return range.getBoundingClientRect().left; });
    }""")
    assert lefts == sorted(lefts)
    context.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_text_of_five_megabytes_stays_usable(
    browser: Any, hostile: tuple[Served, dict[str, str], list[str]], size: tuple[int, int]
) -> None:
    page, ids, _ = hostile
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    tab = context.new_page()
    open_board(tab, page)
    tab.evaluate("window.blocked = []; new PerformanceObserver((l) => window.blocked.push(...l.getEntries()"
                 ".map((e) => e.duration))).observe({ type: 'longtask', buffered: false })")  # fmt: skip
    started = time.monotonic()
    tab.evaluate("(to) => { const a = document.createElement('a'); a.href = to; document.body.append(a); a.click(); }",
                 f"/event/{ids['huge']}")  # fmt: skip
    tab.wait_for_selector(".text-foot")
    took = time.monotonic() - started
    foot = tab.inner_text(".text-foot >> nth=0")
    assert re.search(r"the first 6,000 of [45],\d{3},\d{3} characters", foot) and "MiB" in foot
    tab.click(".text-foot >> nth=0 >> button:has-text('more')")
    for _ in range(50):
        if tab.evaluate("document.querySelector('.text').textContent.length") == 106_000:
            break
        tab.wait_for_timeout(100)
    assert tab.evaluate("document.querySelector('.text').textContent.length") == 106_000
    assert width_over(tab) <= 0
    blocked = tab.evaluate("Math.max(0, ...window.blocked)")
    assert took < 2 and blocked < 500, (took, blocked)
    context.close()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _an_event(page: Served) -> str:
    found = page.ask(
        "rows", board="overview", panel=5, labels={"prompt_version": "2"}, **{"from": "now-2h", "to": "now"}
    )
    return str(found["rows"][0][-1])
