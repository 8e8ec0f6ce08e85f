"""Stores again what a store has lost, from the messages in Kafka: decoded, redacted and scored as at first.

Nothing is published: the monitors have seen these events, dead letters are on record. An event that is there already
stays one event, so a repair may be broken off, run twice, and run beside workers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from watchline.schemas.errors import FatalError
from watchline.streams.clickhouse import damage
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.damage import MissingRange
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.kafka import admin, log_reader, tombstones, topics
from watchline.streams.kafka.tombstones import Tombstones
from watchline.streams.messages import Message, kafka_time
from watchline.streams.settings import Settings
from watchline.streams.worker import ledger
from watchline.streams.worker.pace import Pace
from watchline.streams.worker.scoring.part import Place
from watchline.streams.worker.scoring.scorers import Scorers
from watchline.streams.worker.stages.store import erased_events, store, write_all

Span = tuple[int, int, int]
"""Offsets of a partition of the raw topic: partition, first, last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a store lacks.

    Parameters
    ----------
    topic, topic_id : str
        The raw topic, as it is now in Kafka.
    missing : sequence of MissingRange
        Events that are not there, or lack findings.
    gaps : sequence of MissingRange
        Acknowledged offsets that the ledger lacks.
    """

    topic: str
    topic_id: str
    missing: Sequence[MissingRange]
    gaps: Sequence[MissingRange]

    @property
    def event_ids(self) -> set[str]:
        """Of the events that are not there, or lack findings."""
        return {event_id for each in self.missing for event_id in each.event_ids}

    @property
    def spans(self) -> list[Span]:
        """What is to be read, each offset once: ranges of the topic as it is now. Offsets of a former one are gone."""
        spans: list[Span] = []
        for partition, first, last in sorted(
            (each.partition, each.first_offset, each.last_offset)
            for each in (*self.missing, *self.gaps)
            if each.topic_id == self.topic_id
        ):
            if spans and spans[-1][0] == partition and first <= spans[-1][2] + 1:
                spans[-1] = (partition, spans[-1][1], max(last, spans[-1][2]))
            else:
                spans.append((partition, first, last))
        return spans

    @property
    def messages(self) -> int:
        """How many messages are to be read, where all are there."""
        return sum(last - first + 1 for _, first, last in self.spans)


@dataclass(slots=True)
class Found:
    """What is still in Kafka of a plan: `unread` are the offsets that are not."""

    plan: Plan
    unread: list[Span] = field(default_factory=list)

    def is_gone(self, place: MissingRange) -> bool:
        """Whether some of a range is not in Kafka any more."""
        return place.topic_id != self.plan.topic_id or any(self._overlaps(place))

    def gone_gaps(self) -> list[MissingRange]:
        """The offsets that the ledger lacks and Kafka has not either."""
        former = [gap for gap in self.plan.gaps if gap.topic_id != self.plan.topic_id]
        ours = [gap for gap in self.plan.gaps if gap.topic_id == self.plan.topic_id]
        return former + [
            replace(gap, first_offset=first, last_offset=last) for gap in ours for first, last in self._overlaps(gap)
        ]

    def _overlaps(self, place: MissingRange) -> Iterator[tuple[int, int]]:
        for partition, first, last in self.unread:
            if partition == place.partition and first <= place.last_offset and last >= place.first_offset:
                yield max(first, place.first_offset), min(last, place.last_offset)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a repair has come to. `events` are whole again; `gone` for good; `failed` are in Kafka and not stored.

    `erased` are the events that were left out, by the erasure under which.
    """

    events: int
    gone: Sequence[MissingRange]
    failed: Sequence[MissingRange]
    gone_offsets: Sequence[MissingRange]
    erased: Mapping[str, int]


def plan(settings: Settings, client: Any) -> Plan:
    """What there is to repair.

    Parameters
    ----------
    settings : Settings
    client : clickhouse_connect client on the database

    Raises FatalError where Kafka has no raw topic, and what `damage` and `admin` raise.
    """
    topic = topics.interactions(settings.topic_prefix)
    topic_id = admin.topic_id(settings, topic)
    if topic_id is None:
        raise FatalError(
            f"{settings.bootstrap_servers} has no topic {topic}: nothing can be read from it (WATCHLINE_KAFKA_URL, "
            "WATCHLINE_TOPIC_PREFIX)"
        )
    acknowledged = log_reader.acknowledged(settings, topics.interactions)
    return Plan(topic, topic_id, list(damage.missing(client)), damage.gaps(client, acknowledged))


def look(settings: Settings, wanted: Plan, on_message: Callable[[], None] = lambda: None) -> Found:
    """Reads what a plan wants, and stores nothing: what is still there?"""
    found = Found(wanted)
    for span in wanted.spans:
        for _ in _read(settings, found, span):
            on_message()
    return found


def run(settings: Settings, client: Any, wanted: Plan, on_message: Callable[[], None] = lambda: None) -> Outcome:
    """Repairs what can be, and writes down in the ledger what is gone for good. Parameters are those of `plan`."""
    found = Found(wanted)
    erased = Counter[str]()
    if wanted.spans:
        stones = tombstones.Known(settings)
        scorers = Scorers(settings)
        sink = Sink(lambda: connect(settings), settings.store_timeout_s, anew=True)
        try:
            scorers.wait()
            pace = Pace(settings.batch_seconds, settings.batch_bytes)
            for span in wanted.spans:
                for messages in _batches(_read(settings, found, span), pace):
                    started = time.monotonic()
                    erased.update(_store(scorers, sink, messages, wanted, stones).values())
                    pace.batch_took(sum(len(each.value) for each in messages), time.monotonic() - started, scored=True)
                    for _ in messages:
                        on_message()
        finally:
            scorers.end()
            sink.close()
    left = list(damage.missing(client))
    gone = [each for each in left if found.is_gone(each)]
    _write_off(settings, [each for each in (*gone, *found.gone_gaps()) if not each.lost])
    before, after = wanted.event_ids, {event_id for each in left for event_id in each.event_ids}
    return Outcome(
        events=len(before - after),
        gone=gone,
        failed=[each for each in left if not found.is_gone(each)],
        gone_offsets=found.gone_gaps(),
        erased=erased,
    )


def _store(
    scorers: Scorers, sink: Sink, messages: Sequence[Message], wanted: Plan, stones: Tombstones
) -> Mapping[Place, str]:
    scored = scorers.score(messages)
    stones.refresh()
    erased, counted = erased_events(scored, stones)
    write_all(counted, sink.write)
    refused = store(scored, sink.write, erased)
    write_all(scored.canaries, sink.write)
    of_gaps = [message for message in messages if any(_holds(gap, message) for gap in wanted.gaps)]
    if of_gaps:  # what the ledger has may keep the time at which it was stored first
        write_all(ledger.table(messages, scored, refused, erased), sink.write)
    return erased


def _holds(gap: MissingRange, message: Message) -> bool:
    return gap.partition == message.partition and gap.first_offset <= message.offset <= gap.last_offset


def _write_off(settings: Settings, gone: Iterable[MissingRange]) -> None:
    now = int(time.time()) // ledger.HOUR_S * ledger.HOUR_S
    table = ledger.lost(replace(each, hour=each.hour or now) for each in gone)
    with closing(Sink(lambda: connect(settings), settings.store_timeout_s, anew=True)) as sink:
        write_all(table, sink.write)


def _read(settings: Settings, found: Found, span: Span) -> Iterator[Message]:
    """The messages of a span that are there; notes which offsets are not."""
    partition, expected, last = span
    for message in log_reader.read_range(settings, found.plan.topic, partition, expected, last):
        if message.offset() > expected:
            found.unread.append((partition, expected, message.offset() - 1))
        expected = message.offset() + 1
        time_us = kafka_time(message.timestamp()[1] / 1000)
        place = (found.plan.topic, found.plan.topic_id, partition, message.offset())
        yield Message(*place, time_us, message.value() or b"")
    if expected <= last:
        found.unread.append((partition, expected, last))


def _batches(messages: Iterable[Message], pace: Pace) -> Iterator[list[Message]]:
    batch: list[Message] = []
    size_bytes = 0
    for message in messages:
        size_bytes += len(message.value)
        if batch and size_bytes > pace.next_bytes:
            yield batch
            batch, size_bytes = [], len(message.value)
        batch.append(message)
    if batch:
        yield batch
