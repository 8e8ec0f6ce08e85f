"""How often changes are seen, and equal values taken for a change: what a user may count on."""

from __future__ import annotations

import math
import random

import pytest

from tests.streams.monitor.values import Draw, feed, normal, rate
from watchline.streams.monitor.comparison import Comparison
from watchline.streams.monitor.drift import Stream

pytestmark = pytest.mark.slow


def heavy_tailed(rng: random.Random) -> float:
    return math.exp(rng.gauss(0, 1.5))


def student(rng: random.Random) -> float:
    """Of two degrees of freedom: without a variance."""
    return rng.gauss(0, 1) / math.sqrt(rng.expovariate(1))


NULL = [(rate(0.001), True), (rate(0.01), True), (rate(0.05), True), (normal(0), False), (heavy_tailed, False)]
NULL += [(student, False)]


def at_version(before: Draw, after: Draw, bounded: bool, seed: int) -> bool:
    """Whether the change is told within 1,000 events of a new version, after 3,000 of the one before."""
    rng, baseline = random.Random(seed), Stream(bounded=bounded)
    feed(baseline, before, rng, 3_000)
    comparison = Comparison(baseline.baseline(), since=0)
    return any(comparison.update(after(rng)) is not None for _ in range(1_000))


@pytest.mark.parametrize(
    ("before", "after", "bounded", "share"),
    [
        (rate(0.05), rate(0.10), True, 0.85),
        (rate(0.01), rate(0.03), True, 0.55),  # 64 % of 300
        (normal(0), normal(0.2), False, 0.75),
        (normal(0), normal(0.5), False, 0.99),
    ],
)
def test_a_version_that_differs(before: Draw, after: Draw, bounded: bool, share: float) -> None:
    assert sum(at_version(before, after, bounded, seed) for seed in range(150)) >= share * 150


@pytest.mark.parametrize(("draw", "bounded"), NULL)
def test_versions_that_do_not(draw: Draw, bounded: bool) -> None:
    assert sum(at_version(draw, draw, bounded, seed) for seed in range(150)) <= 1


@pytest.mark.parametrize(("draw", "bounded"), NULL)
def test_streams_without_a_change(draw: Draw, bounded: bool) -> None:
    """At most 1 in 50,000 values."""
    assert sum(len(feed(Stream(bounded=bounded), draw, random.Random(seed), 5_000)) for seed in range(20)) <= 2


@pytest.mark.parametrize(
    ("before", "after", "bounded", "share", "median"),
    [
        (normal(0), normal(0.5), False, 0.98, 150),
        (normal(0), normal(1), False, 1, 56),
        (rate(0.05), rate(0.10), True, 0.5, 700),
        (rate(0.15), rate(0.40), True, 0.98, 88),
    ],
)
def test_a_change_at_an_unknown_point(before: Draw, after: Draw, bounded: bool, share: float, median: int) -> None:
    """Within 2,000 values, after 1,000."""
    delays = []
    for seed in range(100):
        rng, stream = random.Random(seed), Stream(bounded=bounded)
        feed(stream, before, rng, 1_000)
        found = feed(stream, after, rng, 2_000, start=1_000)
        delays += [change.events_before + change.events_after - 1_000 for change in found[:1]]
    assert len(delays) >= share * 100
    assert sorted(delays)[len(delays) // 2] <= median
