"""A Kafka message, the events in it, and what each stage of the worker makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from watchline.schemas.codec import Registry, encode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Interaction, InteractionBatch
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter, sent_back
from watchline.streams.kafka import topics

if TYPE_CHECKING:  # the worker and the monitors do without the detectors' patterns
    from watchline.detectors.pii.redaction import Redacted
    from watchline.detectors.scorer import Scored

YEAR_2100_S = 4_102_444_800


def kafka_time(timestamp_s: float) -> int:
    """Converts a message's Kafka timestamp, within the years 1970 to 2100.

    A topic that Watchline didn't create may keep the time that its sender claims, which can be anything.

    Parameters
    ----------
    timestamp_s : float
        Seconds since 1970, as Faust has them.

    Returns
    -------
    int
        Microseconds since 1970.

    Examples
    --------
    >>> kafka_time(1_700_000_000.5), kafka_time(-1)
    (1700000000500000, 0)
    """
    return int(min(max(timestamp_s, 0), YEAR_2100_S) * 1e6)


@dataclass(frozen=True, slots=True)
class Record:
    """A message to send to a topic.

    Parameters
    ----------
    value : bytes or None
        None deletes the key's state in a compacted topic.
    key : bytes, optional
    partition : int, optional
        Else the hash of the key decides, or chance where there is no key.
    headers : mapping of str to bytes, optional
    """

    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: Mapping[str, bytes] | None = None

    @classmethod
    def of_letter(cls, letter: DeadLetter) -> Record:
        """What the dead-letter topic gets.

        A message that was compressed may be larger than any that is taken: its letter is cut, which its hash tells.
        """
        return cls(letter.value[: topics.MAX_MESSAGE_BYTES], headers=letter.headers)


class IncomingMessages(Protocol):
    """Messages that were read together. `acknowledge` confirms the next `count` of them, in order."""

    @property
    def messages(self) -> Sequence[Any]: ...

    async def acknowledge(self, count: int) -> None: ...

    def set_aside(self) -> None:
        """Says that those not acknowledged yet may wait for long: no rebalance and no stop is to wait for them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message that was read.

    Parameters
    ----------
    topic, topic_id, partition, offset
        Its coordinates, as Kafka has them.
    time : int
        Kafka's time of it, in microseconds since 1970.
    value : bytes
    replay_of : DeadLetter, optional
        The dead letter that was sent back as this message.

    Examples
    --------
    >>> from watchline.schemas.errors import Kind
    >>> message = Message("watchline.interactions", "Kf3q", 0, 41, kafka_time(1_700_000_000), b"not Avro")
    >>> letter = message.dead_letter(PoisonError(Kind.UNDECODABLE, "not framed as an Avro message"))
    >>> letter.offset, letter.index == WHOLE_MESSAGE, letter.reason
    (41, True, 'not framed as an Avro message')
    """

    topic: str
    topic_id: str
    partition: int
    offset: int
    time: int
    value: bytes
    replay_of: DeadLetter | None = None

    @classmethod
    def of(cls, received: Any, topic_id: str) -> Message:
        """A message as Faust has it, with the id of its topic."""
        return cls(
            received.topic,
            topic_id,
            received.partition,
            received.offset,
            kafka_time(received.timestamp),
            received.value or b"",
            sent_back(received),
        )

    @property
    def received(self) -> int:
        """Kafka's time of what it brings, in microseconds: of the message that failed first, where it is sent back."""
        return self.time if self.replay_of is None else min(self.time, self.replay_of.time)

    def dead_letter(self, error: PoisonError, app: str = "") -> DeadLetter:
        """The whole message as a dead letter, for the reason that `error` gives; `app` where it could be read."""
        return self.letter(WHOLE_MESSAGE, self.value, error, app=app)

    def letter(self, index: int, value: bytes, error: PoisonError, event_id: str = "", app: str = "") -> DeadLetter:
        """One of its events, or all of it, as a dead letter; a message that was sent back gives the same letter again.

        Parameters
        ----------
        index : int
            The event's place in the envelope, or `WHOLE_MESSAGE`.
        value : bytes
            What the letter keeps.
        error : PoisonError
            Why it failed.
        event_id : str
            Of the event; empty where it isn't known.
        app : str
            Who sent it; likewise.
        """
        first, (kind, field, reason) = self.replay_of, (error.kind, error.field or "", str(error))
        if first is None:
            place = (self.topic, self.topic_id, self.partition, self.offset, index, self.time)
            return DeadLetter(*place, value, kind, reason, field, event_id, app)
        again = replace(first, kind=kind, reason=reason, field=field, app=app or first.app)
        if first.index == WHOLE_MESSAGE:
            return replace(again, index=index, value=value, event_id=event_id)
        return again


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event came from.

    After redaction, stages get this in place of the message, so that they have no raw text to store or publish by
    mistake.

    Parameters
    ----------
    topic, topic_id, partition, offset, time
        Of its message: Kafka's coordinates, and Kafka's time in microseconds since 1970.
    index : int
        Its place in the envelope, from 0.
    producer_id : str
    producer_sequence : int
        The producer's own number of the event.
    producer_dropped : int
        Events that the producer had dropped by then.
    sent_time, invalid_fields
        What `schemas.validation.repair` has changed in it.
    over_budget : bool
        Whether it was more than its app's budget, and therefore has no texts.
    price_version : str
        Of the table of prices that its cost is by; empty where the app said it, or nobody knows it.
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
    sent_time: int | None = None
    invalid_fields: tuple[str, ...] = ()
    over_budget: bool = False
    price_version: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction, as the app sent it but for what can't be stored, with its message and its place in the envelope.

    Its dead letter is as it was sent.
    """

    interaction: Interaction
    message: Message
    batch: InteractionBatch
    index: int
    registry: Registry | None = None  # whose framing it gets again
    sent_time: int | None = None
    invalid_fields: tuple[str, ...] = ()
    over_budget: bool = False  # and therefore without texts

    @property
    def origin(self) -> Origin:
        """Where it came from, without its text."""
        message, batch = self.message, self.batch
        place = (message.topic, message.topic_id, message.partition, message.offset, self.index, message.time)
        sequence = batch.first_sequence + self.index
        changed = (self.sent_time, self.invalid_fields, self.over_budget)
        return Origin(*place, batch.producer_id, sequence, batch.dropped, *changed)

    def dead_letter(self, error: PoisonError) -> DeadLetter:
        """This event alone as a dead letter, encoded again in an envelope of its own."""
        origin = self.origin
        alone = InteractionBatch(
            producer_id=origin.producer_id,
            first_sequence=origin.producer_sequence,
            dropped=origin.producer_dropped,
            interactions=(self.batch.interactions[self.index],),
        )
        event_id = "" if error.field == "event_id" else self.interaction.event_id
        return self.message.letter(self.index, encode(alone, self.registry), error, event_id, self.interaction.app)


@dataclass(frozen=True, slots=True)
class DecodedMessage:
    """What one message held.

    Parameters
    ----------
    message : Message
    events : list of Event
        To be scored.
    dead : list of DeadLetter
        What could not be decoded or is invalid.
    apps : dict of int to str
        The app of each event by its place in the envelope, dead or not, but for canaries. Of a message that can't be
        read: nothing under `WHOLE_MESSAGE`.
    report : InteractionBatch, optional
        A producer's report of what it has dropped.
    size : int
        Events in the envelope.
    invalid_fields : tuple of str
        Of the envelope itself, those that came with a value that can't be stored.
    """

    message: Message
    events: list[Event]
    dead: list[DeadLetter]
    apps: dict[int, str]
    report: InteractionBatch | None = None
    size: int = 0
    invalid_fields: tuple[str, ...] = ()


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
