"""Tests whether two samples have the same mean; the result may be looked at after every value."""

from __future__ import annotations

import math
from typing import Self

from watchline.schemas.records import MonitorComparison
from watchline.streams.monitor.change import Moments
from watchline.streams.monitor.state import MAX_COUNT, check

EFFECT = 0.3  # In standard deviations: the scale of the differences that are expected, and found soonest
MIN_AFTER = 30  # The normal approximation is poor below
# Half a value is imagined in the smaller sample, as far off as the farthest that was seen, in [0, 1] at its far end:
# where the baseline happens to lack a rare event, the first two of them afterwards prove little.
IMAGINED = 0.5


class SequentialTest:
    """Mixture sequential probability ratio test of a growing sample against a fixed baseline.

    The evidence is the Bayes factor of "the means differ by N(0, (EFFECT * sd)^2)" against "they don't", the common
    mean integrated out. For normal values of known variance it is a martingale where nothing differs, so that the
    chance of `p_value` ever falling to alpha is at most alpha, however often one looks (Ville's inequality). Here the
    variance is estimated, so the chance is measured instead: `tests/streams/monitor/test_sequential.py`.

    Parameters
    ----------
    baseline : Moments
        Of at least two values, which lie in [0, 1] or are standard scores.
    dependence : float
        By how much the variance of their mean is larger than that of independent values.

    Attributes
    ----------
    count_before, count : int
    mean_before, mean_after : float
    squares_before, squares_after : float
        Of the baseline and of the values since: count, mean, sum of squared deviations from it.
    log_evidence : float
        Natural logarithm of the Bayes factor now.
    farthest : float
        The largest deviation of a value from the baseline's mean.
    p_value : float
        Always-valid: 1 / the largest evidence so far, at most 1.
    effect : float
        Difference of the means in standard deviations of the baseline, signed.

    References
    ----------
    Johari, Koomen, Pekelis, Walsh: "Always valid inference: continuous monitoring of A/B tests",
    Operations Research 70(3), 2022.
    Hendriksen, de Heide, Grünwald: "Optional stopping with Bayes factors", Bayesian Analysis 16(3), 2021.

    Examples
    --------
    >>> test = SequentialTest(Moments.of([0.1, 0.2] * 50))
    >>> for _ in range(40):
    ...     test.update(0.4)
    >>> test.p_value < 0.001
    True
    """

    __slots__ = (
        "count",
        "count_before",
        "dependence",
        "farthest",
        "mean_after",
        "mean_before",
        "p_value",
        "squares_after",
        "squares_before",
    )

    def __init__(self, baseline: Moments, dependence: float = 1.0) -> None:
        self.count_before, self.mean_before, self.squares_before, self.farthest = baseline
        self.dependence = dependence
        self.count = 0
        self.mean_after = 0.0
        self.squares_after = 0.0
        self.p_value = 1.0

    @classmethod
    def of(cls, state: MonitorComparison, *, lowest: float, highest: float) -> Self:
        """Restores a test of values in this range from its state. Raises ValueError where the state isn't valid."""
        check(2 <= state.count_before <= MAX_COUNT and 0 <= state.count_after <= MAX_COUNT, "counts of a comparison")
        for count, mean, squares in (
            (state.count_before, state.mean_before, state.squares_before),
            (state.count_after, state.mean_after, state.squares_after),
        ):
            check(lowest <= mean <= highest and 0 <= squares <= count * (highest - lowest) ** 2, "values compared")
        check(0 <= state.p_value <= 1, "p-value")
        check(0 <= state.farthest <= highest - lowest, "farthest value")
        check(1 <= state.dependence <= MAX_COUNT, "dependence")
        test = cls.__new__(cls)
        test.count_before, test.count = state.count_before, state.count_after
        test.mean_before, test.mean_after = state.mean_before, state.mean_after
        test.squares_before, test.squares_after = state.squares_before, state.squares_after
        test.farthest, test.dependence, test.p_value = state.farthest, state.dependence, state.p_value
        return test

    def update(self, value: float) -> None:
        """Takes the next value, in the range of the baseline's."""
        self.count += 1
        away = abs(value - self.mean_before)
        if away > self.farthest:
            self.farthest = away
        deviation = value - self.mean_after
        self.mean_after += deviation / self.count
        self.squares_after += deviation * (value - self.mean_after)
        if self.count >= MIN_AFTER and (evidence := self.log_evidence) > 0:
            self.p_value = min(self.p_value, math.exp(-evidence))

    @property
    def log_evidence(self) -> float:
        freedom = self.count_before + self.count - 2
        variance = self.dependence * (self.squares_before + self.squares_after) / freedom
        variance += IMAGINED * max(1.0, self.farthest**2) / min(self.count_before, self.count)
        error = variance * (1 / self.count_before + 1 / self.count)  # of the difference, squared
        prior = variance * EFFECT**2
        difference = self.mean_after - self.mean_before
        return 0.5 * math.log(error / (error + prior)) + prior * difference**2 / (2 * error * (error + prior))

    @property
    def effect(self) -> float:
        difference = self.mean_after - self.mean_before
        deviation = math.sqrt(self.squares_before / self.count_before)
        if deviation == 0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / deviation
