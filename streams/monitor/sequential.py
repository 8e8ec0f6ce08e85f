"""Have two samples the same mean? A test that may be looked at after every value."""

from __future__ import annotations

import math
from collections.abc import Sequence

EFFECT = 0.5  # In standard deviations: the scale of the differences that are expected, and found soonest
MIN_AFTER = 30  # The normal approximation is poor below
# One imagined value at the far end of the range: where the baseline happens to lack a rare event, the first two of
# them afterwards prove little.
IMAGINED = 1.0


class SequentialTest:
    """Mixture sequential probability ratio test of a growing sample against a fixed baseline.

    The evidence is the Bayes factor of "the means differ by N(0, (EFFECT * sd)^2)" against "they don't", the common
    mean integrated out. For normal values of known variance it is a martingale where nothing differs, so that the
    chance of `p_value` ever falling to alpha is at most alpha, however often one looks (Ville's inequality). Here the
    variance is estimated, so the chance is measured instead: `tests/streams/monitor/test_sequential.py`.

    Parameters
    ----------
    baseline : sequence of float
        Values in [0, 1], at least two.

    Attributes
    ----------
    log_evidence : float
        Natural logarithm of the Bayes factor now.
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
    >>> test = SequentialTest([0.1, 0.2] * 50)
    >>> for _ in range(40):
    ...     test.update(0.4)
    >>> test.p_value < 0.001
    True
    """

    __slots__ = ("_after", "_before", "_squares_after", "_squares_before", "count", "count_before", "p_value")

    def __init__(self, baseline: Sequence[float]) -> None:
        self.count_before = len(baseline)
        self._before = sum(baseline) / len(baseline)
        self._squares_before = sum((value - self._before) ** 2 for value in baseline)
        self.count = 0
        self._after = 0.0
        self._squares_after = 0.0
        self.p_value = 1.0

    def update(self, value: float) -> None:
        """Takes the next value, in [0, 1]."""
        self.count += 1
        deviation = value - self._after
        self._after += deviation / self.count
        self._squares_after += deviation * (value - self._after)
        if self.count >= MIN_AFTER:
            self.p_value = min(self.p_value, math.exp(-max(0.0, self.log_evidence)))

    @property
    def log_evidence(self) -> float:
        freedom = self.count_before + self.count - 2
        variance = (self._squares_before + self._squares_after + IMAGINED) / freedom
        error = variance * (1 / self.count_before + 1 / self.count)  # of the difference, squared
        prior = variance * EFFECT**2
        difference = self._after - self._before
        return 0.5 * math.log(error / (error + prior)) + prior * difference**2 / (2 * error * (error + prior))

    @property
    def effect(self) -> float:
        difference = self._after - self._before
        deviation = math.sqrt(self._squares_before / self.count_before)
        if deviation == 0:
            return math.copysign(math.inf, difference) if difference else 0.0
        return difference / deviation
