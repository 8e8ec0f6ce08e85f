"""Event order: the order in which monitors look at events, whichever raw partition they came through.

An event's place in it is the lower of its own time and Kafka's time of its message (LogAppendTime), so that a clock
that is ahead moves nothing; events of one time go by where they stand in the raw topic.

Behind their findings, workers tell each findings partition up to which LogAppendTime each raw partition is done. The
watermark is the lowest of these less `LATENESS_S`. There is none before every raw partition was heard of: the records
say how many there are, so partitions that are added hold it from then on, and those that are gone don't.

- An event is due when Kafka got it before the watermark: what Kafka got up to `LATENESS_S` after it is here by then.
- With it are looked at the events of its prompt that are held and stand before it, all in event order.
- An event that comes after a later one of its prompt was looked at is late: it is counted and not compared. So it is
  only where Kafka got it more than `LATENESS_S` after the later one. Traffic that is delivered late as a whole is
  compared as it happened, and a clock that is wrong makes nothing late but what it stamps.

Nothing that is held is saved. Messages are acknowledged in their order, each when all its events were looked at and the
states that follow are saved. So after a crash reading begins at or before the first event that is held, with a state
that has the place of the last event of its prompt that was looked at: what stands at or before it is skipped, and what
comes after it was not looked at. Copies that a worker publishes again are skipped likewise.

Memory is bounded by the bytes of the messages that are held. Reading on can't wait, since progress is told behind the
messages that would fill the memory. So beyond the bound those that Kafka got first are looked at before they are due,
in event order among themselves; they are counted, and what should have come before them is late.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import NamedTuple

from watchline.schemas.records import FindingBatch, RawProgress, ScoredInteraction

LATENESS_S = 10.0  # that an event may reach Kafka after a later one of its prompt and still be compared

Place = tuple[int, int, int, int, str]  # microseconds since 1970; raw partition, offset, index, topic id


def place(item: ScoredInteraction) -> Place:
    """An event's place in event order."""
    time = min(item.time, item.raw_time or item.time)
    return time, item.raw_partition, item.raw_offset, item.raw_index, item.raw_topic_id


@dataclass(slots=True, eq=False)
class HeldMessage:
    """A message of the findings topic, `held` of whose events are not looked at yet.

    `batch` is what it holds; None where that is decoded again when it is needed.
    """

    value: bytes
    batch: FindingBatch | None = None
    held: int = 0


class _Event(NamedTuple):
    place: Place
    received: int  # Kafka's time of its raw message
    message: HeldMessage
    number: int  # in its message


class EventOrder:
    """The events of a findings partition that are not due yet.

    Parameters
    ----------
    decode : callable
        Gives the batch of a message's bytes once more.

    Attributes
    ----------
    watermark : int
        In microseconds since 1970; 0: there is none yet.
    events : int
        That are held.
    bytes : int
        Of the messages that these are in.
    early : int
        Events that were looked at before they were due, to make room.

    Examples
    --------
    >>> from watchline.schemas.codec import decode
    >>> order = EventOrder(lambda value: decode(value, FindingBatch))
    >>> order.hear([RawProgress(0, 100_000_000, partitions=2)], published=101_000_000)
    >>> order.watermark
    0
    >>> order.hear([RawProgress(1, 60_000_000, partitions=2)], published=102_000_000)
    >>> order.watermark
    50000000
    """

    def __init__(self, decode: Callable[[bytes], FindingBatch]) -> None:
        self.watermark = 0
        self.events = self.bytes = self.early = 0
        self._decode = decode
        self._done: dict[int, int] = {}
        self._prompts: dict[bytes, list[_Event]] = {}

    def hear(self, progress: Iterable[RawProgress], published: int) -> None:
        """Takes what a worker says of raw partitions, in a message that Kafka got at `published`.

        Each record is true for ever, so the highest time counts; none can speak of what comes after its own message.
        """
        for each in progress:
            time = min(each.time, published)
            self._done[each.raw_partition] = max(self._done.get(each.raw_partition, 0), time)
            done = [time for partition, time in self._done.items() if 0 <= partition < each.partitions]
            if len(done) == each.partitions > 0:
                self.watermark = max(self.watermark, min(done) - int(LATENESS_S * 1e6))

    def hold(self, prompt: bytes, message: HeldMessage, batch: FindingBatch, published: int) -> None:
        """Takes the events of a message.

        Parameters
        ----------
        prompt : bytes
            Its key.
        message : HeldMessage
            Of which nothing is held so far.
        batch : FindingBatch
            What the message holds.
        published : int
            Kafka's time of the message: no later than that is the time of a raw message, or where it is not known.
        """
        if not batch.items:
            return
        held = self._prompts.setdefault(prompt, [])
        for number, item in enumerate(batch.items):
            dated = _dated(item, published)
            held.append(_Event(place(dated), dated.raw_time, message, number))
        message.held = len(batch.items)
        self.events += message.held
        self.bytes += len(message.value)

    def due(self, max_bytes: int) -> Iterator[tuple[bytes, FindingBatch]]:
        """Gives up what is due, or more where more than `max_bytes` are held: by prompt, in event order."""
        before = self.watermark
        if self.bytes > max_bytes:
            received = sorted(event.received for events in self._prompts.values() for event in events)
            before = max(before, received[len(received) // 2] + 1)
        for prompt, events in list(self._prompts.items()):
            last = max((event.place for event in events if event.received < before), default=None)
            if last is None:
                continue
            events.sort(key=attrgetter("place"))
            end = bisect_right(events, last, key=attrgetter("place"))
            yield prompt, self._given_up(events[:end])
            del events[:end]
            if not events:
                del self._prompts[prompt]

    def _given_up(self, events: list[_Event]) -> FindingBatch:
        messages = {event.message for event in events}
        batches = {message: message.batch or self._decode(message.value) for message in messages}
        items = tuple(_dated(batches[event.message].items[event.number], event.received) for event in events)
        for event in events:
            event.message.held -= 1
        self.early += sum(event.received >= self.watermark for event in events)
        self.events -= len(events)
        self.bytes -= sum(len(message.value) for message in messages if not message.held)
        return replace(batches[events[-1].message], items=items)


def _dated(item: ScoredInteraction, latest: int) -> ScoredInteraction:
    """The event with a time of its raw message that can be: at the latest this, which it is where it isn't known."""
    return item if 0 < item.raw_time <= latest else replace(item, raw_time=latest)


def state_key(batch: FindingBatch) -> bytes:
    """What a prompt's state is saved under."""
    return "\0".join((batch.app, batch.environment, batch.prompt_name or "")).encode()
