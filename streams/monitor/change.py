"""What both detectors of changes share: the change that they report, and the scale on which values are compared."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

SMALL = 0.2  # standard deviations: a smaller difference is not worth a page (Cohen's "small effect")


@dataclass(frozen=True, slots=True)
class Change:
    """What moved: means before and after, how many values stand behind each, when the first value after it came."""

    before: float
    after: float
    since: int
    events_before: int
    events_after: int
    method: str
    statistic: float
    p_value: float | None = None


def scaled(value: float, reference: Sequence[float] | None) -> float:
    """The value itself, or its rank in a sorted reference: the share of values below, ties by half, 0 to 1.

    A bounded measure is taken as it is; an unbounded one (latency, cost, lengths) as ranks among values seen before,
    so that one request of ten minutes doesn't hide, or make, a change.

    >>> scaled(3.0, [1.0, 2.0, 3.0, 4.0])
    0.625
    """
    if reference is None:
        return value
    return (bisect_left(reference, value) + bisect_right(reference, value)) / (2 * len(reference))
