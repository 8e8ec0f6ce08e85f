"""A Kafka message, the events that it holds, and what became of them on the way."""

from __future__ import annotations

from dataclasses import dataclass

from watchline.detectors.scorer import Scored
from watchline.schemas.codec import encode
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message; `time` is Kafka's, in microseconds."""

    topic: str
    topic_id: str
    partition: int
    offset: int
    time: int
    value: bytes

    def dead_letter(self, reason: str) -> DeadLetter:
        """The whole message, given up."""
        return DeadLetter(
            self.topic, self.topic_id, self.partition, self.offset, WHOLE_MESSAGE, self.time, self.value, reason
        )


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction and where it came from."""

    interaction: Interaction
    message: Message
    batch: InteractionBatch
    index: int

    def dead_letter(self, reason: str) -> DeadLetter:
        """This event alone, encoded again in an envelope of its own."""
        alone = InteractionBatch(
            producer_id=self.batch.producer_id,
            first_sequence=self.batch.first_sequence + self.index,
            dropped=self.batch.dropped,
            interactions=(self.batch.interactions[self.index],),
        )
        m = self.message
        event_id = self.interaction.event_id if "event_id" not in reason else ""
        return DeadLetter(
            m.topic, m.topic_id, m.partition, m.offset, self.index, m.time, encode(alone), reason, event_id
        )


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
