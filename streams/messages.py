"""A Kafka message, the events that it holds, and what became of them on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from watchline.detectors.scorer import Scored
from watchline.schemas.codec import Registry, encode
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter

YEAR_2100_S = 4_102_444_800


def kafka_time(timestamp_s: float) -> int:
    """Kafka's time of a message in microseconds, 1970 to 2100: in a topic not of our making it is the sender's word."""
    return int(min(max(timestamp_s, 0), YEAR_2100_S) * 1e6)


@dataclass(frozen=True, slots=True)
class Record:
    """What is sent to a topic. Without `partition` the key decides, or chance where there is none."""

    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: Mapping[str, bytes] | None = None


class Taken(Protocol):
    """Messages that were read together and are acknowledged by hand, in order."""

    @property
    def messages(self) -> Sequence[Any]: ...

    async def acknowledge(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message; `time` is Kafka's, in microseconds. `replay_of`: the dead letter that it is, sent back."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    time: int
    value: bytes
    replay_of: DeadLetter | None = None

    def dead_letter(self, reason: str) -> DeadLetter:
        """The whole message, given up."""
        return self.letter(WHOLE_MESSAGE, self.value, reason)

    def letter(self, index: int, value: bytes, reason: str, event_id: str = "") -> DeadLetter:
        """One of its events, or all of it, given up. What was a dead letter before is the same one again."""
        first = self.replay_of
        if first is None:
            return DeadLetter(
                self.topic, self.topic_id, self.partition, self.offset, index, self.time, value, reason, event_id
            )
        if first.index == WHOLE_MESSAGE:
            return replace(first, index=index, value=value, reason=reason, event_id=event_id)
        return replace(first, reason=reason)


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction and where it came from."""

    interaction: Interaction
    message: Message
    batch: InteractionBatch
    index: int
    registry: Registry | None = None  # whose framing it gets again

    def dead_letter(self, reason: str) -> DeadLetter:
        """This event alone, encoded again in an envelope of its own."""
        alone = InteractionBatch(
            producer_id=self.batch.producer_id,
            first_sequence=self.batch.first_sequence + self.index,
            dropped=self.batch.dropped,
            interactions=(self.batch.interactions[self.index],),
        )
        event_id = self.interaction.event_id if "event_id" not in reason else ""
        return self.message.letter(self.index, encode(alone, self.registry), reason, event_id)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What one message held: events to score, dead letters, in its order whether each was dead, a report of drops."""

    message: Message
    events: list[Event]
    dead: list[DeadLetter]
    outcomes: list[bool]
    report: InteractionBatch | None = None


@dataclass(frozen=True, slots=True)
class ScoredEvent:
    """An event after redaction and scoring."""

    event: Event
    scored: Scored
