"""The intervals: the likeliest shares are those, and the true difference is within, whenever one looks."""

from __future__ import annotations

import math
from random import Random

import pytest

from watchline.streams.comparison import intervals
from watchline.streams.comparison.intervals import Sample, of_means, of_pairs, of_shares


def test_the_likeliest_shares_are_likelier_than_all_others() -> None:
    random = Random(3)
    for _ in range(300):
        sizes = random.randint(1, 400), random.randint(1, 400)
        a, b = (Sample(size, random.choice([0, size, random.uniform(0, size)]), 0) for size in sizes)
        difference = random.uniform(-0.999, 0.999)
        low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
        shares = [low + (high - low) * step / 500 for step in range(1, 500)]
        best = max(intervals._likelihood(a, each) + intervals._likelihood(b, each + difference) for each in shares)
        assert intervals._likelihood_at(difference, a, b) >= best - 1e-9


@pytest.mark.parametrize(("first", "second"), [(0.02, 0.02), (0.3, 0.3), (0.0, 0.1), (0.2, 0.25)])
def test_shares_that_are_looked_at_after_every_value(first: float, second: float) -> None:
    """100 runs of 20 looks at 20 %: by chance 20 could leave the truth out; a plain interval would in more."""
    outside, fixed = 0, 0
    for run in range(100):
        random, sums = Random(run), [0, 0]
        left_out = fixed_left_out = False
        for size in range(1, 401):
            sums = [sums[0] + (random.random() < first), sums[1] + (random.random() < second)]
            if size % 20 == 0:
                a, b = (Sample(size, each, each) for each in sums)
                low, high = of_shares(a, b, 0.2)
                assert -1 <= low <= high <= 1
                left_out |= not low <= second - first <= high
                error = math.sqrt((a.variance + b.variance) / size)
                fixed_left_out |= abs(b.mean - a.mean - (second - first)) > 1.282 * error
        outside, fixed = outside + left_out, fixed + fixed_left_out
    assert outside <= 20 < fixed


def test_means_that_are_looked_at_after_many_values() -> None:
    outside = 0
    for run in range(100):
        random = Random(run)
        sums = [[0.0, 0.0], [0.0, 0.0]]
        left_out = False
        for size in range(1, 601):
            for each in sums:
                value = random.lognormvariate(0, 0.8)
                each[0], each[1] = each[0] + value, each[1] + value**2
            if size >= 50 and size % 10 == 0:
                low, high = of_means(*(Sample(size, *each) for each in sums), 0.2, scale=0.1)
                left_out |= not low <= 0 <= high
        outside += left_out
    assert outside <= 20


def test_ends_at_the_edge() -> None:
    none, all_ = Sample(1, 0, 0), Sample(1, 1, 1)
    assert of_shares(none, all_, 0.05).low < 0 < of_shares(none, all_, 0.05).high == 1
    assert of_shares(Sample(1000, 0, 0), Sample(1000, 1000, 1000), 0.05).low > 0.97
    assert of_means(Sample(60, 0, 0), Sample(60, 0, 0), 0.05, scale=1) == (0, 0)
    assert of_pairs(1, 0, 0, 0.05).high < 1 and of_pairs(1, 0, 1, 0.05).high <= 1


def test_pairs_leave_out_the_truth_seldom() -> None:
    outside = 0
    for run in range(1000):
        random = Random(run)
        first = [random.random() < 0.2 for _ in range(60)]
        second = [was if random.random() < 0.7 else random.random() < 0.2 for was in first]
        only_first = sum(one and not two for one, two in zip(first, second, strict=True))
        only_second = sum(two and not one for one, two in zip(first, second, strict=True))
        low, high = of_pairs(60, only_first, only_second, 0.05)
        outside += not low <= 0 <= high
    assert outside <= 60
