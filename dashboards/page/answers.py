"""What the boards show: panels, the values of variables, the rows behind a point, marks on the time axis, the status.

The browser names a board, a panel and labels; the SQL is the board's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from watchline.dashboards.definitions import Board, Panel, Rows
from watchline.dashboards.macros import Request, expand
from watchline.dashboards.page.protocols import Queries
from watchline.dashboards.page.ranges import Range
from watchline.schemas.columns import Column
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.views import views

PAGE_ROWS = 100
MOST_VALUES = 1000  # of a variable
MOST_MARKS = 200
# What tells two rows of one moment apart: a cursor of the time alone would lose rows between pages.
_KEYS = (
    "event_id", "detector", "number", "feedback_id", "signal_id", "producer_id", "topic", "topic_id", "partition",
    "offset", "event_index", "first_missing", "first_offset", "records", "argument", "type", "app", "environment",
    "tenant", "prompt_name", "prompt_version", "model", "source", "detector_version",
)  # fmt: skip

_TIMES = ("time", "hour", "last_time")  # a view that sums up has the last

_MILLI = timedelta(milliseconds=1)  # addresses have no less: all of the last one belongs to a range

Chosen = Mapping[str, Sequence[str] | None]


class Page(NamedTuple):
    """Rows, the last first, and what leads to those before them: None where there are none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    after: list[str] | None


def panel(queries: Queries, board: Board, shown: Panel, range_: Range, chosen: Chosen, step_s: int) -> dict[str, Any]:
    """What the panel's queries give, by their names, with so many seconds between points."""
    request = Request(start=range_.start, end=range_.end, interval_s=step_s, variables=variables(board, chosen))
    results = {name: queries.query(expand(sql, request)) for name, sql in shown.queries.items()}
    return {
        "step_s": step_s,
        "queries": {name: {"columns": result.columns, "rows": result.rows} for name, result in results.items()},
    }


def variables(board: Board, chosen: Chosen) -> dict[str, Sequence[str] | None]:
    """What each of the board's variables is: as chosen, else as the board has it at first. None: all values."""
    return {each.name: chosen.get(each.name, each.default) or None for each in board.variables}


def values(queries: Queries, board: Board, name: str, range_: Range) -> list[str]:
    """The values that a variable of the board may have, sorted. Raises ConfigurationError where there is none such."""
    variable = next((each for each in board.variables if each.name == name), None)
    if variable is None:
        raise ConfigurationError(f"the board {board.uid} has no variable {name}")
    result = queries.query(expand(variable.sql, Request(start=range_.start, end=range_.end)))
    return sorted({str(row[0]) for row in result.rows if row[0] is not None})[:MOST_VALUES]


def rows(
    queries: Queries,
    behind: Rows,
    range_: Range,
    chosen: Chosen,
    labels: Mapping[str, str],
    after: Sequence[str] | None,
    *,
    size: int = PAGE_ROWS,
) -> Page:
    """The rows behind a panel, a page of them: each exactly once, however many have the same time.

    Parameters
    ----------
    queries : Queries
    behind : Rows
    range_ : Range
        The end belongs to it.
    chosen, labels : mapping
        Those narrow it that are columns of the view.
    after : sequence of str, optional
        Of the page before.
    size : int
    """
    described = {column.name: column for column in views()[behind.view].columns}
    keys = [name for name in _KEYS if name in described and _is_scalar(described[name])]
    time = next(name for name in _TIMES if name in described)
    conditions = [f"({behind.where})", f"{time} >= {_milli(range_.start)}", f"{time} < {_milli(range_.end + _MILLI)}"]
    parameters: dict[str, str] = {}
    narrow = {**{k: v for k, v in chosen.items() if v}, **{name: [value] for name, value in labels.items()}}
    for number, (name, wanted) in enumerate((k, v) for k, v in narrow.items() if k in described):
        placeholders = []
        for place, value in enumerate(wanted):
            parameters[f"v{number}_{place}"] = value
            placeholders.append(f"{{v{number}_{place}:String}}")
        conditions.append(f"toString({name}) IN ({', '.join(placeholders)})")
    order = [
        f"toInt64(toUnixTimestamp64Micro(toDateTime64({time}, 6, 'UTC')))",
        *(f"toString({name})" for name in keys),
    ]
    if after is not None:
        if len(after) != len(order):
            raise ConfigurationError("this is no place in these rows; begin anew")
        parameters |= {f"c{number}": value for number, value in enumerate(after)}
        places = ["{c0:Int64}", *(f"{{c{number}:String}}" for number in range(1, len(order)))]
        conditions.append(f"({', '.join(order)}) < ({', '.join(places)})")
    columns = list(dict.fromkeys(behind.columns))
    cursor = [f"{each} AS cursor_{number}" for number, each in enumerate(order)]
    result = queries.query(
        f"SELECT {', '.join([*columns, *cursor])} FROM {behind.view} WHERE {' AND '.join(conditions)}\n"  # noqa: S608
        f"ORDER BY {', '.join(f'{each} DESC' for each in order)} LIMIT {size + 1}",
        parameters,
    )
    found = [list(row) for row in result.rows]
    last = [str(value) for value in found[size - 1][len(columns) :]] if len(found) > size else None
    return Page(columns, [row[: len(columns)] for row in found[:size]], last)


def marks(queries: Queries, board: Board, range_: Range, chosen: Chosen) -> list[dict[str, Any]]:
    """What the board's annotations say happened in the range, for lines on the time axis; the first ones of each."""
    request = Request(start=range_.start, end=range_.end, variables=variables(board, chosen))
    found: list[dict[str, Any]] = []
    for annotation in board.annotations:
        result = queries.query(expand(annotation.sql, request))
        by_column = (dict(zip(result.columns, row, strict=True)) for row in result.rows[:MOST_MARKS])
        found += [{"name": annotation.name, "about": annotation.title, **each} for each in by_column]
    return sorted(found, key=lambda mark: str(mark["time"]))


def status(queries: Queries) -> dict[str, Any]:
    """Up to when the monitors have looked at all events, and when something was stored last. None: not known."""
    watermark = queries.query("SELECT min(time) AS time, count() AS partitions FROM v_watermarks").rows
    stored = queries.query(
        "SELECT greatest((SELECT max(stored_at) FROM v_ledger WHERE stored_at > now() - INTERVAL 7 DAY),\n"
        "(SELECT max(stored_at) FROM v_interactions WHERE time > now() - INTERVAL 1 HOUR)) AS stored_at"
    ).rows
    return {
        "watermark": watermark[0][0] if watermark and watermark[0][1] else None,
        "stored_at": _not_never(stored[0][0]) if stored else None,
    }


def _not_never(time: Any) -> Any:
    return None if time is None or str(time).startswith("1970-01-01T00:00:00") else time


def _is_scalar(column: Column) -> bool:
    return not column.type.startswith(("Array", "Map", "Nullable", "Tuple"))


def _milli(time: datetime) -> str:
    return f"fromUnixTimestamp64Milli({int(time.timestamp() * 1000)})"
