"""The macros of Grafana's ClickHouse plugin (4.20.0), expanded: to run a board's SQL without Grafana, and to show it.

What the plugin leaves as it is (a macro it doesn't know, a variable that isn't there) is an error here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watchline.schemas.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What Grafana sends along with a query.

    `variables`: dashboard variable to what is chosen; None where that is «All». Alert rules have none.
    """

    start: datetime
    end: datetime
    interval_s: int = 60
    variables: Mapping[str, Sequence[str] | None] = field(default_factory=dict)


def expand(sql: str, request: Request) -> str:
    """The SQL as ClickHouse gets it. Raises ConfigurationError on a macro or variable that isn't known."""
    while match := re.search(r"\$__(\w+)", sql):
        name, end = match[1], match.end()
        arguments: list[str] = []
        if sql[end : end + 1] == "(":
            arguments, end = _arguments(sql, end)
        sql = sql[: match.start()] + _expansion(name, arguments, request) + sql[end:]
    return re.sub(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)", lambda reference: _variable(reference, request), sql)


def _expansion(name: str, arguments: list[str], request: Request) -> str:
    if name == "conditionalAll" and len(arguments) == 2:
        # The second argument must be a plain variable: the plugin takes nothing else.
        variable = arguments[1].strip().strip("${}")
        return "1=1" if _chosen(variable, request) is None else arguments[0]
    if name not in _MACROS:
        raise ConfigurationError(f"unknown macro $__{name}; known: conditionalAll, {', '.join(_MACROS)}")
    try:
        return _MACROS[name](request, *arguments)
    except TypeError:
        raise ConfigurationError(f"macro $__{name}: wrong number of arguments: {len(arguments)}") from None


def _seconds(time: datetime) -> str:
    return f"toDateTime({int(time.timestamp())})"


def _milliseconds(time: datetime) -> str:
    return f"fromUnixTimestamp64Milli({int(time.timestamp() * 1000)})"


def _date(time: datetime) -> str:
    return f"toDate('{time:%Y-%m-%d}')"


def _between(column: str, request: Request, literal: Callable[[datetime], str]) -> str:
    return f"{column} >= {literal(request.start)} AND {column} <= {literal(request.end)}"


_MACROS: dict[str, Callable[..., str]] = {
    "fromTime": lambda request: _seconds(request.start),
    "toTime": lambda request: _seconds(request.end),
    "fromTime_ms": lambda request: _milliseconds(request.start),
    "toTime_ms": lambda request: _milliseconds(request.end),
    "timeFilter": lambda request, c: f"{c} >= {_seconds(request.start)} AND {c} <= {_seconds(request.end)}",
    "timeFilter_ms": lambda request, c: (
        f"{c} >= {_milliseconds(request.start)} AND {c} <= {_milliseconds(request.end)}"
    ),
    "dateFilter": lambda request, c: f"{c} >= {_date(request.start)} AND {c} <= {_date(request.end)}",
    "timeInterval": lambda request, c: f"toStartOfInterval(toDateTime({c}), INTERVAL {request.interval_s} second)",
    "interval_s": lambda request: str(request.interval_s),
}


def _arguments(sql: str, start: int) -> tuple[list[str], int]:
    """The arguments in the parentheses that open at `start`, and where they end."""
    depth, begin, arguments = 0, start + 1, []
    for position in range(start, len(sql)):
        character = sql[position]
        depth += (character == "(") - (character == ")")
        if depth == 0 or (depth == 1 and character == ","):
            arguments.append(sql[begin:position].strip())
            begin = position + 1
        if depth == 0:
            return arguments, position + 1
    raise ConfigurationError(f"a parenthesis is not closed: {sql[start : start + 40]}")


def _chosen(name: str, request: Request) -> Sequence[str] | None:
    if name not in request.variables:
        raise ConfigurationError(f"unknown variable ${name}; known: {', '.join(request.variables) or 'none'}")
    return request.variables[name]


def _variable(match: re.Match[str], request: Request) -> str:
    name = match[1] or match[3]
    chosen = _chosen(name, request)
    if match[2] != "singlequote" or chosen is None:
        raise ConfigurationError(
            f"variable ${name}: only ${{{name}:singlequote}} inside $__conditionalAll is safe in SQL"
        )
    return ",".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in chosen)
