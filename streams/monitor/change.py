"""What both change detectors share: the change that they report, and the scale on which values are compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple, Self

import numpy as np

# Standard deviations: a smaller difference is not worth a page. Cohen's "small effect", "Statistical power analysis for
# the behavioral sciences", 2nd edition 1988, is .2; but of changes by that, half are estimated to be less.
SMALL = 0.15
FARTHEST = 5.0  # standard deviations: beyond, values count the same, so that no single one makes a change
OUTLIERS = 30  # rounds of drawing outliers in: enough for one that is a billion times the other values


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a measure's mean.

    Parameters
    ----------
    before, after : float
        The means before and after it, in the measure's own unit.
    since : int
        Time of the first value after it, in microseconds since 1970.
    since_from, since_to : int
        Between which times that value lies with 95 % confidence. Both are `since` where the change point was known.
    events_before, events_after : int
        Values from which the means are.
    method : str
        "ADWIN" or "mixture SPRT".
    statistic : float
        Of ADWIN the difference in standard deviations, signed; of the mixture SPRT the natural logarithm of the Bayes
        factor. Infinite where the values don't vary.
    p_value : float, optional
        Of the mixture SPRT only.
    """

    before: float
    after: float
    since: int
    events_before: int
    events_after: int
    method: str
    statistic: float
    since_from: int
    since_to: int
    p_value: float | None = None


class Scale(NamedTuple):
    """Makes values of an unbounded measure (latency, cost, lengths) comparable: as standard scores, clipped.

    Clipped at `FARTHEST`, one request of ten minutes neither hides nor makes a change, while a tenth of requests that
    take ten times as long counts in full.

    Parameters
    ----------
    mean, deviation : float
        Of values seen before, in the measure's own unit. Where these were all the same the deviation is zero, and any
        other value counts as farthest.

    Examples
    --------
    >>> scale = Scale.of([1.0, 2.0, 3.0, 2.0])
    >>> round(scale.score(3.0), 3), scale.score(600.0)
    (1.414, 5.0)
    >>> scale.scores([3.0, 600.0]) == [scale.score(3.0), scale.score(600.0)]
    True
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """The scale of values seen before: their mean and standard deviation, outliers drawn in (winsorized).

        One outlier among a hundred values would make the deviation so large that no later change is seen. So a value
        farther than `FARTHEST` deviations from the mean is drawn in to there, until none is.

        References
        ----------
        Huber, Ronchetti: "Robust statistics", 2nd edition 2009, section 6.4: "Proposal 2", by metrical winsorizing.
        """
        for _ in range(OUTLIERS):
            mean = math.fsum(values) / len(values)
            deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
            low, high = mean - FARTHEST * deviation, mean + FARTHEST * deviation
            if low <= min(values) and max(values) <= high:
                break
            values = [min(max(value, low), high) for value in values]
        return cls(mean, deviation)

    def drawn_in(self, value: float) -> float:
        """The value, or where it lies farther out than `FARTHEST` the one that lies there; all where none differed."""
        reach = FARTHEST * self.deviation
        return min(max(value, self.mean - reach), self.mean + reach) if reach else value

    def score(self, value: float) -> float:
        """Standard deviations of a value from the mean, at most `FARTHEST` either way."""
        difference = value - self.mean
        if not self.deviation:
            return math.copysign(FARTHEST, difference) if difference else 0.0
        score = difference / self.deviation
        return score if -FARTHEST <= score <= FARTHEST else math.copysign(FARTHEST, score)

    def scores(self, values: Sequence[float]) -> list[float]:
        """Those of many values, the same as one by one."""
        if not self.deviation:
            return [self.score(value) for value in values]
        with np.errstate(over="ignore"):
            scores = (np.array(values, np.float64) - self.mean) / self.deviation
        clipped: list[float] = scores.clip(-FARTHEST, FARTHEST).tolist()
        return clipped


class Moments(NamedTuple):
    """What a test of means needs of a sample.

    Parameters
    ----------
    size : int
        How many values.
    mean : float
    squares : float
        Sum of the squared deviations from the mean.
    farthest : float
        The largest deviation of a value that is known, zero where none is.

    Examples
    --------
    >>> Moments.of([1.0, 3.0])
    Moments(size=2, mean=2.0, squares=2.0, farthest=1.0)
    """

    size: int
    mean: float
    squares: float
    farthest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Those of values, at least one."""
        mean = math.fsum(values) / len(values)
        squares = math.fsum((value - mean) ** 2 for value in values)
        return cls(len(values), mean, squares, max(mean - min(values), max(values) - mean))


class Baseline(NamedTuple):
    """All values of a measure since its last change: what a new version's are compared with.

    Parameters
    ----------
    mean : float
        In the measure's own unit.
    moments : Moments
        Of the values as they are compared: bounded ones as they are, others as standard scores.
    scale : Scale or None
        Gives these scores; None for a measure between 0 and 1.
    dependence : float
        By how much the variance of their mean is larger than that of as many independent values: see `dependence`.
    """

    mean: float
    moments: Moments
    scale: Scale | None
    dependence: float = 1.0

    def together(self, later: Baseline) -> Baseline:
        """Of these values and of later ones, on the scale of these.

        Examples
        --------
        >>> old, new = (Baseline(1.0, Moments.of(values), scale=None) for values in ([0.0, 2.0], [4.0, 4.0]))
        >>> old.together(new).moments
        Moments(size=4, mean=2.5, squares=11.0, farthest=2.5)
        """
        ours, theirs = self.moments, later._moments_on(self.scale)
        size = ours.size + theirs.size
        share = theirs.size / size
        apart = theirs.mean - ours.mean
        mean = ours.mean + share * apart
        return Baseline(
            mean=self.mean + share * (later.mean - self.mean),
            moments=Moments(
                size=size,
                mean=mean,
                squares=ours.squares + theirs.squares + share * ours.size * apart**2,
                farthest=max(each.farthest + abs(mean - each.mean) for each in (ours, theirs)),
            ),
            scale=self.scale,
            dependence=self.dependence + share * (later.dependence - self.dependence),
        )

    def _moments_on(self, scale: Scale | None) -> Moments:
        """Of the same values on another scale, but that those clipped there are not known."""
        if self.scale is None or scale is None:
            return self.moments
        size, mean, squares, farthest = self.moments
        factor = self.scale.deviation / scale.deviation if scale.deviation else 0.0
        mean = scale.score(self.scale.mean + self.scale.deviation * mean)
        return Moments(size, mean, min(factor**2 * squares, size * FARTHEST**2), min(factor * farthest, FARTHEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift(Change):
    """A change at a point that was not known, which ADWIN found.

    Parameters
    ----------
    baseline : Baseline
        The values before it.
    values, numbers, times : sequences
        Those kept when it was found, the same as they are compared, and the times of their events, in order: what the
        stream forgets by it too.
    """

    baseline: Baseline
    values: Sequence[float]
    numbers: Sequence[float]
    times: Sequence[int]


def dependence(values: Sequence[float]) -> float:
    """By how much neighbours that resemble each other make the variance of a mean larger: at least 1.

    Requests come in conversations, retries and bursts. Taken for independent, they make equal versions look different.
    The first autocorrelation tells, where it is beyond chance (two standard errors).

    References
    ----------
    Bayley, Hammersley: "The 'effective' number of independent observations in an autocorrelated time series",
    Supplement to the Journal of the Royal Statistical Society 8(2), 1946.

    Examples
    --------
    >>> dependence([1.0, 0.0] * 50), round(dependence(([1.0] * 5 + [0.0] * 5) * 10), 2)
    (1.0, 4.13)
    """
    mean = math.fsum(values) / len(values)
    deviations = [value - mean for value in values]
    squares = math.fsum(deviation * deviation for deviation in deviations)
    if not squares:
        return 1.0
    correlation = math.fsum(map(mul, deviations, deviations[1:])) / squares
    beyond_chance = correlation > 2 / math.sqrt(len(values))
    return (1 + correlation) / (1 - correlation) if beyond_chance else 1.0
