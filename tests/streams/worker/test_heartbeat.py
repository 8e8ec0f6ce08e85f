"""When a heartbeat is sent: only while canaries of every partition come back from the store."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.streams.receiving_webhook import Receiver, receiving
from watchline.schemas.migrate import migrate
from watchline.streams.cli.commands import doctor
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.embedded import store
from watchline.streams.health import page
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.ids import uuid7
from watchline.streams.kafka import admin, topics
from watchline.streams.kafka.alert_journal import AlertJournal
from watchline.streams.settings import Settings, load
from watchline.streams.worker.heartbeat import FRESH_S, Heartbeat
from watchline.streams.worker.rules_watch import FORGOTTEN_S, LATE_S, RulesWatch
from watchline.streams.worker.stages.store import write_all

pytestmark = pytest.mark.slow
SECRET = "s3cr3t"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Beating:
    """Heartbeats of a worker that has partition 0, to a receiver, from a store that has a client."""

    def __init__(self, settings: Settings, client: Any, receiver: Receiver) -> None:
        self.settings, self.client, self.receiver = settings, client, receiver
        self.topic = topics.interactions(settings.topic_prefix)
        self.clock, self.metrics = Clock(), Metrics({})
        self.progress = Progress(clock=self.clock)
        self.assigned, self.unwell = {(self.topic, 0)}, ""
        self.heartbeat = Heartbeat(settings, self.progress, self.metrics, lambda: self.assigned, lambda: self.unwell)
        self._offsets = itertools.count()

    def canaries(self, *partitions: int) -> None:
        values = [
            [uuid7(), time.time_ns() // 1000, "w", uuid7(), self.topic, "id", each, next(self._offsets)]
            for each in partitions
        ]
        rows = [Row(row, str(row[0]), row[1]) for row in values]
        write_all(Table.of("canaries", rows), Sink(lambda: self.client, 5, anew=True).write)

    def forget_canaries(self) -> None:
        self.client.command("TRUNCATE TABLE canaries")

    def beat(self) -> int:
        """How many came by it."""
        before = len(self.receiver.requests)
        asyncio.run(self.heartbeat.beat())
        return len(self.receiver.requests) - before

    def outcomes(self) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for family in self.metrics.heartbeats.collect()
            for sample in family.samples
            if sample.name.endswith("_total") and sample.value
        }


@pytest.fixture
def beating(tmp_path: Path, broker: str, topic_prefix: str) -> Iterator[Beating]:
    with receiving() as receiver:
        settings = load(
            data_dir=tmp_path / "d",
            clickhouse_url="chdb://",
            kafka_url=f"kafka://{broker}",
            topic_prefix=topic_prefix,
            topic_partitions=2,
            heartbeat_url=SecretStr(receiver.address(f"/{SECRET}")),
        )
        admin.create(settings)
        with store.own(settings), closing(connect(settings, database="")) as client:
            migrate(client, settings.clickhouse_database)
            client.command(f"USE {settings.clickhouse_database}")
            yield Beating(settings, client, receiver)


def test_one_is_sent_only_while_each_partition_has_a_canary(beating: Beating, caplog: pytest.LogCaptureFixture) -> None:
    assert beating.beat() == 0
    assert beating.progress.troubles == []  # the first canaries may be on their way
    beating.canaries(0, 1)
    assert beating.beat() == 1
    assert beating.progress.troubles == []
    beating.forget_canaries()
    beating.canaries(0)
    assert beating.beat() == 0
    (said,) = beating.progress.troubles
    assert said.startswith("heartbeat: none is sent since 20")
    assert said.endswith(f"no canary of partition 1 of {beating.topic} was read back within 120 s")
    began = beating.metrics.heartbeat_failing._value.get()
    assert began > 1e9
    beating.beat()
    assert beating.progress.troubles == [said]  # since when it has been so
    assert beating.metrics.heartbeat_failing._value.get() == began
    beating.canaries(1)
    assert beating.beat() == 1
    assert (beating.progress.troubles, beating.metrics.heartbeat_failing._value.get()) == ([], 0)
    assert beating.outcomes() == {"sent": 2, "withheld": 2}
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_a_canary_that_never_comes_is_said_after_two_minutes(beating: Beating) -> None:
    beating.beat()
    beating.clock.now += FRESH_S
    beating.beat()
    assert "no canary of partition 0, 1" in beating.progress.troubles[0]


def test_an_address_that_refuses_is_named_by_channel_with_since_when_and_not_by_itself(
    beating: Beating, caplog: pytest.LogCaptureFixture
) -> None:
    beating.canaries(0, 1)
    beating.receiver.status = 500
    assert beating.beat() == 1
    (said,) = beating.progress.troubles
    assert said.startswith("heartbeat: none is sent since 20") and said.endswith("answered 500")
    assert beating.outcomes() == {"failed": 1}
    assert SECRET not in f"{said} {caplog.text} {beating.metrics.scrape(beating.progress).decode()}"


def test_another_workers_turn_and_an_engine_that_failed(beating: Beating) -> None:
    beating.canaries(0, 1)
    beating.assigned = {(beating.topic, 1)}
    assert beating.beat() == 0
    assert beating.outcomes() == {}
    beating.assigned, beating.unwell = {(beating.topic, 0)}, "the last run of the rules failed"
    beating.beat()
    beating.clock.now += FRESH_S
    assert beating.beat() == 0
    assert "the last run of the rules failed" in beating.progress.troubles[0]


def test_an_engine_that_no_longer_evaluates_is_said(beating: Beating) -> None:
    with closing(RulesWatch(beating.settings)) as watch, closing(AlertJournal(beating.settings)) as journal:
        assert watch.unwell() == ""  # none has ever run
        journal.load()
        journal.append({"health/engine": {"at": time.time() - 100}})
        assert watch.unwell() == ""
        journal.append({"rule/r": {"title": "R"}, "health/engine": {"at": time.time() - LATE_S - 1}})
        assert watch.unwell().startswith("no alert rule was evaluated since 20")
        assert watch.unwell() and not RulesWatch(beating.settings.model_copy(update={"alerts": "off"})).unwell()
        journal.append({"health/engine": {"at": time.time() - FORGOTTEN_S - 1}})
        assert watch.unwell() == ""  # somebody chose to evaluate no more
    with closing(RulesWatch(beating.settings.model_copy(update={"topic_prefix": "not-there"}))) as watch:
        assert "can't be read" in watch.unwell()


def test_readyz_and_doctor_say_that_none_is_sent(beating: Beating) -> None:
    class Member:
        stopping = False

        def consumer_state(self, ends: Any) -> Any:
            return beating.progress.consumer_state

    class Monitors:
        state, lag_messages = "running", None

    async def serve() -> list[doctor.Check]:
        runner, port = await page.serve(Member(), beating.progress, beating.metrics, Monitors(), "127.0.0.1", 0)
        beating.settings.state_file.write_text(json.dumps({"ready": f"http://127.0.0.1:{port}/readyz"}))
        found = await asyncio.to_thread(lambda: list(doctor._outside(beating.settings)))
        await runner.cleanup()
        return found

    assert [check.level for check in asyncio.run(serve())] == ["ok"]
    beating.canaries(0, 1)
    beating.receiver.status = 404
    beating.beat()
    (check,) = asyncio.run(serve())
    assert (check.level, check.text) == ("fail", beating.progress.troubles[0])
    assert "WATCHLINE_HEARTBEAT_URL" in check.todo
    beating.settings.state_file.unlink()
    assert [check.level for check in doctor._outside(beating.settings)] == ["warn"]
