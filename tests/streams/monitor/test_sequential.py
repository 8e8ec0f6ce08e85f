"""The figures over many more simulations: `python -m tests.benchmarks.monitor`."""

from __future__ import annotations

import math
import random

import pytest

from watchline.streams.monitor.change import Moments
from watchline.streams.monitor.sequential import MIN_AFTER, SequentialTest


def coin(rng: random.Random, rate: float, count: int) -> list[float]:
    return [float(rng.random() < rate) for _ in range(count)]


def smallest_p(seed: int, before: float, after: float, events_before: int, events_after: int) -> float:
    rng = random.Random(seed)
    test = SequentialTest(Moments.of(coin(rng, before, events_before)))
    for value in coin(rng, after, events_after):
        test.update(value)
    return test.p_value


@pytest.mark.parametrize("rate", [0.02, 0.15, 0.5])
def test_false_alarms_stay_below_alpha_though_one_looks_at_every_event(rate: float) -> None:
    alarms = sum(smallest_p(seed, rate, rate, 200, 500) <= 0.05 for seed in range(400))
    assert alarms <= 0.05 * 400


def test_a_doubled_rate_is_seen() -> None:
    seen = sum(smallest_p(seed, 0.15, 0.40, 200, 200) <= 0.001 for seed in range(300))
    assert seen >= 0.95 * 300


def test_no_verdict_on_a_handful_of_values() -> None:
    test = SequentialTest(Moments.of([0.0] * 100))
    for _ in range(MIN_AFTER - 1):
        test.update(1.0)
    assert test.p_value == 1
    test.update(1.0)
    assert test.p_value < 1e-9


def test_two_rare_events_that_the_baseline_happened_to_miss_prove_little() -> None:
    test = SequentialTest(Moments.of([0.0] * 50))
    for value in [1.0, 1.0] + [0.0] * 28:
        test.update(value)
    assert test.p_value > 0.01


def test_p_value_never_rises() -> None:
    rng = random.Random(1)
    test = SequentialTest(Moments.of(coin(rng, 0.2, 100)))
    seen = []
    for value in coin(rng, 0.6, 60) + coin(rng, 0.0, 200):
        test.update(value)
        seen.append(test.p_value)
    assert seen == sorted(seen, reverse=True)


def test_effect_is_signed_and_in_standard_deviations() -> None:
    test = SequentialTest(Moments.of([0.4, 0.6] * 20))
    test.update(0.3)
    assert test.effect == pytest.approx(-2.0)


def test_effect_against_a_constant_baseline() -> None:
    test = SequentialTest(Moments.of([0.0] * 20))
    test.update(0.0)
    assert test.effect == 0
    test.update(0.5)
    assert test.effect == math.inf
