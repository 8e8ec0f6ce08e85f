"""Events to Kafka, and the answer when Kafka has them. Numbers them as the apps' own producers do."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import confluent_kafka

from watchline.schemas.codec import Registry, encode, encode_envelope
from watchline.schemas.errors import TransientError
from watchline.schemas.records import InteractionBatch
from watchline.streams.ids import uuid7
from watchline.streams.ingest.encoding import Encoded, Source
from watchline.streams.kafka.topics import MAX_RECORD_BYTES
from watchline.streams.producer.buffer import ENVELOPE_EVENTS
from watchline.streams.producer.sender import KAFKA_DEFAULTS, REPORT_S
from watchline.streams.throttled_log import ThrottledLog

DELIVERY_S = 5.0  # until Kafka has it, or the sender is told to send it again: half of what an OTLP exporter waits
POLL_S = 0.1
MAX_SOURCES = 1_000  # apps whose numbers go on; one that comes after them begins anew
MAX_REMEMBERED = 20_000  # messages whose numbers are known when they are sent again

log = logging.getLogger(__name__)


class BusyError(TransientError):
    """More waits for Kafka than there is room for."""


class Numbers:
    """What an app's events are numbered by: a producer of its own, as far as the store can see."""

    def __init__(self) -> None:
        self.producer_id = uuid7()
        self.next = 0
        self.dropped: Counter[str] = Counter()
        self.report_due = 0.0  # since when; 0: not

    def take(self, count: int) -> int:
        """The first of the next `count` numbers."""
        self.next += count
        return self.next - count

    def drop(self, reasons: Mapping[str, int]) -> None:
        """Counts events that can never be sent."""
        self.dropped.update(reasons)
        self.take(sum(reasons.values()))
        self.report_due = self.report_due or time.monotonic()


class Publisher:
    """Writes events to Kafka. Belongs to the running event loop; `close` ends it.

    Parameters
    ----------
    kafka : mapping
        Settings of the Kafka client.
    topic : str
    registry : Registry, optional
        For Confluent's framing.
    delivery_s : float
        How long Kafka may take.
    """

    def __init__(
        self,
        kafka: Mapping[str, Any],
        topic: str,
        registry: Registry | None = None,
        *,
        delivery_s: float = DELIVERY_S,
    ) -> None:
        self.topic = topic
        self._registry = registry
        self._delivery_s = delivery_s
        self._warnings = ThrottledLog(log)
        own = {"delivery.timeout.ms": int(delivery_s * 1000), "queue.buffering.max.kbytes": 65_536}
        self._client = confluent_kafka.Producer(
            {**KAFKA_DEFAULTS, "client.id": "watchline-receive", **own, **kafka, "error_cb": self._on_error}
        )
        self._loop = asyncio.get_running_loop()
        self._numbers: OrderedDict[Source, Numbers] = OrderedDict()
        self._given: OrderedDict[tuple[Source, bytes], tuple[Numbers, int]] = OrderedDict()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="watchline-receive-kafka", daemon=True)
        self._thread.start()
        self._reporter = asyncio.create_task(self._report())

    async def publish(self, encoded: Encoded) -> None:
        """Returns once Kafka has all events.

        Raises
        ------
        BusyError
            There is no room for them now.
        TransientError
            Kafka has not acknowledged them in time, or the schema registry doesn't answer. Some may be there all the
            same: events have ids of their own, and the same ones sent again add nothing.
        """
        if self._registry is not None:
            await asyncio.to_thread(self._registry.schema_id, InteractionBatch.__name__)  # known after the first time
        try:
            sent = [self._send(source, chunk) for source, events in encoded.events.items() for chunk in _chunks(events)]
        except BufferError:
            raise BusyError("more waits for Kafka than there is room for") from None
        if errors := [error for error in await asyncio.gather(*sent) if error]:
            self._warnings.warn("undelivered", "Kafka did not take a message: %s; it is asked for again", errors[0])
            raise TransientError(f"Kafka has not acknowledged the events ({errors[0]})")
        for source, reasons in encoded.rejected.items():
            self._of(source).drop(reasons)

    async def is_ready(self) -> bool:
        """Whether Kafka answers and the topic is there."""
        try:
            found = await asyncio.to_thread(self._client.list_topics, self.topic, self._delivery_s)
        except confluent_kafka.KafkaException:
            return False
        return found.topics[self.topic].error is None

    async def close(self) -> None:
        """Ends it, once what it has begun is delivered or given up."""
        self._reporter.cancel()
        for source, numbers in self._numbers.items():
            if numbers.report_due:
                self._send_report(source, numbers)
        await asyncio.to_thread(self._client.flush, self._delivery_s)
        self._closed.set()
        await asyncio.to_thread(self._thread.join)

    def _of(self, source: Source) -> Numbers:
        numbers = self._numbers.setdefault(source, Numbers())
        self._numbers.move_to_end(source)
        if len(self._numbers) > MAX_SOURCES:
            self._numbers.popitem(last=False)
        return numbers

    def _send(self, source: Source, events: Sequence[bytes]) -> asyncio.Future[str]:
        """Hands an envelope to the client. The future has the error, or an empty text, once it is settled."""
        numbers, first = self._numbered(source, events)
        envelope = InteractionBatch(
            producer_id=numbers.producer_id, first_sequence=first, dropped=numbers.dropped.total(), interactions=()
        )
        settled: asyncio.Future[str] = self._loop.create_future()

        def heard(error: str) -> None:
            if not settled.done():  # as it is where nobody waits any more
                settled.set_result(error)

        self._produce(encode_envelope(envelope, events, self._registry), heard)
        return settled

    def _numbered(self, source: Source, events: Sequence[bytes]) -> tuple[Numbers, int]:
        """By whom they are numbered, and from what on: what is sent again gets its numbers again.

        So a gap stays only for what is lost for good, and not where a sender wasn't told that Kafka has an event.
        """
        key = source, hashlib.blake2b(b"".join(events), digest_size=16).digest()
        if key not in self._given:
            numbers = self._of(source)
            self._given[key] = numbers, numbers.take(len(events))
            if len(self._given) > MAX_REMEMBERED:
                self._given.popitem(last=False)
        self._given.move_to_end(key)
        return self._given[key]

    def _produce(self, value: bytes, heard: Callable[[str], None]) -> None:
        """`heard` gets the error, or an empty text, in the loop."""

        def on_delivery(error: confluent_kafka.KafkaError | None, _: object) -> None:
            self._loop.call_soon_threadsafe(heard, error.name() if error else "")

        try:
            self._client.produce(self.topic, value, on_delivery=on_delivery)
        except confluent_kafka.KafkaException as error:
            heard(error.args[0].name())

    async def _report(self) -> None:
        """Says now and then what was rejected, as the apps' own producers do of what they drop."""
        while True:
            await asyncio.sleep(REPORT_S / 10)
            for source, numbers in list(self._numbers.items()):
                if numbers.report_due and time.monotonic() - numbers.report_due > REPORT_S:
                    self._send_report(source, numbers)

    def _send_report(self, source: Source, numbers: Numbers) -> None:
        report = InteractionBatch(
            producer_id=numbers.producer_id,
            first_sequence=numbers.next,
            dropped=numbers.dropped.total(),
            **source._asdict(),
            time=time.time_ns() // 1000,
            dropped_by=dict(numbers.dropped),
            interactions=(),
        )
        due, numbers.report_due = numbers.report_due, 0.0

        def heard(error: str) -> None:
            if error:
                numbers.report_due = numbers.report_due or due

        try:
            self._produce(encode(report, self._registry), heard)
        except Exception as error:  # the client's queue is full, or the registry is away: later
            heard(type(error).__name__)

    def _poll(self) -> None:
        while not self._closed.is_set():
            self._client.poll(POLL_S)

    def _on_error(self, error: confluent_kafka.KafkaError) -> None:
        self._warnings.warn(error.name(), "Kafka: %s", error.str())


def _chunks(events: Sequence[bytes]) -> Iterator[list[bytes]]:
    """The events in as few messages as Kafka takes."""
    chunk: list[bytes] = []
    size = 0
    for event in events:
        if chunk and (len(chunk) == ENVELOPE_EVENTS or size + len(event) > MAX_RECORD_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(event)
        size += len(event)
    if chunk:
        yield chunk
