from __future__ import annotations

import random

import pytest

from tests.streams.monitor.values import Draw, feed, latency, rate
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.comparison import COMPARED, MIN_BASELINE, Comparison
from watchline.streams.monitor.drift import RECENT, Stream


def compared(baseline: Stream, draw: Draw, rng: random.Random, count: int) -> Change | None:
    comparison = Comparison(baseline.recent, bounded=baseline.bounded, since=0)
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
    assert change.before == pytest.approx(2.2, rel=0.2)  # means, not ranks
    assert change.after == pytest.approx(5.6, rel=0.3)
    assert change.p_value is not None and change.p_value <= 0.001


def test_a_comparison_gives_one_change_and_ends() -> None:
    baseline = Stream(bounded=True)
    feed(baseline, rate(0.2), random.Random(0), MIN_BASELINE)
    comparison = Comparison(baseline.recent, bounded=baseline.bounded, since=0)
    changes = [comparison.update(1.0) for _ in range(30)]
    assert [change is not None for change in changes] == [False] * 29 + [True]
    assert comparison.finished


def test_a_comparison_ends_without_a_difference() -> None:
    rng, baseline = random.Random(0), Stream(bounded=True)
    feed(baseline, rate(0.2), rng, 200)
    comparison = Comparison(baseline.recent, bounded=baseline.bounded, since=0)
    for _ in range(COMPARED):
        assert not comparison.finished
        comparison.update(rate(0.2)(rng))
    assert comparison.finished


def test_a_trivial_difference_is_no_change_however_sure() -> None:
    baseline = Stream(bounded=True)
    for number in range(RECENT):
        baseline.update(0.5 + 0.1 * (-1) ** number, number)
    comparison = Comparison(baseline.recent, bounded=baseline.bounded, since=0)
    changes = [comparison.update(0.515 + 0.001 * (-1) ** number) for number in range(COMPARED)]
    assert changes == [None] * COMPARED


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
    whole, comparison = (Comparison(baseline.recent, bounded=bounded, since=7) for _ in range(2))
    expected = [whole.update(value) for value in values]
    found = [comparison.update(value) for value in values[:cut]]
    comparison = Comparison.of(comparison.state(), bounded=bounded)
    found += [comparison.update(value) for value in values[cut:]]
    assert found == expected
    assert any(expected)
