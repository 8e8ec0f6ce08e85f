from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.monitor.finding_batches import batches, scored
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import FindingBatch, ScoredInteraction, Signal
from watchline.streams.monitor.monitor import MAX_SLICES, Monitor


def signals(items: Iterable[ScoredInteraction], monitor: Monitor | None = None) -> list[Signal]:
    monitor = monitor or Monitor()
    return [signal for batch in batches(items) for signal in monitor.process(batch)]


def two_versions(seed: int, **second: object) -> list[ScoredInteraction]:
    """250 events of version 1, then 250 of version 2."""
    rng = random.Random(seed)
    first = [scored(rng, offset) for offset in range(250)]
    return first + [scored(rng, offset, **{"version": "2", **second}) for offset in range(250, 500)]  # type: ignore[arg-type]


def test_a_worse_version_gives_a_signal_that_tells_what_moved() -> None:
    items = two_versions(1, unsupported=0.5)
    (signal,) = signals(items)
    assert (signal.kind, signal.measure) == ("prompt_version", "groundedness")
    assert signal.slice == {"prompt_version": "2", "model": "small"}
    assert signal.baseline == {"prompt_version": "1", "model": "small"}
    assert signal.before is not None and signal.after is not None and signal.before + 0.15 < signal.after
    assert signal.events_before == 250
    assert signal.since == items[250].time
    trigger = items[250 + signal.events_after - 1]
    assert (signal.time, signal.event_id) == (trigger.time, trigger.event_id)
    assert signal.p_value is not None and signal.p_value <= 0.001
    assert max(signal.attribution, key=lambda label: signal.attribution[label]) == "unsupported"
    assert sum(signal.attribution.values()) == pytest.approx(1)
    assert decode(encode(signal), Signal) == signal


@pytest.mark.parametrize("seed", range(4))
def test_an_equal_version_gives_none(seed: int) -> None:
    assert signals(two_versions(seed)) == []


def test_a_slower_version() -> None:
    (signal,) = signals(two_versions(2, latency_s=4.0))
    assert (signal.kind, signal.measure) == ("prompt_version", "latency_s")


def test_a_model_that_is_new_to_the_prompt() -> None:
    (signal,) = signals(two_versions(3, version="1", model="large", unsupported=0.5))
    assert (signal.kind, signal.measure) == ("model", "groundedness")
    assert signal.baseline == {"prompt_version": "1", "model": "small"}


def test_a_version_is_held_against_the_one_before_on_the_same_model() -> None:
    rng = random.Random(4)
    shares = {"small": 0.1, "large": 0.6}
    models = ["small", "large"]
    first = [scored(rng, n, model=models[n % 2], unsupported=shares[models[n % 2]]) for n in range(400)]
    second = [
        scored(rng, n, version="2", model=models[n % 2], unsupported=shares[models[n % 2]]) for n in range(400, 800)
    ]
    found = signals(first + second)
    # The second model of version 1 differs from the first and is new; version 2 differs from version 1 on neither.
    assert {signal.kind for signal in found} <= {"model"}
    assert {signal.slice["prompt_version"] for signal in found} <= {"1"}


def test_a_change_within_a_version() -> None:
    rng = random.Random(5)
    items = [scored(rng, n) for n in range(800)] + [scored(rng, n, unsupported=0.6) for n in range(800, 1_200)]
    (signal,) = signals(items)
    assert (signal.kind, signal.measure, signal.method) == ("drift", "groundedness", "ADWIN")
    assert signal.slice == signal.baseline
    assert abs(signal.since - items[800].time) < 60_000_000


def test_no_signals_without_a_change() -> None:
    for seed in range(2):
        rng = random.Random(seed)
        assert signals(scored(rng, n) for n in range(2_000)) == []


def test_a_baseline_still_growing_is_waited_for() -> None:
    rng = random.Random(6)
    canary = [scored(rng, n, version="12"[n % 2], unsupported=(0.1, 0.6)[n % 2]) for n in range(400)]
    (signal,) = signals([*canary])
    assert signal.events_before == 50
    assert signal.since == canary[1].time


def test_another_detector_version_is_no_change_of_the_traffic() -> None:
    rng = random.Random(7)
    items = [scored(rng, n) for n in range(400)]
    items += [scored(rng, n, unsupported=0.6, detector_version="b") for n in range(400, 800)]
    items += [scored(rng, n, version="2", unsupported=0.6, detector_version="c") for n in range(800, 1_000)]
    assert signals(items) == []


def test_missing_and_impossible_values_are_left_out() -> None:
    rng = random.Random(8)
    items = [
        replace(
            scored(rng, n, version=None, model=None),
            latency_s=None,
            cost=float("nan"),
            prompt_embedding=(),
            findings=(),
        )
        for n in range(300)
    ]
    assert signals(items) == []


def test_prompts_from_elsewhere_move_the_embedding() -> None:
    rng = random.Random(9)
    items = [scored(rng, n) for n in range(600)]
    for n in range(600, 900):
        item = scored(rng, n)
        items.append(replace(item, prompt_embedding=item.prompt_embedding[1:] + item.prompt_embedding[:1]))
    assert [signal.measure for signal in signals(items)] == ["prompt_embedding"]


def test_what_was_seen_is_skipped() -> None:
    items = two_versions(1, unsupported=0.5)
    monitor = Monitor()
    assert len(signals(items, monitor)) == 1
    state = monitor.dump()
    assert signals(items, monitor) == []
    assert monitor.dump() == state


def test_positions_are_kept_per_raw_partition_and_topic() -> None:
    rng = random.Random(0)
    monitor = Monitor()
    for topic, partition, offset in [("a", 0, 7), ("a", 1, 3), ("b", 0, 0), ("a", 0, 6), ("a", 0, 8)]:
        item = replace(scored(rng, offset, partition=partition), raw_topic_id=topic)
        monitor.process(FindingBatch(app="bot", environment="production", prompt_name="answer", items=(item,)))
    (part,) = monitor._slices.values()
    assert part.events == 4  # not ("a", 0, 6)


def test_ids_differ_between_prompts() -> None:
    items = two_versions(1, unsupported=0.5)
    ids = [
        signal.signal_id
        for name in ("answer", "summary")
        for batch in batches(items, size=500, prompt_name=name)
        for signal in Monitor().process(batch)
    ]
    assert len(ids) == len(set(ids)) == 2


@cache
def eventful() -> tuple[tuple[ScoredInteraction, ...], tuple[Signal, ...]]:
    """Two versions, one worse, interleaved at first, then drift; and the signals they give in one go."""
    rng = random.Random(10)
    items = [scored(rng, n) for n in range(200)]
    items += [scored(rng, n, version="12"[n % 2], unsupported=(0.15, 0.5)[n % 2]) for n in range(200, 400)]
    items += [scored(rng, n, version="2", unsupported=0.5, latency_s=5) for n in range(400, 600)]
    return tuple(items), tuple(signals(items))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 599), max_size=5), repeat=st.integers(0, 40))
def test_the_same_signals_wherever_it_is_cut_and_restored(cuts: list[int], repeat: int) -> None:
    items, expected = eventful()
    assert len(expected) >= 2
    found: list[Signal] = []
    monitor, start = Monitor(), 0
    for end in [*sorted(cuts), len(items)]:
        found += signals(items[max(0, start - repeat) : end], monitor)  # some come again
        monitor, start = Monitor.load(monitor.dump()), end
    assert tuple(found) == expected


def test_state_stays_small_however_many_versions_come() -> None:
    rng = random.Random(11)
    monitor = Monitor()
    signals((scored(rng, n, version=str(n // 260)) for n in range(260 * (MAX_SLICES + 2))), monitor)
    assert len(monitor._slices) == MAX_SLICES
    assert len(monitor.dump()) < 400_000  # a Kafka message may have 1,000,000
