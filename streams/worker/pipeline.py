"""What a worker does with messages of the raw topics; each is acknowledged by hand.

Work is done off the event loop and every write is awaited; acknowledgements come last and in order, and an exception
ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeVar

from watchline.schemas.codec import Registry
from watchline.schemas.errors import FatalError, TransientError
from watchline.streams import dead_letters
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import ConsumerState, Partition, Progress
from watchline.streams.kafka import admin, replay, tombstones, topics
from watchline.streams.messages import IncomingMessages, Message, Record
from watchline.streams.settings import Settings
from watchline.streams.throttled_log import ThrottledLog
from watchline.streams.worker import feedback
from watchline.streams.worker.batch import Batch, end_of_batch
from watchline.streams.worker.brake import Brake
from watchline.streams.worker.offset_gaps import Gap, OffsetGaps
from watchline.streams.worker.pace import Pace
from watchline.streams.worker.raw_progress import RawProgressReports
from watchline.streams.worker.runner import Runner, Step
from watchline.streams.worker.scoring.scorers import Scorers
from watchline.streams.worker.stages.acknowledge import Acknowledge
from watchline.streams.worker.stages.publish import Publish
from watchline.streams.worker.stages.stage import LoopStage
from watchline.streams.worker.stages.store import Store, write_all
from watchline.streams.worker.starts import Starts
from watchline.streams.worker.store_watch import StoreWatch
from watchline.streams.worker.topic_watch import TopicWatch

log = logging.getLogger(__name__)
T = TypeVar("T")
STORE_PAUSE_S = 5.0
DEAD_LETTER_LOG_S = 60.0


class Member(Protocol):
    """What the pipeline needs of a member of the workers' group: see `faust_app.GroupMember`."""

    @property
    def stopping(self) -> bool: ...

    def read(
        self, topic: str, handle: Callable[[Any], Awaitable[None]], *, max_messages: int, linger_s: float
    ) -> None: ...

    def on_assignment(self, assigned: Callable[[set[Partition]], None], revoked: Callable[[], None]) -> None: ...

    async def publish(self, topic: str, records: Iterable[Record]) -> int: ...

    def consumer_state(self, ends: Mapping[Partition, int]) -> ConsumerState: ...

    def committed(self, partition: Partition) -> int | None: ...

    async def skip(self, partition: Partition, offset: int) -> None: ...

    async def begin_anew(self, partition: Partition) -> None: ...

    def task(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None: ...


class Pipeline:
    """What a worker holds: scoring processes and sink, the threads that wait for them, and the way to them.

    The event loop also serves Kafka's heartbeats and commits: nothing here may block it.
    """

    def __init__(
        self, settings: Settings, member: Member, registry: Registry | None = None, scorers: Scorers | None = None
    ) -> None:
        self.settings = settings
        self.member = member
        self.progress = Progress(settings.store_timeout_s)
        self.scorers = scorers or Scorers(settings, moved=self.progress.part_done, died=self._on_scorer_death)
        canaries = topics.interactions(settings.topic_prefix) if settings.canary_interval_s else ""
        self.metrics = Metrics(self.scorers.wait(), canaries)
        self.sink = Sink(lambda: connect(settings), settings.store_timeout_s, on_attempt=self._on_store_attempt)
        self.registry = registry
        self.tombstones: tombstones.Tombstones = tombstones.Known(settings)
        self.sink.stopping = lambda: member.stopping
        self.brake = Brake(settings.dead_letter_max_consecutive, settings.dead_letter_max_ratio)
        self._scoring = ThreadPoolExecutor(settings.scorers, thread_name_prefix="score")
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="store")
        self.reports = RawProgressReports(
            topics.interactions(settings.topic_prefix),
            state=member.consumer_state,
            ends=admin.Ends(settings),
            counts=self._partition_counts,
            send=partial(member.publish, topics.findings(settings.topic_prefix)),
            registry=registry,
        )
        self.gaps = OffsetGaps()
        self.starts = Starts(settings, member.publish)
        self.topics = TopicWatch(
            settings, self.progress, self.metrics, lambda: member.stopping, past_end=self._past_end
        )
        self._warnings = ThrottledLog(log, DEAD_LETTER_LOG_S)
        self.store_watch = StoreWatch(settings, self.progress, self.metrics)
        self.runner = Runner(self._steps(), max_bytes=settings.batch_bytes, side_by_side=settings.scorers)
        self._pace = Pace(settings.batch_seconds, settings.batch_bytes // self.runner.max_in_flight)

    def read(self) -> None:
        """Reads the raw topics, from when the member has joined its group."""
        settings, member = self.settings, self.member
        for topic, handle in ((topics.interactions, self.interactions), (topics.feedback, self.feedback)):
            member.read(
                topic(settings.topic_prefix),
                handle,
                max_messages=2 * settings.buffer_messages,
                linger_s=settings.linger_s,
            )
        member.on_assignment(self._assigned, self._revoked)
        member.task(self.runner.watch)
        member.task(self.reports.run)
        member.task(self.topics.run)

    async def interactions(self, incoming: IncomingMessages) -> None:
        """Messages of the raw topic. Returns when their last batch is in flight."""
        messages = await self._messages(incoming.messages)
        await self._begin(messages)
        gaps = self._gaps(messages)
        start = 0
        while start < len(messages):
            end = end_of_batch(messages, start, self._pace.next_bytes)
            part = messages[start:end]
            apart = self.starts.apart(part)
            await self.runner.submit(Batch(part, incoming, [gap for gap in gaps if gap.message in part], apart))
            start = end

    def _steps(self) -> Sequence[Step]:
        """The stages, where they run: see `stages.stage`."""
        store = Store(self.sink.write, self.scorers.letters, self.tombstones)
        publish = Publish(
            partial(self.member.publish, topics.findings(self.settings.topic_prefix)),
            self.write_dead_letters,
            self._write,
            partial(self.member.publish, topics.alerts(self.settings.topic_prefix)),
            self.reports.done,
            self.registry,
        )
        acknowledge = Acknowledge(self.brake, self.member.skip, self.progress, self.metrics)

        async def score(batch: Batch) -> Batch:
            started = time.monotonic()
            scored = await self._on(self._scoring, partial(self.scorers.score, apart=batch.apart), batch.messages)
            self._pace.batch_took(batch.size_bytes, time.monotonic() - started, scored=scored.scored)
            return replace(batch, scored=scored)

        async def stored(batch: Batch) -> Batch:
            with self.metrics.stage(store.name):
                return await self._on(self._storing, store.run, batch)

        return (score, stored, partial(self._in_loop, publish), partial(self._in_loop, acknowledge))

    async def _in_loop(self, stage: LoopStage[Batch], batch: Batch) -> Batch:
        with self.metrics.stage(stage.name):
            return await stage.run(batch)

    async def feedback(self, incoming: IncomingMessages) -> None:
        """Messages of the feedback topic: redacted, then stored."""
        messages = await self._messages(incoming.messages)
        await self._begin(messages)
        rows, dead = await self._on(self._scoring, self.scorers.redact_feedback, messages)
        refused = await self._on(self._storing, feedback.store, rows, self.sink.write, self.tombstones)
        self.metrics.fields_invalid(
            Counter((row.repaired.record.app, field) for row in rows for field in row.repaired.invalid_fields)
        )
        for received in rows:
            self.metrics.replaced(received.replaced)
            if unreadable := received.repaired.record.unreadable:
                self.metrics.fields_unreadable({received.repaired.record.app: len(unreadable)})
        await self.write_dead_letters(dead + refused)
        await self._record_replays([(message, 1) for message in messages], dead + refused)
        self.progress.batch_done(0)
        await incoming.acknowledge(len(messages))

    def _assigned(self, partitions: set[Partition]) -> None:
        self.gaps.forget(partitions)
        self.starts.forget()
        self.progress.joined = True

    def _revoked(self) -> None:
        self.progress.joined = False

    async def write_dead_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters into their topic and table; returns when both have them."""
        if not letters:
            return
        records = [Record.of_letter(letter) for letter in letters]
        await self.member.publish(topics.dead_letters(self.settings.topic_prefix), records)
        await self._write(dead_letters.table(letters))
        self.metrics.dead_lettered(letters)
        for letter in letters:
            app = self.metrics.apps.label(letter.app)
            self._warnings.warn(
                f"{app} {letter.kind}", "dead letter of app %s: %s, %s", app, letter.kind, letter.reason
            )

    async def reach_store(self) -> None:
        """Asks the store until it answers. Raises ConfigurationError where it never will."""
        while not self.progress.store_answers:
            try:
                await self._on(self._storing, self.sink.ping)
                self.progress.store_attempt(None)
            except TransientError as error:
                self.progress.store_attempt(str(error))
                await asyncio.sleep(STORE_PAUSE_S)

    def _on_scorer_death(self, reason: str) -> None:
        self.metrics.scorer_deaths.labels(reason).inc()

    def _on_store_attempt(self, failure: str | None) -> None:
        self.progress.store_attempt(failure)
        if failure is not None:
            self.metrics.insert_retries.labels(failure).inc()

    async def _record_replays(self, messages: Sequence[tuple[Message, int]], died: Sequence[DeadLetter]) -> None:
        await self._write(replay.table(messages, died))

    async def _write(self, table: Table) -> None:
        """Rows of our own making into ClickHouse, which must take every one."""
        if table.rows:  # else it would wait in the storing thread behind the next batch, for nothing
            await self._on(self._storing, write_all, table, self.sink.write)

    def _partition_counts(self) -> tuple[int, int]:
        raw, findings = (topic(self.settings.topic_prefix) for topic in (topics.interactions, topics.findings))
        return len(admin.partitions(self.settings, raw)), len(admin.partitions(self.settings, findings))

    async def _begin(self, messages: Sequence[Message]) -> None:
        """Where reading of a partition begins: nothing before it may be missing, and others may have ended there."""
        begun = {}
        for partition in self.gaps.unknown({(message.topic, message.partition) for message in messages}):
            committed = self.member.committed(partition)
            self.gaps.expect(partition, committed)
            begun[partition] = committed or 0
        if begun:
            ids = {message.topic: message.topic_id for message in messages}
            await self._require_same_topics(begun, ids)
            await self.starts.begin(begun, ids)

    async def _past_end(self, committed: Mapping[Partition, int]) -> None:
        """Faust skips what comes before an offset that is acknowledged: in a new topic, until it is as long."""
        ours = self.member.consumer_state({}).committed
        names = {topic for topic, _ in committed}
        found = {name: await asyncio.to_thread(admin.topic_id, self.settings, name) for name in names}
        ids = {name: topic_id for name, topic_id in found.items() if topic_id is not None}
        await self._require_same_topics(
            {each: committed[each] for each in ours if each in committed and each[0] in ids}, ids
        )

    async def _require_same_topics(self, committed: Mapping[Partition, int], ids: Mapping[str, str]) -> None:
        deleted = await self.starts.of_another_topic(committed, ids)
        if not deleted:
            return
        for partition in deleted:
            await self.member.begin_anew(partition)
        raise FatalError(
            f"the acknowledged offsets of {', '.join(f'{topic}[{number}]' for topic, number in deleted)} were of a "
            "topic of that name that was deleted; the worker ends, and reads the new one from its first message "
            "when it is started again"
        )

    def _gaps(self, messages: Sequence[Message]) -> list[Gap]:
        gaps = self.gaps.find(messages)
        if gaps:
            log.error("%d gaps in the offsets: messages were gone before they were read; see v_offset_gaps", len(gaps))
        return gaps

    def close(self) -> None:
        """Ends the threads and closes the sink's client. Nothing may be in flight."""
        self._scoring.shutdown()
        self.scorers.end()
        self._storing.submit(self.sink.close)
        self._storing.shutdown()

    async def _messages(self, messages: Sequence[Any]) -> list[Message]:
        """The member's messages as ours, with the topic's id."""
        ids = await self.topics.ids(messages)
        return [Message.of(message, ids[message.topic]) for message in messages]

    @staticmethod
    async def _on(executor: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)
