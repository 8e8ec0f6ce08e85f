"""What workers tell the monitors of the raw partitions is true, goes by Kafka's clock, and comes from idle ones too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from watchline.schemas.codec import decode
from watchline.schemas.errors import TransientError
from watchline.schemas.records import FindingBatch
from watchline.streams.health.progress import ConsumerState, Partition
from watchline.streams.messages import Message, Record
from watchline.streams.worker import raw_progress
from watchline.streams.worker.raw_progress import RawProgressReports

SECOND = 1_000_000
START = 1_700_000_000 * SECOND


@dataclass
class Kafka:
    """A raw topic of three partitions, of which a worker has the first two, and a findings topic of two."""

    now: int = START
    ends: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    acknowledged: dict[int, int] = field(default_factory=lambda: {0: 0, 1: 0})
    sent: list[Record] = field(default_factory=list)
    away: Exception | None = None

    def state(self, ends: Mapping[Partition, int]) -> ConsumerState:
        lag = {("raw", number): ends.get(("raw", number), 0) - done for number, done in self.acknowledged.items()}
        return ConsumerState(lag={**lag, ("findings", 0): 9})

    def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        if self.away:
            raise self.away
        return {(topic, number): self.ends[number] for topic, number in partitions}

    async def send(self, records: Sequence[Record]) -> int:
        self.sent += records
        return self.now

    def append(self, partition: int) -> Message:
        """A message of now."""
        offset = self.ends[partition]
        self.ends[partition] += 1
        return Message("raw", "id", partition, offset, self.now, b"")

    def reports(self) -> RawProgressReports:
        return RawProgressReports("raw", state=self.state, ends=self.end_offsets, counts=lambda: (3, 2), send=self.send)

    def told(self) -> dict[int, int]:
        """By raw partition, what the last report says, in seconds since the start."""
        batch = decode(self.sent[-1].value, FindingBatch)
        assert batch.items == () and {each.partitions for each in batch.progress} <= {3}
        return {each.raw_partition: (each.time - START) // SECOND for each in batch.progress}


def report(kafka: Kafka, reports: RawProgressReports, at_s: int) -> dict[int, int]:
    kafka.now = START + at_s * SECOND
    asyncio.run(reports.report())
    return kafka.told()


def test_every_findings_partition_gets_each_report() -> None:
    kafka = Kafka()
    report(kafka, kafka.reports(), 0)
    assert [(record.partition, record.key) for record in kafka.sent] == [(0, None), (1, None)]
    assert kafka.sent[0].value == kafka.sent[1].value


def test_an_idle_partition_is_done_up_to_when_kafka_took_the_report_before_this_one() -> None:
    kafka = Kafka()
    reports = kafka.reports()
    assert report(kafka, reports, 5) == {}  # what Kafka's clock says isn't known yet
    assert report(kafka, reports, 10) == {0: 5, 1: 5}
    assert report(kafka, reports, 15) == {0: 10, 1: 10}


def test_a_partition_with_messages_is_done_up_to_the_last_that_was_published() -> None:
    kafka = Kafka()
    reports = kafka.reports()
    report(kafka, reports, 5)
    kafka.now = START + 7 * SECOND
    first, second = kafka.append(0), kafka.append(0)
    assert report(kafka, reports, 10) == {1: 5}  # nothing of partition 0 is published
    reports.done([first])
    assert report(kafka, reports, 15) == {0: 7, 1: 10}
    reports.done([second])
    assert report(kafka, reports, 20) == {0: 7, 1: 15}  # not acknowledged: others may be in work
    kafka.acknowledged[0] = 2
    assert report(kafka, reports, 25) == {0: 20, 1: 20}


def test_a_partition_in_which_messages_wait_is_not_told_of_beyond_them() -> None:
    kafka = Kafka()
    reports = kafka.reports()
    report(kafka, reports, 5)
    assert report(kafka, reports, 10) == {0: 5, 1: 5}
    kafka.append(1)
    assert report(kafka, reports, 15) == {0: 10, 1: 5}


def test_a_partition_that_another_worker_has_is_not_told_of() -> None:
    kafka = Kafka()
    reports = kafka.reports()
    report(kafka, reports, 5)
    del kafka.acknowledged[0]
    assert report(kafka, reports, 10) == {1: 5}


@pytest.mark.parametrize("away", [TransientError("away"), KeyError("a mistake in the code")])
def test_while_kafka_is_away_nothing_is_told_and_it_goes_on_later(
    away: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_progress, "IDLE_S", 0.01)
    kafka = Kafka(away=away)

    async def run() -> None:
        running = asyncio.create_task(kafka.reports().run())
        await asyncio.sleep(0.05)
        assert not kafka.sent
        assert not running.done()
        kafka.away = None
        while len(kafka.sent) < 4:
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert kafka.told() == {0: 0, 1: 0}


def test_a_message_wakes_an_idle_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw_progress, "IDLE_S", 10_000.0)
    kafka = Kafka()

    async def run() -> None:
        reports = kafka.reports()
        running = asyncio.create_task(reports.run())
        while len(kafka.sent) < 2:
            await asyncio.sleep(0.01)
        reports.done([kafka.append(0)])
        while len(kafka.sent) < 4:
            await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert kafka.told() == {0: 0, 1: 0}
