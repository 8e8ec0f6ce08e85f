"""The order of writes around the monitors, and what crashes at each of them leave behind."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.codec import encode
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import FindingBatch, RawProgress, Signal
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.health.progress import ConsumerState
from watchline.streams.monitor import agent as monitoring
from watchline.streams.monitor import partition
from watchline.streams.monitor.agent import Monitoring, ReceivedMessage
from watchline.streams.throttled_log import ThrottledLog


@dataclass(frozen=True)
class Sent:
    partition: int
    value: bytes | None
    timestamp: float = 1_900_000_000.0


@dataclass
class World:
    """What outlives a worker: saved states, signals in the store. `crash_at` fails the call of that number."""

    states: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    stored: list[Signal] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    watermarks: dict[int, int] = field(default_factory=dict)
    crash_at: int | None = None

    def note(self, call: str) -> None:
        self.calls.append(call)
        if self.crash_at is not None and len(self.calls) > self.crash_at:
            self.crash_at = None
            raise ConnectionError(call)

    async def load(self, partition: int) -> Mapping[bytes, bytes]:
        self.note(f"load {partition}")
        return self.states.get(partition, {})

    async def save(self, partition: int, states: Mapping[bytes, bytes | None]) -> None:
        self.note(f"save {partition}")
        kept = self.states.setdefault(partition, {})
        for key, state in states.items():
            kept.pop(key, None)
            if state is not None:
                kept[key] = state

    async def store(self, signals: Sequence[Signal]) -> None:
        self.note("store")
        self.stored += signals

    async def publish(self, signals: Sequence[Signal]) -> None:
        self.note("publish")

    async def store_watermarks(self, watermarks: Mapping[int, int]) -> None:
        self.note("watermarks")
        self.watermarks |= watermarks

    async def reject(self, message: ReceivedMessage, error: PoisonError) -> None:
        self.note("reject")
        self.rejected.append(str(error))


class Acknowledged:
    """Messages that were taken together, as far as the agent uses them."""

    def __init__(self, world: World, messages: Sequence[Sent]) -> None:
        self.world, self.messages, self.count = world, messages, 0

    async def acknowledge(self, count: int) -> None:
        for _ in range(count):
            self.world.note("ack")
            self.count += 1

    def set_aside(self) -> None:
        self.world.calls.append("set aside")


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def worker(world: World, executor: ThreadPoolExecutor, metrics: MonitorMetrics | None = None) -> Monitoring:
    return Monitoring(
        states=world,
        store=world.store,
        publish=world.publish,
        store_watermarks=world.store_watermarks,
        reject=world.reject,
        executor=executor,
        metrics=metrics or MonitorMetrics(),
    )


DONE = RawProgress(0, 1_800_000_000_000_000, 1)  # the raw topic, after all that these tests have


def due(batch: FindingBatch, partition: int = 0) -> Sent:
    """A message whose events needn't be waited for."""
    return Sent(partition, encode(replace(batch, progress=(DONE,))))


def messages(partition: int = 0, prompt_name: str = "answer") -> list[Sent]:
    """A version, then a worse one."""
    rng = random.Random(1)
    items = [scored(rng, n) for n in range(200)]
    items += [scored(rng, n, version="2", unsupported=0.6, latency_s=5) for n in range(200, 320)]
    return [due(batch, partition) for batch in batches(items, size=40, prompt_name=prompt_name)]


SIGNALS = 3  # of these: of two measures one each; of one of them another, that it may wake somebody


def run(world: World, executor: ThreadPoolExecutor, takes: Sequence[Sequence[Sent]]) -> int:
    """Messages acknowledged by a fresh worker that is given these."""
    incoming = [Acknowledged(world, messages) for messages in takes]
    monitoring = worker(world, executor)

    async def read() -> None:
        for each in incoming:
            await monitoring.run(each)

    with suppress(ConnectionError):
        asyncio.run(read())
    return sum(each.count for each in incoming)


def test_signals_are_safe_before_the_state_and_both_before_watermark_and_ack(executor: ThreadPoolExecutor) -> None:
    world = World()
    run(world, executor, [messages()])
    assert world.calls == ["load 0", "store", "publish", "save 0", "watermarks"] + ["ack"] * 8
    assert {signal.measure for signal in world.stored} == {"groundedness", "latency_s"}


def test_without_a_signal_nothing_is_stored_or_published(executor: ThreadPoolExecutor) -> None:
    world = World()
    run(world, executor, [messages()[:3]])
    assert world.calls == ["load 0", "save 0", "watermarks"] + ["ack"] * 3


@pytest.mark.slow
def test_a_crash_anywhere_gives_the_same_signals(executor: ThreadPoolExecutor) -> None:
    sent = messages()
    undisturbed = World()
    run(undisturbed, executor, [[message] for message in sent])
    expected = {signal.signal_id: signal for signal in undisturbed.stored}
    assert len(expected) == SIGNALS
    for crash_at in range(len(undisturbed.calls)):
        world = World(crash_at=crash_at)
        acked = 0
        for _ in range(2):  # the second worker gets what the first didn't acknowledge, in other batches
            left = sent[acked:]
            takes = [[message] for message in left] if acked == 0 else [left[i : i + 3] for i in range(0, len(left), 3)]
            acked += run(world, executor, takes)
        assert acked == len(sent)
        assert {signal.signal_id: signal for signal in world.stored} == expected


def test_after_an_exception_the_state_is_loaded_again(executor: ThreadPoolExecutor) -> None:
    world = World(crash_at=1)
    monitors = worker(world, executor)
    with pytest.raises(ConnectionError):
        asyncio.run(monitors.handle(messages()))
    asyncio.run(monitors.handle(messages()))
    assert world.calls == ["load 0", "store", "load 0", "store", "publish", "save 0", "watermarks"]
    assert len(world.stored) == SIGNALS


def test_a_partition_moves_to_another_worker(executor: ThreadPoolExecutor) -> None:
    world, sent = World(), messages()
    first, second = worker(world, executor), worker(world, executor)
    asyncio.run(first.handle(sent[:5]))
    first.forget()
    asyncio.run(second.handle(sent[3:]))  # two of them again
    moved = list(world.stored)
    alone = World()
    asyncio.run(worker(alone, executor).handle(sent))
    assert moved == alone.stored
    asyncio.run(first.handle(sent))  # and back: nothing twice
    assert world.calls.count("load 0") == 3
    assert world.stored == moved


def test_partitions_and_prompts_have_states_of_their_own(executor: ThreadPoolExecutor) -> None:
    world = World()
    asyncio.run(worker(world, executor).handle(messages(0) + messages(1, "summary") + messages(1, "title")))
    assert {partition: list(states) for partition, states in world.states.items()} == {
        0: [b"bot\0production\0answer"],
        1: [b"bot\0production\0summary", b"bot\0production\0title"],
    }
    assert len(world.stored) == 3 * SIGNALS


def test_only_touched_prompts_are_saved_again(executor: ThreadPoolExecutor) -> None:
    world = World()
    monitors = worker(world, executor)
    asyncio.run(monitors.handle(messages(0, "answer") + messages(0, "summary")))
    before = dict(world.states[0])
    asyncio.run(monitors.handle([due(next(batches([scored(random.Random(2), 900)], prompt_name="answer")))]))
    assert [key for key, state in world.states[0].items() if state != before[key]] == [b"bot\0production\0answer"]


def test_what_is_no_finding_batch_is_rejected_and_the_rest_goes_on(executor: ThreadPoolExecutor) -> None:
    world = World()
    sent = messages()
    asyncio.run(worker(world, executor).handle([Sent(0, b"\xff"), *sent, Sent(0, None)]))
    assert world.rejected == ["not framed as an Avro message", "empty message"]
    assert len(world.stored) == SIGNALS


def test_the_longest_idle_prompt_is_forgotten(executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "MAX_PROMPTS", 2)
    world, metrics = World(), MonitorMetrics()
    monitors = worker(world, executor, metrics)
    for name in ("a", "b", "a", "c"):
        asyncio.run(monitors.handle(messages(0, name)[:1]))
    assert list(world.states[0]) == [b"bot\0production\0a", b"bot\0production\0c"]
    assert forgotten(metrics) == (1, 0, 0)


def metric(metrics: MonitorMetrics, name: str) -> float:
    page = metrics.scrape(ConsumerState())
    return float(next(line for line in page.splitlines() if line.startswith(f"{name} ")).split()[1])


def forgotten(metrics: MonitorMetrics) -> tuple[float, ...]:
    kinds = ("prompts", "slices", "sources")
    return tuple(metric(metrics, f'watchline_monitor_forgotten_total{{kind="{kind}"}}') for kind in kinds)


def test_slices_and_sources_that_are_forgotten_are_counted(
    executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "_warnings", ThrottledLog(logging.getLogger(monitoring.__name__)))
    rng, world, metrics = random.Random(1), World(), MonitorMetrics()
    versions = [scored(rng, n, version=str(n)) for n in range(10)]
    asyncio.run(worker(world, executor, metrics).handle([due(batch) for batch in batches(versions)]))
    assert forgotten(metrics) == (0, 2, 0)
    detectors = [scored(rng, n, version="9", detector_version=str(n)) for n in range(10, 14)]
    sent = [due(batch) for batch in batches(detectors)]
    asyncio.run(worker(world, executor, metrics).handle(sent))  # from the state that the first has saved
    assert forgotten(metrics) == (0, 2, 2 * len(detectors[0].findings))
    assert [record.message for record in caplog.records] == [
        f"the monitors have too many {kind}: the one seen longest ago is no longer watched"
        for kind in ("slices", "sources")
    ]


def test_states_that_cannot_be_read_are_counted_logged_once_and_begun_anew(
    executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "_warnings", ThrottledLog(logging.getLogger(monitoring.__name__)))
    states = {b"bot\0production\0answer": b"garbage", b"bot\0production\0summary": b"WLM1" + bytes(100)}
    world, metrics = World(states={0: dict(states)}), MonitorMetrics()
    asyncio.run(worker(world, executor, metrics).handle(messages(0, "answer") + messages(0, "summary")))
    assert len(world.stored) == 2 * SIGNALS
    assert metric(metrics, "watchline_monitor_states_unreadable_total") == 2
    assert [record.message for record in caplog.records] == [
        "a monitor's state cannot be read (damaged, or not a monitor's state): its baselines are learned anew"
    ]
    monitors = worker(world, executor, metrics)  # from what the first has saved
    asyncio.run(monitors.handle(messages(0, "answer") + messages(0, "summary")))
    assert len(world.stored) == 2 * SIGNALS
    assert metric(metrics, "watchline_monitor_states_unreadable_total") == 2


def test_measures_without_a_baseline_are_a_gauge(executor: ThreadPoolExecutor) -> None:
    rng, metrics = random.Random(1), MonitorMetrics()
    monitors = worker(World(), executor, metrics)
    items = [scored(rng, n) for n in range(100)]
    items += [scored(rng, n, version="2", detector_version="b") for n in range(100, 110)]
    asyncio.run(monitors.handle([due(batch) for batch in batches(items)]))
    assert metric(metrics, "watchline_monitor_measures_without_baseline") == 6
    monitors.forget()
    assert metric(metrics, "watchline_monitor_measures_without_baseline") == 0
