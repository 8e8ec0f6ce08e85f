"""Evaluates a rule at a time: asks the store, and says what its rows mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine import texts
from watchline.dashboards.engine.state_machine import Labels, Outcome, Policy, Reading
from watchline.dashboards.macros import Request, expand
from watchline.schemas.errors import ConfigurationError, WatchlineError

_NOT_A_NUMBER = {"nan", "-nan", "inf", "-inf"}  # as JSON can hold them
# As `COMPLETE` in `sql`, which the rules' own queries have.
_WATERMARK = """SELECT if(count() = 0, NULL, toUnixTimestamp64Micro(min(w.time))) AS watermark
FROM v_watermarks AS w WHERE w.stored_at > $__toTime - INTERVAL 1 DAY"""
_PARAMETER = re.compile(r"\{(\w+):")


class Answer(Protocol):
    """What a query gives: values are what JSON can hold."""

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...


class Queries(Protocol):
    """Where SQL goes. Raises WatchlineError or OSError where it fails; bounds how long a query may take."""

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a rule's queries gave for a window.

    Parameters
    ----------
    start, end : datetime
        The window; None where the watermark isn't known.
    outcome : Outcome
    """

    start: datetime | None
    end: datetime | None
    outcome: Outcome = field(default_factory=Outcome)


def watermark(queries: Queries, at: datetime) -> datetime:
    """Before which all events are stored, as far as is known at a time. Raises what the query raises.

    A watermark that nobody has moved for a day is of a topic that is no more. Where there is no other, or none at all
    (no monitor runs), nothing but the clock tells: it is `at`.
    """
    rows = queries.query(expand(_WATERMARK, Request(start=at, end=at))).rows
    if not rows or rows[0][0] is None:
        return at
    return datetime.fromtimestamp(int(rows[0][0]) / 1e6, UTC)


def policy(rule: Rule) -> Policy:
    """What the state machine needs of a rule."""
    return Policy(
        for_s=rule.for_s,
        keep_firing_for_s=rule.keep_firing_for_s,
        no_data=rule.no_data,
        error=rule.error,
        missing_evaluations=rule.missing_evaluations,
    )


def faults(rule: Rule) -> list[str]:
    """Why a rule can never fire, or never say what it means to; empty where it is sound.

    Examples
    --------
    >>> from watchline.dashboards.definitions import Rule
    >>> faults(Rule(uid="r", title="R", group="g", severity="warning", queries={"A": "SELECT 1 AS value"},
    ...     summary="{{ $values.C.Value }}", description="", board="b", panel=1, window_s=0))
    ... # doctest: +NORMALIZE_WHITESPACE
    ['has neither a limit above nor one below', 'window_s is 0: it must be above 0',
     'its texts name the value C, and there is no such query']
    """
    found = []
    limits = [limit for limit in (rule.above, rule.below) if limit is not None]
    if len(limits) != 1:
        found.append("has two limits" if limits else "has neither a limit above nor one below")
    elif not math.isfinite(limits[0]):
        found.append(f"its limit is {limits[0]:g}: no number is beyond it")
    elif rule.recovery is not None and is_over(rule, rule.recovery):
        found.append(f"its recovery {rule.recovery:g} is beyond its limit {limits[0]:g}: it would end at once")
    found += [
        f"{name} is {value:g}: it must be {'at least' if least == 0 else 'above'} 0"
        for name, value, least in (
            ("window_s", rule.window_s, 1),
            ("interval_s", rule.interval_s, 1),
            ("missing_evaluations", rule.missing_evaluations, 1),
            ("for_s", rule.for_s, 0),
            ("keep_firing_for_s", rule.keep_firing_for_s, 0),
        )
        if value < least
    ]
    if "A" not in rule.queries:
        found.append("has no query A, which decides")
    for text in (rule.summary, rule.description):
        try:
            texts.render(text, {}, {})
        except ConfigurationError as error:
            found.append(str(error))
    _, values = texts.fields(rule.summary + rule.description)
    found += [
        f"its texts name the value {name}, and there is no such query" for name in sorted(values - {*rule.queries})
    ]
    return found


def unknown_labels(rule: Rule, columns: Sequence[str]) -> list[str]:
    """Labels that a rule's texts or details name, where its query gives these columns and no such label."""
    named, _ = texts.fields(rule.summary + rule.description)
    named |= {*_PARAMETER.findall(rule.details or "")}
    return sorted(named - {*columns} - {*rule.labels})


def evaluate(
    rule: Rule, queries: Queries, at: datetime, complete: datetime | None, *, all_values: bool = True
) -> Evaluation:
    """Evaluates a rule.

    Parameters
    ----------
    rule : Rule
    queries : Queries
    at : datetime
        The time at which the rule is evaluated.
    complete : datetime or None
        The watermark. A rule whose windows end there judges nothing that comes after it; nothing at all where it
        couldn't be asked for.
    all_values : bool
        False: the queries beside A, whose numbers are for texts, are asked only where a row is beyond the limit.

    Returns
    -------
    Evaluation
        A query that fails, or gives what isn't a rule's, is in `outcome.failure`: it concerns this rule alone.
    """
    end = at if rule.ends == "now" else min(at, complete) if complete is not None else None
    if end is None:
        return Evaluation(start=None, end=None)
    end = end.astimezone(UTC).replace(microsecond=0)
    start = end - timedelta(seconds=rule.window_s)
    request = Request(start=start, end=end, interval_s=rule.interval_s)
    try:
        columns, numbers = _numbers(queries.query(expand(rule.queries["A"], request)), "A")
        if columns and (missing := unknown_labels(rule, columns)):
            raise ConfigurationError(f"its texts name {', '.join(missing)}, which query A doesn't give")
        told_of = numbers and (
            all_values or any(value is not None and is_over(rule, value) for value in numbers.values())
        )
        others = {
            name: _numbers(queries.query(expand(sql, request)), name)[1]
            for name, sql in rule.queries.items()
            if name != "A" and told_of
        }
    except (WatchlineError, OSError) as error:
        return Evaluation(start=start, end=end, outcome=Outcome(failure=_one_line(error)))
    except Exception as error:  # a fault of ours or of a library's: this rule's alone, and its text may hold anything
        return Evaluation(start=start, end=end, outcome=Outcome(failure=type(error).__name__))
    readings = {
        key: Reading(
            value=value,
            over=value is not None and is_over(rule, value),
            holds=value is not None and holds(rule, value),
            values={"A": value} | {name: _of(rows, key) for name, rows in others.items()},
        )
        for key, value in numbers.items()
    }
    return Evaluation(start=start, end=end, outcome=Outcome(readings=readings))


def details(rule: Rule, queries: Queries, labels: Mapping[str, str], start: datetime, end: datetime) -> dict[str, Any]:
    """What else is known of an alert: the one row of the rule's `details`; empty where there is none or it fails."""
    if rule.details is None:
        return {}
    request = Request(start=start, end=end, interval_s=rule.interval_s)
    wanted = {name: labels.get(name, "") for name in _PARAMETER.findall(rule.details)}
    try:
        answer = queries.query(expand(rule.details, request), wanted)
    except (WatchlineError, OSError) as error:
        return {"details": f"unknown: {_one_line(error)}"}
    return dict(zip(answer.columns, answer.rows[0], strict=True)) if answer.rows else {}


def is_over(rule: Rule, value: float) -> bool:
    """Whether a number is beyond a rule's limit."""
    return value > rule.above if rule.above is not None else rule.below is not None and value < rule.below


def holds(rule: Rule, value: float) -> bool:
    """Whether a number is not yet on the other side of a rule's recovery: what fires goes on."""
    if rule.recovery is None:
        return is_over(rule, value)
    return value >= rule.recovery if rule.above is not None else value <= rule.recovery


def severity(rule: Rule, value: float | None) -> str:
    """How severe an alert with this number is."""
    limit = rule.critical_beyond
    if limit is None or value is None:
        return rule.severity
    return "critical" if (value > limit if rule.above is not None else value < limit) else rule.severity


def incomplete(rule: Rule, values: Mapping[str, float | None]) -> str:
    """What to say where less was checked than the rule needs, else nothing.

    A rule says how much in `least_coverage`, and its query `coverage` how much there is.
    """
    if rule.least_coverage is None:
        return ""
    coverage = values.get("coverage")
    if coverage is None:
        return "Incomplete: how much of it was checked is unknown."
    if coverage < rule.least_coverage:
        return f"Incomplete: {coverage:.0%} of what was planned was checked, less than {rule.least_coverage:.0%}."
    return ""


def _numbers(answer: Answer, name: str) -> tuple[list[str], dict[Labels, float | None]]:
    """The columns' names, and by labels the one number of a query's rows; the latest row where they have a time."""
    columns = [column for column in answer.columns if column != "time"]
    rows = answer.rows
    if not rows:
        return columns, {}
    time = answer.columns.index("time") if "time" in answer.columns else None
    if time is not None:
        rows = sorted(rows, key=lambda row: str(row[time]))
    at = {column: answer.columns.index(column) for column in columns}
    numbers = [column for column in columns if all(_is_number(row[at[column]]) for row in rows)]
    if len(numbers) != 1:
        raise ConfigurationError(
            f"query {name} needs text columns and one number; its numbers are {', '.join(numbers) or 'none'}"
        )
    names = [column for column in columns if column != numbers[0]]
    found: dict[Labels, float | None] = {}
    for row in rows:
        key = tuple(sorted((column, str(row[at[column]])) for column in names))
        if key in found and time is None:
            raise ConfigurationError(f"query {name} gives two rows with the labels {dict(key)}")
        found[key] = _number(row[at[numbers[0]]])
    return columns, found


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or value in _NOT_A_NUMBER


def _number(value: Any) -> float | None:
    """NULL, and what a division by zero gives, can't be told: it is not 0."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _of(rows: Mapping[Labels, float | None], key: Labels) -> float | None:
    """The number of the same labels, or of those of them that the query gives."""
    if key in rows:
        return rows[key]
    wanted = {*key}
    return next((value for labels, value in rows.items() if wanted.issuperset(labels)), None)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
