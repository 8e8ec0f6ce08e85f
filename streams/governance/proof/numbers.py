"""The numbers that producers gave: each belongs to an event that is there, or was dropped, died, or is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from watchline.streams.governance.proof.books import ERASED_BY, GONE_BEFORE, RETAINED, Books
from watchline.streams.governance.proof.interval import DAY, HOUR, Interval
from watchline.streams.governance.proof.report import DEAD, DROPPED, ERASED, GONE, NUMBERS, RETENTION, Report

MOST_GAPS = 10_000  # of one producer that lost more than it dropped; and of dead letters
ENVELOPE = 64  # events in a message, at most
_FIRST = datetime(1970, 1, 2, tzinfo=UTC)  # times of the store begin a day before

_TOTALS = """SELECT sum(stored - length(gone)) AS there,
    sum(length(gone) + length(unknown) + given_again) AS faults
FROM v_producer_numbers
WHERE hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')} AND {of_app}"""
_FAULTS = f"""{RETAINED}
SELECT what, hour, toString(producer_id) AS producer, count() AS count, min(number) AS first,
    max(number) AS last
FROM
(
    SELECT g.hour AS hour, g.producer_id AS producer_id, g.app AS app, g.number AS number,
        multiIf(g.what != 'gone', g.what, x.certificate != '', concat('{ERASED}', x.certificate),
            g.hour < {GONE_BEFORE}, '{RETENTION}', 'gone') AS what
    FROM
    (
        SELECT hour, producer_id, app, arrayJoin(arrayConcat(arrayMap(n -> ('gone', n), gone),
            arrayMap(n -> ('unknown', n), unknown), if(given_again > 0, [('given again', toUInt64(0))], []))) AS each,
            each.1 AS what, each.2 AS number
        FROM v_producer_numbers
        WHERE hour >= {{start:DateTime('UTC')}} AND hour < {{end:DateTime('UTC')}} AND {{of_app}}
    ) AS g
    LEFT ANY JOIN
    (
        SELECT producer_id, sequence, concat('', certificate) AS certificate FROM {ERASED_BY}
        WHERE time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}}
    ) AS x ON g.producer_id = x.producer_id AND g.number = x.sequence
)
GROUP BY what, hour, producer_id ORDER BY hour, what, producer"""  # noqa: S608 - names of ours


def count(books: Books, start: datetime, end: datetime, report: Report) -> None:
    """Adds what became of the numbers of events that were stored."""
    (totals,) = books.ask(_TOTALS, start=start, end=end)
    report.add(NUMBERS, "stored", int(totals["there"]))
    if not int(totals["faults"]):
        return
    for row in books.ask(_FAULTS, start=start, end=end):
        where = {"producer": row["producer"], "number": int(row["first"]), "hour": row["hour"]}
        if int(row["last"]) > int(row["first"]):
            where["last_number"] = int(row["last"])
        report.add(NUMBERS, row["what"], int(row["count"]), where)


_GAPS = """SELECT toString(producer_id) AS producer, sum(next_number - first_missing) AS missing, max(dropped) AS said,
    min(if(since > toDateTime(0, 'UTC'), since, hour)) AS begin, max(hour) AS end,
    sumIf(next_number - first_missing, time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')}) AS here
FROM v_number_gaps WHERE {of_app} GROUP BY producer_id HAVING here > 0 ORDER BY producer"""
_RANGES = """SELECT first_missing, next_number, since, hour, app FROM v_number_gaps
WHERE producer_id = {producer:UUID} ORDER BY first_missing LIMIT {most:UInt32}"""
_NEIGHBOURS = """SELECT topic_id, partition,
    maxIf((offset, event_index), producer_sequence < {first:UInt64}) AS before,
    minIf((offset, event_index), producer_sequence >= {next:UInt64}) AS after,
    countIf(producer_sequence < {first:UInt64}) AS has_before, countIf(producer_sequence >= {next:UInt64}) AS has_after
FROM v_stored_events
WHERE producer_id = {producer:UUID} AND time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')}
GROUP BY topic_id, partition"""
_LETTERS = f"""SELECT topic_id, partition, offset, event_index, app,
    toUInt64(if(event_index < 0, {ENVELOPE}, 1)) AS room, offset AS last, '{DEAD}' AS what
FROM v_dead_letters
WHERE NOT resolved AND time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}}
LIMIT {{most:UInt32}}
UNION ALL
SELECT topic_id, partition, first_missing, -1, '', (next_offset - first_missing) * {ENVELOPE}, next_offset - 1, '{GONE}'
FROM v_offset_gaps
WHERE time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}}
LIMIT {{most:UInt32}}"""  # noqa: S608 - names of ours


@dataclass(slots=True)
class Letter:
    """What events may have ended in, and how many more of them: a dead letter, or offsets that are gone."""

    topic_id: str
    partition: int
    offset: int
    event_index: int
    app: str
    room: int
    last: int
    what: str


def count_gaps(books: Books, interval: Interval, report: Report) -> None:
    """Adds what became of the numbers that never came.

    A producer says how many it dropped, and not which: where that is as many as are missing in its life, it dropped
    them. Else those count as dead or gone that stand in Kafka between the events before and after, as far as they
    reach; of what is left over then, any that is missing in the interval may be one.
    """
    rows: list[dict[str, Any]] = [
        {name: row[name] if name in ("producer", "begin", "end") else int(row[name]) for name in row}
        for row in books.ask(_GAPS, start=interval.start, end=interval.end)
    ]
    open_ = [row for row in rows if row["missing"] > row["said"]]
    report.add(NUMBERS, DROPPED, sum(row["here"] for row in rows if row["missing"] <= row["said"]))
    if not open_:
        return
    start = datetime.fromisoformat(min(row["begin"] for row in open_)) - DAY
    end = datetime.fromisoformat(max(row["end"] for row in open_)) + DAY
    letters = [Letter(**each) for each in books.ask(_LETTERS, start=start, end=end, most=MOST_GAPS)]
    for row in open_:
        _itemise(books, interval, report, row, letters)


def _itemise(books: Books, interval: Interval, report: Report, row: dict[str, Any], letters: list[Letter]) -> None:
    """The gaps of one producer, which lost more than it dropped."""
    too_many, here, places = row["missing"] - row["said"], row["here"], []
    for gap in books.ask(_RANGES, producer=row["producer"], most=MOST_GAPS):
        first, end = int(gap["first_missing"]), int(gap["next_number"])
        hour = datetime.fromisoformat(gap["hour"])
        is_here, left = interval.start <= hour < interval.end, end - first
        for letter in _between(books, row["producer"], first, end, gap, letters):
            taken = min(letter.room, left)
            letter.room -= taken
            left -= taken
            too_many -= taken
            if is_here:
                report.add(NUMBERS, letter.what, taken)
                here -= taken
        if is_here and left:
            places.append(
                {"producer": row["producer"], "first_number": first, "last_number": end - 1, "hour": gap["hour"]}
            )
    never = min(max(too_many, 0), here)
    report.add(NUMBERS, "never came", never, *places)
    report.add(NUMBERS, DROPPED, here - never)


def _between(
    books: Books, producer: str, first: int, end: int, gap: dict[str, Any], letters: list[Letter]
) -> list[Letter]:
    """The letters that stand in Kafka between what the producer sent before these numbers, and after."""
    if not any(letter.room for letter in letters):
        return []
    # And the hour before: not each partition has something of one hour.
    since = max(datetime.fromisoformat(gap["since"]), _FIRST) - HOUR
    until = datetime.fromisoformat(gap["hour"]) + HOUR
    sides: dict[tuple[str, int], Any] = {
        (row["topic_id"], int(row["partition"])): row
        for row in books.ask(_NEIGHBOURS, producer=producer, first=first, next=end, start=since, end=until)
    }
    found = []
    for letter in letters:
        row = sides.get((letter.topic_id, letter.partition), {"has_before": 0, "has_after": 0})
        after_before = not int(row["has_before"]) or [letter.last, letter.event_index] > [*map(int, row["before"])]
        before_after = not int(row["has_after"]) or [letter.offset, letter.event_index] < [*map(int, row["after"])]
        if letter.room and letter.app in ("", gap["app"]) and after_before and before_after:
            found.append(letter)
    return found
