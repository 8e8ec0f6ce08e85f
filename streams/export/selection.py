"""Which events an export takes, and reads them: in order of their time and id, each once, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from watchline.streams.query.run import Queries, TooMuchError

Row = Mapping[str, Any]

PAGE = 1_000  # rows; fewer where they are more than a reader may take at once
_COLUMN = {"prompt": "prompt_name"}
_FROM = "time >= fromUnixTimestamp64Micro({first:Int64}) AND time < fromUnixTimestamp64Micro({end:Int64})"
# UUIDs are not ordered by their text in ClickHouse: the order is to be that of whoever reads the files.
_AFTER = """(time > fromUnixTimestamp64Micro({after:Int64})
    OR (time = fromUnixTimestamp64Micro({after:Int64}) AND toString(event_id) > {after_id:String}))"""
_UP_TO = """(time < fromUnixTimestamp64Micro({last:Int64})
    OR (time = fromUnixTimestamp64Micro({last:Int64}) AND toString(event_id) <= {last_id:String}))"""
_ORDER = "ORDER BY time, toString(event_id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events.

    Parameters
    ----------
    first, end : datetime
        From the first on, up to the end and without it.
    source : str
        Of the call: production, experiment, replay or canary.
    app, environment, prompt, model, tenant : str, optional
        Only those of it; empty: of all.
    """

    first: datetime
    end: datetime
    source: str = "production"
    app: str = ""
    environment: str = ""
    prompt: str = ""
    model: str = ""
    tenant: str = ""

    @property
    def as_json(self) -> dict[str, str]:
        """As a manifest has it: what is empty filters nothing.

        >>> of = Selection(first=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 2, 1, tzinfo=UTC), app="shop")
        >>> of.as_json
        {'from': '2026-01-01T00:00:00+00:00', 'to': '2026-02-01T00:00:00+00:00', 'source': 'production', 'app': 'shop'}
        """
        names = {name: value for name, value in asdict(self).items() if isinstance(value, str) and value}
        return {"from": self.first.isoformat(), "to": self.end.isoformat(), **names}

    def condition(self) -> tuple[str, dict[str, str]]:
        """A condition on `v_interactions`, and its parameters; they need `first` and `end` too."""
        names = ("source", "app", "environment", "prompt", "model", "tenant")
        wanted = {name: value for name in names if (value := getattr(self, name))}
        conditions = [f"toString({_COLUMN.get(name, name)}) = {{{name}:String}}" for name in wanted]
        return " AND ".join([_FROM, *conditions]), wanted


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in their order, with what lies beside them: findings, and the lowest rating where it is asked for."""

    rows: Sequence[Row]
    findings: Mapping[str, Sequence[Row]]
    ratings: Mapping[str, int]


def pages(queries: Queries, selection: Selection, columns: Sequence[str], *, ratings: bool = False) -> Iterator[Page]:
    """The events, in pages.

    Parameters
    ----------
    queries : Queries
    selection : Selection
    columns : sequence of str
        Of `v_interactions`; `event_id` and `time` among them.
    ratings : bool
        Whether users' ratings are looked up.
    """
    condition, wanted = selection.condition()
    select = f"SELECT {', '.join(columns)} FROM v_interactions WHERE {condition} AND {_AFTER} {_ORDER} LIMIT "  # noqa: S608
    size = PAGE
    for first, end in _hours(queries, selection):
        at = {**wanted, "first": str(first), "end": str(end), "after": str(first), "after_id": ""}
        while True:
            try:
                rows = queries.query(f"{select}{size}", at).by_column
            except TooMuchError:
                if size == 1:
                    raise
                size //= 2
                continue
            if rows:
                last = rows[-1]
                at |= {"last": str(micros(last["time"])), "last_id": last["event_id"]}
                yield Page(rows, _findings(queries, at), _ratings(queries, at) if ratings else {})
                at |= {"after": at["last"], "after_id": at["last_id"]}
            if len(rows) < size:
                break
            size = min(PAGE, 2 * size)


def micros(time: str) -> int:
    """Microseconds since 1970 of a time as `Queries` gives it.

    >>> micros("1970-01-01T00:00:01.000002Z")
    1000002
    """
    return (datetime.fromisoformat(time) - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)


def _hours(queries: Queries, selection: Selection) -> Iterator[tuple[int, int]]:
    """The hours that have events, in microseconds. Tables are ordered by them, so that each is read for itself."""
    condition, wanted = selection.condition()
    first, end = (micros(each.isoformat()) for each in (selection.first, selection.end))
    sql = f"SELECT toStartOfHour(time) AS hour FROM v_interactions WHERE {condition} GROUP BY hour ORDER BY hour"  # noqa: S608
    for row in queries.query(sql, {**wanted, "first": str(first), "end": str(end)}).rows:
        hour = micros(row[0])
        yield max(first, hour), min(end, hour + 3_600_000_000)


def _findings(queries: Queries, at: Mapping[str, str]) -> dict[str, list[Row]]:
    sql = f"""SELECT event_id, detector, detector_version, toString(decision) AS decision, flagged, threshold,
    alert_threshold FROM v_findings WHERE {_FROM} AND {_AFTER} AND {_UP_TO} ORDER BY detector"""  # noqa: S608
    found: dict[str, list[Row]] = {}
    for row in queries.query(sql, at).by_column:
        found.setdefault(row["event_id"], []).append(row)
    return found


def _ratings(queries: Queries, at: Mapping[str, str]) -> dict[str, int]:
    sql = f"""SELECT event_id, min(rating) AS lowest FROM v_feedback WHERE rating IS NOT NULL
    AND event_id IN (SELECT event_id FROM v_interactions WHERE {_FROM} AND {_AFTER} AND {_UP_TO}) GROUP BY event_id"""  # noqa: S608
    return {row["event_id"]: row["lowest"] for row in queries.query(sql, at).by_column}
