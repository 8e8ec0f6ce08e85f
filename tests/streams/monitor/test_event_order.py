"""The order in which monitors see events doesn't depend on which raw partition is read first, or on anyone's clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import pytest

from tests.streams.monitor.finding_batches import batches, first_ones, scored
from tests.streams.monitor.test_agent import Acknowledged, Sent, World, metric, worker
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import FindingBatch, RawProgress, ScoredInteraction, Signal
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.monitor import agent
from watchline.streams.monitor.event_order import LATENESS_S, EventOrder, HeldMessage, place
from watchline.streams.monitor.monitor import Monitor

BASE = 1_700_000_000_000_000
SECOND = 1_000_000
END = BASE + 10**6 * SECOND  # long after all events
PARTITIONS = 3


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def event(
    rng: random.Random,
    number: int,
    *,
    time: int,
    received: int,
    partition: int,
    slow: float = 1.0,
    unsupported: float = 0.1,
    version: str | None = "1",
) -> ScoredInteraction:
    """An event with few measures: these tests go through many."""
    item = scored(
        rng,
        number,
        partition=partition,
        latency_s=2.0 * slow,
        unsupported=unsupported,
        version=version,
        dimensions=2,
    )
    return replace(
        item,
        time=time,
        raw_time=received,
        prompt_embedding=(),
        findings=item.findings[:1],
        time_to_first_chunk_s=None,
        cost=None,
        input_tokens=None,
        output_tokens=None,
    )


def placed(items: Sequence[ScoredInteraction]) -> list[list[ScoredInteraction]]:
    """The events by raw partition, in the order in which Kafka got them, with the offsets that this gives them."""
    logs: list[list[ScoredInteraction]] = [[] for _ in range(PARTITIONS)]
    for item in sorted(items, key=lambda item: item.raw_time):
        log = logs[item.raw_partition]
        log.append(replace(item, raw_offset=len(log)))
    return logs


@cache
def versions(seed: int = 0) -> tuple[tuple[ScoredInteraction, ...], ...]:
    """Three versions, each with another latency, by raw partition: Kafka gets each event up to nine seconds late."""
    rng = random.Random(seed)
    items = []
    for number in range(450):
        version = 1 + number // 150
        time = BASE + number * SECOND // 2
        received = time + int(rng.random() * 0.9 * LATENESS_S * SECOND)
        partition = rng.choices(range(PARTITIONS), (6, 2, 1))[0]
        items.append(
            event(
                rng,
                number,
                time=time,
                received=received,
                partition=partition,
                slow=(1, 4, 0.5)[version - 1],
                unsupported=(0.1, 0.6, 0.1)[version - 1],
                version=str(version),
            )
        )
    return tuple(map(tuple, placed(items)))


def in_order(logs: Sequence[Sequence[ScoredInteraction]]) -> dict[str, Signal]:
    """What a monitor says that is fed all events in event order."""
    items = sorted((item for log in logs for item in log), key=place)
    monitor = Monitor()
    return {signal.signal_id: signal for batch in batches(items) for signal in monitor.process(batch)}


def told(partition: int, time: int) -> Sent:
    """A worker's word on one raw partition."""
    progress = (RawProgress(partition, time, PARTITIONS),)
    return Sent(0, encode(FindingBatch(app="", environment="", items=(), progress=progress)))


def published(logs: Sequence[Sequence[ScoredInteraction]], rng: random.Random) -> list[Sent]:
    """A findings partition as workers may fill it: partitions in any turn, batches of any size, some of them twice."""
    sent: list[Sent] = []
    at = [0] * len(logs)
    while left := [partition for partition, log in enumerate(logs) if at[partition] < len(log)]:
        partition = rng.choice(left)
        log, start = logs[partition], at[partition]
        end = min(len(log), start + rng.randint(1, rng.choice((5, 60, 400))))
        sent += [Sent(0, encode(batch)) for batch in batches(log[start:end], size=rng.randint(1, 40))]
        if rng.random() < 0.2:  # a worker dies before it acknowledges: another one goes on from before
            at[partition] = max(0, start - rng.randint(0, 10))
            continue
        at[partition] = end
        sent.append(told(partition, END if end == len(log) else log[end - 1].raw_time))
    return sent


@dataclass
class Reader:
    """Reads a findings partition from what is acknowledged on, in takes of any size, and dies now and then."""

    world: World
    executor: ThreadPoolExecutor
    rng: random.Random
    deaths: int = 0

    def read(self, sent: Sequence[Sent], metrics: MonitorMetrics | None = None) -> int:
        """Returns how many messages are acknowledged in the end."""
        acknowledged = 0
        for deaths_left in reversed(range(self.deaths + 1)):
            self.world.crash_at = len(self.world.calls) + self.rng.randint(0, 60) if deaths_left else None
            acknowledged += asyncio.run(self._life(sent[acknowledged:], metrics))
        return acknowledged

    async def _life(self, sent: Sequence[Sent], metrics: MonitorMetrics | None) -> int:
        monitoring, taken, at = worker(self.world, self.executor, metrics), [], 0
        with suppress(ConnectionError):
            while at < len(sent):
                size = self.rng.randint(1, 30)
                taken.append(Acknowledged(self.world, sent[at : at + size]))
                await monitoring.run(taken[-1])
                at += size
            # Workers tell again and again, so who has just begun to read hears it too.
            again = [told(partition, END) for partition in range(PARTITIONS)]
            await monitoring.run(Acknowledged(self.world, again))
        return sum(each.count for each in taken)


def found(world: World) -> dict[str, Signal]:
    return {signal.signal_id: signal for signal in world.stored}


@pytest.mark.slow
def test_any_interleaving_any_cut_and_any_crash_give_the_signals_of_event_order(executor: ThreadPoolExecutor) -> None:
    logs = versions()
    expected = in_order(logs)
    assert len(expected) >= 3
    for seed in range(200):
        rng = random.Random(seed)
        world = World()
        sent = published(logs, rng)
        reader = Reader(world, executor, rng, deaths=rng.randint(0, 4))
        metrics = MonitorMetrics()
        assert reader.read(sent, metrics) == len(sent), seed
        assert found(world) == expected, seed
        assert metric(metrics, "watchline_monitor_late_events_total") == 0, seed


@pytest.mark.parametrize("seed", range(10))
def test_after_a_backlog_of_uneven_partitions_the_right_version_is_named(
    executor: ThreadPoolExecutor, seed: int
) -> None:
    """The new version's partition is read first, whole."""
    rng = random.Random(seed)
    items = [
        event(
            rng,
            number,
            time=BASE + number * 15 * SECOND,
            received=BASE + number * 15 * SECOND + SECOND // 2,
            partition=int(number < 100),
            slow=1 if number < 100 else 3,
            version=str(1 + number // 100),
        )
        for number in range(200)
    ]
    logs = placed(items)
    sent = [told(2, END)]
    for partition, log in enumerate(logs[:2]):
        for batch in batches(log, size=20):
            sent += [Sent(0, encode(batch)), told(partition, batch.items[-1].raw_time)]
        sent.append(told(partition, END))
    world = World()
    Reader(world, executor, rng).read(sent)
    (signal,) = first_ones(world.stored)
    assert (signal.slice["prompt_version"], signal.baseline["prompt_version"]) == ("2", "1")
    assert signal.before is not None and signal.after is not None and signal.before < signal.after
    assert signal.since == items[100].time


YEAR = 365 * 86_400 * SECOND


def steadily(logs: Sequence[Sequence[ScoredInteraction]], every_s: int = 5, prompt_name: str = "answer") -> list[Sent]:
    """A findings partition as workers fill it that keep up."""
    sent = []
    first = min(log[0].raw_time for log in logs if log)
    last = max(log[-1].raw_time for log in logs if log)
    for start in range(first, last + 1, every_s * SECOND):
        end = start + every_s * SECOND
        for partition, log in enumerate(logs):
            now = [item for item in log if start <= item.raw_time < end]
            sent += [Sent(0, encode(batch)) for batch in batches(now, size=25, prompt_name=prompt_name)]
            sent.append(told(partition, end))
    return [*sent, *(told(partition, END) for partition in range(PARTITIONS))]


def with_clock_off_by(microseconds: int) -> tuple[list[ScoredInteraction], list[list[ScoredInteraction]]]:
    """Events of an instance whose clock is off, and the raw partitions with these among all others."""
    rng, right = random.Random(1), [item for log in versions() for item in log]
    wrong = [
        event(
            rng,
            0,
            time=item.time + microseconds,
            received=item.raw_time + 1,
            partition=2,
            version=item.prompt_version,
        )
        for item in sorted(right, key=place)[20::9]
    ]
    return wrong, placed([*right, *wrong])


def test_an_instance_whose_clock_stands_at_1970_is_late_alone(executor: ThreadPoolExecutor) -> None:
    wrong, logs = with_clock_off_by(-BASE)
    world, metrics = World(), MonitorMetrics()
    Reader(world, executor, random.Random(1)).read(steadily(logs), metrics)
    late = metric(metrics, "watchline_monitor_late_events_total")
    assert len(wrong) - 5 <= late <= len(wrong)  # the others were held beside the very first events
    positions = {(signal.since, signal.measure, signal.after) for signal in first_ones(world.stored)}
    expected = first_ones(in_order(versions()).values())
    assert positions == {(signal.since, signal.measure, signal.after) for signal in expected}


def test_an_instance_whose_clock_is_a_year_ahead_makes_nothing_late(executor: ThreadPoolExecutor) -> None:
    _, logs = with_clock_off_by(YEAR)
    world, metrics = World(), MonitorMetrics()
    Reader(world, executor, random.Random(1)).read(steadily(logs), metrics)
    assert metric(metrics, "watchline_monitor_late_events_total") == 0
    assert found(world) == in_order(logs)
    assert {signal.slice["prompt_version"] for signal in world.stored} == {"2", "3"}


def test_what_is_delivered_late_as_a_whole_is_compared_as_it_happened(executor: ThreadPoolExecutor) -> None:
    """Kafka was away for an hour, or somebody replays a recording: all comes at once, long after the watermark."""
    now = BASE + 3_600 * SECOND
    items = sorted((item for log in versions() for item in log), key=lambda item: random.Random(item.event_id).random())
    logs = placed([replace(item, raw_time=now + number * 2_000) for number, item in enumerate(items)])
    world, metrics = World(), MonitorMetrics()
    sent = [told(partition, now - SECOND) for partition in range(PARTITIONS)] + steadily(logs, every_s=1)
    Reader(world, executor, random.Random(1)).read(sent, metrics)
    assert metric(metrics, "watchline_monitor_late_events_total") == 0
    assert found(world) == in_order(logs) and len(world.stored) >= 3


def test_what_comes_after_a_later_event_was_looked_at_is_counted_once_and_left_out(
    executor: ThreadPoolExecutor,
) -> None:
    logs = versions()
    item = replace(logs[0][10], raw_offset=10**6, raw_time=END + 1)
    late = Sent(0, encode(next(batches([item]))))
    world, metrics = World(), MonitorMetrics()
    sent = [*steadily(logs), late, *(told(partition, END + 60 * SECOND) for partition in range(PARTITIONS)), late]
    assert Reader(world, executor, random.Random(1), deaths=3).read(sent, metrics) == len(sent)
    assert metric(metrics, "watchline_monitor_late_events_total") == 1
    assert found(world) == in_order(logs)


def test_nothing_is_due_before_every_raw_partition_was_heard_of() -> None:
    order = EventOrder(lambda value: decode(value, FindingBatch))
    later = END + 100 * SECOND

    def hear(time: int, *partitions: int, of: int = PARTITIONS, published: int = 2 * END) -> int:
        order.hear([RawProgress(partition, time, of) for partition in partitions], published)
        return order.watermark

    assert hear(END, 0, 1) == 0
    assert hear(END - SECOND, 2) == END - SECOND - LATENESS_S * SECOND
    assert hear(later, 0, 1, 2, of=PARTITIONS + 1) == END - SECOND - LATENESS_S * SECOND  # one is added
    assert hear(later, 3, of=PARTITIONS + 1) == later - LATENESS_S * SECOND
    assert hear(END, 0) == later - LATENESS_S * SECOND  # of a worker that lags behind
    assert hear(2**62, 0, 1, 2, published=later + SECOND) == later + SECOND - LATENESS_S * SECOND  # nobody knows that


def test_events_wait_unacknowledged_in_the_topic_until_they_are_due(executor: ThreadPoolExecutor) -> None:
    world, metrics = World(), MonitorMetrics()
    monitoring = worker(world, executor, metrics)
    (batch,) = batches(versions()[0][:20], size=20)
    held = Acknowledged(world, [told(1, END), Sent(0, encode(batch)), told(2, END)])
    asyncio.run(monitoring.run(held))
    assert world.calls == ["load 0", "ack", "set aside"]
    assert (held.count, world.states) == (1, {})  # nothing that is held is saved
    assert metric(metrics, "watchline_monitor_held_events") == 20
    after = Acknowledged(world, [told(0, END)])
    asyncio.run(monitoring.run(after))
    assert (held.count, after.count) == (3, 1)
    assert world.calls[3:] == ["save 0", "watermarks"] + ["ack"] * 3
    assert world.watermarks == {0: END - LATENESS_S * SECOND}
    assert metric(metrics, "watchline_monitor_held_events") == 0
    assert metric(metrics, 'watchline_monitor_watermark_seconds{partition="0"}') == END / 1e6 - LATENESS_S


def test_an_event_is_due_ten_seconds_after_kafka_got_it_and_not_sooner() -> None:
    order = EventOrder(lambda value: decode(value, FindingBatch))
    item = versions()[0][0]
    (batch,) = batches([item])
    order.hold(b"answer", HeldMessage(encode(batch)), batch, END)
    due = item.raw_time + int(LATENESS_S * SECOND)
    order.hear([RawProgress(0, due, 1)], END)
    assert list(order.due(10**9)) == []
    order.hear([RawProgress(0, due + 1, 1)], END)
    assert list(order.due(10**9)) == [(b"answer", batch)]


@pytest.mark.parametrize("raw_time", [0, -(2**63), 2**63 - 1], ids=["of before the field", "lowest", "highest"])
def test_an_event_without_a_time_that_can_be_has_the_time_of_its_findings(raw_time: int) -> None:
    order = EventOrder(lambda value: decode(value, FindingBatch))
    (batch,) = batches([replace(versions()[0][0], raw_time=raw_time, time=END)])
    order.hold(b"answer", HeldMessage(encode(batch)), batch, BASE + 7)
    order.hear([RawProgress(0, END, 1)], END)
    ((_, due),) = order.due(10**9)
    assert place(due.items[0])[0] == BASE + 7


def test_memory_is_bounded_and_what_is_compared_early_is_counted(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = versions()
    sent = [Sent(0, encode(batch)) for batch in batches(logs[0], size=10)]
    limit = sum(len(each.value or b"") for each in sent) // 4
    monkeypatch.setattr(agent, "MAX_HELD_BYTES", limit)
    monkeypatch.setattr(agent, "MAX_DECODED_BYTES", limit // 4)
    world, metrics = World(), MonitorMetrics()
    monitoring = worker(world, executor, metrics)
    held = []
    for each in sent:  # nobody tells of the other raw partitions
        asyncio.run(monitoring.run(Acknowledged(world, [each])))
        held.append(metric(metrics, "watchline_monitor_held_events"))
    assert max(held) < len(logs[0]) / 3
    assert metric(metrics, "watchline_monitor_early_events_total") == len(logs[0]) - held[-1]
    asyncio.run(monitoring.run(Acknowledged(world, [told(partition, END) for partition in range(PARTITIONS)])))
    assert metric(metrics, "watchline_monitor_held_events") == 0
    assert found(world) == in_order([logs[0]])  # one raw partition by itself is nearly in order
