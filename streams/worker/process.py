"""One worker process: starts and migrates an embedded store, serves health, runs the Faust app until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
from typing import Any

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.embedded import store
from watchline.streams.health.progress import follow_ends, watch
from watchline.streams.kafka import admin, schema_registry
from watchline.streams.security import own_folder
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)


def prepare(settings: Settings) -> None:
    """Creates what is missing: topics, database, tables, views. Safe to run again.

    Raises TransientError where Kafka or ClickHouse is away, FatalError where one of them refuses.
    """
    admin.create(settings)
    client = connect(settings, database="")
    try:
        migrate(client, settings.clickhouse_database)
    finally:
        client.close()


def run(settings: Settings) -> int:
    """Runs until SIGTERM or SIGINT, then drains; returns the exit code.

    Raises what kept it from starting. An error while running ends the process with code 1 and nothing is
    acknowledged that isn't stored: whoever restarts it goes on from there.
    """
    configure_logging(settings)
    if not settings.embedded_store:
        _require_topics(settings)
        _require_login(settings)
        return _run(settings)
    # First of all: a second worker on the same folder ends here, before it touches anything.
    with store.own(settings):
        prepare(settings)
        return _run(settings)


def _run(settings: Settings) -> int:
    registry = schema_registry.connect(
        settings.schema_registry, settings.topic_prefix, timeout_s=settings.store_timeout_s
    )
    if registry is not None:
        registry.require()
    settings.policy()  # one that can't be read ends it before anything is read
    # Imported late: aiokafka takes a second, and what is above fails sooner without it.
    from watchline.streams.health import canary, page
    from watchline.streams.worker.faust_app import GroupMember
    from watchline.streams.worker.monitors import Monitors
    from watchline.streams.worker.pipeline import Pipeline
    from watchline.streams.worker.rules_watch import RulesWatch
    from watchline.streams.worker.severe_alerts import SevereAlerts
    from watchline.streams.worker.static_member import StaticMember

    member = GroupMember(settings, settings.group_id)
    name = StaticMember(settings, settings.group_id)
    member.on_assignment(lambda partitions: name.joined(), lambda: None)
    member.on_unknown(name.lost)
    member.task(name.run)
    pipeline = Pipeline(settings, member, registry)
    pipeline.read()
    if settings.canary_interval_s:
        member.task(lambda: canary.send(member, settings, registry))
    rules = RulesWatch(settings)
    if settings.heartbeat_url.get_secret_value():
        from watchline.streams.worker.heartbeat import Heartbeat

        heartbeat = Heartbeat(settings, pipeline.progress, pipeline.metrics, member.assignment, rules.unwell)
        member.task(heartbeat.run)
    if registry is not None:
        registry.failed = pipeline.progress.registry_failed
        registry.stopping = lambda: member.stopping
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitors = Monitors(pipeline.metrics)
    runners: list[Any] = []

    async def serve() -> None:
        try:
            runner, port = await page.serve(
                member, pipeline.progress, pipeline.metrics, monitors, settings.http_host, settings.http_port
            )
            runners.append(runner)
            address = f"http://{settings.http_host}:{port}"
            log.info("health and metrics: %s/livez, /readyz, /metrics", address)
            state = {
                "pid": os.getpid(),
                "health": f"{address}/livez",
                "ready": f"{address}/readyz",
                "metrics": f"{address}/metrics",
            }
            own_folder.make(settings.data_dir)
            partial = settings.state_file.with_suffix(".partial")
            partial.unlink(missing_ok=True)  # it may be a link
            with partial.open("x", encoding="utf-8") as file:
                file.write(json.dumps(state))
            partial.replace(settings.state_file)
        except ConfigurationError as error:
            log.error("the pages' addresses are not written down: %s", error)
        except OSError as error:
            log.error("no page with health and metrics (WATCHLINE_HTTP_HOST, _PORT; %s): scoring goes on", error)

    # Before the member starts: who asks sees that the worker isn't ready yet.
    loop.run_until_complete(serve())
    progress = pipeline.progress
    tasks = (
        watch(lambda: member.consumer_state(progress.ends), progress, pipeline.scorers.show_stacks),
        follow_ends(progress, admin.Ends(settings)),
        pipeline.reach_store(),
        pipeline.store_watch.run(),
    )
    collect_seldom()
    with contextlib.closing(rules), contextlib.ExitStack() as children:
        children.enter_context(monitors)
        if settings.webhook_url.get_secret_value():
            children.enter_context(SevereAlerts(pipeline.metrics, progress))
        try:
            return member.run(loop, tasks, log_level=settings.log_level)
        finally:
            pipeline.close()


def _require_topics(settings: Settings) -> None:
    if missing := admin.missing(settings):
        raise FatalError(f"topics are missing: {', '.join(missing)}; run `watchline migrate` first")


def _require_login(settings: Settings) -> None:
    """Raises ConfigurationError where the store refuses the login; one that is away may come back."""
    try:
        connect(settings).close()
    except TransientError as error:
        log.warning("%s; events wait until it answers", error)


def collect_seldom() -> None:
    """Has the garbage collector look seldom at what is new, and never again at what is there: each saves a tenth."""
    gc.freeze()  # modules and weights stay until the end
    gc.set_threshold(50_000, 20, 20)


def configure_logging(settings: Settings) -> None:
    """Log lines to the standard error, from the level that is set; of libraries, warnings only."""
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    for chatty in ("aiokafka", "faust", "mode", "httpx", "httpx2", "transformers"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
