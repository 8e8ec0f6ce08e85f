"""What the page's server gives, and to whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from tests.dashboards.page.boards import BOARDS, EVENTS, OVERVIEW
from tests.dashboards.page.conftest import TOKEN, Served, opener, served
from tests.dashboards.seed import _insert
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.page import answers, security, server
from watchline.dashboards.page.protocols import Queries
from watchline.dashboards.page.ranges import Range
from watchline.dashboards.planted import events
from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.streams.query.policy import QueryError

LAST_TWO_HOURS = {"from": "now-2h", "to": "now"}
ROUTES = [
    ("GET", path)
    for path in ("/", "/board/overview", "/event/x", "/rows", "/alerts", "/runbook/x", "/sql", "/app.js", "/style.css")
] + [
    ("POST", f"/api/{name}")
    for name in ("start", "panel", "rows", "event", "status", "sql", "alerts", "runbook", "none")
]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_sites_page_gets_nothing(page: Served, method: str, path: str) -> None:
    port = page.host.rpartition(":")[2]
    hosts = ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "127.0.0.1", "127.0.0.1:1",
             f"[::2]:{port}", f"127.0.0.2:{port}", "", None)  # fmt: skip
    for host in hosts:
        status, _, body = page.request(method, path, {**BEARER, "Host": host}, b"{}")
        assert (status, body) in ((403, b""), (400, body)) and b"overview" not in body, host
        assert status == 403 or host in ("", None)  # a request without one is none to the parser
    for origin in ("http://evil.example", "null", f"https://{page.host}", "http://127.0.0.1:1"):
        status, _, body = page.request(method, path, {**BEARER, "Origin": origin}, b"{}")
        assert (status, body) == (403, b""), origin


def test_loopbacks_names_are_let_in(page: Served) -> None:
    port = page.host.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        headers = {**BEARER, "Host": f"{name}:{port}", "Origin": f"http://{name.lower()}:{port}"}
        assert page.request("POST", "/api/start", headers, b"{}")[0] == 200, name


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_data_needs_the_token(page: Served, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN}x"}, {"Cookie": f"t={TOKEN}"}):
        status, _, body = page.request(method, path, headers, b"{}")
        if path.startswith("/api/"):
            assert (status, json.loads(body)["kind"]) == (401, "token")
        else:
            assert status == 200 and TOKEN.encode() not in body


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "/none"), ("GET", "/../server.py"), ("PUT", "/")])
def test_every_answer_keeps_the_browser_at_home(page: Served, method: str, path: str) -> None:
    for headers in (BEARER, {}, {"Host": "evil.example"}):
        _, found, _ = page.request(method, path, headers, b"{}")
        policy = found["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
        assert found["referrer-policy"] == "no-referrer" and found["x-content-type-options"] == "nosniff"
        assert found["cache-control"] == "no-store" and "access-control-allow-origin" not in found
        assert "set-cookie" not in found


def test_the_token_stands_only_in_the_links_fragment(page: Served) -> None:
    assert page.link == f"{page.base}/#token={TOKEN}"
    assert len({server.Settings(boards=(), open_=lambda: None).token for _ in range(3)}) == 3  # type: ignore[arg-type, return-value]


def test_a_host_that_browsers_cannot_name_is_refused() -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(ConfigurationError, match="every address"):
            security.names(host)


def test_a_port_that_is_taken_is_said(page: Served, seeded: Any) -> None:
    port = int(page.host.rpartition(":")[2])
    settings = server.Settings(boards=BOARDS, open_=opener, port=port)  # type: ignore[arg-type]
    with pytest.raises(FatalError, match="choose another --port"), server.serving(settings):
        pass


def test_a_board_is_sent_without_its_sql(page: Served) -> None:
    start = page.ask("start")
    assert [board["uid"] for board in start["boards"]] == ["overview", "odd"]
    assert "SELECT" not in json.dumps(start["boards"])
    assert start["zone"] == "UTC" and "v_interactions" in start["views"] and start["alerts"] is False


def test_totals_agree(page: Served) -> None:
    """Panel, buckets, rows and SQL count the same events, redelivered ones once."""
    stat = page.ask("panel", board="overview", panel=1, **LAST_TWO_HOURS)["queries"]["A"]["rows"][0][0]
    buckets = page.ask("panel", board="overview", panel=6, points=60, **LAST_TWO_HOURS)["queries"]["A"]["rows"]
    sql = page.ask("sql", sql="SELECT count() FROM v_interactions WHERE time > now() - INTERVAL 2 HOUR")["rows"][0][0]
    listed = len(_all_rows(page, board="overview", panel=1))
    assert stat == sum(row[-1] for row in buckets) == sql == listed == 120


def test_variables_narrow_and_never_multiply(page: Served) -> None:
    for variables in (
        {"app": ["support-bot"]},
        {"model": ["small"]},
        {"app": ["support-bot"], "model": ["small", "x"]},
    ):
        found = page.ask("panel", board="overview", panel=1, variables=variables, **LAST_TWO_HOURS)
        assert found["queries"]["A"]["rows"] == [[120]]
    hostile = {"app": ["' OR 1=1 --", "\\"]}
    assert page.ask("panel", board="overview", panel=1, variables=hostile, **LAST_TWO_HOURS)["queries"]["A"][
        "rows"
    ] == [[0]]
    assert page.ask("values", board="overview", name="app", **LAST_TWO_HOURS)["values"] == ["support-bot"]


def test_fourteen_whole_days_daily_are_fourteen_intervals_and_a_day_too_late_is_none(
    clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> None:
    client, midnight = clickhouse("daily"), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - timedelta(days=14)
    every = [first + timedelta(hours=6 * each) for each in range(-4, 4 * 15 - 3)]  # each edge, and beyond it
    events(client, every)
    asked = {"board": "overview", "panel": 6, "to": midnight.isoformat(), "variables": {}, "step": 86_400}
    with served(opener(reader_of(client))) as page:
        found = page.ask("panel", **asked, **{"from": first.isoformat()})
        assert found["step_s"] == 86_400
        begins = [row[0] for row in found["queries"]["A"]["rows"]]
        whole = [each for each in begins if first <= datetime.fromisoformat(each) < midnight]
        assert len(whole) == 14 and len(begins) == 15  # the event at the end's very moment begins one more, a part
        assert page.ask("panel", **{**asked, "step": 10}, **{"from": first.isoformat()})["status"] == 400
        assert page.ask("panel", **{**asked, "step": 7}, **{"from": first.isoformat()})["status"] == 400


def test_rows_are_those_of_the_point(page: Served) -> None:
    rows = page.ask(
        "rows", board="overview", panel=5, labels={"prompt_version": "2", "nonsense": "x"}, **LAST_TWO_HOURS
    )
    assert len(rows["rows"]) == 30 and {row[3] for row in rows["rows"]} == {"2"}
    assert rows["columns"][0] == "time" and rows["after"] is None
    times = [row[0] for row in rows["rows"]]
    assert times == sorted(times, reverse=True)


def test_an_end_in_the_future_is_refused_with_both_times(page: Served) -> None:
    end = datetime.now(UTC) + timedelta(minutes=4)
    found = page.ask("panel", board="overview", panel=1, **{"from": "now-1h", "to": end.isoformat()})
    assert found["status"] == 400 and f"{end:%H:%M:%S} UTC" in found["error"] and "now it is" in found["error"]
    for wrong in (
        {"from": "now", "to": "now-1h"},
        {"from": "yesterday", "to": "now"},
        {"from": "2026-01-01", "to": "now"},
    ):
        assert page.ask("rows", board="overview", panel=1, **wrong)["status"] == 400


def test_what_is_said_of_times_is_in_the_pages_zone(seeded: Any, reader_of: Callable[[Any], Any]) -> None:
    with served(opener(reader_of(seeded)), zone="Asia/Tokyo") as found:
        asked = {"from": "2099-01-01T00:00:00+00:00", "to": "2099-01-01T01:00:00+00:00"}
        assert "2099-01-01 10:00:00 Asia/Tokyo" in found.ask("panel", board="overview", panel=1, **asked)["error"]
        assert found.ask("start")["zone"] == "Asia/Tokyo"
    with pytest.raises(ConfigurationError, match="no time zone"), served(opener, zone="../UTC"):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('/etc/passwd')", "SELECT * FROM url('http://127.0.0.1/', CSV, 'a String')",
        "SELECT * FROM v_interactions INTO OUTFILE '/tmp/x'", "SELECT * FROM v_interactions SETTINGS readonly = 0",
        "SELECT * FROM interactions", "SELECT * FROM system.processes", "SELECT * FROM system.query_log",
        "INSERT INTO findings SELECT 1", "SELECT 1; SELECT 2", "SELECT * FROM (SELECT * FROM remote('h', 'd', 't'))",
    ],
)  # fmt: skip
def test_the_box_has_the_policy_of_sql(page: Served, sql: str) -> None:
    found = page.ask("sql", sql=sql)
    assert (found["status"], found["kind"]) == (400, "refused")


def test_audit_queries_take_parameters(page: Served) -> None:
    found = page.ask("audit", name="coverage", parameters={"since": "2020-01-01"})
    assert found["status"] == 200 and found["rows"]
    assert page.ask("audit", name="coverage", parameters={"x": "1"})["status"] == 400
    assert page.ask("audit", name="../../x")["status"] == 400


def test_whole_numbers_that_a_browser_would_round_are_text(page: Served) -> None:
    assert page.ask("sql", sql="SELECT 123456789012345678 AS id, 7 AS n")["rows"] == [["123456789012345678", 7]]


def test_marks_and_status(page: Served) -> None:
    marks = page.ask("marks", board="overview", **LAST_TWO_HOURS)["marks"]
    assert [(mark["name"], mark["title"]) for mark in marks] == [("signals", "groundedness")]
    status = page.ask("status")
    assert status["status"] == 200 and status["stored_at"] and status["watermark"] is None


def test_a_request_that_cannot_be_read_is_refused(page: Served) -> None:
    for body in (b"[]", b"{", b'"x"', b"{}"):
        assert page.request("POST", "/api/panel", BEARER, body)[0] == 400
    assert page.request("POST", "/api/sql", BEARER, b'{"sql": "' + b"x" * 300_000 + b'"}')[0] == 413
    assert page.ask("panel", board="overview", panel=99, **LAST_TWO_HOURS)["status"] == 400
    assert page.ask("event", event_id="x' OR 1=1")["status"] == 400
    assert "not stored yet" in page.ask("event", event_id=str(UUID(int=1)))["error"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TransientError("ClickHouse is not reachable"), "away"),
        (QueryError("stopped after 30 s: narrow it by time"), "slow"),
        (QueryError("watchline_reader: Not enough privileges. To execute this query, it's necessary"), "permission"),
    ],
)
def test_what_goes_wrong_has_a_kind(error: Exception, kind: str) -> None:
    """The store's own words decide; a client that went away is opened anew for the next question."""
    opened = []

    class Failing:
        def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Any:
            raise error

    @contextmanager
    def open_() -> Iterator[Queries]:
        opened.append(1)
        yield Failing()

    with served(open_) as page:
        for _ in range(2):
            assert page.ask("panel", board="overview", panel=1, **LAST_TWO_HOURS)["kind"] == kind
    assert len(opened) == (2 if kind == "away" else 1)


def test_a_fault_says_where_and_never_what_it_read(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty:
        def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Any:
            raise AssertionError("the text of an event")

    @contextmanager
    def open_() -> Iterator[Queries]:
        yield Faulty()

    with served(open_) as page:
        found = page.ask("status")
    assert found["status"] == 500 and "AssertionError at test_server.py" in found["error"]
    assert "text of an event" not in str(found) + caplog.text


def test_silences_and_acknowledgements_reach_the_engine(
    alerts: Engine, seeded: Any, reader_of: Callable[[Any], Any]
) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    matchers = ['app="support-bot"', "prompt_version=~[23]"]
    silence = {"matchers": matchers, "until": until.isoformat(), "who": "Ada", "why": "known"}
    with served(opener(reader_of(seeded)), engine=alerts.book) as page:
        (alert,) = page.ask("alerts")["alerts"]
        assert page.ask("start")["alerts"] is True and alert["state"] == "firing"
        assert len(page.ask("preview", matchers=matchers)["alerts"]) == 1
        assert page.ask("preview", matchers=['app="support"'])["alerts"] == []
        id = page.ask("silence", **silence)["id"]
        for wrong in (
            {"matchers": []},
            {"matchers": ["nonsense"]},
            {"matchers": ['app=~"("']},
            {"who": " "},
            {"why": ""},
            {"until": "2020-01-01T00:00:00+00:00"},
            {"until": "x"},
        ):
            assert page.ask("silence", **{**silence, **wrong})["status"] == 400
        assert page.ask("acknowledge", rule=alert["rule"], labels=alert["labels"], who="Ada")["status"] == 200
        assert page.ask("acknowledge", rule="none", labels={}, who="Ada")["status"] == 400
        (shown,) = page.ask("alerts")["alerts"]
        assert (shown["silenced_by"], shown["acknowledged_by"]) == (id, "Ada")
        page.ask("end_silence", id=id)
        answer = page.ask("alerts")
        assert answer["alerts"][0]["silenced_by"] is None
        assert [(each["who"], each["why"], each["holds"]) for each in answer["silences"]] == [("Ada", "known", False)]
        assert answer["history"][0]["after"] == "firing"


def test_how_a_boards_rules_stand_is_what_the_engine_recorded(
    alerts: Engine, seeded: Any, reader_of: Callable[[Any], Any]
) -> None:
    with served(opener(reader_of(seeded)), engine=alerts.book, zone="Asia/Tokyo") as page:
        (rule,) = page.ask("standing", board="overview")["rules"]
        assert (rule["panel"], rule["fires"], rule["limit"]) == (5, True, 0.2) and "JST: 0." in rule["says"]
        assert rule == alerts.book.standing("Asia/Tokyo")[0]
        assert page.ask("standing", board="odd")["rules"] == []
        assert page.ask("standing", board="none")["status"] == 400


def test_a_runbook_is_read_by_its_name_and_no_other_file(page: Served) -> None:
    assert page.ask("runbook", name="no-canary.md")["text"].startswith("# No canary\n")
    for wrong in ("../README.md", "no-canary", "/etc/passwd", "", "..%2FREADME.md"):
        answer = page.ask("runbook", name=wrong)
        assert answer["status"] == 400 and "there are: " in answer["error"]


def test_without_an_engine_alerts_are_said_to_be_off(page: Served) -> None:
    assert "Grafana" in page.ask("alerts")["error"]


def test_events_of_one_millisecond_are_listed_once_each(
    clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> None:
    """500 of one moment, pages of 20, and new ones that come in between."""
    client = clickhouse("moment")
    moment = datetime.now(UTC).replace(microsecond=123000) - timedelta(minutes=5)
    ids = [uuid5(NAMESPACE_URL, f"moment/{number}") for number in range(500)]
    _insert(client, "interactions", [{"event_id": each, "time": moment, "app": "a"} for each in ids])
    with opener(reader_of(client))() as queries:
        range_ = Range(moment - timedelta(minutes=1), datetime.now(UTC))
        found: list[str] = []
        after = None
        while True:
            page = answers.rows(queries, EVENTS, range_, {}, {}, after, size=20)
            found += [row[-1] for row in page.rows]
            after = page.after
            if after is None:
                break
            late = {
                "event_id": uuid5(NAMESPACE_URL, f"late/{len(found)}"),
                "time": moment + timedelta(seconds=1),
                "app": "a",
            }
            _insert(client, "interactions", [late])
    assert sorted(found) == sorted(map(str, ids))


def test_the_last_interval_has_all_of_its_last_millisecond(
    clickhouse: Callable[..., Any], reader_of: Callable[[Any], Any]
) -> None:
    client = clickhouse("edge")
    end = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    times = [end - timedelta(microseconds=1), end, end - timedelta(seconds=60), end - timedelta(seconds=61)]
    events = [
        {"event_id": uuid5(NAMESPACE_URL, f"edge/{number}"), "time": time, "app": "a"}
        for number, time in enumerate(times)
    ]
    _insert(client, "interactions", events)
    with opener(reader_of(client))() as queries:
        minute = Range(end - timedelta(seconds=60), end - timedelta(milliseconds=1))  # as a point's link has it
        page = answers.rows(queries, EVENTS, minute, {}, {}, None)
    assert sorted(row[-1] for row in page.rows) == sorted(str(event["event_id"]) for event in (events[0], events[2]))


def _all_rows(page: Served, **asked: Any) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        got = page.ask("rows", after=after, **asked, **LAST_TWO_HOURS)
        found += got["rows"]
        after = got["after"]
        if after is None:
            return found


def test_the_boards_of_the_tests_have_one_id_a_panel() -> None:
    for board in BOARDS:
        assert len(board.panels) == sum(len(panels) for panels in board.sections.values())
    assert OVERVIEW.panels[5].kind == "time_series"
