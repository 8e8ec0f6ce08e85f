"""`watchline sql`: formats, parameters, refusals; stored text can't steer the terminal."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from watchline.schemas.views import views
from watchline.streams.cli.main import main

pytestmark = pytest.mark.usefixtures("reading")
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SQL = "SELECT app, cost, time, NULL AS nothing, input_tokens > 5 AS many, documents.id AS ids FROM v_interactions"


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", SQL]) == 0
    assert capsys.readouterr().out == (
        "app          cost    time                         nothing  many  ids\n"
        'support-bot  0.0125  2026-01-02T03:04:05.678901Z  NULL     1     ["refunds.md", ""]\n'
    )


def test_a_table_for_terminals(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["sql", "SELECT app, input, NULL AS n FROM v_interactions"]) == 0
    printed = capsys.readouterr().out
    assert not UNSAFE.search(printed)
    assert all(word in printed for word in ("support-bot", "\\x1b[31mred", "\\u202eback", "NULL", "1 row"))


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", SQL, "--format", "csv"]) == 0
    header, row = csv.reader(io.StringIO(capsys.readouterr().out))
    assert header == ["app", "cost", "time", "nothing", "many", "ids"]
    assert row == ["support-bot", "0.0125", "2026-01-02T03:04:05.678901Z", "\\N", "1", '["refunds.md", ""]']


def test_json_is_exact_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT input, cost, NULL AS n FROM v_interactions", "--format", "json"]) == 0
    printed = capsys.readouterr().out
    assert not UNSAFE.search(printed)
    (row,) = json.loads(printed)
    assert row["input"].startswith("\x1b[31mred") and row["cost"] == 0.0125 and row["n"] is None


@pytest.mark.parametrize("how", ["table", "vertical", "csv", "json"])
def test_no_rows_still_say_which_columns(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT app, cost FROM v_interactions WHERE app = 'none'", "--format", how]) == 0
    assert capsys.readouterr().out == {"table": "app  cost\n", "vertical": "", "csv": "app,cost\n", "json": "[]\n"}[how]


def test_plain_tables_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT input, attributes FROM v_interactions"]) == 0
    printed = capsys.readouterr().out
    assert not UNSAFE.search(printed) and printed.count("\n") == 2


def test_sql_from_standard_input_with_parameters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.StringIO("SELECT count() AS n FROM v_interactions\nWHERE app = {app:String} -- c\n")
    )
    assert main(["sql", "-", "--param", "app=support-bot", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "n\n1\n"


@pytest.mark.parametrize(
    "sql",
    ["SELECT * FROM interactions", "SELECT file('/etc/hostname')", "DROP VIEW v_coverage", "SELECT", "SELECT nope"],
)
def test_what_is_refused_is_one_line_and_exit_code_1(sql: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", sql]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith("watchline: ") and "Traceback" not in printed.err


@pytest.mark.parametrize("arguments", [[], ["SELECT 1", "--format", "xml"], ["SELECT 1", "--param", "x"], ["a", "b"]])
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    assert main(["sql", *arguments]) == 2


@pytest.mark.parametrize("width", [40, 80, 100, 200, 400])
@pytest.mark.parametrize("columns", ["*", "event_id, time", "app, input, output, event_id", "event_id, documents"])
def test_ids_and_times_are_whole_at_any_width(
    columns: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["sql", f"SELECT {columns} FROM v_interactions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line.rstrip()) <= width for line in lines)
    words = {word for line in lines for word in line.split()}
    assert ("event_id" not in columns and columns != "*") or "0190b5a4-7c1e-7000-8000-000000000001" in words
    assert ("time" not in columns and columns != "*") or "2026-01-02T03:04:05.678901Z" in words
    assert lines[-1].startswith("1 row")


def test_one_field_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT app, cost, NULL AS n FROM v_interactions", "--format", "vertical"]) == 0
    assert capsys.readouterr().out == "app   support-bot\ncost  0.0125\nn     NULL\n\n"


@pytest.mark.parametrize("sql", ["SHOW TABLES", "show tables;", "SHOW VIEWS", " SHOW FULL TABLES "])
def test_show_tables(sql: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", sql, "--format", "json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} == set(views())


@pytest.mark.parametrize(
    "sql",
    ["DESCRIBE v_quality", "desc v_quality;", "DESCRIBE TABLE `v_quality`", "show columns from watchline.v_quality"],
)
def test_describe(sql: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", sql, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"name": "rate_high", "type": "Nullable(Float64)", "what it is": "Upper end."} in rows


@pytest.mark.parametrize(
    "sql", ["DESCRIBE interactions", "DESCRIBE system.tables", "DESCRIBE (SELECT 1)", "SHOW USERS"]
)
def test_what_is_no_view_is_not_described(sql: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", sql]) == 1
    assert "v_" in capsys.readouterr().err


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--format", "csv"]) == 0
    assert capsys.readouterr().out.count("\nv_") == len(views())
    assert main(["schema", "quality"]) == 0
    assert re.search(r"\nrate_high +Nullable\(Float64\): Upper end\.\n", capsys.readouterr().out)
    assert main(["schema", "nope"]) == 1
    assert "there is no view v_nope" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("json_sql", "value"),
    [
        ("JSONExtractString(d, 'a', 'b')", "x"),
        ("JSONExtractInt(d, 'n')", 3),
        ("JSONExtractRaw(d, 'a')", '{"b":"x"}'),
        ("JSON_VALUE(d, '$.a.b')", "x"),
        ("JSONHas(d, 'a', 'c')", 0),
        ("JSONExtractArrayRaw(d, 'l')", ["1", "2"]),
        ("JSONExtract(d, 'l', 'Array(UInt8)')", [1, 2]),
        ("JSONLength(d, 'l')", 2),
    ],
)
def test_json_functions(json_sql: str, value: object, capsys: pytest.CaptureFixture[str]) -> None:
    document = '{"a": {"b": "x"}, "n": 3, "l": [1, 2]}'
    sql = f"SELECT {json_sql} AS v FROM (SELECT '{document}' AS d FROM v_interactions)"
    assert main(["sql", sql, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"v": value}]
