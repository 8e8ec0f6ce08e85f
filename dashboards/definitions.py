"""What a board, a panel and an alert rule are: defined once, written for Grafana and shown by Watchline's own page.

SQL is written with the macros of Grafana's ClickHouse plugin (see `macros`), so that both ask the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["time_series", "stat", "bar_gauge", "table", "heat_map", "state_timeline"]
Unit = Literal["count", "ratio", "seconds", "per_second", "usd", "bytes", "none"]
State = Literal["ok", "warning", "critical"]

OF_WATCHLINE = "watchline"  # what a rule is about where Watchline itself fails: whatever the app, one incident


class Threshold(NamedTuple):
    """From which value on a panel shows a state; below the first one it is "ok"."""

    at: float
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows behind a panel: which view has them and what they must be like.

    Whoever follows a point gets those of its window, with the variables that are chosen and the labels of its series
    where the view has columns of these names.

    Parameters
    ----------
    view : str
    columns : tuple of str
        What is shown of a row, `time` first; `event_id` leads to the whole event.
    where : str
        A condition in SQL.
    """

    view: str
    columns: tuple[str, ...]
    where: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture of a board.

    Parameters
    ----------
    id : int
        Within its board, for good: addresses name it.
    title, description : str
        In plain words; the description says what is counted and what to make of it.
    kind : Kind
    queries : mapping of str to str
        SQL by name, "A" first. A time series has `time`, text columns that are labels, and one number.
    unit : Unit
    thresholds : tuple of Threshold
    rows : Rows, optional
    width, height : int
        In a grid of 24 columns.
    decimals : int, optional
    """

    id: int
    title: str
    description: str
    kind: Kind
    queries: Mapping[str, str]
    unit: Unit = "count"
    thresholds: tuple[Threshold, ...] = ()
    rows: Rows | None = None
    width: int = 12
    height: int = 8
    decimals: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """What a reader chooses above a board: one or more values, or all. `sql` gives them, within the time range.

    `default`: what is chosen at first; nothing: all.
    """

    name: str
    label: str
    sql: str
    default: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """What happened, as lines through the time series of a board. `sql` gives `time`, `title` and `text`."""

    name: str
    title: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Panels that answer one question.

    Parameters
    ----------
    uid : str
        For good: addresses name it.
    title, description : str
    sections : mapping of str to tuple of Panel
        By title, in order.
    variables : tuple of Variable
    annotations : tuple of Annotation
    hours : int
        How far back it looks unless told otherwise.
    refresh_s : int
    """

    uid: str
    title: str
    description: str
    sections: Mapping[str, tuple[Panel, ...]]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...] = ()
    hours: int = 6
    refresh_s: int = 60

    @property
    def panels(self) -> dict[int, Panel]:
        """By id."""
        return {panel.id: panel for section in self.sections.values() for panel in section}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When somebody is told, and what.

    Parameters
    ----------
    uid : str
        At most 40 characters, for good: an incident is known by it and its labels.
    title : str
    group : str
        Rules of a group are evaluated together, in order.
    about : str
        Alerts about the same, of one app and environment, are one incident: "app" is all that may have one cause in
        an app; harm is told of by itself; `OF_WATCHLINE` is of no app. A query may give it as a label.
    severity : {"warning", "critical"}
        A critical one may wake somebody.
    queries : mapping of str to str
        SQL by name. "A" decides: text columns are labels, which say what an incident is of and stay while it lasts, and
        one number, which may be NULL where it can't be told. The others add numbers for the texts, by the same labels.
        Of one named "lead", the alert with the highest number is named first where several are one incident.
    lead : float
        The same for a rule that has no such query.
    above, below : float, optional
        The alert fires above this number, or below that one: one of the two.
    recovery : float, optional
        What fires goes on until the number is on the other side of this one: what sways about a limit tells once.
    window_s : int
        How far back the queries look, from the end of what is complete (see `ends`).
    ends : {"watermark", "now"}
        Whether windows end where all events are stored, or now.
    for_s, keep_firing_for_s : int
        How long it must be so before the alert fires, and no more so before it ends.
    no_data : {"ok", "alerting", "keep_last"}
        What it means that "A" gives no row.
    error : {"keep_last", "alerting", "ok"}
        What it means that a query fails.
    missing_evaluations : int
        How many evaluations an incident's labels may be missing before it ends.
    interval_s : int
        Between evaluations.
    summary, description : str
        With `{{ $labels.X }}`, `{{ $values.Q.Value }}`, `{{ humanizePercentage ... }}`, `{{ printf "%.1f" ... }}`, and
        `{{ if $values.Q }}..{{ else }}..{{ end }}` where a value may be missing.
    board, panel : str, int
        What shows it.
    critical_beyond : float, optional
        Beyond this number, on the same side as the limit, an alert is critical whatever `severity` says.
    least_coverage : float, optional
        A share: where the query named "coverage" gives less, the alert says that it is incomplete.
    details : str, optional
        SQL that gives one row of texts and numbers more for an incident, with its labels as parameters: what was
        before, what is ruled out. Watchline's own engine adds them; Grafana can't.
    runbook_name : str
        Of the page in `runbooks/` that says what to do, where several rules share one; else named after `uid`.
    """

    uid: str
    title: str
    group: str
    severity: Literal["warning", "critical"]
    queries: Mapping[str, str]
    summary: str
    description: str
    board: str
    panel: int
    window_s: int
    above: float | None = None
    below: float | None = None
    recovery: float | None = None
    ends: Literal["watermark", "now"] = "watermark"
    for_s: int = 60
    keep_firing_for_s: int = 300
    no_data: Literal["ok", "alerting", "keep_last"] = "ok"
    error: Literal["keep_last", "alerting", "ok"] = "keep_last"
    missing_evaluations: int = 2
    interval_s: int = 60
    critical_beyond: float | None = None
    least_coverage: float | None = None
    details: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    about: str = "app"
    lead: float = 0.0
    runbook_name: str = ""

    @property
    def runbook(self) -> str:
        """The name of its runbook in `runbooks/`."""
        return f"{self.runbook_name or self.uid.removeprefix('watchline-')}.md"
