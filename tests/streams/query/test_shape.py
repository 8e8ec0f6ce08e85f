"""What is recorded of a statement: nothing that only its writer knew, wherever it stands."""

from __future__ import annotations

import logging

import pytest

from watchline.dashboards.boards import all_boards
from watchline.dashboards.macros import Request, expand
from watchline.streams.query.policy import QueryError
from watchline.streams.query.shape import NOT_READABLE, reason, shape

PLANTED = [
    "SELECT app FROM v_interactions WHERE input LIKE '%anna@example.com%'",
    "SELECT app FROM v_interactions -- anna@example.com",
    "SELECT /* anna@example.com */ app FROM v_interactions",
    "SELECT /*+ anna@example.com */ app FROM v_interactions",
    'SELECT app AS "anna@example.com" FROM v_interactions',
    "SELECT app AS `anna@example.com` FROM v_interactions AS anna",
    "SELECT anna.app FROM v_interactions AS anna WHERE `anna@example.com` = 1",
    "SELECT app FROM v_interactions WHERE has(['anna@example.com'], app) AND x IN ('anna@example.com', 'b')",
    "SELECT app FROM v_interactions WHERE {anna:String} = app",
    "SELECT anna_example(app) FROM v_interactions",
    "SELECT jsonanna(app), `anna`(app) FROM v_interactions",
    "WITH anna AS (SELECT 1 AS anna) SELECT anna FROM anna",
    "SELECT arrayMap(anna -> anna + 1, [1]) FROM v_interactions",
    "SELECT app FROM v_interactions WHERE input = 'anna@example.com",
    "SELECT anna@example.com FROM v_interactions",
    "SELECT app FROM v_interactions WHERE anna@example.com",
    "SELECT $$anna@example.com$$",
    "SELECT $anna$ anna@example.com $anna$",
    "SHOW anna@example.com",
    "EXPLAIN anna",
    "anna@example.com",
    "SELECT * FROM file('/home/anna')",
    "SELECT app FROM v_interactions INTO OUTFILE '/home/anna'",
    "SELECT app FROM v_interactions SETTINGS anna = 1",
    "SELECT app FROM v_interactions FORMAT anna",
    "{% anna %} SELECT {{ anna }}",
    "INSERT INTO anna VALUES ('anna')",
    "DROP TABLE anna",
    "SELECT 0xanna, 'anna' 'anna', toDate('anna')",
]


@pytest.mark.parametrize("sql", PLANTED)
def test_an_address_is_in_no_shape(sql: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found = str(shape(sql)).lower()
    assert "anna" not in found and "example" not in found, found
    assert "anna" not in caplog.text


def test_a_shape_says_what_was_asked() -> None:
    found = shape(
        "SELECT app, countIf(cost > 3) AS dear FROM v_interactions WHERE app IN ('a', 'b') GROUP BY app LIMIT 3"
    )
    assert found.views == ("v_interactions",)
    assert found.text == "SELECT app, countIf(cost > ?) AS ? FROM v_interactions WHERE app IN (?) GROUP BY app LIMIT ?"
    assert shape("SELECT s3('x')").text == "SELECT s3(?)"
    assert shape("SELECT 'open").text == shape("").text == shape("x" * 200_000).text == NOT_READABLE
    assert len(shape("SELECT " + "app, " * 1000 + "app").text) < 1100


def test_no_shape_of_the_boards_is_unreadable() -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    for board in all_boards():
        for panel in board.panels.values():
            for sql in panel.queries.values():
                request = Request(start=now, end=now, interval_s=60, variables={v.name: None for v in board.variables})
                assert shape(expand(sql, request)).views, sql


def test_a_reason_quotes_nothing() -> None:
    assert reason(str(QueryError("the function anna isn't allowed here"))) == "the function"
    assert reason("anna") == "another reason"
