"""What both change detectors share: the change that they report, and the scale on which values are compared."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

# Standard deviations: a smaller difference is not worth a page. Cohen's "small effect": "Statistical power analysis for
# the behavioral sciences", 2nd edition 1988.
SMALL = 0.2


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a measure's mean.

    Parameters
    ----------
    before, after : float
        The means before and after it, in the measure's own unit.
    since : int
        Time of the first value after it, in microseconds since 1970.
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
    p_value: float | None = None


def scaled(value: float, reference: Sequence[float] | None) -> float:
    """Scales a value to [0, 1] for comparison.

    A measure between 0 and 1 is taken as it is; any other (latency, cost, lengths) as its rank among values seen
    before, so that one request of ten minutes neither hides nor makes a change.

    Parameters
    ----------
    value : float
    reference : sequence of float or None
        Values seen before, sorted; None for a measure between 0 and 1.

    Returns
    -------
    float
        The value itself, or the share of the reference below it, ties by half.

    References
    ----------
    Bross: "How to use ridit analysis", Biometrics 14(1), 1958.

    Examples
    --------
    >>> scaled(3.0, [1.0, 2.0, 3.0, 4.0])
    0.625
    """
    if reference is None:
        return value
    return (bisect_left(reference, value) + bisect_right(reference, value)) / (2 * len(reference))
