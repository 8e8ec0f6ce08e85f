"""The offsets of the raw topic: the ledger's batches follow one another in a partition, but for what Kafka had lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchline.streams.governance.proof.books import Books
from watchline.streams.governance.proof.interval import DAY, Interval
from watchline.streams.governance.proof.report import GONE, OFFSETS, Report

# Within a day: what doesn't follow what came before, and the first of each partition. Its borders are compared here.
_BREAKS = """SELECT topic_id, partition, first_offset, end_before, hour_before, hour
FROM
(
    SELECT topic_id, partition, first_offset, hour, max(last_offset + 1) OVER before AS end_before,
        max(hour) OVER before AS hour_before, row_number() OVER whole AS number
    FROM v_ledger
    WHERE NOT lost AND hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')}
    WINDOW whole AS (PARTITION BY topic_id, partition ORDER BY first_offset, last_offset, hour, app),
        before AS (PARTITION BY topic_id, partition ORDER BY first_offset, last_offset, hour, app
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
WHERE number = 1 OR first_offset > end_before
ORDER BY topic_id, partition, first_offset"""
_ENDS = """SELECT topic_id, partition, max(last_offset) + 1 AS end, max(hour) AS last FROM v_ledger
WHERE NOT lost AND hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')}
GROUP BY topic_id, partition"""
# Of what seems to be missing: batches of any hour that have some of it, and what was gone before it was read.
_OVER = """SELECT first_offset AS first, last_offset + 1 AS end, 0 AS gone FROM v_ledger
WHERE NOT lost AND topic_id = {topic:String} AND partition = {partition:UInt32}
    AND last_offset >= {first:UInt64} AND first_offset < {end:UInt64}
UNION ALL
SELECT first_missing, next_offset, 1 FROM v_offset_gaps
WHERE topic_id = {topic:String} AND partition = {partition:UInt32}
    AND next_offset > {first:UInt64} AND first_missing < {end:UInt64}"""
MARGIN = DAY  # before and after the interval, so that a batch missing at its border has neighbours


@dataclass(frozen=True, slots=True)
class Break:
    """Offsets between two batches of the ledger, from `first` to the one before `end`, and the hours of the two."""

    topic_id: str
    partition: int
    first: int
    end: int
    hour_before: datetime
    hour: datetime


def count(books: Books, interval: Interval, report: Report) -> None:
    """Adds what became of the offsets between the batches of the interval, of whatever app."""
    ends: dict[tuple[str, int], tuple[int, datetime]] = {}
    wide = Interval(interval.start - MARGIN, interval.end + MARGIN)
    for start, end in wide.days:
        for each in _breaks(books, start, end, ends):
            if each.hour_before < interval.end and each.hour >= interval.start:
                _explain(books, each, report)
        for row in books.ask(_ENDS, start=start, end=end):
            place, found = (row["topic_id"], int(row["partition"])), (int(row["end"]), _hour(row["last"]))
            ends[place] = max(ends.get(place, found), found)


def _breaks(
    books: Books, start: datetime, end: datetime, ends: dict[tuple[str, int], tuple[int, datetime]]
) -> list[Break]:
    found = []
    for row in books.ask(_BREAKS, start=start, end=end):
        place = (row["topic_id"], int(row["partition"]))
        before = [(int(row["end_before"]), _hour(row["hour_before"]))] if int(row["end_before"]) else []
        before += [ends[place]] if place in ends else []
        if before and int(row["first_offset"]) > max(before)[0]:
            found.append(Break(*place, max(before)[0], int(row["first_offset"]), max(before)[1], _hour(row["hour"])))
    return found


def _explain(books: Books, each: Break, report: Report) -> None:
    """Walks through the offsets of a break by what has some of them."""
    place: dict[str, Any] = {"topic": each.topic_id, "partition": each.partition}
    at = each.first
    rows = books.ask(_OVER, **place, first=each.first, end=each.end)
    for row in sorted(rows, key=lambda row: (int(row["first"]), int(row["end"]))):
        first, end = max(int(row["first"]), at), min(int(row["end"]), each.end)
        if first > at:
            _missing(report, place, at, min(first, each.end))
        if int(row["gone"]) and end > first:
            report.add(OFFSETS, GONE, end - first)
        at = max(at, end)
    if at < each.end:
        _missing(report, place, at, each.end)


def _missing(report: Report, place: dict[str, Any], first: int, end: int) -> None:
    where = {**place, "first_offset": first, "last_offset": end - 1}
    report.add(OFFSETS, "not in the ledger", end - first, where)


def _hour(text: str) -> datetime:
    return datetime.fromisoformat(text)
