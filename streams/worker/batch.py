"""What goes through the stages: messages that were read together, and all that the stages have made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchline.schemas.errors import PoisonError
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import (
    DecodedMessage,
    Event,
    IncomingMessages,
    Message,
    Origin,
    RedactedEvent,
    ScoredEvent,
)
from watchline.streams.worker.offset_gaps import Gap


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of the raw topic that are scored, stored and acknowledged together.

    A stage gets a batch and gives a copy with what it adds; fields of later stages are empty until then.

    Parameters
    ----------
    messages : sequence of Message
        In the order in which they were read. Never empty.
    incoming : IncomingMessages
        Acknowledges them.
    gaps : sequence of Gap
        Offsets that are gone before one of the messages.
    decoded : sequence of DecodedMessage
        One for each message: from `decode`.
    redacted : sequence of RedactedEvent
        The events that go on: from `redact`.
    scored : sequence of ScoredEvent
        Likewise, from `score`; canaries are not among them.
    canaries : sequence of ScoredEvent
        From `score`.
    shed : bool
        Whether the last event was passed on without a score, so that the time taken says nothing: from `score`.
    stored : sequence of ScoredEvent
        Those of `scored` that ClickHouse has: from `store`.
    dead_letters : sequence of DeadLetter
        What can't go on, from `decode`, `redact` and `store`.
    """

    messages: Sequence[Message]
    incoming: IncomingMessages
    gaps: Sequence[Gap] = ()
    decoded: Sequence[DecodedMessage] = ()
    redacted: Sequence[RedactedEvent] = ()
    scored: Sequence[ScoredEvent] = ()
    canaries: Sequence[ScoredEvent] = ()
    shed: bool = False
    stored: Sequence[ScoredEvent] = ()
    dead_letters: Sequence[DeadLetter] = ()

    @property
    def size_bytes(self) -> int:
        """Of the messages' values."""
        return sum(len(message.value) for message in self.messages)

    @property
    def events(self) -> list[Event]:
        """The decoded events, as the apps sent them."""
        return [event for message in self.decoded for event in message.events]

    def dead(self, refused: Sequence[tuple[Origin, PoisonError]]) -> list[DeadLetter]:
        """Dead letters of events that are known by where they came from."""
        if not refused:
            return []
        events = {event.origin: event for event in self.events}
        return [events[origin].dead_letter(error) for origin, error in refused]


def end_of_batch(messages: Sequence[Message], start: int, max_bytes: int) -> int:
    """Where the batch ends that begins at `start`: it holds at most so many bytes, and always one message.

    Examples
    --------
    >>> messages = [Message("raw", "id", 0, offset, 0, b"x" * 400) for offset in range(5)]
    >>> end_of_batch(messages, 0, 1_000), end_of_batch(messages, 2, 1_000), end_of_batch(messages, 4, 1)
    (2, 4, 5)
    """
    size_bytes = 0
    for place in range(start, len(messages)):
        size_bytes += len(messages[place].value)
        if size_bytes > max_bytes and place > start:
            return place
    return len(messages)
