"""The Faust app: one consumer, the pipeline's agents, and what happens when partitions come and go."""

from __future__ import annotations

from typing import Any

from faust.tables import TableManager

from watchline.schemas.codec import Registry
from watchline.streams.health import canary
from watchline.streams.kafka import topics
from watchline.streams.settings import Settings
from watchline.streams.worker.flow_control import App
from watchline.streams.worker.pipeline import Pipeline


def create_app(settings: Settings, registry: Registry | None = None) -> tuple[App, Pipeline]:
    """The app with its agents, and the pipeline behind them. Loads the detectors' models.

    `registry` knows the ids of our schemas by now: the event loop asks for them.
    """
    app = App(
        settings.group_id,
        read_ahead_bytes=settings.buffer_bytes,
        broker=f"kafka://{settings.bootstrap_servers.replace(',', ';')}",
        broker_credentials=settings.kafka_security.credentials(),
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
    pipeline = Pipeline(settings, app, registry)
    for topic, agent in (
        (topics.interactions(settings.topic_prefix), pipeline.interactions),
        (topics.feedback(settings.topic_prefix), pipeline.feedback),
        (topics.findings(settings.topic_prefix), pipeline.findings),
    ):
        app.agent(app.topic(topic, key_serializer="raw", value_serializer="raw"), name=topic)(agent)

    async def assigned(app: App, assigned: Any, **_: Any) -> None:
        # Nothing is in flight now; a state that another worker may have changed meanwhile is loaded again.
        pipeline.monitoring.revoke({each.partition for each in assigned})
        pipeline.gaps.forget({(each.topic, each.partition) for each in assigned})
        pipeline.progress.joined = True

    async def revoked(app: App, revoked: Any, **_: Any) -> None:
        pipeline.progress.joined = False

    async def drained(app: App, **_: Any) -> None:
        # A member with a name of its own doesn't leave, since it may come back. After SIGTERM others are to take its
        # partitions now, and not when its session times out; a worker that crashed is restarted, and waited for.
        consumer = app.consumer._thread._consumer  # noqa: SLF001 - neither Faust nor aiokafka has a setting for it
        if consumer is not None and not app.crashed:
            consumer._coordinator._group_instance_id = None  # noqa: SLF001

    app.on_partitions_assigned.connect(assigned)
    app.on_partitions_revoked.connect(revoked)
    app.on_before_shutdown.connect(drained)

    async def canaries() -> None:
        await canary.send(app, settings, registry)

    if settings.canary_interval_s:
        app.task(canaries)
    return app, pipeline


class NoTables(TableManager):  # type: ignore[misc]
    """Faust waits a second at each start for tables to be registered. There are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()
