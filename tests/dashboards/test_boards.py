"""The boards' shape: what Grafana's file provider would refuse or draw badly."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from watchline.dashboards import grafana
from watchline.dashboards.boards import all_boards
from watchline.dashboards.check import overlaps
from watchline.dashboards.grafana.boards import DATASOURCE, EVENTS_UID
from watchline.dashboards.sql import VARIABLES

FILES = grafana.files()
OVER_TIME = ("timeseries", "heatmap", "state-timeline")


def boards() -> list[dict[str, Any]]:
    return [json.loads(text) for name, text in FILES.items() if name.startswith("boards/")]


def panels() -> list[dict[str, Any]]:
    return [panel for board in boards() for panel in board["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_what_the_builders_give(name: str) -> None:
    """Else: `watchline dashboards write --to dashboards/provisioning`."""
    assert (grafana.FOLDER / name).read_text(encoding="utf-8") == FILES[name]


@pytest.mark.parametrize("folder", ["boards", "alerting", "channels"])
def test_no_file_is_left_from_before(folder: str) -> None:
    there = {f"{folder}/{path.name}" for path in (grafana.FOLDER / folder).iterdir()}
    assert there == {name for name in FILES if name.startswith(f"{folder}/")}


def test_five_boards_and_their_events_with_uids_for_good() -> None:
    uids = [board["uid"] for board in boards()]
    assert uids == [
        "watchline",
        "watchline-quality",
        "watchline-prompts",
        "watchline-pipeline",
        "watchline-compliance",
        EVENTS_UID,
    ]
    for board in boards():
        counted = Counter(panel["id"] for panel in board["panels"])
        assert max(counted.values()) == 1
        assert board["title"] and board["description"] and board["schemaVersion"] == 42
        assert board["timezone"] == "utc"  # as in rules, tables and messages


@pytest.mark.parametrize("board", boards(), ids=lambda board: str(board["uid"]))
def test_panels_fit_the_grid_and_do_not_overlap(board: dict[str, Any]) -> None:
    assert list(overlaps(board)) == []


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"] == "nothing came"
    assert panel["datasource"] == DATASOURCE
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert target["format"] == (0 if panel["type"] in OVER_TIME else 1)


@pytest.mark.parametrize("board", boards(), ids=lambda board: str(board["uid"]))
def test_every_board_has_the_same_variables(board: dict[str, Any]) -> None:
    first, *queried = board["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", DATASOURCE["type"])
    assert [each["name"] for each in queried][: len(VARIABLES)] == list(VARIABLES)
    (source,) = (each for each in queried if each["name"] == "source")
    assert source["current"]["value"] == ["production"]


def test_a_panel_leads_to_the_rows_behind_it() -> None:
    events = next(board for board in boards() if board["uid"] == EVENTS_UID)
    there = {panel["id"]: panel for panel in events["panels"]}
    variables = {each["name"] for each in events["templating"]["list"]}
    with_rows = {
        (board.uid, panel.id): panel for board in all_boards() for panel in board.panels.values() if panel.rows
    }
    linked = 0
    for board in boards():
        for panel in board["panels"]:
            defined = with_rows.get((board["uid"], panel["id"]))
            if defined is None:
                continue
            assert defined.rows is not None
            (link,) = panel["fieldConfig"]["defaults"]["links"]
            number = int(link["url"].partition("viewPanel=panel-")[2].partition("&")[0])
            assert f"FROM {defined.rows.view} AS r" in there[number]["targets"][0]["rawSql"]
            chosen = {part.partition("=")[0] for part in link["url"].split("&var-")[1:]}
            assert chosen <= variables
            linked += 1
    assert linked == len(with_rows) > 30


def test_panels_lead_to_watchlines_page_where_its_address_is_set() -> None:
    text = grafana.files(page_url="https://watch.example.org/")["boards/watchline.json"]
    window = "from=${__from:date:iso}&to=${__to:date:iso}"
    assert f'"https://watch.example.org/board/watchline?{window}&${{environment:queryparam}}' in text
    assert '#panel-3"' in text
    assert "watch.example.org" not in FILES["boards/watchline.json"]


def test_nothing_that_the_one_board_of_before_showed_is_lost() -> None:
    titles = {panel.title for board in all_boards() for panel in board.panels.values()}
    assert titles >= {
        "Interactions",
        "Unsupported answers",
        "Missing findings",
        "Dead letters",
        "Lost before storage",
        "Since the last event",
        "Interactions per second",
        "Errors",
        "Unsupported answers by prompt version",
        "Flagged, by prompt version and detector",
        "Signals",
        "Latest unsupported answers",
        "Personal data, toxicity and the rest",
        "Bad ratings",
        "Coverage by detector",
        "Not evaluated",
        "Latency",
        "Time to first chunk",
        "Tokens per second",
        "Cost per hour",
        "Dead letters by kind",
        "Producer gaps",
        "Gaps in Kafka",
        "Conflicts",
        "Canaries",
    }
