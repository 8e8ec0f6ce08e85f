"""Intervals for the difference of two versions: some that hold however often one looks, one for pairs.

An interval that holds whenever one looks (a confidence sequence) leaves out the true difference, at any time, in at
most a share alpha of all cases.

References
----------
Robbins: "Statistical methods related to the law of the iterated logarithm", Annals of Mathematical Statistics 41(5),
1970: the mixtures. Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52(6), 2024: means. Miettinen, Nurminen: "Comparative analysis of two
rates", Statistics in Medicine 4(2), 1985: the likeliest shares at a given difference. Agresti, Min: "Simple improved
confidence intervals for comparing matched proportions", Statistics in Medicine 24(5), 2005: pairs.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

STEPS = 40  # of halving the range in which an end lies: to 1e-12


class Sample(NamedTuple):
    """Values of one version: how many, their sum, and the sum of their squares.

    >>> Sample(4, 2.0, 2.0).scaled(2.0)
    Sample(size=8.0, total=4.0, squares=4.0)
    """

    size: float
    total: float
    squares: float

    @property
    def mean(self) -> float:
        return self.total / self.size

    @property
    def variance(self) -> float:
        return max(0.0, self.squares - self.size * self.mean**2) / max(self.size - 1, 1)

    def scaled(self, factor: float) -> Sample:
        """As many times more of the same."""
        return Sample(self.size * factor, self.total * factor, self.squares * factor)


class Interval(NamedTuple):
    """The least and the most that a difference, of the second version from the first, may be."""

    low: float
    high: float


def of_shares(a: Sample, b: Sample, alpha: float) -> Interval:
    """The difference of the means of values in [0, 1], at any time: no approximation, also of few values or rare ones.

    Of each version the mixture of likelihoods over all shares (Beta-binomial, Jeffreys' prior), divided by the
    likelihood of the true share, is a martingale that begins at 1, of values between 0 and 1 a supermartingale; so is
    the product of both. A difference is left out where no pair of shares has a product under 1 / alpha.

    Examples
    --------
    >>> [round(end, 3) for end in of_shares(Sample(500, 50, 50), Sample(500, 100, 100), 0.05)]
    [0.002, 0.2]
    """
    least = _mixture(a) + _mixture(b) + math.log(alpha)

    def end(outermost: float) -> float:
        inside, outside = b.mean - a.mean, outermost
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            if _likelihood_at(middle, a, b) > least:
                inside = middle
            else:
                outside = middle
        return outside

    return Interval(end(-1.0), end(1.0))


def of_means(a: Sample, b: Sample, alpha: float, *, scale: float) -> Interval:
    """The difference of means of any values, at any time, in large samples: by the normal approximation.

    Narrowest for differences of about `scale`, above zero, in the values' own unit.

    Examples
    --------
    >>> one, two = Sample(1000, 2000.0, 5000.0), Sample(1000, 2500.0, 7250.0)
    >>> [round(end, 2) for end in of_means(one, two, 0.05, scale=0.2)]
    [0.36, 0.64]
    """
    error = a.variance / a.size + b.variance / b.size
    difference = b.mean - a.mean
    if not error:
        return Interval(difference, difference)
    ratio = scale**2 / error
    half = math.sqrt(error * (1 + 1 / ratio) * (math.log1p(ratio) - 2 * math.log(alpha)))
    return Interval(difference - half, difference + half)


def of_pairs(pairs: int, only_first: int, only_second: int, alpha: float) -> Interval:
    """The difference of two shares over the same inputs, once: of those of which one side alone has it.

    Examples
    --------
    >>> [round(end, 2) for end in of_pairs(100, 2, 22, 0.05)]
    [0.11, 0.28]
    """
    count, first, second = pairs + 2, only_first + 0.5, only_second + 0.5
    difference = (second - first) / count
    error = math.sqrt((first + second) / count - difference**2) / math.sqrt(count)
    half = NormalDist().inv_cdf(1 - alpha / 2) * error
    return Interval(max(-1.0, difference - half), min(1.0, difference + half))


def _mixture(sample: Sample) -> float:
    hits, misses = sample.total, sample.size - sample.total
    return math.lgamma(hits + 0.5) + math.lgamma(misses + 0.5) - math.lgamma(sample.size + 1) - math.log(math.pi)


def _likelihood_at(difference: float, a: Sample, b: Sample) -> float:
    """The logarithm of the largest likelihood of two shares that differ by so much."""
    share = _likeliest(difference, a, b)
    return _likelihood(a, share) + _likelihood(b, share + difference)


def _likelihood(sample: Sample, share: float) -> float:
    hits, misses = sample.total, sample.size - sample.total
    if (hits > 0 and share <= 0) or (misses > 0 and share >= 1):
        return -math.inf
    return (hits * math.log(share) if hits > 0 else 0.0) + (misses * math.log1p(-share) if misses > 0 else 0.0)


def _likeliest(difference: float, a: Sample, b: Sample) -> float:
    """The share of the first: a root of a cubic equation."""
    count, total = a.size + b.size, a.total + b.total
    squared = ((b.size + 2 * a.size) * difference - count - total) / (3 * count)
    linear = ((a.size * difference - count - 2 * a.total) * difference + total) / (3 * count)
    constant = a.total * difference * (1 - difference) / (2 * count)
    q = squared**3 - 1.5 * linear * squared + constant
    p = math.copysign(math.sqrt(max(0.0, squared**2 - linear)), q)
    angle = (math.pi + math.acos(min(1.0, max(-1.0, q / p**3)))) / 3 if p else math.pi / 2
    share = 2 * p * math.cos(angle) - squared
    return min(max(share, 0.0, -difference), 1.0, 1.0 - difference)
