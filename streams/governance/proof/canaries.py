"""When nobody would have seen that something went wrong: no canary of a partition was read back."""

from __future__ import annotations

from datetime import datetime

from watchline.streams.governance.proof.books import Books, gone_before
from watchline.streams.governance.proof.interval import Interval, stamp
from watchline.streams.governance.proof.report import Blind, Report

TOLERANCE = 2  # times as far apart as they are sent
MOST = 10_000
_BLIND = """SELECT topic, partition, pair.1 AS begin, pair.2 AS until
FROM
(
    SELECT topic, partition, arraySort(groupArray(time)) AS times,
        arrayJoin(arrayFilter(t -> dateDiff('second', t.1, t.2) > {longest:UInt32},
            arrayZip(arrayPushFront(times, toDateTime64({start:DateTime('UTC')}, 6, 'UTC')),
                arrayPushBack(times, toDateTime64({end:DateTime('UTC')}, 6, 'UTC'))))) AS pair
    FROM v_canaries
    WHERE time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')}
    GROUP BY topic, partition
)
ORDER BY begin, topic, partition LIMIT {most:UInt32}"""
_THERE = """SELECT topic, groupUniqArray(partition) AS partitions, count() AS count FROM v_canaries
WHERE time >= {start:DateTime('UTC')} AND time < {end:DateTime('UTC')} GROUP BY topic ORDER BY topic"""
_READ = """SELECT DISTINCT partition FROM v_ledger
WHERE hour >= {start:DateTime('UTC')} AND hour < {end:DateTime('UTC')} ORDER BY partition"""
KEPT_DAYS = 30  # by the TTL of their table


def look(books: Books, interval: Interval, every_s: float, report: Report) -> None:
    """Adds the times without one, of each partition.

    Parameters
    ----------
    every_s : float
        How far apart they are sent; 0: none are.
    """
    if not every_s:
        report.canaries = "none are sent (WATCHLINE_CANARY_INTERVAL_S is 0): what was blind, and when, is not known"
        return
    start, end = max(interval.start, gone_before(books.now, KEPT_DAYS)), interval.end
    there = books.ask(_THERE, start=start, end=end) if start < end else []
    if not there:
        report.canaries = "none is in the store: either none was read back, or they were deleted since"
        return
    longest = int(TOLERANCE * every_s)
    count = sum(int(row["count"]) for row in there)
    report.canaries = f"{count} were read back since {stamp(start)}; more than {longest} s without one is blind"
    for row in books.ask(_BLIND, start=start, end=end, longest=longest, most=MOST):
        times = (datetime.fromisoformat(row["begin"]), datetime.fromisoformat(row["until"]))
        report.blind.append(Blind(row["topic"], int(row["partition"]), *times))
    seen = {int(partition) for row in there for partition in row["partitions"]}
    for row in books.ask(_READ, start=start, end=end):
        if int(row["partition"]) not in seen:
            report.blind.append(Blind(there[0]["topic"], int(row["partition"]), start, end))
