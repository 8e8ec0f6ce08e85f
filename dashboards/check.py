"""Finds what is broken in boards and rules before somebody needs them: what Grafana, or the page, would show too late.

Every query is described by a migrated database, which need not hold anything: what its columns are called and of which
type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from watchline.dashboards.definitions import Board, Panel, Rule
from watchline.dashboards.engine.evaluator import is_over
from watchline.dashboards.macros import Request, expand
from watchline.dashboards.sql import LABELS
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.views import views

RUNBOOKS = Path(__file__).parent / "runbooks"
# Columns of which a row has one value for good: what an incident may be of.
LABEL_COLUMNS = {*LABELS, "tenant", "detector", "kind", "measure", "rollup", "topic", "partition", "about", "target"}
# Views of events: their latest rows are not complete yet.
_OF_EVENTS = ("v_interactions", "v_findings", "v_spans", "v_decisions", "v_cost_hourly", "v_feedback")
# A row for each of a map's keys has the map's name.
_KEYS = {
    "detector": {"planned"},
    "about": {"measure", "before", "after", "detector"},
    "app": {"details"},
}  # a signal and an act say the same for good
_OVER_TIME = ("time_series", "heat_map", "state_timeline")
_LONGEST_UID = 40
_EVALUATED_EACH_S = 10
_NOW = datetime(2026, 1, 15, tzinfo=UTC)


def check(boards: Sequence[Board], rules: Sequence[Rule], client: Any) -> list[str]:
    """What is broken, one sentence each; empty where all is well.

    Parameters
    ----------
    client : clickhouse-connect client
        On a migrated database.
    """
    return [*_boards(boards, client), *_rules(rules, boards, client)]


def overlaps(board: Mapping[str, Any]) -> Iterator[str]:
    """Panels of a board's JSON that lie over one another, or outside of the grid."""
    places = [(panel["title"], panel["gridPos"]) for panel in board["panels"]]
    for title, place in places:
        if place["x"] < 0 or place["x"] + place["w"] > 24:
            yield f"board {board['uid']}: panel «{title}» lies outside of the grid"
    for (first, a), (second, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        if not beside and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"board {board['uid']}: panel «{first}» lies over «{second}»"


def _boards(boards: Sequence[Board], client: Any) -> Iterator[str]:
    yield from _twice("board", (board.uid for board in boards))
    for board in boards:
        every = [panel for section in board.sections.values() for panel in section]
        yield from (f"board {board.uid}: {problem}" for problem in _twice("panel", (panel.id for panel in every)))
        variables: dict[str, Sequence[str] | None] = {variable.name: ["x"] for variable in board.variables}
        if "source" in variables:
            variables["source"] = ["production"]
        request = Request(start=_NOW - timedelta(hours=1), end=_NOW, variables=variables)
        for panel in every:
            yield from (f"board {board.uid}, panel «{panel.title}»: {each}" for each in _panel(panel, request, client))
        for name, sql in [
            *((f"variable {each.name}", each.sql) for each in board.variables),
            *((f"annotation {each.name}", each.sql) for each in board.annotations),
        ]:
            yield from (f"board {board.uid}, {name}: {each}" for each in _query(sql, request, client))


def _panel(panel: Panel, request: Request, client: Any) -> Iterator[str]:
    if panel.width > 24 or panel.width < 1 or panel.height < 1:
        yield "lies outside of the grid"
    if not panel.title or len(panel.description) < 10:
        yield "doesn't say what it shows"
    for ref, sql in panel.queries.items():
        broken = list(_query(sql, request, client))
        yield from (f"query {ref}: {each}" for each in broken)
        if not broken and panel.kind in _OVER_TIME:
            yield from (f"query {ref}: {each}" for each in _series(_columns(expand(sql, request), client)))
    if panel.rows is not None:
        view = views().get(panel.rows.view)
        if view is None:
            yield f"its rows are of {panel.rows.view}, which is no view"
        elif unknown := set(panel.rows.columns) - {column.name for column in view.columns}:
            yield f"its rows have no column {', '.join(sorted(unknown))}"


def _query(sql: str, request: Request, client: Any) -> Iterator[str]:
    """Whether it runs, and reads no more than its time range."""
    try:
        expanded = expand(sql, request)
        _columns(expanded, client)
    except ConfigurationError as error:
        yield str(error)
        return
    if not re.search(r"\$__(timeFilter|fromTime|toTime)", sql) and "v_refreshes" not in sql:
        yield "reads all of history: no $__timeFilter"


def _columns(sql: str, client: Any) -> list[tuple[str, str]]:
    """Names and types. Raises ConfigurationError where the statement can't run."""
    from clickhouse_connect.driver.exceptions import Error

    # {NAME:Type}, as details have them.
    filled = re.sub(r"\{\w+:\w+\}", "''", sql)
    try:
        return [(row[0], row[1]) for row in client.query(f"DESCRIBE ({filled})").result_rows]
    except Error as error:
        message = re.search(r"DB::Exception: (.{0,160})", str(error), re.DOTALL)
        raise ConfigurationError(f"ClickHouse refuses it: {message[1] if message else error}") from None


def _series(columns: list[tuple[str, str]]) -> Iterator[str]:
    """`time`, texts that are labels, one number."""
    if not columns or columns[0][0] != "time" or "DateTime" not in columns[0][1]:
        yield "its first column must be `time`"
    numbers = [name for name, kind in columns[1:] if not _is_text(kind)]
    if len(numbers) != 1:
        yield f"must give one number, gives {', '.join(numbers) or 'none'}"


def _is_text(kind: str) -> bool:
    return "String" in kind or kind.startswith(("Enum", "LowCardinality(Enum"))


def _rules(rules: Sequence[Rule], boards: Sequence[Board], client: Any) -> Iterator[str]:
    yield from _twice("rule", (rule.uid for rule in rules))
    panels = {(board.uid, number) for board in boards for number in board.panels}
    intervals: dict[str, int] = {}
    for rule in rules:
        problems = [*_shape(rule), *_texts(rule), *_queries(rule, client)]
        if (rule.board, rule.panel) not in panels:
            problems.append(f"there is no panel {rule.panel} on the board {rule.board}")
        if not (RUNBOOKS / rule.runbook).is_file():
            problems.append(f"there is no runbook {rule.runbook}")
        if intervals.setdefault(rule.group, rule.interval_s) != rule.interval_s:
            problems.append(f"others of its group {rule.group} are evaluated at another interval")
        yield from (f"rule {rule.uid}: {each}" for each in problems)


def _shape(rule: Rule) -> Iterator[str]:
    if len(rule.uid) > _LONGEST_UID:
        yield f"its uid has more than {_LONGEST_UID} characters"
    limits = [limit for limit in (rule.above, rule.below) if limit is not None]
    if len(limits) != 1:
        yield "needs one limit, above or below"
    elif not math.isfinite(limits[0]):
        yield "can never fire: its limit is no number that can be passed"
    elif rule.recovery is not None and is_over(rule, rule.recovery):
        yield f"ends as soon as it fires: its recovery {rule.recovery:g} is beyond its limit"
    elif "humanizePercentage $values.A" in rule.summary and not 0 <= limits[0] < 1:
        yield f"can never fire, or always does: it is a share, and its limit is {limits[0]:g}"
    if rule.window_s <= 0:
        yield "can never fire: its window is empty"
    if rule.interval_s <= 0 or rule.interval_s % _EVALUATED_EACH_S:
        yield f"its interval must be a multiple of {_EVALUATED_EACH_S} s"
    if "A" not in rule.queries:
        yield "has no query A, which decides"


def _texts(rule: Rule) -> Iterator[str]:
    """What texts name must be there, and say words where it isn't."""
    for name, text in (("summary", rule.summary), ("description", rule.description)):
        if "${" in text:
            yield f"its {name} has ${{, which Grafana takes for a variable of its environment"
        for value in sorted(set(re.findall(r"\$values\.(\w+)", text)) - set(rule.queries)):
            yield f"its {name} names the value {value}, which no query gives"
        bare = "".join(part.partition("{{ if ")[0] for part in text.split("{{ end }}"))
        for value in sorted(set(re.findall(r"\$values\.(\w+)", bare)) - {"A"}):
            yield f"its {name} has no words for {value} where it is missing: {{{{ if $values.{value} }}}}"


def _queries(rule: Rule, client: Any) -> Iterator[str]:
    request = Request(start=_NOW - timedelta(seconds=rule.window_s), end=_NOW)
    labels: dict[str, set[str]] = {}
    for ref, sql in rule.queries.items():
        broken = list(_query(sql, request, client))
        yield from (f"query {ref}: {each}" for each in broken)
        if broken:
            continue
        expanded = expand(sql, request)
        found = _columns(expanded, client)
        yield from (f"query {ref}: {each}" for each in _series(found))
        labels[ref] = {name for name, kind in found[1:] if _is_text(kind)}
        if any("Nothing" in kind for _, kind in found):
            yield f"query {ref}: can never fire: it gives NULL and nothing else"
        yield from (f"query {ref}: {each}" for each in _changing(expanded, labels[ref]))
        yield from (f"query {ref}: {each}" for each in _beyond_the_watermark(rule, sql))
    for ref in labels:
        if labels[ref] != labels.get("A", set()):
            yield f"query {ref}: its labels are not those of A, so its values belong to no alert"
    used = set(re.findall(r"\$labels\.(\w+)", rule.summary + rule.description))
    for name in sorted(used - labels.get("A", used)):
        yield f"its texts name the label {name}, which A doesn't give"
    if rule.details is not None:
        try:
            _columns(expand(rule.details, request), client)
        except ConfigurationError as error:
            yield f"details: {error}"
        for name in sorted(set(re.findall(r"\{(\w+):\w+\}", rule.details)) - labels.get("A", set())):
            yield f"details: {name} is no label of the rule"


def _changing(sql: str, labels: Iterable[str]) -> Iterator[str]:
    """Labels that may become others while an incident lasts: each must be a column of that name, and no more."""
    for name in sorted(set(labels) - LABEL_COLUMNS):
        yield f"label {name} may change while an incident lasts; may be labels: {', '.join(sorted(LABEL_COLUMNS))}"
    try:
        tree = sqlglot.parse_one(sql, dialect="clickhouse")
    except SqlglotError:
        yield "its labels can't be checked: the parser doesn't read it"
        return
    for alias in tree.find_all(exp.Alias):
        if alias.alias not in labels:
            continue
        others = {column.name for column in alias.this.find_all(exp.Column)} - {
            alias.alias,
            *_KEYS.get(alias.alias, ()),
        }
        if others or alias.this.find(exp.AggFunc, exp.Window, exp.CombinedAggFunc, exp.ParameterizedAgg):
            made_of = ", ".join(sorted(others)) or "more than one row"
            yield f"label {alias.alias} may change while an incident lasts: it is made of {made_of}"


def _beyond_the_watermark(rule: Rule, sql: str) -> Iterator[str]:
    """A query of events must end where they are complete: what is still under way would look like a change.

    What is asked for by when it was stored is all there at once, and so may end now.
    """
    of_events = sum(len(re.findall(rf"\b{view}\b", sql)) for view in _OF_EVENTS)
    if not of_events:
        return
    by_storing = sql.count(".stored_at <= $__toTime") >= of_events
    if (
        (rule.ends != "watermark" and not by_storing)
        or "v_watermarks" not in sql
        or len(re.findall(r"<= complete\b", sql)) < of_events
    ):
        yield "reads events beyond the watermark, where they are not complete"


def _twice(what: str, names: Iterable[object]) -> Iterator[str]:
    seen = set()
    for name in names:
        if name in seen:
            yield f"there are two of the {what} {name}"
        seen.add(name)
