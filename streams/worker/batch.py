"""Messages that were read together on their way through the worker, and all that the stages have made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from watchline.schemas.errors import PoisonError
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import IncomingMessages, Message
from watchline.streams.worker.offset_gaps import Gap
from watchline.streams.worker.scoring.part import Place, ScoredPart


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
    apart : bool
        Whether it may hold what has ended workers before: its events are scored one by one.
    scored : ScoredPart
        What the scoring process made of them.
    refused : mapping of Place to PoisonError
        Events and reports that ClickHouse will never take, and why: from `store`.
    erased : mapping of Place to str
        Events that were erased and are not stored again, and under which erasure: from `store`.
    dead_letters : sequence of DeadLetter
        What can't go on, from the scoring process and `store`.
    """

    messages: Sequence[Message]
    incoming: IncomingMessages
    gaps: Sequence[Gap] = ()
    apart: bool = False
    scored: ScoredPart = field(default_factory=ScoredPart)
    refused: Mapping[Place, PoisonError] = field(default_factory=dict)
    erased: Mapping[Place, str] = field(default_factory=dict)
    dead_letters: Sequence[DeadLetter] = ()

    @property
    def size_bytes(self) -> int:
        """Of the messages' values."""
        return sum(len(message.value) for message in self.messages)

    @property
    def left_out(self) -> Mapping[Place, object]:
        """Events of which no row is stored, and why."""
        return {**self.refused, **self.erased}

    @property
    def stored_events(self) -> int:
        """Events that ClickHouse has, but for canaries."""
        left_out = self.left_out
        return sum(place not in left_out for place in self.scored.places)

    def delays(self, now: float) -> list[float]:
        """Of the stored events, the seconds since Kafka had each; `now` in seconds since 1970."""
        received = {(message.partition, message.offset): message.received for message in self.messages}
        left_out = self.left_out
        stored = (place for place in self.scored.places if place not in left_out)
        return [max(0.0, now - received[partition, offset] / 1e6) for partition, offset, _ in stored]


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
