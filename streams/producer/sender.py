"""The thread between the producer's buffer and Kafka: packs events into envelopes and hears what became of them."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import confluent_kafka

from watchline.schemas.codec import encode, encode_body, encode_envelope
from watchline.schemas.errors import ConfigurationError, WatchlineError
from watchline.schemas.records import Feedback, Interaction, InteractionBatch
from watchline.streams import native_threads
from watchline.streams.ids import uuid7
from watchline.streams.kafka import topics
from watchline.streams.kafka.schema_registry import FIRST_PAUSE_S, LONGEST_PAUSE_S, SchemaRegistry
from watchline.streams.producer.arguments import UNKNOWN, completed, fields, scored
from watchline.streams.producer.buffer import ENVELOPE_EVENTS, Buffer, Pending
from watchline.streams.producer.truncation import truncate

POLL_S = 0.1  # how long a delivery report may wait to be heard
# The app's threads wait while this one holds the interpreter, up to 5 ms at a time. So it rests after every event,
# until as many are buffered that keeping up counts for more.
REST_S, REST_BELOW = 0.00005, 1_000
REPORT_S = 10.0  # between two reports of drops
HANGING_S = 10.0  # after which code of the app's counts as hanging
WATCH_S = 2.0  # between two looks at the thread
SAY_AGAIN_S = 60.0
LAST_REPORT_S = 0.5  # how long the end may wait for the one of what was dropped at the end

KAFKA_DEFAULTS: Mapping[str, Any] = {
    "client.id": "watchline",
    "acks": "all",
    # A retry may write an envelope twice, which costs nothing: an event is its id. An idempotent client would stop for
    # good when a broker no longer knows it (a topic made anew, a broker that keeps everything in memory).
    "enable.idempotence": False,
    "compression.type": "lz4",
    # After that, events that wait for Kafka make room for newer ones.
    "delivery.timeout.ms": 300_000,
    # An app may start before `watchline migrate`, which makes the topics. Made by the broker for us they would keep raw
    # text for as long as the broker keeps anything.
    "allow.auto.create.topics": False,
    "topic.metadata.propagation.max.ms": 300_000,
    # Small, because the buffer in front of it is the one that drops the oldest.
    "queue.buffering.max.kbytes": 16_384,
    # Not on the app's standard error; what goes wrong comes to `_on_error`.
    "log_level": 0,
}
# Reasons, where the client's error says more than that a delivery failed.
_FAILURES = {
    confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE: (
        "too large for kafka",
        f"; the topic's max.message.bytes has to be {topics.MAX_MESSAGE_BYTES} or more, or batch.size less than it "
        "(kafka=...)",
    ),
    confluent_kafka.KafkaError._PURGE_QUEUE: ("closed", ""),  # noqa: SLF001
    confluent_kafka.KafkaError._PURGE_INFLIGHT: ("closed", ""),  # noqa: SLF001
}

BeforeSend = Callable[[Interaction], Interaction | None]


class Sender:
    """Sends what comes into `buffer` until that is closed. Belongs to one process: a forked child makes its own.

    Raises ConfigurationError where the Kafka client refuses a setting. Errors after that are counted and logged.
    """

    def __init__(
        self,
        buffer: Buffer,
        kafka: Mapping[str, Any],
        *,
        app: str,
        environment: str,
        topic_prefix: str,
        before_send: BeforeSend | None,
        pseudonym: Callable[[str], str | None],
        linger_s: float,
        warn: Callable[..., None],
        schema_registry: Mapping[str, Any] | None = None,
    ) -> None:
        self.producer_id = uuid7()
        self._buffer = buffer
        settings = {**KAFKA_DEFAULTS, **kafka, "error_cb": self._on_error}
        self._interactions = topics.interactions(topic_prefix)
        self._feedback = topics.feedback(topic_prefix)
        self._before_send = before_send
        self._pseudonym = pseudonym
        self._linger_s = linger_s
        self._warn = warn
        self._origin = {"app": app, "environment": environment}
        self._next_report = 0.0
        self._reachable = False
        self._registry = SchemaRegistry(schema_registry, topic_prefix) if schema_registry is not None else None
        self._registry_known, self._registry_pause_s, self._ask_registry_at = self._registry is None, FIRST_PAUSE_S, 0.0
        try:
            self._client = confluent_kafka.Producer(settings)
        except (confluent_kafka.KafkaException, TypeError, ValueError) as error:
            raise ConfigurationError(f"kafka: {error}") from None
        self.restarts = 0
        self._ended = False
        self._taken: deque[Pending] = deque()  # not encoded yet
        self._packed: list[bytes] = []  # events that are encoded and wait for the rest of their envelope
        self._waits_for: tuple[str, float] | None = None  # code that isn't ours, and since when
        self._sleep = native_threads.original("time", "sleep")
        self._thread = native_threads.Thread(self._run, "watchline-producer")
        self._watcher = native_threads.Thread(self._watch, "watchline-producer-watch")

    @property
    def hanging_s(self) -> float:
        """How long code of the app's has held up the thread; 0 below `HANGING_S`."""
        waits_for = self._waits_for
        seconds = time.monotonic() - waits_for[1] if waits_for else 0.0
        return seconds if seconds >= HANGING_S else 0.0

    def abandon(self, timeout_s: float) -> None:
        """Drops what isn't delivered yet, reports it where Kafka is there, ends the thread; the buffer is closed."""
        self._buffer.abandoned = True
        deadline = time.monotonic() + timeout_s
        for thread in (self._thread, self._watcher):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            try:
                self._serve()
                break
            except BaseException as error:  # the thread has to live as long as the app
                self._recover(error)
        self._ended = True
        del self._client  # here, since it waits for threads of its own, which may wait for a name server

    def _serve(self) -> None:
        while self._buffer.wait_for_work(self._linger_s):
            while self._has_schema_ids() and len(self._buffer):
                self._pack(self._buffer.take(ENVELOPE_EVENTS))
                self._report()
                self._poll(0)
            self._report()
            if self._buffer.abandoned:
                self._client.purge()
            self._poll(POLL_S)
        if self._reachable and self._buffer.unreported:
            self._send_report()
            self._client.flush(LAST_REPORT_S)

    def _recover(self, error: BaseException) -> None:
        """Counts the error, and drops what the thread had in hand."""
        self.restarts += 1
        self._waits_for = None
        lost = [pending.is_event for pending in self._taken] + [True] * len(self._packed)
        self._taken.clear()
        self._packed = []
        for is_event in lost:
            self._buffer.settle_dropped("internal", event=is_event)
        self._warn("internal", "the producer's thread goes on after an unexpected %s", type(error).__name__)

    def _watch(self) -> None:
        """Says that the thread hangs, and starts it again should it have ended."""
        say_at = 0.0
        while True:
            has_died = self._thread.join(WATCH_S)
            if self._ended:
                return
            try:
                if has_died:
                    self._thread = native_threads.Thread(self._run, "watchline-producer")
                    self._recover(RuntimeError())
                waits_for, hanging_s = self._waits_for, self.hanging_s
                if waits_for and hanging_s and time.monotonic() >= say_at:
                    say_at = time.monotonic() + SAY_AGAIN_S
                    self._warn("hanging", "nothing is sent: %s has taken %.0f s so far", waits_for[0], hanging_s)
            except BaseException:  # no thread or no memory is left
                self._sleep(WATCH_S)

    def _poll(self, timeout_s: float) -> None:
        """Hears of deliveries; callbacks that the app has in `kafka=` run in here."""
        with self._foreign("a callback of the Kafka client"):
            self._client.poll(timeout_s)

    @contextmanager
    def _foreign(self, what: str) -> Iterator[None]:
        self._waits_for = (what, time.monotonic())
        try:
            yield
        finally:
            self._waits_for = None

    def _report(self) -> None:
        """Sends what was dropped so far, where that is due: one report at a time, and again until Kafka has it."""
        if not self._registry_known or self._buffer.abandoned:  # nothing was sent yet; the last report is to come
            return
        if self._buffer.report_due and (time.monotonic() >= self._next_report or self._buffer.closed):
            self._send_report()

    def _send_report(self) -> None:
        drops = self._buffer.begin_report()
        try:
            report = InteractionBatch(
                producer_id=self.producer_id,
                first_sequence=drops.next_sequence,
                dropped=sum(drops.by_reason.values()),
                **self._origin,
                time=time.time_ns() // 1000,
                dropped_by=drops.by_reason,
                feedback_dropped=drops.feedback,
                interactions=(),
            )
            self._client.produce(self._interactions, encode(report, self._registry), on_delivery=self._on_report)
            self._next_report = time.monotonic() + REPORT_S
        except BufferError:  # Kafka is away, and will have newer figures when it is back
            self._buffer.settle_report(delivered=False)
        except BaseException as error:
            self._next_report = time.monotonic() + REPORT_S
            self._buffer.settle_report(delivered=False)
            self._warn("report failed", "the report of dropped events could not be sent: %s", type(error).__name__)

    def _has_schema_ids(self) -> bool:
        """Whether messages can be framed. While the registry is away, events wait in the buffer, as for Kafka."""
        if self._registry is None or self._registry_known or self._buffer.abandoned:
            return True
        if time.monotonic() < self._ask_registry_at:
            return False
        try:
            for record_type in (InteractionBatch, Feedback):
                self._registry.schema_id(record_type.__name__)
            self._registry_known = True
        except WatchlineError as error:
            self._warn("registry", "events wait: %s", error)
            self._ask_registry_at = time.monotonic() + self._registry_pause_s * random.uniform(0.8, 1.2)  # noqa: S311
            self._registry_pause_s = min(2 * self._registry_pause_s, LONGEST_PAUSE_S)
        return self._registry_known

    def _pack(self, taken: list[Pending]) -> None:
        """Sends what makes one envelope, or more where it is large; each is settled, here or by its delivery report."""
        self._taken.extend(taken)
        while self._taken:
            pending = self._taken.popleft()
            item = self._encode(pending)
            if len(self._buffer) < REST_BELOW:
                self._sleep(REST_S)
            if item is None:
                continue
            if not pending.is_event:
                self._produce(self._feedback, item, 1, event=False)
                continue
            if sum(map(len, self._packed)) + len(item) > topics.MAX_RECORD_BYTES:
                self._send()
            self._packed.append(item)
        self._send()

    def _encode(self, pending: Pending) -> bytes | None:
        """The bytes of one record, of an event without framing; None where it was dropped or discarded."""
        if self._buffer.abandoned:
            self._buffer.settle_dropped("closed", event=pending.is_event)
            return None
        culprit = "bad value"
        try:
            with self._foreign("text of an object of the app's"):
                by_field = fields(pending.arguments)
            record: Any = self._record(pending, by_field)
            if isinstance(record, Interaction) and self._before_send is not None:
                culprit = "before_send"
                with self._foreign("before_send"):
                    changed = self._before_send(record)
                if changed is None:
                    self._buffer.settle_discarded()
                    return None
                record = changed
            record = truncate(record)
            item = encode_body(record) if pending.is_event else encode(record, self._registry)
        except BaseException as error:  # CancelledError, SystemExit and gevent's Timeout are no Exception
            # Without the error's text, which may quote the event. A hook that fails must not let the event through.
            self._buffer.settle_dropped(culprit, event=pending.is_event)
            self._warn(culprit, "an event is dropped: %s raised %s", culprit, type(error).__name__)
            return None
        if len(item) > topics.MAX_RECORD_BYTES:
            self._buffer.settle_dropped("too large", event=pending.is_event)
            self._warn("too large", "an event of %d bytes is dropped", len(item))
            return None
        return item

    def _record(self, pending: Pending, by_field: dict[str, Any]) -> Interaction | Feedback:
        by_field = completed(by_field, pending.own.get("unreadable", {}), self._pseudonym)
        for argument, kind in by_field["unreadable"].items():
            self._buffer.count_unreadable(argument)
            what = "is kept as an attribute" if kind == UNKNOWN else "is left out"
            self._warn(f"unreadable {argument}", "an event's %s %s: %s", argument, what, kind)
        if not pending.is_event:
            by_field = scored({name: value for name, value in by_field.items() if name != "attributes"})
        return pending.record_type(**{**pending.own, **by_field})

    def _send(self) -> None:
        if not self._packed:
            return
        items, self._packed = self._packed, []
        first, lost = self._buffer.number(len(items))
        try:
            # Encoding each event by itself gives its size, keeps a bad one from the others, and never holds the
            # interpreter for long.
            envelope = InteractionBatch(
                producer_id=self.producer_id, first_sequence=first, dropped=lost, interactions=()
            )
            value = encode_envelope(envelope, items, self._registry)
        except BaseException:
            self._buffer.settle_dropped("internal", len(items), event=True, numbered=True)
            raise
        self._produce(self._interactions, value, len(items), event=True)

    def _produce(self, topic: str, value: bytes, count: int, *, event: bool) -> None:
        """Hands a message to the client; waits while the client's queue is full, as it is when Kafka is away."""
        report = partial(self._on_delivery, count, event)
        while not self._buffer.abandoned:  # which may happen while it waits
            try:
                self._client.produce(topic, value, on_delivery=report)
                return
            except BufferError:
                pass
            except BaseException as error:  # KafkaException, and its text is librdkafka's own
                self._warn("delivery failed", "Kafka's client refuses events: %s", error)
                break
            try:
                self._poll(POLL_S)
            except BaseException as error:
                self._warn("internal", "unexpected %s in a callback of the Kafka client", type(error).__name__)
        reason = "closed" if self._buffer.abandoned else "delivery failed"
        self._buffer.settle_dropped(reason, count, event=event, numbered=True)

    def _on_delivery(self, count: int, event: bool, error: confluent_kafka.KafkaError | None, _: object) -> None:
        if error is None:
            self._reachable = True
            self._buffer.settle_delivered(count)
            return
        reason, advice = _FAILURES.get(error.code(), ("delivery failed", ""))
        self._buffer.settle_dropped(reason, count, event=event, numbered=True)
        self._warn(reason, "Kafka did not take %d events: %s%s", count, error.name(), advice)

    def _on_report(self, error: confluent_kafka.KafkaError | None, _: object) -> None:
        self._reachable = self._reachable or error is None
        self._buffer.settle_report(delivered=error is None)

    def _on_error(self, error: confluent_kafka.KafkaError) -> None:
        self._reachable = False
        self._warn(error.name(), "Kafka: %s", error.str())
