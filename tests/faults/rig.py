"""What a fault is tried on: workers with a no-op detector, a ClickHouse server, a load, and what became of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition

from tests.clickhouse_server import ClickHouseServer
from tests.end_to_end.workers import Worker
from tests.faults import ledger, noop_worker
from tests.faults.ledger import Outcome
from tests.faults.load import SIZE, Load, reports
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.kafka import admin, topics

ARRIVAL_S = 150.0


@dataclass
class Rig:
    """Workers with a no-op detector on topics and a database of their own, and a load that is counted."""

    broker: str
    server: ClickHouseServer
    folder: Path
    settings: dict[str, str]
    name: str = field(default_factory=lambda: f"t{uuid4().hex[:12]}")
    workers: list[Worker] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    client: Any = None

    def prepare(self) -> Rig:
        """Topics and tables, and a count of what is inserted. Workers see to an embedded store themselves."""
        settings = self.worker("none").settings
        admin.create(settings)
        if not settings.embedded_store:
            self.client = connect(settings, database="")
            migrate(self.client, settings.clickhouse_database)
            ledger.count_inserted(self.client)
        return self

    def worker(self, name: str = "w1", **settings: str) -> Worker:
        """One that isn't started yet; `test_*` are what `noop_worker` reads."""
        wanted = {
            "topic_partitions": "1",
            "group_instance_id": name,
            "clickhouse_url": self.server.url,
            "clickhouse_database": self.name,
            **noop_worker.SETTINGS,
            **self.settings,
            **settings,
        }
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        names = {f"WATCHLINE_{key.upper()}": value for key, value in wanted.items()}
        asked = {key: names.pop(key) for key in list(names) if key.startswith("WATCHLINE_TEST_")}
        made = Worker(self.broker, self.name + ".", folder, names, module="tests.faults.noop_worker")
        made.environment |= asked
        self.workers.append(made)
        return made

    @property
    def topic(self) -> str:
        """The raw topic."""
        return topics.interactions(self.name + ".")

    def load(self, *, rate: float = 2000, **options: Any) -> Load:
        """Starts sending."""
        partitions = self.workers[0].settings.topic_partitions
        file = self.folder / f"reports-{len(self.loads)}"
        first = len(self.loads) << 24  # numbers of its own
        self.loads.append(Load(self.broker, self.topic, partitions, file, rate=rate, first=first, **options))
        return self.loads[-1]

    def send(self, messages: int, size: int = SIZE, **options: Any) -> None:
        """So many envelopes, all acknowledged when it returns."""
        self.load(rate=1e9, events=messages * size, size=size, **options).join()

    def outcome(self) -> Outcome:
        """What is stored now, against all that was acknowledged."""
        accepted = ledger.places(report for load in self.loads for report in reports(load.file))
        return ledger.compare(self.client, accepted, [noop_worker.DETECTOR])

    def settled(self, timeout_s: float = ARRIVAL_S) -> Outcome:
        """The outcome once nothing is missing any more; fails with what is missing after so long."""
        deadline = time.monotonic() + timeout_s
        wanted = sum(load.accepted() for load in self.loads)
        # Looked at cheaply until it may be all.
        while self.client.query("SELECT uniqExact(event_id) FROM interactions").result_rows[0][0] < wanted:
            if time.monotonic() > deadline:
                break
            for worker in self.workers:
                worker.check()
            time.sleep(0.2)
        outcome = self.outcome()
        assert outcome.exact, repr(outcome)
        return outcome

    def committed(self) -> dict[int, int]:
        """The group's offset in each partition of the raw topic; 0 where there is none."""
        consumer = Consumer({"bootstrap.servers": self.broker, "group.id": self.name + ".workers", "log_level": 0})
        asked = [TopicPartition(self.topic, number) for number in range(self.workers[0].settings.topic_partitions)]
        offsets = {each.partition: max(each.offset, 0) for each in consumer.committed(asked, timeout=10)}
        consumer.close()
        return offsets

    def end(self) -> None:
        """Ends every process."""
        for each in (*self.loads, *self.workers):
            each.end()
        if self.client is not None:
            self.client.close()
