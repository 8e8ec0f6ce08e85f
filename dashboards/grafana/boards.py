"""A board as Grafana's classic JSON (schema 42), and the board «Events», which has the rows behind every panel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchline.dashboards.definitions import Annotation, Board, Panel, Rows, Threshold, Variable
from watchline.dashboards.sql import VARIABLES, chosen, columns

EVENTS_UID = "watchline-events"
DATASOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
WIDTH = 24
_TYPES = {
    "time_series": "timeseries",
    "stat": "stat",
    "bar_gauge": "bargauge",
    "table": "table",
    "heat_map": "heatmap",
    "state_timeline": "state-timeline",
}
_OVER_TIME = ("time_series", "heat_map", "state_timeline")
_UNITS = {
    "count": "short",
    "ratio": "percentunit",
    "seconds": "s",
    "per_second": "reqps",
    "usd": "currencyUSD",
    "bytes": "bytes",
    "none": "none",
}
_COLOURS = {"ok": "green", "warning": "orange", "critical": "red"}
# Of a point's series, beside the variables of all boards: on «Events» these can be chosen too.
_NARROWER = {"prompt_version": "Version", "detector": "Detector"}


def board(definition: Board, boards: Sequence[Board], page_url: str = "") -> dict[str, Any]:
    """The JSON of a board, of which «Events» has the rows. `page_url`: of Watchline's own page, to lead there too."""
    rows = {each: number for number, each in enumerate(_all_rows(boards), start=1)}
    panels: list[dict[str, Any]] = []
    y = 0
    for number, (title, section) in enumerate(definition.sections.items()):
        panels.append(_row(1000 + number, title, y))
        placed, y = _place(section, y + 1)
        panels += [
            _panel(panel, place, [*_to_rows(panel, rows), *_to_page(definition, panel, page_url)])
            for panel, place in placed
        ]
    return _board(
        definition.uid,
        definition.title,
        definition.description,
        panels,
        definition.variables,
        definition.annotations,
        hours=definition.hours,
        refresh=f"{definition.refresh_s}s",
    )


def events(boards: Sequence[Board], page_url: str = "") -> dict[str, Any]:
    """The JSON of «Events»: a table for each kind of rows, with one variable more for each label of a series."""
    panels = [
        _panel(
            Panel(
                id=number,
                title=f"{rows.view.removeprefix('v_').replace('_', ' ').capitalize()}"
                + (f" where {rows.where}" if rows.where != "1" else ""),
                description="The latest 500 rows behind a point, of what is chosen above.",
                kind="table",
                queries={"A": _rows_sql(rows)},
                unit="none",
                width=WIDTH,
                height=10,
            ),
            {"x": 0, "y": 10 * (number - 1), "w": WIDTH, "h": 10},
            _to_event(rows, page_url),
        )
        for number, rows in enumerate(_all_rows(boards), start=1)
    ]
    narrower = tuple(
        Variable(
            name=name,
            label=label,
            sql=f"SELECT DISTINCT f.{name} AS {name} FROM v_findings AS f WHERE $__timeFilter(f.time) ORDER BY {name}"
            " LIMIT 1000",
        )
        for name, label in _NARROWER.items()
    )
    title = "The rows behind the panels: events, findings, signals, dead letters."
    return _board(EVENTS_UID, "Events", title, panels, (*boards[0].variables, *narrower), (), hours=6, refresh="")


def labels(sql: str) -> set[str]:
    """The columns of a query that name a variable of a board.

    >>> sorted(labels("SELECT x AS time, f.app AS app, count() AS n FROM v_findings AS f"))
    ['app']
    """
    return set(re.findall(r"\bAS (\w+)", sql)) & {*VARIABLES, *_NARROWER}


def _place(section: Iterable[Panel], y: int) -> tuple[list[tuple[Panel, dict[str, int]]], int]:
    """From left to right in lines, each as high as its highest panel; and where the next section begins."""
    placed, x, height = [], 0, 0
    for panel in section:
        if x + panel.width > WIDTH:
            x, y, height = 0, y + height, 0
        placed.append((panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, height = x + panel.width, max(height, panel.height)
    return placed, y + height


def _all_rows(boards: Sequence[Board]) -> list[Rows]:
    every = [panel.rows for board in boards for panel in board.panels.values() if panel.rows is not None]
    return list(dict.fromkeys(every))


def _rows_sql(rows: Rows) -> str:
    has = columns(rows.view)
    shown = ", ".join(
        f"arrayStringConcat(arrayMap(each -> toString(each), r.{name}), ' … ') AS {name}"
        if name in ("evidence_texts", "detectors")
        else f"toString(r.{name}) AS {name}"
        if name in ("event_id", "producer_id", "dropped_by")
        else f"r.{name} AS {name}"
        for name in rows.columns
    )
    narrower = "".join(
        f"\n    AND $__conditionalAll(r.{name} IN (${{{name}:singlequote}}), ${name})"
        for name in _NARROWER
        if name in has
    )
    time = rows.columns[0]
    return (
        f"SELECT {shown}\nFROM {rows.view} AS r\n"
        f"WHERE {chosen(rows.view, 'r', time=time)}{narrower}\n    AND ({_qualified(rows)})\nORDER BY r.{time} "
        f"DESC\nLIMIT 500"
    )


def _qualified(rows: Rows) -> str:
    """The condition with its columns as the view's: `time` the alias must not hide `time` the column."""
    has = set(columns(rows.view))
    return re.sub(r"'[^']*'|\b[a-z_]+\b", lambda word: f"r.{word[0]}" if word[0] in has else word[0], rows.where)


def _to_rows(panel: Panel, numbers: Mapping[Rows, int]) -> list[dict[str, Any]]:
    """To the rows of a point: what is chosen, but for the labels of its series, and the time around it."""
    if panel.rows is None:
        return []
    own = labels(panel.queries["A"]) & set(columns(panel.rows.view))
    field = "__data.fields" if panel.kind == "table" else "__field.labels"
    variables = "".join(
        f"&var-{name}=${{{field}.{name}}}" if name in own else f"&${{{name}:queryparam}}" for name in VARIABLES
    ) + "".join(f"&var-{name}=${{{field}.{name}}}" for name in _NARROWER if name in own)
    return [
        {
            "title": "Rows behind this",
            "url": f"/d/{EVENTS_UID}?viewPanel=panel-{numbers[panel.rows]}&${{__url_time_range}}{variables}",
            "targetBlank": False,
        }
    ]


def _to_page(definition: Board, panel: Panel, page_url: str) -> list[dict[str, Any]]:
    if not page_url:
        return []
    variables = "".join(f"&${{{name}:queryparam}}" for name in VARIABLES)
    window = "from=${__from:date:iso}&to=${__to:date:iso}"
    url = f"{page_url.rstrip('/')}/board/{definition.uid}?{window}{variables}#panel-{panel.id}"
    return [{"title": "On Watchline's page", "url": url, "targetBlank": True}]


def _to_event(rows: Rows, page_url: str) -> list[dict[str, Any]]:
    if not page_url or "event_id" not in rows.columns:
        return []
    url = f"{page_url.rstrip('/')}/event/${{__data.fields.event_id}}"
    return [{"title": "The event, whole", "url": url, "targetBlank": True}]


def _row(number: int, title: str, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
        "panels": [],
    }


def _panel(panel: Panel, place: dict[str, int], links: list[dict[str, Any]]) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": _UNITS[panel.unit],
        "color": {"mode": "thresholds" if panel.kind in ("stat", "bar_gauge") else "palette-classic"},
        "thresholds": _thresholds(panel.thresholds),
        "noValue": "nothing came",
        "links": links,
    }
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.kind == "time_series":
        defaults["min"] = 0
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 10,
            "showPoints": "auto",
            "spanNulls": False,
            "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
        }
    return {
        "id": panel.id,
        "type": _TYPES[panel.kind],
        "title": panel.title,
        "description": panel.description,
        "gridPos": place,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": _overrides(panel)},
        "options": _options(panel),
        "targets": [
            {
                "refId": ref,
                "datasource": DATASOURCE,
                "editorType": "sql",
                "format": 0 if panel.kind in _OVER_TIME else 1,
                "queryType": "timeseries" if panel.kind in _OVER_TIME else "table",
                "rawSql": sql,
            }
            for ref, sql in panel.queries.items()
        ],
    }


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    """In tables, shares as per cent."""
    if panel.kind != "table":
        return []
    shares = {"flagged", "at_least", "low", "high", "unsupported"}
    return [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": "percentunit"}]}
        for name in sorted(shares & set(re.findall(r"\bAS (\w+)", panel.queries["A"])))
    ]


def _thresholds(thresholds: Sequence[Threshold]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": _COLOURS["ok"], "value": None}]
    return {
        "mode": "absolute",
        "steps": steps + [{"color": _COLOURS[each.state], "value": each.at} for each in thresholds],
    }


def _options(panel: Panel) -> dict[str, Any]:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "stat":
            return {"reduceOptions": last, "colorMode": "background", "graphMode": "none", "textMode": "value"}
        case "bar_gauge":
            return {
                "reduceOptions": {**last, "values": True},
                "displayMode": "basic",
                "orientation": "horizontal",
                "showUnfilled": True,
            }
        case "time_series":
            return {
                "legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull"]},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "heat_map":
            return {"calculate": False, "color": {"mode": "scheme", "scheme": "Blues", "steps": 32}, "yAxis": {}}
        case "state_timeline":
            return {"showValue": "auto", "mergeValues": False, "rowHeight": 0.9, "legend": {"showLegend": False}}
        case "table":
            return {"showHeader": True, "cellHeight": "sm"}


def _board(
    uid: str,
    title: str,
    description: str,
    panels: list[dict[str, Any]],
    variables: Sequence[Variable],
    annotations: Sequence[Annotation],
    *,
    hours: int,
    refresh: str,
) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["watchline"],
        "schemaVersion": 42,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "utc",
        "refresh": refresh,
        "time": {"from": f"now-{hours}h", "to": "now"},
        "links": [_to_others()],
        "annotations": {"list": [_annotation(each) for each in annotations]},
        "templating": {"list": [_datasource_variable(), *(_variable(each) for each in variables)]},
        "panels": panels,
    }


def _to_others() -> dict[str, Any]:
    return {
        "title": "Boards",
        "type": "dashboards",
        "tags": ["watchline"],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }


def _annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "name": annotation.title,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "blue" if annotation.name == "versions" else "orange",
        "target": {
            "refId": annotation.name,
            "datasource": DATASOURCE,
            "editorType": "sql",
            "format": 1,
            "queryType": "table",
            "rawSql": annotation.sql,
        },
    }


def _datasource_variable() -> dict[str, Any]:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": DATASOURCE["type"],
        "current": {"text": "Watchline", "value": "watchline-clickhouse"},
        "options": [],
        "regex": "",
        "refresh": 1,
        "hide": 0,
        "multi": False,
        "includeAll": False,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    chosen_at_first = list(variable.default)
    return {
        "type": "query",
        "name": variable.name,
        "label": variable.label,
        "datasource": DATASOURCE,
        "query": variable.sql,
        "definition": variable.sql,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": chosen_at_first or ["All"], "value": chosen_at_first or ["$__all"]},
        "options": [],
        "regex": "",
        "hide": 0,
    }
