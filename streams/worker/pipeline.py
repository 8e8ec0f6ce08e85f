"""What a worker does with messages of the raw topics and of the findings; each is acknowledged by hand.

Work is done off the event loop and every write is awaited; acknowledgements come last and in order, and an exception
ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

from watchline.detectors import registry as detectors
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scorer
from watchline.schemas.codec import Registry, encode
from watchline.schemas.errors import FatalError, PoisonError, TransientError
from watchline.schemas.records import Signal
from watchline.streams import dead_letters
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health import canary
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Partition, Progress
from watchline.streams.kafka import admin, replay, topics
from watchline.streams.messages import DecodedMessage, IncomingMessages, Message, Record, ScoredEvent, kafka_time
from watchline.streams.monitor import signals
from watchline.streams.monitor.agent import Monitoring, state_key
from watchline.streams.monitor.state_topic import StateTopic
from watchline.streams.settings import Settings
from watchline.streams.worker import batches, feedback, offset_gaps
from watchline.streams.worker.brake import Brake
from watchline.streams.worker.offset_gaps import OffsetGaps
from watchline.streams.worker.stages import decode, publish, redact, score, store

log = logging.getLogger(__name__)
T = TypeVar("T")
STORE_PAUSE_S = 5.0
FIRST_BATCH = (32, 256 * 1024)  # events and bytes, before anything is measured
MONITOR_LINGER_S = 1.0  # each batch saves the state of each prompt in it; Faust leaves a longer wait too late


class Member(Protocol):
    """What the pipeline needs of a member of the workers' group: see `faust_app.GroupMember`."""

    @property
    def stopping(self) -> bool: ...

    def read(
        self, topic: str, handle: Callable[[Any], Awaitable[None]], *, max_messages: int, linger_s: float
    ) -> None: ...

    def on_assignment(self, assigned: Callable[[set[Partition]], None], revoked: Callable[[], None]) -> None: ...

    async def publish(self, topic: str, records: Iterable[Record]) -> None: ...

    def committed(self, partition: Partition) -> int | None: ...

    def skip(self, partition: Partition, offset: int) -> None: ...


class Pipeline:
    """What a worker holds: redactor, scorer and sink, the threads in which they run, and the way to them.

    The event loop also serves Kafka's heartbeats and commits: nothing here may block it.
    """

    def __init__(self, settings: Settings, member: Member, registry: Registry | None = None) -> None:
        self.settings = settings
        self.member = member
        self.progress = Progress(settings.store_timeout_s)
        self.redactor = Redactor(enabled=settings.redaction)
        self.scorer = Scorer(
            detectors.load(
                settings.detectors,
                settings.models,
                device=settings.encoder_device,
                thresholds=settings.thresholds,
            ),
            device=settings.encoder_device,
            thresholds=settings.thresholds,
        )
        self.metrics = Metrics(self.scorer.planned)
        self.sink = Sink(lambda: connect(settings), settings.store_timeout_s, on_attempt=self._on_store_attempt)
        self.registry = registry
        self.sink.stopping = lambda: member.stopping
        self.brake = Brake(settings.dead_letter_max_consecutive, settings.dead_letter_max_ratio)
        self._scoring = ThreadPoolExecutor(1, thread_name_prefix="score")
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._monitoring = ThreadPoolExecutor(1, thread_name_prefix="monitor")
        self.monitoring = Monitoring(
            states=StateTopic(settings, member.publish, self._monitoring),
            store=self._store_signals,
            publish=self._publish_signals,
            reject=self._reject_findings,
            executor=self._monitoring,
            metrics=self.metrics,
            registry=self.registry,
        )
        self.gaps = OffsetGaps()
        self._topic_ids: dict[str, str] = {}
        self._seconds_per_byte = 0.0

    def read(self) -> None:
        """Reads the raw topics and the findings, from when the member has joined its group."""
        settings, member = self.settings, self.member
        for topic, handle in ((topics.interactions, self.interactions), (topics.feedback, self.feedback)):
            member.read(
                topic(settings.topic_prefix),
                handle,
                max_messages=2 * settings.buffer_messages,
                linger_s=settings.linger_s,
            )
        member.read(
            topics.findings(settings.topic_prefix),
            self.monitoring.run,
            max_messages=settings.buffer_messages,
            linger_s=MONITOR_LINGER_S,
        )
        member.on_assignment(self._assigned, self._revoked)

    async def interactions(self, incoming: IncomingMessages) -> None:
        """Messages of the raw topic."""
        messages = await self._messages(incoming.messages)
        await self._record_gaps(messages)
        for part in batches.within_bytes(messages, self.settings.batch_bytes):
            with self.metrics.stage("decode"):
                unpacked = await self._on(self._scoring, _unpack, part, self.registry)
            for batch in batches.batches(unpacked, self._limits):
                await self._handle(batch)
                await incoming.acknowledge(len(batch))

    async def _handle(self, batch: Sequence[DecodedMessage]) -> None:
        """From decoded messages to ClickHouse and the findings topic. Returns when all of it is safe."""
        events = [event for unpacked in batch for event in unpacked.events]
        dead = [letter for unpacked in batch for letter in unpacked.dead]
        shed_after_s = self.settings.shed_after_s
        shed_before = 0.0 if shed_after_s is None else 1e6 * (time.time() - shed_after_s)
        judge = partial(score.score, shed_before=shed_before)
        started = time.monotonic()
        with self.metrics.stage("redact"):
            redacted, not_redacted = await self._on(self._scoring, redact.redact, events, self.redactor)
        with self.metrics.stage("score"):
            scored = await self._on(self._scoring, judge, redacted, self.scorer)
        if events and events[-1].message.time >= shed_before:  # else it says nothing of what the two take
            size_bytes = sum(len(unpacked.message.value) for unpacked in batch)
            self._seconds_per_byte = (time.monotonic() - started) / size_bytes
        self.metrics.embedded(self.scorer.cache_lookups)
        scored, canaries = canary.split(scored)
        with self.metrics.stage("store"):
            stored, refusals = await self._on(self._storing, store.store, scored, self.sink.write)
            refused = await self._on(self._storing, store.store_reports, batch, self.sink.write)
            await self._store_canaries(canaries)
        with self.metrics.stage("publish"):
            sent = {event.origin: event for event in events if refusals}
            refused += [sent[origin].dead_letter(error) for origin, error in refusals]
            letters = dead + not_redacted + refused
            await self.write_dead_letters(letters)
            await self._record_replays([(unpacked.message, len(unpacked.outcomes)) for unpacked in batch], letters)
            records = await self._on(self._scoring, _finding_records, stored, self.registry)
            await self.member.publish(topics.findings(self.settings.topic_prefix), records)
        for unpacked in batch:
            if unpacked.message.replay_of is not None:
                continue  # counted when it died first
            self.brake.count(unpacked.message.topic, unpacked.message.partition, unpacked.outcomes)
        self.progress.batch_done(len(events) - len(canaries))
        self.metrics.batch_done(stored)

    async def feedback(self, incoming: IncomingMessages) -> None:
        """Messages of the feedback topic: comments redacted, then stored."""
        messages = await self._messages(incoming.messages)
        rows, dead = await self._on(self._scoring, feedback.unpack, messages, self.redactor, self.registry)
        refused = await self._on(self._storing, feedback.store, rows, self.sink.write)
        await self.write_dead_letters(dead + refused)
        await self._record_replays([(message, 1) for message in messages], dead + refused)
        self.progress.batch_done(0)
        await incoming.acknowledge(len(messages))

    def _assigned(self, partitions: set[Partition]) -> None:
        # Nothing is in flight now; a state that another worker may have changed meanwhile is loaded again.
        self.monitoring.revoke({number for _, number in partitions})
        self.gaps.forget(partitions)
        self.progress.joined = True

    def _revoked(self) -> None:
        self.progress.joined = False

    async def write_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters into their topic and table; returns when both have them."""
        if not letters:
            return
        # A message that was compressed may be larger than any that is taken: its letter is cut, which its hash tells.
        records = [Record(letter.value[: topics.MAX_MESSAGE_BYTES], headers=letter.headers) for letter in letters]
        await self.member.publish(topics.dead_letters(self.settings.topic_prefix), records)
        await self._write(dead_letters.table(letters))
        self.metrics.dead_lettered(letters)

    async def _store_canaries(self, canaries: Sequence[ScoredEvent]) -> None:
        if not canaries:
            return
        await self._write(canary.table(canaries, self.settings.group_instance_id))
        sent = max(item.scored.interaction.time for item in canaries)
        self.metrics.canary_delay.set(time.time() - sent / 1e6)

    async def reach_store(self) -> None:
        """Asks the store until it answers. Raises ConfigurationError where it never will."""
        while not self.progress.store_answers:
            try:
                await self._on(self._storing, self.sink.ping)
                self.progress.store_attempt(None)
            except TransientError as error:
                self.progress.store_attempt(str(error))
                await asyncio.sleep(STORE_PAUSE_S)

    def _on_store_attempt(self, failure: str | None) -> None:
        self.progress.store_attempt(failure)
        if failure is not None:
            self.metrics.insert_retries.labels(failure).inc()

    async def _record_replays(self, messages: Sequence[tuple[Message, int]], died: Sequence[DeadLetter]) -> None:
        await self._write(replay.table(messages, died))

    async def _store_signals(self, new_signals: Sequence[Signal]) -> None:
        await self._write(signals.table(new_signals))

    async def _write(self, table: Table) -> None:
        """Rows of our own making into ClickHouse, which must take every one."""
        if not table.rows:
            return
        if refused := await self._on(self._storing, self.sink.write, table):
            raise FatalError(f"ClickHouse refuses {len(refused)} rows of {table.name}: {refused[0].reason}")

    async def _publish_signals(self, new_signals: Sequence[Signal]) -> None:
        topic = topics.signals(self.settings.topic_prefix)
        await self.member.publish(
            topic, [Record(encode(signal, self.registry), signal.app.encode()) for signal in new_signals]
        )

    async def _reject_findings(self, message: Any, error: PoisonError) -> None:
        (converted,) = await self._messages([message])
        await self.write_dead_letters([converted.dead_letter(error)])

    def _limits(self) -> tuple[int, int]:
        """Events and bytes of the next batch. By bytes, because what scoring takes goes by the length of the text."""
        if not self._seconds_per_byte:
            return FIRST_BATCH
        in_time = int(self.settings.batch_seconds / self._seconds_per_byte)
        return self.settings.batch_size, min(self.settings.batch_bytes, in_time)

    async def _record_gaps(self, messages: Sequence[Message]) -> None:
        for partition in self.gaps.unknown({(message.topic, message.partition) for message in messages}):
            self.gaps.expect(partition, self.member.committed(partition))
        gaps = self.gaps.find(messages)
        if not gaps:
            return
        log.error("%d gaps in the offsets: messages were deleted before they were read; see v_offset_gaps", len(gaps))
        await self._write(offset_gaps.table(gaps))
        self.metrics.offset_gaps.inc(len(gaps))
        for gap in gaps:
            self.member.skip((gap.message.topic, gap.message.partition), gap.message.offset)

    def close(self) -> None:
        """Ends the threads and closes the sink's client. Nothing may be in flight."""
        self._scoring.shutdown()
        self._monitoring.shutdown()
        self._storing.submit(self.sink.close)
        self._storing.shutdown()

    async def _messages(self, messages: Sequence[Any]) -> list[Message]:
        """The member's messages as ours, with the topic's id."""
        for topic in {message.topic for message in messages} - self._topic_ids.keys():
            self._topic_ids[topic] = await self._on(self._storing, admin.topic_id, self.settings, topic)
        return [
            Message(
                message.topic,
                self._topic_ids[message.topic],
                message.partition,
                message.offset,
                kafka_time(message.timestamp),
                message.value or b"",
                dead_letters.sent_back(message),
            )
            for message in messages
        ]

    @staticmethod
    async def _on(executor: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)


def _finding_records(stored: Sequence[ScoredEvent], registry: Registry | None) -> list[Record]:
    return [
        Record(data, state_key(batch))
        for batch in publish.finding_batches(stored)
        for data in publish.encode_within(batch, topics.MAX_RECORD_BYTES, registry)
    ]


def _unpack(messages: Sequence[Message], registry: Registry | None) -> list[DecodedMessage]:
    return [decode.unpack(message, registry) for message in messages]
