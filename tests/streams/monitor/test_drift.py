from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.monitor.values import Draw, feed, latency, rate
from watchline.schemas.codec import to_plain
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.drift import BLOCK, BLOCKS, RECENT, Stream


@pytest.mark.parametrize(("draw", "bounded"), [(rate(0.15), True), (rate(0.01), True), (latency(2), False)])
def test_no_drift_where_nothing_changes(draw: Draw, bounded: bool) -> None:
    for seed in range(5):
        assert feed(Stream(bounded=bounded), draw, random.Random(seed), 2_000) == []


@pytest.mark.parametrize(
    ("before", "after", "bounded"), [(rate(0.15), rate(0.40), True), (latency(2), latency(4), False)]
)
def test_drift_is_found_and_placed(before: Draw, after: Draw, bounded: bool) -> None:
    off = []
    for seed in range(9):
        rng, stream = random.Random(seed), Stream(bounded=bounded)
        assert feed(stream, before, rng, 1_000) == []
        (change,) = feed(stream, after, rng, 500, start=1_000)
        assert change.after > change.before
        assert abs(change.events_before - 1_000) == abs(change.since - 1_000)
        off.append(abs(change.since - 1_000))
    assert sorted(off)[4] <= 20


def test_a_drift_that_takes_longer_to_see_than_values_are_kept() -> None:
    rng, stream = random.Random(12), Stream(bounded=True)
    feed(stream, rate(0.05), rng, 4_000)
    (change,) = feed(stream, rate(0.12), rng, 800, start=4_000)
    assert change.events_before > 4_000
    assert change.events_before + change.events_after > 4_000 + RECENT + BLOCK
    assert change.before == pytest.approx(0.05, abs=0.01)
    assert change.after > 0.09


def test_a_second_drift_is_found_after_the_first() -> None:
    rng, stream = random.Random(3), Stream(bounded=False)
    feed(stream, latency(2), rng, 600)
    first = feed(stream, latency(4), rng, 600, start=600)
    second = feed(stream, latency(1), rng, 600, start=1_200)
    assert [change.after > change.before for change in first + second] == [True, False]


def test_one_endless_request_is_no_drift() -> None:
    rng, stream = random.Random(4), Stream(bounded=False)
    feed(stream, latency(2), rng, 500)
    assert stream.update(36_000.0, 500) is None
    assert feed(stream, latency(2), rng, 500, start=501) == []


def test_a_stream_keeps_a_bounded_number_of_values() -> None:
    stream = Stream(bounded=True)
    feed(stream, rate(0.5), random.Random(0), 3 * RECENT)
    assert len(stream.recent) == RECENT
    feed(stream, rate(0.5), random.Random(0), BLOCK - 1)
    assert len(stream.recent) == RECENT
    assert len(stream._values) < RECENT + BLOCK
    stream._watched, stream._adwin = False, None  # as after a detection that was too small to report
    feed(stream, rate(0.5), random.Random(0), 10)
    assert len(stream.recent) == RECENT
    feed(stream, rate(0.5), random.Random(0), 10 * BLOCK)
    assert len(to_plain(stream.state())["older"]) == BLOCKS
    numbers = [number for values in to_plain(stream.state()).values() if isinstance(values, list) for number in values]
    assert len(numbers) < 8_000 / 8


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 4_999), max_size=6),
    draw=st.sampled_from([(rate(0.1), rate(0.3), True), (latency(2), latency(3), False)]),
    seed=st.integers(0, 3),
)
def test_a_stream_goes_on_from_its_state_wherever_that_was_taken(
    cuts: list[int], draw: tuple[Draw, Draw, bool], seed: int
) -> None:
    before, after, bounded = draw
    whole, stream, start = Stream(bounded=bounded), Stream(bounded=bounded), 0
    rng = random.Random(seed)
    values = [(after if 3_000 <= number < 4_200 else before)(rng) for number in range(5_000)]
    expected = [whole.update(value, number) for number, value in enumerate(values)]
    assert sum(change is not None for change in expected) >= 2
    found: list[Change | None] = []
    for end in [*sorted(cuts), len(values)]:
        found += [stream.update(values[number], number) for number in range(start, end)]
        stream, start = Stream.of(stream.state()), end
    assert found == expected
    assert stream.state() == whole.state()


def test_older_values_count_though_they_are_summed_up() -> None:
    seen = 0
    for seed in range(9):
        rng, stream = random.Random(seed), Stream(bounded=True)
        feed(stream, rate(0.10), rng, 2_048)
        seen += bool(feed(stream, rate(0.24), rng, 350))
    assert seen >= 7  # none, where ADWIN is built from the values kept alone
