from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable

import pytest

from watchline.streams.monitor.change import COMPARED, MIN_BASELINE, RECENT, Change, Comparison, Stream

Draw = Callable[[random.Random], float]


def rate(share: float) -> Draw:
    return lambda rng: float(rng.random() < share)


def latency(median: float) -> Draw:
    return lambda rng: median * math.exp(rng.gauss(0, 0.5))


def feed(stream: Stream, draw: Draw, rng: random.Random, count: int, start: int = 0) -> list[Change]:
    changes = (stream.update(draw(rng), start + number) for number in range(count))
    return [change for change in changes if change is not None]


def compared(baseline: Stream, draw: Draw, rng: random.Random, count: int) -> Change | None:
    comparison = Comparison(baseline, since=0)
    for _ in range(count):
        change = comparison.update(draw(rng))
        if change is not None:
            return change
    return None


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
    rng, stream = random.Random(8), Stream(bounded=True)
    feed(stream, rate(0.05), rng, 4_000)
    (change,) = feed(stream, rate(0.12), rng, 800, start=4_000)
    assert change.events_before > 4_000
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
    stream._adwin = None  # as after a detection that was too small to report
    feed(stream, rate(0.5), random.Random(0), 10)
    assert len(stream.recent) == RECENT
    assert len(pickle.dumps(stream)) < 8_000


def test_a_worse_version_is_seen_and_an_equal_one_is_not() -> None:
    seen = equal = 0
    for seed in range(60):
        rng, baseline = random.Random(seed), Stream(bounded=True)
        feed(baseline, rate(0.15), rng, 200)
        seen += compared(baseline, rate(0.40), rng, 200) is not None
        equal += compared(baseline, rate(0.15), rng, 200) is not None
    assert seen >= 0.95 * 60
    assert equal == 0


def test_what_a_comparison_tells() -> None:
    rng, baseline = random.Random(7), Stream(bounded=False)
    feed(baseline, latency(2), rng, 200)
    change = compared(baseline, latency(5), rng, 200)
    assert change is not None
    assert change.events_before == 200
    assert change.events_after < 60
    assert change.before == pytest.approx(2.2, rel=0.2)  # means, not ranks
    assert change.after == pytest.approx(5.6, rel=0.3)
    assert change.p_value is not None and change.p_value <= 0.001


def test_a_comparison_gives_one_change_and_ends() -> None:
    baseline = Stream(bounded=True)
    feed(baseline, rate(0.2), random.Random(0), MIN_BASELINE)
    comparison = Comparison(baseline, since=0)
    changes = [comparison.update(1.0) for _ in range(30)]
    assert [change is not None for change in changes] == [False] * 29 + [True]
    assert comparison.finished


def test_a_comparison_ends_without_a_difference() -> None:
    rng, baseline = random.Random(0), Stream(bounded=True)
    feed(baseline, rate(0.2), rng, 200)
    comparison = Comparison(baseline, since=0)
    for _ in range(COMPARED):
        assert not comparison.finished
        comparison.update(rate(0.2)(rng))
    assert comparison.finished


def test_a_trivial_difference_is_no_change_however_sure() -> None:
    baseline = Stream(bounded=True)
    for number in range(RECENT):
        baseline.update(0.5 + 0.1 * (-1) ** number, number)
    comparison = Comparison(baseline, since=0)
    changes = [comparison.update(0.515 + 0.001 * (-1) ** number) for number in range(COMPARED)]
    assert changes == [None] * COMPARED


def test_equal_values_stay_equal_though_they_are_kept_rounded() -> None:
    rng, baseline = random.Random(0), Stream(bounded=False)
    prices = [0.1, 0.1, 0.1, 0.3]  # no binary fractions
    feed(baseline, lambda rng: rng.choice(prices), rng, 200)
    assert compared(baseline, lambda rng: rng.choice(prices), rng, 500) is None
