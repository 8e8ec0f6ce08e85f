from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.monitor.values import Draw, feed, latency, normal, rate
from watchline.schemas.codec import to_plain
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.drift import BLOCK, BLOCKS, FEWEST, RECENT, Stream


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
    """It is placed among the older sums."""
    found = []
    for seed in range(9):
        rng, stream = random.Random(seed), Stream(bounded=True)
        feed(stream, rate(0.05), rng, 4_000)
        found += feed(stream, rate(0.10), rng, 1_600, start=4_000)
    assert len(found) >= 8
    assert sum(change.events_before + change.events_after > 4_000 + RECENT + BLOCK for change in found) >= 4
    for change in found:
        assert abs(change.since - 4_000) <= 2 * BLOCK
        assert change.events_before == change.since
        assert change.before == pytest.approx(0.05, abs=0.015)
        assert change.after > 0.075


@pytest.mark.parametrize(
    ("before", "after", "bounded"), [(normal(0), normal(0.5), False), (rate(0.15), rate(0.40), True)]
)
def test_the_change_lies_in_its_interval(before: Draw, after: Draw, bounded: bool) -> None:
    found = []
    for seed in range(60):
        rng, stream = random.Random(seed), Stream(bounded=bounded)
        feed(stream, before, rng, 1_000)
        found += feed(stream, after, rng, 500, start=1_000)[:1]
    assert len(found) == 60
    assert all(change.since_from <= change.since <= change.since_to for change in found)
    assert sum(change.since_from <= 1_000 <= change.since_to for change in found) >= 0.88 * 60  # 95 %, of 60
    assert sum(change.since_to - change.since_from for change in found) / 60 < 150


@pytest.mark.parametrize(
    ("before", "after", "bounded"), [(rate(0.15), rate(0.40), True), (latency(2), latency(3), False)]
)
def test_what_has_become_normal_is_told_once(before: Draw, after: Draw, bounded: bool) -> None:
    for seed in range(12):
        rng, stream = random.Random(seed), Stream(bounded=bounded)
        feed(stream, before, rng, 1_000)
        assert len(feed(stream, after, rng, 3_000, start=1_000)) == 1


def test_a_tenth_of_requests_that_take_ten_times_as_long_are_seen() -> None:
    delays = []
    for seed in range(9):
        rng, stream = random.Random(seed), Stream(bounded=False)
        feed(stream, latency(2), rng, 1_000)
        slow = feed(stream, lambda rng: latency(20 if rng.random() < 0.1 else 2)(rng), rng, 500, start=1_000)
        delays += [change.events_before + change.events_after - 1_000 for change in slow[:1]]
    assert len(delays) >= 8
    assert sorted(delays)[4] < 160


def test_one_endless_request_in_the_warm_up_hides_no_change() -> None:
    rng, stream = random.Random(0), Stream(bounded=False)
    feed(stream, latency(2), rng, 50)
    stream.update(36_000.0, 50)
    feed(stream, latency(2), rng, 949, start=51)
    assert len(feed(stream, latency(3), rng, 500, start=1_000)) == 1


def test_values_that_were_all_the_same() -> None:
    rng, stream = random.Random(0), Stream(bounded=False)
    assert feed(stream, lambda rng: 0.1, rng, 500) == []
    assert feed(stream, lambda rng: 7.0 if rng.random() < 0.002 else 0.1, rng, 2_000, start=500) == []
    (change,) = feed(stream, lambda rng: 0.2, rng, 100, start=2_500)
    assert change.after == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize(("shift", "told"), [(0.1, 0), (0.2, 1)])
def test_a_change_too_small_to_tell_leaves_the_older_values(shift: float, told: int) -> None:
    """ADWIN finds either."""
    stream = Stream(bounded=False)
    changes = [stream.update((-1) ** number + shift * (number >= 4_000), number) for number in range(8_000)]
    assert sum(change is not None for change in changes) == told
    assert (stream.size == 8_000) == (told == 0)


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
    for count in [3 * RECENT, BLOCK - 1, 10 * BLOCK]:
        feed(stream, rate(0.5), random.Random(0), count)
        assert RECENT <= len(stream._values) < RECENT + BLOCK
    assert stream.size == stream.count == 13 * BLOCK + 3 * RECENT - BLOCK * 2 - 1
    assert FEWEST <= len(to_plain(stream.state())["older"]) <= BLOCKS
    lists = [values for values in to_plain(stream.state()).values() if isinstance(values, list | bytes)]
    assert sum(map(len, lists)) <= (4 + 8) * (RECENT + BLOCK) + BLOCKS


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 6_999), max_size=6),
    draw=st.sampled_from([(rate(0.1), rate(0.3), True), (latency(2), latency(3), False)]),
    seed=st.integers(0, 3),
)
def test_a_stream_goes_on_from_its_state_wherever_that_was_taken(
    cuts: list[int], draw: tuple[Draw, Draw, bool], seed: int
) -> None:
    before, after, bounded = draw
    whole, stream, start = Stream(bounded=bounded), Stream(bounded=bounded), 0
    rng = random.Random(seed)
    # More than `BLOCKS` sums come before the change, so some have become one.
    values = [(after if 5_000 <= number < 6_200 else before)(rng) for number in range(7_000)]
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
