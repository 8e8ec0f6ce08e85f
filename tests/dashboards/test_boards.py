"""The board's shape: what Grafana's file provider would refuse or draw badly."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

import watchline.dashboards

BOARDS = sorted((Path(watchline.dashboards.__file__).parent / "boards").glob("*.json"))
DATASOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}


def boards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in BOARDS]


def panels() -> list[dict[str, Any]]:
    return [panel for board in boards() for panel in board["panels"]]


def test_uids_and_panel_ids_are_unique() -> None:
    uids = [board["uid"] for board in boards()]
    assert len(set(uids)) == len(uids)
    for board in boards():
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)
        assert board["title"] and board["schemaVersion"] == 42


def test_panels_fit_the_grid_and_do_not_overlap() -> None:
    for board in boards():
        places = [(panel["title"], panel["gridPos"]) for panel in board["panels"]]
        assert all(place["x"] + place["w"] <= 24 for _, place in places)
        for (first, a), (second, b) in combinations(places, 2):
            apart = (
                a["x"] + a["w"] <= b["x"]
                or b["x"] + b["w"] <= a["x"]
                or a["y"] + a["h"] <= b["y"]
                or b["y"] + b["h"] <= a["y"]
            )
            assert apart, f"{first} overlaps {second}"


@pytest.mark.parametrize("panel", [panel for panel in panels() if panel["type"] != "row"], ids=lambda p: p["title"])
def test_a_panel_explains_itself(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 5
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == DATASOURCE
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert target["format"] == (0 if panel["type"] == "timeseries" else 1)


def test_the_data_source_is_a_variable() -> None:
    for board in boards():
        (variable,) = [each for each in board["templating"]["list"] if each["type"] == "datasource"]
        assert (variable["name"], variable["query"]) == ("datasource", DATASOURCE["type"])


def test_the_board_shows_what_it_should() -> None:
    shown = " ".join(panel["title"].lower() for panel in panels())
    for subject in (
        "interactions per second",
        "coverage by detector",
        "by prompt version",
        "latency",
        "time to first chunk",
        "tokens",
        "cost",
        "dead letters",
        "producer gaps",
        "signals",
    ):
        assert subject in shown
