"""Changes in a stream of numbers: at a known point (a new version's values against the old one's) and at unknown ones.

Numbers in, changes out: no clock, no I/O. Everything here is deterministic and can be pickled.
A bounded measure is taken as it is; an unbounded one (latency, cost, lengths) as ranks among values seen before,
so that one request of ten minutes doesn't hide, or make, a change.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchline.streams.monitor.sequential import SequentialTest

if TYPE_CHECKING:
    from river.drift import ADWIN

RECENT = 256  # values kept of a stream: the baseline of the version that comes next
MIN_BASELINE = 50  # values
WARM_UP = 100  # values before a stream is watched for drift
MIN_PART = 5  # values on either side of a change: ADWIN's shortest window
COMPARED = 1_000  # values of a new version after which a comparison ends: later differences are drift
ALPHA = 0.001  # of one comparison; the 15 or so measures of a version pair share 1.5 %
SMALL = 0.2  # standard deviations: a smaller difference is not worth a page (Cohen's "small effect")
# ADWIN's bound on one check. It is loose: tests/benchmarks/monitor.py counts how seldom it errs.
DELTA = 0.002


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


class Stream:
    """One measure of one slice of the traffic, watched for changes at unknown points.

    ADWIN finds that there was a change; where, is then read off the values: the split that explains most of their
    variance, at the earliest `RECENT` values ago. After a change the stream begins anew with what came after it.

    Parameters
    ----------
    bounded : bool
        The values lie in [0, 1]. Others are watched as ranks among the first `WARM_UP` of them.

    References
    ----------
    Bifet, Gavaldà: "Learning from time-changing data with adaptive windowing", SIAM Data Mining 2007.
    """

    __slots__ = ("_adwin", "_older", "_reference", "_times", "_values", "bounded", "count")

    def __init__(self, *, bounded: bool) -> None:
        self.bounded = bounded
        self.count = 0
        self._values = array("f")
        self._times = array("q")
        self._adwin: ADWIN | None = None
        self._reference: array[float] | None = None
        self._older = (0, 0.0, 0.0)  # of the values since the last change, no longer kept: count, sum, sum of scaled

    @property
    def recent(self) -> Sequence[float]:
        """The last values, at most `RECENT`, none from before the last change."""
        return self._values

    def update(self, value: float, time: int) -> Change | None:
        """Takes the next value. Returns the change that it completes, where it does."""
        self.count += 1
        self._values.append(value)
        self._times.append(time)
        if self._adwin is None:
            self._warm_up()
            return None
        if len(self._values) > RECENT:
            self._forget()
        # As it is kept: rounded, so that equal values stay equal.
        self._adwin.update(_scaled(self._values[-1], self._reference))
        if not self._adwin.drift_detected:
            return None
        self._adwin = None
        return self._located()

    def _warm_up(self) -> None:
        del self._values[:-RECENT], self._times[:-RECENT]
        if len(self._values) < WARM_UP:
            return
        # Late: river brings scikit-learn and pandas along, which would be most of a worker's start.
        from river.drift import ADWIN

        self._adwin = ADWIN(delta=DELTA)
        self._reference = None if self.bounded else array("f", sorted(self._values))
        self._older = (0, 0.0, 0.0)
        for value in self._values:
            self._adwin.update(_scaled(value, self._reference))

    def _forget(self) -> None:
        value = self._values[0]
        count, total, scaled = self._older
        self._older = (count + 1, total + value, scaled + _scaled(value, self._reference))
        del self._values[0], self._times[0]

    def _located(self) -> Change | None:
        older, older_total, older_scaled = self._older
        scaled = [_scaled(value, self._reference) for value in self._values]
        split = _best_split(older, older_scaled, scaled)
        effect = _effect(older, older_scaled, scaled[:split], scaled[split:])
        if abs(effect) < SMALL:
            return None
        before, after = self._values[:split], self._values[split:]
        change = Change(
            before=(older_total + math.fsum(before)) / (older + len(before)),
            after=math.fsum(after) / len(after),
            since=self._times[split],
            events_before=older + len(before),
            events_after=len(after),
            method="ADWIN",
            statistic=effect,
        )
        del self._values[:split], self._times[:split]
        return change


class Comparison:
    """A new version's values of one measure against the recent ones of the version before it.

    Gives one change at most. `finished` once it has, or after `COMPARED` values.

    Parameters
    ----------
    baseline : Stream
        With at least `MIN_BASELINE` recent values, which are copied.
    since : int
        Time of the new version's first event.
    """

    __slots__ = ("_after", "_before", "_reference", "_since", "_test", "finished")

    def __init__(self, baseline: Stream, since: int) -> None:
        values = baseline.recent
        self._reference = None if baseline.bounded else array("f", sorted(values))
        self._test = SequentialTest([_scaled(value, self._reference) for value in values])
        self._before = math.fsum(values) / len(values)
        self._after = 0.0
        self._since = since
        self.finished = False

    def update(self, value: float) -> Change | None:
        """Takes the new version's next value. Returns the change where the evidence is now strong enough."""
        test = self._test
        value = array("f", (value,))[0]
        test.update(_scaled(value, self._reference))
        self._after += (value - self._after) / test.count
        if test.p_value <= ALPHA and abs(test.effect) >= SMALL:
            self.finished = True
            return Change(
                before=self._before,
                after=self._after,
                since=self._since,
                events_before=test.count_before,
                events_after=test.count,
                method="mixture SPRT",
                statistic=test.log_evidence,
                p_value=test.p_value,
            )
        self.finished = test.count >= COMPARED
        return None


def _scaled(value: float, reference: Sequence[float] | None) -> float:
    """The value itself, or its rank in a sorted reference: the share of values below, ties by half, 0 to 1."""
    if reference is None:
        return value
    return (bisect_left(reference, value) + bisect_right(reference, value)) / (2 * len(reference))


def _best_split(older: int, older_total: float, values: Sequence[float]) -> int:
    """The index at which two means explain most of the variance, older values included on the left.

    `MIN_PART` values are left on either side.
    """
    best, found = -1.0, MIN_PART
    whole, left = older_total + math.fsum(values), older_total
    for index, value in enumerate(values):
        count, rest = older + index, len(values) - index
        if count >= MIN_PART and rest >= MIN_PART:
            between = (left / count - (whole - left) / rest) ** 2 * count * rest
            if between > best:
                best, found = between, index
        left += value
    return found


def _effect(older: int, older_total: float, before: Sequence[float], after: Sequence[float]) -> float:
    """Difference of the means in standard deviations of the values that are kept, each part around its mean; signed."""
    mean_before = (older_total + math.fsum(before)) / (older + len(before))
    mean_after = math.fsum(after) / len(after)
    squares = math.fsum((value - mean_before) ** 2 for value in before)
    squares += math.fsum((value - mean_after) ** 2 for value in after)
    deviation = math.sqrt(squares / (len(before) + len(after)))
    difference = mean_after - mean_before
    return difference / deviation if deviation else math.copysign(math.inf, difference)
