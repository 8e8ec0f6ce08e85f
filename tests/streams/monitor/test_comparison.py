from __future__ import annotations

import math
import random

import pytest

from tests.streams.monitor.values import Draw, feed, latency, normal, rate
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.comparison import COMPARED, MIN_BASELINE, Comparison
from watchline.streams.monitor.drift import RECENT, Stream


def compared(baseline: Stream, draw: Draw, rng: random.Random, count: int) -> Change | None:
    comparison = Comparison(baseline.baseline(), since=0)
    for _ in range(count):
        change = comparison.update(draw(rng))
        if change is not None:
            return change
    return None


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
    assert change.before == pytest.approx(2.2, rel=0.2)  # means, not scores
    assert change.after == pytest.approx(5.6, rel=0.3)
    assert change.p_value is not None and change.p_value <= 0.001


def test_a_comparison_gives_one_change_and_ends() -> None:
    baseline = Stream(bounded=True)
    feed(baseline, rate(0.2), random.Random(0), MIN_BASELINE)
    comparison = Comparison(baseline.baseline(), since=0)
    changes = [comparison.update(1.0) for _ in range(30)]
    assert [change is not None for change in changes] == [False] * 29 + [True]
    assert comparison.finished


def test_a_comparison_ends_without_a_difference() -> None:
    rng, baseline = random.Random(0), Stream(bounded=True)
    feed(baseline, rate(0.2), rng, 200)
    comparison = Comparison(baseline.baseline(), since=0)
    for _ in range(COMPARED):
        assert not comparison.finished
        comparison.update(rate(0.2)(rng))
    assert comparison.finished


def test_a_trivial_difference_is_no_change_however_sure() -> None:
    baseline = Stream(bounded=True)
    for number in range(RECENT):
        baseline.update(0.5 + 0.1 * (-1) ** number, number)
    comparison = Comparison(baseline.baseline(), since=0)
    changes = [comparison.update(0.513 + 0.001 * (-1) ** number) for number in range(COMPARED)]
    assert changes == [None] * COMPARED


def test_the_baseline_is_all_since_the_last_change_though_few_values_are_kept() -> None:
    """A rate that doubles from 5 %: with the values that a stream keeps alone, one in twenty is seen."""
    seen = 0
    for seed in range(40):
        rng, baseline = random.Random(seed), Stream(bounded=True)
        feed(baseline, rate(0.05), rng, 3_000)
        change = compared(baseline, rate(0.10), rng, 1_000)
        if change is not None:
            seen += 1
            assert change.events_before == 3_000
            assert change.before == pytest.approx(0.05, abs=0.015)
            assert change.since_from == change.since == change.since_to
    assert seen >= 0.8 * 40


def test_the_baseline_of_sums_is_that_of_the_values() -> None:
    rng, stream = random.Random(0), Stream(bounded=False)
    values = [latency(2)(rng) for _ in range(2_000)]
    assert all(stream.update(value, number) is None for number, value in enumerate(values))
    mean, (count, score, squares, farthest), scale, dependence = stream.baseline()
    assert dependence == 1
    assert scale is not None
    scores = [scale.score(value) for value in values]
    assert (mean, count) == (pytest.approx(math.fsum(values) / 2_000), 2_000)
    assert score == pytest.approx(math.fsum(scores) / 2_000)
    assert squares == pytest.approx(math.fsum((value - score) ** 2 for value in scores))
    assert 2 < farthest <= 10


def test_before_the_end_of_the_warm_up_the_scale_is_that_of_what_there_is() -> None:
    rng, stream = random.Random(0), Stream(bounded=False)
    feed(stream, latency(2), rng, MIN_BASELINE)
    change = compared(stream, latency(6), rng, 200)
    assert change is not None and change.events_before == MIN_BASELINE


@pytest.mark.parametrize(
    ("draw", "bounded"), [(rate(0.001), True), (lambda rng: 7.0 if rng.random() < 0.001 else 3.0, False)]
)
def test_events_that_are_rare_by_nature_are_no_change_when_a_few_come_early(draw: Draw, bounded: bool) -> None:
    for seed in range(60):
        rng, baseline = random.Random(seed), Stream(bounded=bounded)
        feed(baseline, draw, rng, 1_000)
        comparison = Comparison(baseline.baseline(), since=0)
        early = [comparison.update(1.0 if bounded else 7.0) for _ in range(2)]
        assert early + [comparison.update(draw(rng)) for _ in range(300)] == [None] * 302


def test_a_shift_by_a_fifth_of_a_standard_deviation_is_seen() -> None:
    seen = 0
    for seed in range(30):
        rng, baseline = random.Random(seed), Stream(bounded=False)
        feed(baseline, normal(0), rng, 3_000)
        seen += compared(baseline, normal(0.2), rng, 1_000) is not None
    assert seen >= 0.7 * 30


def test_values_that_resemble_their_neighbours_are_not_taken_for_independent() -> None:
    """Autoregressive ones, of which each is a third of the one before it and else new."""
    alarms = 0
    for seed in range(60):
        rng, baseline, last = random.Random(seed), Stream(bounded=False), [0.0]

        def draw(rng: random.Random, last: list[float] = last) -> float:
            last[0] = 0.33 * last[0] + rng.gauss(0, 0.94)
            return last[0]

        feed(baseline, draw, rng, 2_000)
        assert 1.2 < baseline.baseline().dependence < 3.5
        alarms += compared(baseline, draw, rng, 1_500) is not None
    assert alarms <= 1


def test_equal_values_stay_equal_though_they_are_kept_rounded() -> None:
    rng, baseline = random.Random(0), Stream(bounded=False)
    prices = [0.1, 0.1, 0.1, 0.3]  # no binary fractions
    feed(baseline, lambda rng: rng.choice(prices), rng, 200)
    assert compared(baseline, lambda rng: rng.choice(prices), rng, 500) is None


@pytest.mark.parametrize(("draw", "bounded"), [(rate(0.3), True), (latency(3), False)])
@pytest.mark.parametrize("cut", [0, 1, 29, 40])
def test_a_comparison_goes_on_from_its_state(draw: Draw, bounded: bool, cut: int) -> None:
    rng, baseline = random.Random(1), Stream(bounded=bounded)
    feed(baseline, rate(0.1) if bounded else latency(2), rng, 200)
    values = [draw(rng) for _ in range(300)]
    whole, comparison = (Comparison(baseline.baseline(), since=7) for _ in range(2))
    expected = [whole.update(value) for value in values]
    found = [comparison.update(value) for value in values[:cut]]
    comparison = Comparison.of(comparison.state(), bounded=bounded)
    found += [comparison.update(value) for value in values[cut:]]
    assert found == expected
    assert any(expected)
