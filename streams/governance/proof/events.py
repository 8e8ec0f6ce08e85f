"""Events and their findings, held against the ledger: each that it names is there, and each that is there is in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from watchline.streams.governance.proof.books import ERASED_BY, GONE_BEFORE, RETAINED, Books
from watchline.streams.governance.proof.interval import HOUR
from watchline.streams.governance.proof.report import DEAD, ERASED, EVENTS, FAULTS, FINDINGS, RETENTION, Report

AT_ONCE = 50_000  # events: what one question holds in memory
BEFORE_LEDGER = "stored before there was a ledger"

_LOAD = """SELECT hour, toUInt64(greatest(sum(stored), sum(held))) AS events
FROM
(
    SELECT toStartOfHour(time) AS hour, count() AS stored, 0 AS held FROM v_stored_events
    WHERE time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')} GROUP BY hour
    UNION ALL
    SELECT hour, 0, sum(events) FROM v_ledger
    WHERE hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')} GROUP BY hour
)
GROUP BY hour ORDER BY hour"""
_FAULTS = tuple((section, what) for section in (EVENTS, FINDINGS) for what in FAULTS[section])
_EVENTS = f"""{RETAINED}
SELECT section, what, count() AS count, arraySlice(arraySort(groupArrayIf(place, fault)), 1, 20) AS places
FROM
(
    SELECT
        multiIf(
            is_there AND NOT since_ledger AND NOT in_ledger, '{BEFORE_LEDGER}',
            is_there AND (in_ledger OR stored_at >= {{settled:DateTime('UTC')}}), 'stored',
            is_there, 'not in the ledger',
            x.certificate != '', concat('{ERASED}', x.certificate),
            hour < {GONE_BEFORE}, '{RETENTION}',
            lost, 'lost',
            in_ledger, if(held_at < {{settled:DateTime('UTC')}}, 'missing', ''),
            dead, '{DEAD}',
            notEmpty(found) AND found_at < {{settled:DateTime('UTC')}}, 'without event',
            '') AS of_event,
        arrayJoin(arrayConcat([('{EVENTS}', of_event, '')], if(is_there, arrayMap(d -> ('{FINDINGS}',
            if(has(found.1, d), found.2[indexOf(found.1, d)],
                if(hour < {GONE_BEFORE}, '{RETENTION}', 'missing')), d), planned), []))) AS each,
        each.1 AS section, each.2 AS what,
        (section, what) IN {_FAULTS} AS fault,
        (hour, event_id, app, each.3, topic_id, partition, first_offset, last_offset) AS place
    FROM
    (
        SELECT hour, event_id, app, max(kind = 'event') AS is_there, max(kind = 'ledger') AS in_ledger,
            max(kind = 'lost') AS lost, maxIf(e.since_ledger, kind = 'event') AS since_ledger,
            maxIf(e.stored_at, kind = 'event') AS stored_at, minIf(e.stored_at, kind = 'ledger') AS held_at,
            maxIf(e.stored_at, kind = 'finding') AS found_at, groupUniqArrayArray(e.planned) AS planned,
            groupArrayIf((e.detector, e.decision), kind = 'finding') AS found,
            event_id IN (SELECT toUUIDOrZero(event_id) FROM v_dead_letters WHERE event_id != '') AS dead,
            argMax(e.topic_id, kind != 'finding') AS topic_id, argMax(e.partition, kind != 'finding') AS partition,
            argMax(e.first_offset, kind != 'finding') AS first_offset,
            argMax(e.last_offset, kind != 'finding') AS last_offset
        FROM
        (
            SELECT toStartOfHour(time) AS hour, event_id, app, 'event' AS kind, since_ledger, stored_at,
                detectors AS planned, '' AS detector, '' AS decision, topic_id, partition, offset AS first_offset,
                offset AS last_offset
            FROM v_stored_events
            WHERE time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}} AND {{of_app}}
                AND cityHash64(event_id) % {{slices:UInt64}} = {{slice:UInt64}}
            UNION ALL
            SELECT hour, event_id, app, if(lost, 'lost', 'ledger'), 0, stored_at, [], '', '', topic_id, partition,
                first_offset, last_offset
            FROM v_ledger_events
            WHERE hour >= {{start:DateTime('UTC')}} AND hour < {{end:DateTime('UTC')}} AND {{of_app}}
                AND cityHash64(event_id) % {{slices:UInt64}} = {{slice:UInt64}}
            UNION ALL
            SELECT toStartOfHour(time), event_id, app, 'finding', 0, stored_at, [], detector, toString(decision), '', 0,
                0, 0
            FROM v_stored_findings
            WHERE time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}} AND {{of_app}}
                AND cityHash64(event_id) % {{slices:UInt64}} = {{slice:UInt64}}
        ) AS e
        GROUP BY hour, event_id, app
    ) AS c
    LEFT ANY JOIN
    (
        SELECT event_id, concat('', certificate) AS certificate FROM {ERASED_BY}
        WHERE time >= {{start:DateTime('UTC')}} AND time < {{end:DateTime('UTC')}}
    ) AS x ON c.event_id = x.event_id
)
WHERE what != ''
GROUP BY section, what
ORDER BY section, what"""  # noqa: S608 - names of ours


def count(books: Books, start: datetime, end: datetime, report: Report) -> None:
    """Adds what became of the events of a time, and of the findings planned for them."""
    for begin, until, slices in spans(books, start, end):
        for part in range(slices):
            for row in books.ask(_EVENTS, start=begin, end=until, slices=slices, slice=part):
                report.add(row["section"], row["what"], int(row["count"]), *map(_where, row["places"]))


def spans(books: Books, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, int]]:
    """A time cut into parts of few enough events: some hours together, or one in slices by the hash of the ids."""
    loads = {datetime.fromisoformat(row["hour"]): int(row["events"]) for row in books.ask(_LOAD, start=start, end=end)}
    begin, hour, load = start, start, 0
    while hour < end:
        more = loads.get(hour, 0)
        if load and load + more > AT_ONCE:
            yield begin, hour, -(-load // AT_ONCE)
            begin, load = hour, 0
        hour, load = hour + HOUR, load + more
    yield begin, end, max(-(-load // AT_ONCE), 1)


def _where(place: list[str | int]) -> dict[str, str | int]:
    hour, event_id, app, detector, topic_id, partition, first, last = place
    found = {"event": event_id, "app": app, "hour": hour}
    if detector:
        found["detector"] = detector
    if topic_id:
        found |= {"topic": topic_id, "partition": partition, "first_offset": first, "last_offset": last}
    return found
