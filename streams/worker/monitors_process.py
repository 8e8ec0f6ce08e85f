"""The monitors process: findings in, signals and watermarks stored and published, in a consumer group of its own.

`python -m watchline.streams.worker.monitors_process` is what a worker starts, with its own environment. What fails
here ends this process alone: the worker goes on scoring and starts it again. It goes on from what it has acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from watchline.schemas.codec import Registry, encode
from watchline.schemas.errors import PoisonError, WatchlineError
from watchline.schemas.records import Signal
from watchline.streams import child, dead_letters
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.health.progress import Progress, follow_ends, watch
from watchline.streams.kafka import admin, first_offsets, schema_registry, topics
from watchline.streams.messages import Message, Record
from watchline.streams.monitor import signals, watermarks
from watchline.streams.monitor.agent import Monitoring
from watchline.streams.monitor.state_topic import StateTopic
from watchline.streams.settings import Settings, load
from watchline.streams.worker.faust_app import GroupMember
from watchline.streams.worker.process import configure_logging
from watchline.streams.worker.stages.store import write_all

LINGER_S = 1.0  # each batch saves the state of each prompt in it; Faust leaves a longer wait too late
TELL_S = 1.0


class Writes:
    """Where the monitors' results go: rows into ClickHouse, records into Kafka. Each returns when they are safe.

    Parameters
    ----------
    settings : Settings
    member : GroupMember
    metrics : MonitorMetrics
    progress : Progress
        Is told how the store answers.
    registry : Registry or None
        Whose framing the records get.
    """

    def __init__(
        self,
        settings: Settings,
        member: GroupMember,
        metrics: MonitorMetrics,
        progress: Progress,
        registry: Registry | None,
    ) -> None:
        self._settings = settings
        self._member = member
        self._metrics = metrics
        self._progress = progress
        self._registry = registry
        self._findings = topics.findings(settings.topic_prefix)
        self._sink = Sink(lambda: connect(settings), settings.store_timeout_s, on_attempt=self._on_store_attempt)
        self._sink.stopping = lambda: member.stopping
        self._storing = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def store(self, new_signals: Sequence[Signal]) -> None:
        """Signals as rows."""
        await self._write(signals.table(new_signals))

    async def publish(self, new_signals: Sequence[Signal]) -> None:
        """Signals as records."""
        records = [Record(encode(signal, self._registry), signal.app.encode()) for signal in new_signals]
        await self._member.publish(topics.signals(self._settings.topic_prefix), records)
        for signal in new_signals:
            self._metrics.signals.labels(signal.kind).inc()

    async def store_watermarks(self, moved: Mapping[int, int]) -> None:
        """Watermarks as rows."""
        await self._write(watermarks.table(self._findings, moved))

    async def reject(self, message: Any, error: PoisonError) -> None:
        """A message that is no finding batch, as a dead letter."""
        topic_id = await asyncio.to_thread(admin.topic_id, self._settings, message.topic)
        letter = Message.of(message, topic_id or message.topic).dead_letter(error)
        await self._member.publish(topics.dead_letters(self._settings.topic_prefix), [Record.of_letter(letter)])
        await self._write(dead_letters.table([letter]))
        self._metrics.dead_letters.inc()

    def close(self) -> None:
        """Closes the client and ends the thread."""
        self._storing.submit(self._sink.close)
        self._storing.shutdown()

    async def _write(self, table: Table) -> None:
        await asyncio.get_running_loop().run_in_executor(self._storing, write_all, table, self._sink.write)

    def _on_store_attempt(self, failure: str | None) -> None:
        self._progress.store_attempt(failure)
        if failure is not None:
            self._metrics.insert_retries.labels(failure).inc()


def main() -> int:
    """Runs until its parent ends it, or something fails. Returns the exit code."""
    child.end_with_parent()
    try:
        settings = load()
        configure_logging(settings)
        registry = schema_registry.connect(
            settings.schema_registry, settings.topic_prefix, timeout_s=settings.store_timeout_s
        )
        if registry is not None:
            registry.require()
        findings, group = topics.findings(settings.topic_prefix), topics.findings.group(settings.group_id)
        first_offsets.take_over(settings, findings, group, settings.group_id)
    except WatchlineError as error:
        return child.refuse(str(error))
    metrics, progress = MonitorMetrics(), Progress(settings.store_timeout_s)
    member = GroupMember(settings, group)
    if registry is not None:
        registry.failed = progress.registry_failed
        registry.stopping = lambda: member.stopping
    writes = Writes(settings, member, metrics, progress, registry)
    executor = ThreadPoolExecutor(1, thread_name_prefix="monitor")
    monitoring = Monitoring(
        states=StateTopic(settings, member.publish, executor),
        store=writes.store,
        publish=writes.publish,
        store_watermarks=writes.store_watermarks,
        reject=writes.reject,
        executor=executor,
        metrics=metrics,
        registry=registry,
        false_pages=settings.false_pages_a_month,
    )
    member.read(findings, monitoring.run, max_messages=settings.buffer_messages, linger_s=LINGER_S)
    # Nothing is in flight then; a state that another process may have changed meanwhile is loaded again.
    member.on_assignment(lambda partitions: monitoring.forget(), lambda: None)
    child.when_stopped(member.stop)
    parent = child.ready()
    tasks = (
        watch(lambda: member.consumer_state(progress.ends), progress),
        follow_ends(progress, admin.Ends(settings)),
        tell(parent, member, metrics, progress),
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        return member.run(loop, tasks, log_level=settings.log_level, with_signals=False)
    finally:
        executor.shutdown()
        writes.close()


async def tell(parent: TextIO, member: GroupMember, metrics: MonitorMetrics, progress: Progress) -> None:
    """Tells the worker of lag and metrics each second, until cancelled."""
    while True:
        state = member.consumer_state(progress.ends)
        said = json.dumps({"lag_messages": state.lag_messages, "metrics": metrics.scrape(state)})
        await asyncio.to_thread(child.say, parent, said)
        await asyncio.sleep(TELL_S)


if __name__ == "__main__":
    sys.exit(main())
