"""Proves an interval from the store's books, hour by hour, so that memory doesn't grow with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from watchline.streams.governance.proof import canaries, events, numbers, offsets
from watchline.streams.governance.proof.books import Books
from watchline.streams.governance.proof.interval import Interval
from watchline.streams.governance.proof.report import Report
from watchline.streams.query.run import Queries


def prove(
    queries: Queries,
    interval: Interval,
    *,
    app: str = "",
    canary_interval_s: float = 60.0,
    now: datetime | None = None,
    on_day: Callable[[], None] = lambda: None,
) -> Report:
    """What became of each number that a producer gave, each event, each finding planned for it, and each offset.

    Reads views alone. Raises what `Queries.query` raises.

    Parameters
    ----------
    queries : Queries
    interval : Interval
    app : str
        Whose events alone; offsets are of all, since nobody knows whose what is missing was.
    canary_interval_s : float
        How far apart canaries are sent.
    now : datetime, optional
        As of when; what was stored in the ten minutes before it may be in flight.
    on_day : callable
        Is told of each day that is done.
    """
    now = now or datetime.now(UTC)
    books = Books(queries, now, app)
    report = Report(interval, app, now)
    for start, end in interval.days:
        events.count(books, start, end, report)
        numbers.count(books, start, end, report)
        on_day()
    numbers.count_gaps(books, interval, report)
    offsets.count(books, interval, report)
    canaries.look(books, interval, canary_interval_s, report)
    return report
