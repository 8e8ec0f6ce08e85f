"""A process as a member of its Kafka group: reads, acknowledges, publishes. The one file that knows Faust.

The pattern is the only one that loses nothing when a worker dies: `stream.noack()` and `noack_take`, work off the event
loop, every write awaited, acknowledgements last and in order, and an exception that ends the process.
`take` and `take_events` acknowledge a batch whose handler raised (faust-streaming issues 189, 315 and 527).
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import aiokafka.client
import faust
from aiokafka.protocol.metadata import MetadataRequest
from faust import SASLCredentials, SSLCredentials
from faust.exceptions import ConsumerNotStarted
from faust.tables import TableManager
from faust.types import TP
from mode.utils.queues import ThrowableQueue

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.health.progress import ConsumerState, Partition
from watchline.streams.kafka import topics
from watchline.streams.messages import Record, kafka_time
from watchline.streams.security.kafka_login import Security
from watchline.streams.settings import Settings
from watchline.streams.worker import hang_watch, record_batches

log = logging.getLogger(__name__)
END_S = 30.0  # what a process takes to end after a failure, at most
WATCH_S = 1.0
METADATA_MAX_AGE_MS = 20_000  # by then partitions that were added are read
# A broker makes a topic that is only asked about, with its own settings: aiokafka has no setting against it.
aiokafka.client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)
record_batches.install()


class FaustMessages:
    """Messages that were read together; they are acknowledged by hand, in their order.

    Attributes
    ----------
    messages : sequence
        Faust's messages: `topic`, `partition`, `offset`, `timestamp` in seconds, `value`, `headers`.
    """

    def __init__(self, stream: Any, events: Sequence[Any]) -> None:
        self.messages = [event.message for event in events]
        self._stream = stream
        self._open = deque(events)

    async def acknowledge(self, count: int) -> None:
        """The next `count` messages are safe: they needn't be read again."""
        for _ in range(count):
            await self._stream.ack(self._open.popleft())

    def set_aside(self) -> None:
        """Those not acknowledged yet may wait: neither a rebalance nor a stop nor the watch over stalls minds them."""
        unacked = self._stream.app.consumer.unacked  # what Faust waits for; it goes by other books for its commits
        for event in self._open:
            unacked.discard(event.message)


class GroupMember:
    """A member of a consumer group, with a producer. Everything here but `stop` runs in the event loop.

    Parameters
    ----------
    settings
        Brokers, login, name in the group, bounds of what is read ahead.
    group
        The consumer group.
    """

    def __init__(self, settings: Settings, group: str) -> None:
        self._app = _app(settings, group)
        self._worker: faust.Worker | None = None
        self._app.on_before_shutdown.connect(self._leave)

    @property
    def stopping(self) -> bool:
        """Whether the process was told to stop, or has failed."""
        return bool(self._app.should_stop)

    def read(
        self, topic: str, handle: Callable[[FaustMessages], Awaitable[None]], *, max_messages: int, linger_s: float
    ) -> None:
        """Reads a topic: `handle` gets what has come, up to `max_messages` or after `linger_s`.

        What it raises ends the process, and what it hasn't acknowledged comes again.
        """

        async def agent(stream: Any) -> None:
            stream = stream.noack()
            async for events in stream.noack_take(max_messages, within=linger_s):
                await handle(FaustMessages(stream, events))

        self._app.agent(self._topic(topic), name=topic)(agent)

    def on_assignment(self, assigned: Callable[[set[Partition]], None], revoked: Callable[[], None]) -> None:
        """Tells of the partitions that this worker gets, all of them each time; nothing is in flight then."""

        async def on_assigned(app: Any, partitions: Any, **_: Any) -> None:
            assigned({(partition.topic, partition.partition) for partition in partitions})

        async def on_revoked(app: Any, partitions: Any, **_: Any) -> None:
            revoked()

        self._app.on_partitions_assigned.connect(on_assigned)
        self._app.on_partitions_revoked.connect(on_revoked)

    def on_unknown(self, unknown: Callable[[], None]) -> None:
        """Calls, in a thread, when Kafka no longer knows this member that had joined, before it joins again."""
        watched: list[Any] = []

        async def watch(app: Any, partitions: Any, **_: Any) -> None:
            coordinator = app.consumer._thread._consumer._coordinator  # noqa: SLF001 - aiokafka has no hook for it
            if coordinator not in watched:
                watched.append(coordinator)
                coordinator._do_rejoin_group = _asking_first(coordinator, unknown)  # noqa: SLF001

        self._app.on_partitions_assigned.connect(watch)

    def task(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs beside the reading, from when the group is joined until the worker stops."""
        self._app.task(run)

    async def publish(self, topic: str, records: Iterable[Record]) -> int:
        """Sends records; when the brokers have all, returns the earliest of Kafka's times of them, in microseconds."""
        to = self._topic(topic)
        sent = [
            await to.send(key=record.key, value=record.value, partition=record.partition, headers=record.headers)
            for record in records
        ]
        return min(
            (kafka_time((metadata.timestamp or 0) / 1000) for metadata in await asyncio.gather(*sent)), default=0
        )

    def assignment(self) -> set[Partition]:
        """The partitions that this worker has; none before the group is joined."""
        try:
            return {(partition.topic, partition.partition) for partition in self._app.consumer.assignment()}
        except ConsumerNotStarted:
            return set()

    def committed(self, partition: Partition) -> int | None:
        """The offset up to which the group has acknowledged a partition; None where it never has."""
        offset: int | None = self._committed.get(TP(*partition))
        return offset

    async def skip(self, partition: Partition, offset: int) -> None:
        """Takes what lies before an offset, and is gone, for acknowledged; all that came must be acknowledged by then.

        Faust commits nothing past a gap at the head (faust-streaming 606), so the lag would grow for ever.
        """
        consumer = self._app.consumer
        while consumer._commit_fut is not None:  # noqa: SLF001 - a commit that ends later would set it back
            await consumer.maybe_wait_for_commit_to_finish()
        self._committed[TP(*partition)] = offset

    async def begin_anew(self, partition: Partition) -> None:
        """Takes all of a partition for unread. The process must end then: what it has read ahead is of later offsets.

        Raises TransientError where Kafka doesn't take it.
        """
        if not await self._app.consumer._thread.commit({TP(*partition): 0}):  # noqa: SLF001 - `commit` goes forward only
            raise TransientError(f"the group's offset of {partition[0]}[{partition[1]}] can't be set")

    def consumer_state(self, ends: Mapping[Partition, int]) -> ConsumerState:
        """How far this worker has read; empty before the group is joined.

        `ends`: of the partitions, since Faust knows the end of what it fetches only.
        """
        consumer = self._app.consumer
        assigned = [TP(*partition) for partition in self.assignment()]
        if not assigned:
            return ConsumerState()
        committed = self._committed
        held, held_bytes, unread = Counter[str](), Counter[str](), Counter[str]()
        for message in list(consumer.unacked):
            held[message.topic] += 1
            held_bytes[message.topic] += len(message.value or b"")
        for tp in assigned:
            unread[tp.topic] += _unread(consumer, tp)
        return ConsumerState(
            committed={(tp.topic, tp.partition): committed.get(tp) for tp in assigned},
            lag={
                (tp.topic, tp.partition): max(
                    0,
                    max(consumer.highwater(tp) or 0, ends.get((tp.topic, tp.partition), 0)) - (committed.get(tp) or 0),
                )
                for tp in assigned
            },
            held=held,
            held_bytes=held_bytes,
            unread=unread,
        )

    def run(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: Iterable[Coroutine[Any, Any, None]],
        *,
        log_level: str,
        with_signals: bool = True,
    ) -> int:
        """Runs until `stop`, or SIGTERM or SIGINT, or until something fails; returns the exit code.

        Without `with_signals` it leaves the signals as they are.
        """
        worker = self._worker = faust.Worker(
            self._app, loop=loop, loglevel=log_level, quiet=True, redirect_stdouts=False, override_logging=False
        )
        if not with_signals:
            worker.install_signal_handlers = lambda: None
        for task in (*tasks, self._watch_client(), hang_watch.watch()):
            worker.add_future(task)
        try:
            worker.execute_from_commandline()
        except SystemExit as stop:
            return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        return 0

    def stop(self) -> None:
        """Ends `run`, as SIGTERM does. May be called by any thread."""
        if self._worker is not None:
            asyncio.run_coroutine_threadsafe(self._worker.stop(), self._worker.loop)

    async def _watch_client(self) -> None:
        """Raises FatalError where a task of the Kafka client has failed: the client logs it, and stands still."""
        while True:
            for task in self._client_tasks():
                if task is not None and task.done() and not task.cancelled() and (error := task.exception()):
                    raise FatalError(f"a task of the Kafka client has failed: {error}") from error
            await asyncio.sleep(WATCH_S)

    def _client_tasks(self) -> Iterator[asyncio.Task[None] | None]:
        # Neither Faust nor aiokafka has public names for them; there are none before both have started.
        consumer = getattr(getattr(self._app._consumer, "_thread", None), "_consumer", None)  # noqa: SLF001
        if consumer is not None and consumer._fetcher is not None:  # noqa: SLF001
            yield consumer._fetcher._fetch_task  # noqa: SLF001
            yield consumer._client._sync_task  # noqa: SLF001
        if (producer := getattr(self._app._producer, "_producer", None)) is not None:  # noqa: SLF001
            yield producer.client._sync_task  # noqa: SLF001

    @property
    def _committed(self) -> dict[TP, int]:
        committed: dict[TP, int] = self._app.consumer._committed_offset  # noqa: SLF001 - Faust has no public name for it
        return committed

    def _topic(self, name: str) -> Any:
        return self._app.topic(name, key_serializer="raw", value_serializer="raw")

    async def _leave(self, app: Any, **_: Any) -> None:
        # A member with a name of its own doesn't leave, since it may come back. After SIGTERM others are to take its
        # partitions now, and not when its session times out; a worker that crashed is restarted, and waited for.
        consumer = app.consumer._thread._consumer  # noqa: SLF001 - neither Faust nor aiokafka has a setting for it
        if consumer is not None and not app.crashed:
            consumer._coordinator._group_instance_id = None  # noqa: SLF001


def _asking_first(coordinator: Any, unknown: Callable[[], None]) -> Callable[[Any], Awaitable[bool]]:
    """A join of aiokafka's coordinator that calls `unknown` before the first try after the member id was lost.

    Not before a later try: Kafka may have taken an earlier one whose answer didn't come.
    """
    join = coordinator._do_rejoin_group  # noqa: SLF001
    known = coordinator.member_id

    async def join_again(subscription: Any) -> bool:
        nonlocal known
        if known and not coordinator.member_id:
            known = ""
            await asyncio.get_running_loop().run_in_executor(None, unknown)
        joined: bool = await join(subscription)
        known = coordinator.member_id if joined else known
        return joined

    return join_again


def _app(settings: Settings, group: str) -> _App:
    return _App(
        group,
        read_ahead_bytes=settings.buffer_bytes,
        broker=f"kafka://{settings.bootstrap_servers.replace(',', ';')}",
        broker_credentials=_credentials(settings.kafka_security),
        key_serializer="raw",
        value_serializer="raw",
        agent_supervisor="mode.CrashingSupervisor",
        processing_guarantee="at_least_once",
        store="memory://",
        datadir=str(settings.data_dir.absolute() / "faust"),
        stream_wait_empty=True,
        stream_buffer_maxsize=settings.buffer_messages,
        stream_processing_timeout=300.0,
        broker_commit_interval=1.0,
        broker_commit_every=10_000,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=min(3.0, settings.session_timeout_s / 3),
        broker_rebalance_timeout=settings.rebalance_timeout_s,
        broker_request_timeout=max(90.0, settings.session_timeout_s + 30),
        consumer_group_instance_id=settings.group_instance_id,
        consumer_auto_offset_reset="earliest",
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        producer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        consumer_max_fetch_size=2 * topics.MAX_MESSAGE_BYTES,
        TableManager=NoTables,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        producer_acks=-1,
        producer_linger=0.005,
        producer_compression_type="lz4",
        producer_max_request_size=8 * topics.MAX_MESSAGE_BYTES,
        web_enabled=False,
        web_router_enabled=False,
        web_tables_enabled=False,
    )


def _credentials(security: Security) -> Any:
    """Login and TLS as Faust takes them; None for PLAINTEXT."""
    if security.with_sasl:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            mechanism=security.sasl_mechanism,
            ssl_context=security.context(),
        )
    return SSLCredentials(security.context()) if security.with_tls else None


class NoTables(TableManager):  # type: ignore[misc]
    """Faust waits a second at each start for tables to be registered. There are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class ReadAhead(ThrowableQueue):  # type: ignore[misc]
    """An agent's queue of Faust events. Its partitions are paused while it is nearly full, and resumed later.

    Parameters
    ----------
    max_bytes : int
        Bytes of message values at which it is as full as with `maxsize` messages. What was fetched by then still comes
        in, up to the fetch size of each partition.
    """

    def __init__(self, maxsize: int, max_bytes: int, **named: Any) -> None:
        super().__init__(maxsize, **named)
        self._max_bytes = max_bytes
        self.bytes = 0

    def qsize(self) -> int:
        """How full it is, in messages: their number, or the share of the bytes that they take where that is more."""
        by_bytes: int = self.bytes * self.maxsize // self._max_bytes
        return max(len(self._queue), by_bytes)

    def clear(self) -> None:
        """Drops everything, as at a rebalance."""
        super().clear()
        self.bytes = 0

    def _put(self, item: Any) -> None:
        self.bytes += len(item.message.value or b"")
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= len(item.message.value or b"")
        return item


class _App(faust.App):  # type: ignore[misc]
    """A Faust app whose agents read ahead at most so many bytes each."""

    def __init__(self, name: str, *, read_ahead_bytes: int, **options: Any) -> None:
        super().__init__(name, **options)
        self._read_ahead_bytes = read_ahead_bytes
        self._end: threading.Timer | None = None

    def _crash(self, reason: BaseException) -> None:
        """Faust tells it of whatever has failed. It may wait for ever for what can't come any more as it ends."""
        if self._end is None:
            self._end = threading.Timer(END_S, _end_at_once)
            self._end.daemon = True
            self._end.start()
        super()._crash(reason)

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> ReadAhead:  # noqa: N802
        """Faust's name for what makes an agent's queue."""
        return ReadAhead(
            maxsize or self.conf.stream_buffer_maxsize,
            self._read_ahead_bytes,
            flow_control=self.flow_control,
            clear_on_resume=clear_on_resume,
        )


def _end_at_once() -> None:
    log.critical(
        "the process has failed, and has not ended in %.0f s: it exits now, to be restarted; all stacks:", END_S
    )
    faulthandler.dump_traceback(all_threads=True)
    os._exit(1)  # what isn't acknowledged comes again


def _unread(consumer: Any, partition: Any) -> int:
    """Messages of a partition that wait in Kafka, as far as the consumer knows."""
    subscription = consumer._thread._consumer._subscription.subscription  # noqa: SLF001 - `position` must be awaited
    state = subscription.assignment.state_value(partition) if subscription and subscription.assignment else None
    if state is None or not state.has_valid_position:
        return 0
    return max(0, (state.highwater or 0) - int(state.position))
