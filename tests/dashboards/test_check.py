"""`watchline dashboards check`: what is shipped is sound, and each kind of broken copy is caught and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from watchline.dashboards.alert_rules import all_rules
from watchline.dashboards.boards import all_boards
from watchline.dashboards.check import check, overlaps
from watchline.dashboards.definitions import Board, Panel, Rows, Rule
from watchline.streams.cli.main import main

BOARD = all_boards()[0]
PANEL = BOARD.panels[9]
RULE = next(rule for rule in all_rules() if rule.uid == "watchline-errors")


@pytest.fixture(scope="module")
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("check")


@pytest.mark.slow
def test_nothing_that_is_shipped_is_broken(client: Any) -> None:
    assert check(all_boards(), all_rules(), client) == []


def _board(panel: Panel) -> Board:
    return replace(BOARD, sections={"One": (panel,)})


def _panel(sql: str, **changes: Any) -> Panel:
    return replace(PANEL, queries={"A": sql}, **changes)


SQL = PANEL.queries["A"]
BROKEN_PANELS = {
    "a macro that isn't there": (_panel(SQL.replace("$__timeFilter", "$__timeFiltre")), r"macro \$__timeFiltre"),
    "a variable that isn't there": (_panel(SQL.replace("$app)", "$application)")), r"variable \$application"),
    "a column that isn't there": (_panel(SQL.replace("i.app AS", "i.application AS")), "refuses it: .*application"),
    "a view that isn't there": (_panel(SQL.replace("v_interactions", "v_interaction")), "refuses it"),
    "all of history": (
        _panel("SELECT i.time AS time, i.app AS app, 1 AS n FROM v_interactions AS i"),
        "all of history",
    ),
    "two numbers": (
        _panel(SQL.replace("AS interactions", "AS interactions, 2 AS two")),
        "one number, gives inter.*two",
    ),
    "too wide": (replace(PANEL, width=25), "outside of the grid"),
    "no description": (replace(PANEL, description=""), "doesn't say what it shows"),
    "rows of no view": (replace(PANEL, rows=Rows(view="v_nothing", columns=("time",))), "no view"),
    "rows of no column": (replace(PANEL, rows=Rows(view="v_signals", columns=("time", "cost"))), "no column cost"),
}


@pytest.mark.parametrize("name", BROKEN_PANELS)
def test_a_broken_panel_is_named(name: str, client: Any) -> None:
    panel, problem = BROKEN_PANELS[name]
    found = check([_board(panel)], [], client)
    assert len(found) == 1
    assert re.search(problem, found[0]), found
    assert f"board watchline, panel «{PANEL.title}»" in found[0]


def _a(sql: str, **changes: Any) -> Rule:
    return replace(RULE, queries={**RULE.queries, "A": sql}, **changes)


DECIDES = RULE.queries["A"]
MODEL = "if(r.model = '', 'unknown', r.model) AS model"
BROKEN_RULES = {
    "a macro that isn't there": (_a(DECIDES.replace("$__toTime", "$__until")), r"macro \$__until"),
    "a variable, which alerts don't have": (_a(DECIDES + " AND app IN (${app:singlequote})"), r"variable \$app"),
    "a column that isn't there": (_a(DECIDES.replace("r.error_type", "r.errors")), "refuses it"),
    "a window past the watermark": (_a(DECIDES.replace(" AND r.time <= complete", "")), "beyond the watermark"),
    "an end that is now": (replace(RULE, ends="now"), "beyond the watermark"),
    "a label that is another row's": (
        _a(DECIDES.replace(MODEL, "any(r.model) AS model").replace("environment, model\n)", "environment\n)")),
        "label model may change while an incident lasts: it is made of more than one row",
    ),
    "a label that is made of another": (
        _a(DECIDES.replace(MODEL, "concat(r.model, r.prompt_version) AS model")),
        "label model may change while an incident lasts: it is made of",
    ),
    "a label that is no name": (
        _a(DECIDES.replace("app, environment, model, round", "app, environment, model, toString(n) AS before, round")),
        "label before may change",
    ),
    "other labels than the values'": (
        _a(DECIDES.replace("time, app, environment, model,", "time, app, environment,")),
        "not those of A",
    ),
    "no such board": (replace(RULE, board="watchlin"), "no panel 10 on the board watchlin"),
    "no such panel": (replace(RULE, panel=999), "no panel 999"),
    "no runbook": (replace(RULE, runbook_name="nothing"), "no runbook nothing.md"),
    "a value that no query gives": (
        replace(RULE, summary=RULE.summary + "{{ if $values.B }}{{ $values.B.Value }}{{ end }}"),
        "names the value B",
    ),
    "no words for a missing value": (
        replace(RULE, summary=RULE.summary + "{{ $values.calls.Value }}"),
        "no words for calls where it is missing",
    ),
    "a label that A doesn't give": (replace(RULE, summary=RULE.summary + "{{ $labels.tenant }}"), "label tenant"),
    "a variable of Grafana's environment": (replace(RULE, description=RULE.description + "${HOME}"), r"\$\{"),
    "a share above all": (replace(RULE, above=1.0), "can never fire"),
    "no limit": (replace(RULE, above=None), "one limit"),
    "a limit that is no number": (replace(RULE, above=float("nan")), "can never fire"),
    "no window": (replace(RULE, window_s=0), "can never fire: its window is empty"),
    "nothing but NULL": (
        replace(
            RULE, queries={"A": "SELECT $__toTime AS time, NULL AS value"}, summary="x", description="y", details=None
        ),
        "can never fire: it gives NULL",
    ),
    "an odd interval": (replace(RULE, interval_s=61), "multiple of 10 s"),
    "a long uid": (replace(RULE, uid="watchline-" + "x" * 40), "more than 40"),
    "details of no label": (
        replace(RULE, details="SELECT count() FROM v_signals WHERE app = {tenant:String}"),
        "details: tenant is no label",
    ),
}


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_a_broken_rule_is_named(name: str, client: Any) -> None:
    rule, problem = BROKEN_RULES[name]
    found = check([_board(BOARD.panels[10])], [rule], client)
    assert [each for each in found if re.search(problem, each)], found
    assert all(f"rule {rule.uid}: " in each for each in found)


def test_two_of_a_name_and_of_an_interval_are_named(client: Any) -> None:
    other = replace(RULE, uid="watchline-other", interval_s=600)
    found = check([BOARD, BOARD], [RULE, RULE, other], client)
    assert "there are two of the board watchline" in found
    assert "there are two of the rule watchline-errors" in found
    assert any("another interval" in each for each in found)


def test_panels_over_one_another_are_named() -> None:
    place = {"x": 0, "y": 0, "w": 12, "h": 8}
    panels = [
        {"title": "a", "gridPos": place},
        {"title": "b", "gridPos": {**place, "x": 11}},
        {"title": "c", "gridPos": {**place, "x": 20, "y": 8}},
    ]
    assert list(overlaps({"uid": "u", "panels": panels})) == [
        "board u: panel «c» lies outside of the grid",
        "board u: panel «a» lies over «b»",
    ]


def test_the_command_writes_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboards", "write", "--to", str(tmp_path)]) == 0
    written = capsys.readouterr().out.split()
    assert str(tmp_path / "boards" / "watchline.json") in written
    assert all(Path(name).is_file() for name in written)


def test_publishing_needs_a_token(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GRAFANA_TOKEN", raising=False)
    assert main(["dashboards", "publish", "--url", "http://127.0.0.1:1"]) == 2
    assert "GRAFANA_TOKEN" in capsys.readouterr().err
