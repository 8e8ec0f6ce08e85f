"""What a batch has stored, as rows of the ledger: the offsets, and the events and findings of each app and hour."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence

from watchline.streams.clickhouse.damage import MissingRange
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.messages import Message
from watchline.streams.worker.scoring.part import Place, ScoredPart

HOUR_S = 3600
HOUR_US = HOUR_S * 1_000_000


def table(
    messages: Sequence[Message], scored: ScoredPart, refused: Container[Place] = (), erased: Collection[Place] = ()
) -> Table:
    """The rows of `ledger` for messages of the raw topic whose events are stored.

    Parameters
    ----------
    messages : sequence of Message
        A batch, in the order of the offsets of each partition.
    scored : ScoredPart
        What was made of them.
    refused : container of Place
        Events of these that are not stored.
    erased : collection of Place
        Those that stand in `erased` in place of the tables: their ids count, their findings don't.
    """
    events, findings = _stored(scored, refused, erased)
    ranges: dict[int, list[Message]] = defaultdict(list)
    for message in messages:
        ranges[message.partition].append(message)
    rows: list[Row] = []
    for partition, found in ranges.items():
        first, last = found[0], found[-1]
        groups = [group for group in events if group[0] == partition]
        for _, app, hour in groups or [(partition, "", first.time // HOUR_US)]:
            group = (partition, app, hour)
            place = (first.topic_id, partition, first.offset, last.offset, app, hour * HOUR_S)
            rows.append(_row(*place, events.get(group, []), findings.get(group, {})))
    return Table.of("ledger", rows)


def lost(ranges: Iterable[MissingRange]) -> Table:
    """The rows that say that events, or offsets, are in no table and not in Kafka any more."""
    rows = [
        _row(
            each.topic_id,
            each.partition,
            each.first_offset,
            each.last_offset,
            each.app,
            each.hour,
            each.event_ids,
            {},
            is_lost=True,
        )
        for each in ranges
    ]
    return Table.of("ledger", rows)


Group = tuple[int, str, int]
"""Events of a partition, an app and an hour (since 1970)."""


def _stored(
    scored: ScoredPart, refused: Container[Place], erased: Collection[Place]
) -> tuple[Mapping[Group, list[str]], Mapping[Group, Mapping[str, int]]]:
    """The ids of the stored events, and how many findings of each detector they have."""
    columns = scored.interactions.columns
    event_id, app, time = (columns.index(name) for name in ("event_id", "app", "time"))
    detector = scored.findings.columns.index("detector")
    events: dict[Group, list[str]] = defaultdict(list)
    findings: dict[Group, Counter[str]] = defaultdict(Counter)
    groups: list[Group | None] = []  # of each interaction
    for place, row in zip(scored.places, scored.interactions.rows, strict=True):
        group = None if place in refused else (place[0], row.values[app], row.values[time] // HOUR_US)
        groups.append(group)
        if group is not None:
            events[group].append(row.values[event_id])
    for owner, row in zip(scored.owners, scored.findings.rows, strict=True):
        if (group := groups[owner]) is not None and scored.places[owner] not in erased:
            findings[group][row.values[detector]] += 1
    return events, findings


def _row(
    topic_id: str,
    partition: int,
    first_offset: int,
    last_offset: int,
    app: str,
    hour: int,
    event_ids: Sequence[str],
    findings: Mapping[str, int],
    *,
    is_lost: bool = False,
) -> Row:
    place = [topic_id, partition, first_offset, last_offset, app, hour]
    digest = hashlib.sha256("".join(event_ids).encode()).hexdigest()
    key = f"{'/'.join(map(str, place))}/{digest}/{is_lost}"
    return Row([*place, len(event_ids), findings, event_ids, is_lost], key, hour * 1_000_000)
