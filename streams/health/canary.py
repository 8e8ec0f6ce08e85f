"""A tiny interaction through the whole pipeline, now and then, into a table of its own: its arrival is `v_canary`.

So silence tells a quiet day from a dead pipeline. No number that people read counts canaries.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from watchline.schemas.codec import Registry, encode
from watchline.schemas.records import Document, Interaction, InteractionBatch, Message
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.ids import uuid7
from watchline.streams.kafka import topics
from watchline.streams.messages import Record, ScoredEvent
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)
APP = "watchline"
OPERATION = "watchline.canary"


def interaction(now: int) -> Interaction:
    """A canary that is sent at `now`, in microseconds. There is something in it for each detector."""
    return Interaction(
        event_id=uuid7(),
        time=now,
        app=APP,
        operation=OPERATION,
        input_messages=(Message("user", "Is the pipeline alive?"),),
        output_messages=(Message("assistant", "The pipeline is alive."),),
        documents=(Document("The pipeline is alive."),),
    )


def is_canary(event: Interaction) -> bool:
    """Both names, so that an app's own operation of that name is stored like any other."""
    return event.operation == OPERATION and event.app == APP


def split(scored: Sequence[ScoredEvent]) -> tuple[list[ScoredEvent], list[ScoredEvent]]:
    """The apps' events, and the canaries."""
    parts: tuple[list[ScoredEvent], list[ScoredEvent]] = ([], [])
    for item in scored:
        parts[is_canary(item.scored.interaction)].append(item)
    return parts


def table(canaries: Sequence[ScoredEvent], worker: str) -> Table:
    """The rows of `canaries`; `worker` is the one that stores them. Nothing of the text: anyone may send one."""
    rows: list[Row] = []
    for item in canaries:
        sent, origin = item.scored.interaction, item.origin
        values = [
            sent.event_id,
            sent.time,
            worker,
            origin.producer_id,
            origin.topic,
            origin.topic_id,
            origin.partition,
            origin.offset,
        ]
        rows.append(Row(values, f"{sent.time}/{sent.event_id}", sent.time))
    return Table.of("canaries", rows)


class Member(Protocol):
    """What sending canaries needs of a member of the workers' group."""

    @property
    def stopping(self) -> bool: ...

    def assignment(self) -> set[tuple[str, int]]: ...

    async def publish(self, topic: str, records: Iterable[Record]) -> object: ...


async def send(member: Member, settings: Settings, registry: Registry | None = None) -> None:
    """Sends one to each assigned partition of the raw topic, now and every `canary_interval_s`, until cancelled.

    What keeps one from being sent is only logged: that none arrives is what alerts.
    """
    producer_id, sequence = uuid7(), itertools.count()
    name = topics.interactions(settings.topic_prefix)

    async def send_to(partition: int) -> None:
        event = interaction(time.time_ns() // 1000)
        envelope = InteractionBatch(producer_id=producer_id, first_sequence=next(sequence), interactions=(event,))
        await member.publish(name, [Record(encode(envelope, registry), partition=partition)])

    while not member.stopping:
        try:
            assigned = sorted(number for topic, number in member.assignment() if topic == name)
            failures = await asyncio.gather(*map(send_to, assigned), return_exceptions=True)
        except Exception as error:
            failures = [error]
        for failure in filter(None, failures):
            log.warning("a canary was not sent: %s", type(failure).__name__)
        await asyncio.sleep(settings.canary_interval_s)
