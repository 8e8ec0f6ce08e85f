"""A store with a day of traffic of two producers, as workers would have left it; and what can be lost of it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

DAY = datetime(2026, 3, 4, tzinfo=UTC)
NOW = datetime.now(UTC) + timedelta(hours=1)  # all that the tests store is old enough by then
DETECTORS = ("bias", "groundedness", "toxicity")
PARTITIONS = 3
PRODUCERS = (UUID(int=0xA), UUID(int=0xB))


class Event(NamedTuple):
    """One event, where it stands in Kafka, and which number its producer gave it."""

    id: UUID
    time: datetime
    app: str
    producer: UUID
    number: int
    partition: int
    offset: int
    place: int = 0

    @property
    def hour(self) -> datetime:
        return self.time.replace(minute=0, second=0, microsecond=0)


def traffic(seed: int, count: int = 60) -> list[Event]:
    """So many events over the day, in messages of one to four."""
    rng = random.Random(seed)
    events: list[Event] = []
    offsets, numbers = [0] * PARTITIONS, [0, 0]
    while len(events) < count:
        partition, who = rng.randrange(PARTITIONS), rng.randrange(2)
        time = DAY + timedelta(seconds=86_000 * len(events) / count)
        for index in range(rng.randint(1, 4)):
            event_id = UUID(int=(seed << 64) + len(events) + 1)
            place = (partition, offsets[partition], index)
            events.append(Event(event_id, time, f"app-{who}", PRODUCERS[who], numbers[who], *place))
            numbers[who] += 1
        offsets[partition] += 1
    return events[:count]


def following(events: Sequence[Event], before: Sequence[Event], later: timedelta, quicker: int = 1) -> list[Event]:
    """Events as those that come after others: their numbers and offsets go on, at later times of the day."""
    offsets, numbers = [0] * PARTITIONS, dict.fromkeys(PRODUCERS, 0)
    for each in before:
        offsets[each.partition] = max(offsets[each.partition], each.offset + 1)
        numbers[each.producer] = max(numbers[each.producer], each.number + 1)
    return [
        each._replace(
            time=DAY + later + (each.time - DAY) / quicker,
            offset=each.offset + offsets[each.partition],
            number=each.number + numbers[each.producer],
        )
        for each in events
    ]


class Books:
    """A database to which events are delivered as a worker does it: findings, events, then the ledger."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Rows of a table."""
        found = [*rows]
        if found:
            self.client.insert(table, found, column_names=columns, database=self.client.test_database)

    def deliver(
        self,
        events: Sequence[Event],
        *,
        batches: Sequence[Sequence[Event]] = (),
        dropped: int = 0,
        decision: str = "evaluated",
    ) -> None:
        """In batches, by default of three messages; their rows go in with one insert a table."""
        base = ("event_id", "time", "app", "environment")
        rows = [(e.id, e.time, e.app, "test", d, "1", decision) for e in events for d in DETECTORS]
        self.insert("findings", (*base, "detector", "detector_version", "decision"), rows)
        planned = dict.fromkeys(DETECTORS, "1")
        place = ("raw_topic_id", "raw_partition", "raw_offset", "raw_index")
        self.insert(
            "interactions",
            (*base, "planned", "producer_id", "producer_sequence", "producer_dropped", *place),
            [(*e[:1], e.time, e.app, "test", planned, e.producer, e.number, dropped, "topic", *e[5:]) for e in events],
        )
        columns = (
            "topic_id", "partition", "first_offset", "last_offset", "app", "hour", "events", "findings", "event_ids"
        )  # fmt: skip
        ledger = [row for part in batches or _batches(events, 3) for row in _ledger(part)]
        self.insert("ledger", columns, ledger)

    def delete(self, table: str, where: str) -> None:
        """As who has the rights could do it."""
        self.client.command(f"DELETE FROM {table} WHERE {where} SETTINGS mutations_sync = 2")

    def age(self) -> None:
        """All was stored an hour ago, by the ledger."""
        self.client.command(
            "ALTER TABLE ledger UPDATE stored_at = stored_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
        )

    def clear_letters(self) -> None:
        """There are no dead letters any more."""
        self.client.command("TRUNCATE TABLE dead_letters")

    def clear(self) -> None:
        """Nothing is stored any more."""
        for table in ("interactions", "findings", "ledger", "producer_hours", "contents", "offset_gaps", "dead_letters",
                      "producer_reports", "canaries", "superseded", "erased", "governance"):  # fmt: skip
            self.client.command(f"TRUNCATE TABLE {table}")


def _batches(events: Sequence[Event], messages: int) -> list[list[Event]]:
    """Events in batches of so many messages."""
    whole = [[*own] for _, own in groupby(events, lambda each: (each.partition, each.offset))]
    return [[e for own in whole[n : n + messages] for e in own] for n in range(0, len(whole), messages)]


def _ledger(events: Sequence[Event]) -> Iterator[Sequence[Any]]:
    """The rows for a batch."""
    for partition in {e.partition for e in events}:
        own = [e for e in events if e.partition == partition]
        ends = (min(e.offset for e in own), max(e.offset for e in own))
        for app, hour in {(e.app, e.hour) for e in own}:
            ids = [e.id for e in own if (e.app, e.hour) == (app, hour)]
            yield "topic", partition, *ends, app, hour, len(ids), dict.fromkeys(DETECTORS, len(ids)), ids
