"""`watchline audit`."""

from __future__ import annotations

import csv
import io

import pytest

from watchline.dashboards import audits
from watchline.streams.cli.main import main


def test_the_list_has_every_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "list", "--format", "csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert [row[:2] for row in rows[1:]] == [[name, audits.load(name).question] for name in audits.names()]


@pytest.mark.usefixtures("reading")
@pytest.mark.parametrize("name", audits.names())
def test_each_query_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "query", name]) == 0
    assert capsys.readouterr().out


@pytest.mark.usefixtures("reading")
def test_parameters_narrow_it(capsys: pytest.CaptureFixture[str]) -> None:
    counts = []
    for since in ("2026-01-02", "2026-01-03"):
        assert main(["audit", "query", "coverage", "--param", f"since={since}", "--format", "csv"]) == 0
        counts.append(capsys.readouterr().out.count("support-bot"))
    assert counts == [2, 0]


def test_the_sql_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "query", "coverage", "--show"]) == 0
    assert capsys.readouterr().out.strip() == audits.load("coverage").sql.strip()


@pytest.mark.usefixtures("reading")
def test_a_record_of_no_app_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "records"]) == 1
    assert "no app is registered" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["query", "nope"], ["query", "coverage", "--param", "nope=1"], ["query"], [], ["query", "../coverage"]],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err
