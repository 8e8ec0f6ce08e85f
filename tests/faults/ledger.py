"""What was accepted against what is stored: sets of (partition, offset, index, detector), never counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.uint64]

# Where an event came from, and its number, which the last twelve digits of its id are (tests/faults/load.py).
_PLACE = "bitShiftLeft(toUInt64(raw_partition), 56) + bitShiftLeft(raw_offset, 16) + raw_index"
_NUMBER = "reinterpretAsUInt64(reverse(unhex(substring(toString({}), 25, 12))))"
# Views that count, and what they say of the events of each detector: all must be the events that are stored.
_TOTALS = {
    "v_coverage": "SELECT sum(planned) - sum(missing) FROM v_coverage GROUP BY detector",
    "v_decisions": "SELECT countIf(decision != 'missing') FROM v_decisions GROUP BY detector",
    "v_prompt_versions": "SELECT sum(events) FROM v_prompt_versions",
    "v_producer_gaps": "SELECT sum(stored) FROM v_producer_gaps",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Events: accepted, accepted and not (wholly) stored, shown more than once in a view; `duplicates` is the share of
    rows that were inserted again, before ClickHouse took them for the same."""

    events: int
    lost: int
    double_counted: int
    duplicates: float
    differences: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether nothing was lost and nothing counted twice."""
        return not self.lost and not self.double_counted

    def __str__(self) -> str:
        return f"events={self.events} lost={self.lost} double_counted={self.double_counted} " \
               f"duplicates={self.duplicates:.1%}"  # fmt: skip


def count_inserted(client: Any) -> None:
    """From now on, takes note of every row that is inserted: merges remove the duplicates from the table itself."""
    # With a window of its own: of two inserts with one token at the same time the table takes one, and a view both.
    client.command(
        "CREATE TABLE inserted (rows UInt64) ENGINE = MergeTree ORDER BY tuple() "
        "SETTINGS non_replicated_deduplication_window = 10000"
    )
    client.command("CREATE MATERIALIZED VIEW count_inserted TO inserted AS SELECT count() AS rows FROM interactions")


def places(reports: Iterable[tuple[int, int, int, int]]) -> Places:
    """Delivery reports (partition, offset, first number, events) as rows of (place, number)."""
    array = np.array(list(reports), np.uint64).reshape(-1, 4)
    size = array[:, 3].astype(np.int64)
    index = np.arange(size.sum(), dtype=np.uint64) - np.repeat(np.cumsum(size) - size, size).astype(np.uint64)
    start = (array[:, 0] << np.uint64(56)) + (array[:, 1] << np.uint64(16))
    return np.stack([np.repeat(start, size) + index, np.repeat(array[:, 2], size) + index], axis=1)


def compare(client: Any, accepted: Places, detectors: Sequence[str]) -> Outcome:
    """Compares what the broker acknowledged with every view, of the events and of each detector's findings."""
    found = {"v_interactions": _read(client, f"SELECT {_PLACE}, {_NUMBER.format('event_id')} FROM v_interactions")}
    for detector in detectors:
        found[f"v_findings {detector}"] = _read(
            client,
            f"SELECT {_PLACE}, {_NUMBER.format('i.event_id')} FROM v_interactions AS i INNER JOIN v_findings AS f "
            f"ON i.time = f.time AND i.event_id = f.event_id WHERE f.detector = '{detector}'",
        )
    lost: set[int] = set()
    double, differences = 0, []
    for view, rows in found.items():
        missing, again = difference(accepted, rows)
        lost |= missing
        double = max(double, again)
        if missing or again:
            differences.append(f"{view}: {len(missing)} missing, first {sorted(missing)[:3]}; {again} twice")
    stored = len(np.unique(found["v_interactions"][:, 1]))
    for view, sql in _TOTALS.items():
        for (total,) in client.query(sql).result_rows:
            double = max(double, total - stored)
            if total != stored:
                differences.append(f"{view}: {total} for {stored} events")
    inserted = client.query("SELECT sum(rows) FROM inserted").result_rows[0][0]
    wrong = len(differences) > 0 and not lost and not double  # a view that shows too few
    return Outcome(len(accepted), len(lost) or int(wrong), double, inserted / max(stored, 1) - 1, tuple(differences))


def difference(accepted: Places, found: Places) -> tuple[set[int], int]:
    """The numbers of accepted events that are not found at their place, and how many rows too many are found.

    What was stored though the broker's acknowledgement never came is nobody's loss.
    """
    by_place = accepted[:, 0], found[:, 0]
    order = np.argsort(found[:, 0], kind="stable")
    at = np.searchsorted(found[order, 0], accepted[:, 0])
    there = np.zeros(len(accepted), bool)
    inside = at < len(found)
    rows = found[order[at[inside]]]
    there[inside] = (rows[:, 0] == by_place[0][inside]) & (rows[:, 1] == accepted[inside, 1])
    again = len(found) - min(len(np.unique(found[:, column])) for column in (0, 1))
    return set(map(int, accepted[~there, 1])), again


def _read(client: Any, sql: str) -> Places:
    data = client.raw_query(sql, fmt="RowBinary")
    return np.frombuffer(data, np.uint64).reshape(-1, 2)
