"""A Kafka message, the events that it holds, and what became of them on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.scorer import Scored
from watchline.schemas.codec import Registry, encode
from watchline.schemas.errors import PoisonError
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


class IncomingMessages(Protocol):
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

    def dead_letter(self, error: PoisonError) -> DeadLetter:
        """The whole message, given up."""
        return self.letter(WHOLE_MESSAGE, self.value, error)

    def letter(self, index: int, value: bytes, error: PoisonError, event_id: str = "") -> DeadLetter:
        """One of its events, or all of it, given up. What was a dead letter before is the same one again."""
        first, (kind, field, reason) = self.replay_of, (error.kind, error.field or "", str(error))
        if first is None:
            place = (self.topic, self.topic_id, self.partition, self.offset, index, self.time)
            return DeadLetter(*place, value, kind, reason, field, event_id)
        if first.index == WHOLE_MESSAGE:
            return replace(first, index=index, value=value, kind=kind, reason=reason, field=field, event_id=event_id)
        return replace(first, kind=kind, reason=reason, field=field)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event came from: its message's coordinates and Kafka time (microseconds), its place in the envelope,
    and the producer's own count.

    It is all that goes on of an event beside its redacted form, so that what stores and publishes holds no text of the
    app's to store or publish by mistake.
    """

    topic: str
    topic_id: str
    partition: int
    offset: int
    index: int
    time: int
    producer_id: str
    producer_sequence: int
    producer_dropped: int


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction, as the app sent it, and where it came from."""

    interaction: Interaction
    message: Message
    batch: InteractionBatch
    index: int
    registry: Registry | None = None  # whose framing it gets again

    @property
    def origin(self) -> Origin:
        """Where it came from, without what it says."""
        message, batch = self.message, self.batch
        place = (message.topic, message.topic_id, message.partition, message.offset, self.index, message.time)
        return Origin(*place, batch.producer_id, batch.first_sequence + self.index, batch.dropped)

    def dead_letter(self, error: PoisonError) -> DeadLetter:
        """This event alone, encoded again in an envelope of its own."""
        origin = self.origin
        alone = InteractionBatch(
            producer_id=origin.producer_id,
            first_sequence=origin.producer_sequence,
            dropped=origin.producer_dropped,
            interactions=(self.batch.interactions[self.index],),
        )
        event_id = "" if error.field == "event_id" else self.interaction.event_id
        return self.message.letter(self.index, encode(alone, self.registry), error, event_id)


@dataclass(frozen=True, slots=True)
class DecodedMessage:
    """What one message held: events to score, dead letters, in its order whether each was dead, a report of drops."""

    message: Message
    events: list[Event]
    dead: list[DeadLetter]
    outcomes: list[bool]
    report: InteractionBatch | None = None


@dataclass(frozen=True, slots=True)
class RedactedEvent:
    """An event after redaction."""

    origin: Origin
    redacted: Redacted


@dataclass(frozen=True, slots=True)
class ScoredEvent:
    """An event after redaction and scoring."""

    origin: Origin
    scored: Scored
