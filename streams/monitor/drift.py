"""Finds changes of a measure at unknown times: one version's values, watched by ADWIN. No clock, no input or output."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Self

import numpy as np

from watchline.schemas.records import MonitorBlock, MonitorScale, MonitorStream
from watchline.streams.monitor.change import FARTHEST, SMALL, Baseline, Drift, Moments, Scale, dependence
from watchline.streams.monitor.ranks import stream_of_scores
from watchline.streams.monitor.state import (
    HIGHEST,
    LOWEST,
    MAX_COUNT,
    MAX_VALUE,
    check,
    check_scale,
    check_values,
    packed,
    unpacked,
)

if TYPE_CHECKING:
    from river.drift import ADWIN

RECENT = 256  # values that a stream keeps at least, where it has had as many since its last change
BLOCK = 256  # values that are summed up at once when that many beyond RECENT are kept
BLOCKS = 12  # sums that are kept at most
FEWEST = 5  # that are left when there are more: the oldest become one
OLDEST = 2_048  # the oldest sum counts as at most so many values when ADWIN is built
WARM_UP = 100  # values before a stream is watched for drift
MIN_PART = 5  # values on either side of a change: ADWIN's shortest window
# ADWIN's bound on one check, made for values in [0, 1]. On the scale here it is none: tests/benchmarks/monitor.py
# counts how seldom it errs.
DELTA = 0.002
CLOCK = 8  # values between two checks
BOUNDED = 3.0  # Values in [0, 1] times this, since their standard deviation is .1 to .5 mostly: that of scores is 1.
# Of the natural logarithm of the likelihood, below the best split's: (1 - exp(-LIKELY))^2 = 95 %. Of changes that take
# a thousand values to find, such as a rate from 5 to 10 %, 80 % of the intervals hold the true one; 7 would give 85 %.
LIKELY = 3.676


class Stream:
    """Watches one measure of one slice of the traffic for changes at unknown times.

    ADWIN finds that the mean has changed. The time of the change is the split of the values that explains most of their
    variance (least squares), no earlier than the oldest value kept; with 95 % confidence it is among the splits whose
    likelihood, for normal values, is not much smaller (Hinkley; Siegmund). A change of less than `SMALL` standard
    deviations is not reported. After one that is, the stream begins anew with the values since it.

    River's ADWIN has no state that could be stored. So ADWIN is rebuilt from sums of older values and the values kept,
    in order: whenever `RECENT + BLOCK` are kept, the oldest `BLOCK` of them are summed up and ADWIN is rebuilt. That
    depends on the count of values alone, so a stream that was stored goes on like one that never was. What ADWIN is
    after the sums is kept beside it: it is built anew only when the oldest sums become one.

    Parameters
    ----------
    bounded : bool
        Whether the values lie in [0, 1]. Others are watched as standard scores on the scale of the warm-up, which is
        the first `WARM_UP` values.

    Attributes
    ----------
    count : int
        Values since the beginning.

    References
    ----------
    Bifet, Gavaldà: "Learning from time-changing data with adaptive windowing", SIAM Data Mining 2007.
    Hinkley: "Inference about the change-point in a sequence of random variables", Biometrika 57(1), 1970.
    Sen, Srivastava: "On tests for detecting change in mean", Annals of Statistics 3(1), 1975.
    Siegmund: "Confidence sets in change-point problems", International Statistical Review 56(1), 1988.

    Examples
    --------
    >>> stream = Stream(bounded=True)
    >>> changes = [stream.update(0.1 if second < 300 else 0.6, second * 1_000_000) for second in range(400)]
    >>> [(round(change.before, 3), round(change.after, 3), change.since) for change in changes if change]
    [(0.1, 0.6, 300000000)]
    """

    __slots__ = (
        "_adwin",
        "_older",
        "_scale",
        "_summed",
        "_summed_up",
        "_times",
        "_values",
        "_watched",
        "bounded",
        "count",
    )

    def __init__(self, *, bounded: bool) -> None:
        self.bounded = bounded
        self.count = 0
        self._values = array("f")
        self._times = array("q")
        self._watched = False
        self._adwin: ADWIN | None = None
        self._scale: Scale | None = None
        self._older: list[MonitorBlock] = []  # the values since the last change that are no longer kept
        # An ADWIN that has seen the first of them alone, so many: the next one is built from a copy.
        self._summed: ADWIN | None = None
        self._summed_up = 0

    @property
    def size(self) -> int:
        """Values since the last change."""
        return self.older + len(self._values)

    def baseline(self) -> Baseline:
        """The values since the last change, at least one. Before the end of the warm-up their scale is their own."""
        scale = self._scale if self._watched or self.bounded else Scale.of(self._values)
        scores = _scores(self._values, scale)
        return _baseline(_together(self._older), self._values, scores, scale, scores)

    @property
    def kept(self) -> tuple[Sequence[float], Sequence[int]]:
        """All values that are kept, and the times of their events, in order."""
        return self._values, self._times

    @property
    def is_full(self) -> bool:
        """Whether it no longer keeps the oldest `BLOCK` values after the next one."""
        return self._watched and len(self._values) == RECENT + BLOCK - 1

    @property
    def older(self) -> int:
        """How many of them are no longer kept."""
        return sum(block.count for block in self._older)

    def outgoing(self) -> tuple[Sequence[float], Sequence[int], Sequence[float]]:
        """The oldest `BLOCK` values, their times, and the values as they are compared."""
        values = self._values[:BLOCK]
        return values, self._times[:BLOCK], _scores(values, self._scale)

    def update(self, value: float, time: int) -> Drift | None:
        """Takes the next value.

        Parameters
        ----------
        value : float
            In the measure's own unit.
        time : int
            Of its event, in microseconds since 1970.

        Returns
        -------
        Drift or None
            The change that can be told with this value.
        """
        self.count += 1
        self._values.append(value)
        self._times.append(time)
        if not self._watched:
            self._warm_up()
            return None
        if not self._drifted():
            return None
        change = self._located()
        if change is not None:
            self._watched, self._adwin, self._scale, self._older = False, None, None, []
            self._summed, self._summed_up = None, 0
        return change

    def _warm_up(self) -> None:
        del self._values[: 1 - RECENT - BLOCK], self._times[: 1 - RECENT - BLOCK]
        if len(self._values) >= WARM_UP:
            self._watched = True
            self._scale = None if self.bounded else Scale.of(self._values)
            self._adwin, _ = self._built(self._values)

    def _drifted(self) -> bool:
        """Whether ADWIN, given the last value too, finds a change."""
        if len(self._values) == RECENT + BLOCK:
            self._sum_up()
            self._adwin, drifted = self._built(self._values)
            return drifted
        if self._adwin is None:  # just loaded
            self._adwin, _ = self._built(self._values[:-1])
        value = self._values[-1]
        self._adwin.update(BOUNDED * value if self._scale is None else self._scale.score(value))
        return bool(self._adwin.drift_detected)

    def _sum_up(self) -> None:
        values = self._values[:BLOCK]
        scores = _scores(values, self._scale)
        squares = math.fsum(score * score for score in scores)
        self._older.append(MonitorBlock(BLOCK, math.fsum(values), math.fsum(scores), squares, self._times[0]))
        if len(self._older) > BLOCKS:
            self._older[: 1 - FEWEST] = [_together(self._older[: 1 - FEWEST])]
            self._summed, self._summed_up = None, 0
        del self._values[:BLOCK], self._times[:BLOCK]

    def _built(self, values: Sequence[float]) -> tuple[ADWIN, bool]:
        """A new ADWIN that has seen what came before `values`, then these; and whether it found a change."""
        # Late: river brings scikit-learn and pandas along, which would be most of a worker's start.
        from river.drift import ADWIN

        if self._summed is None:
            self._summed = ADWIN(delta=DELTA, clock=CLOCK)
        factor = BOUNDED if self.bounded else 1.0
        for block in self._older[self._summed_up :]:
            for number in _like(block, factor):
                self._summed.update(number)
        self._summed_up = len(self._older)
        adwin, drifted = deepcopy(self._summed), False
        for score in _scores(values, self._scale):
            adwin.update(factor * score)
            drifted = drifted or adwin.drift_detected
        return adwin, drifted

    def _located(self) -> Drift | None:
        scores = _scores(self._values[:], self._scale)
        split, first, last, effect = _likely_splits(self._older, scores, bounded=self.bounded)
        if abs(effect) < SMALL:
            return None
        # Between two sums of BLOCK values the change may be anywhere in them.
        last = last + 1 if last < 0 else last
        first = first - 1 if first <= 0 and self._older[first - 1].count == BLOCK else first
        place, kept = min(split, 0) + len(self._older), max(split, 0)
        before, after = _together(self._older[:place]), _together(self._older[place:])
        events_before, events_after = before.count + kept, after.count + len(self._values) - kept
        change = Drift(
            before=(before.total + math.fsum(self._values[:kept])) / events_before,
            after=(after.total + math.fsum(self._values[kept:])) / events_after,
            since=self._time(split),
            events_before=events_before,
            events_after=events_after,
            method="ADWIN",
            statistic=effect,
            since_from=self._time(first),
            since_to=self._time(last),
            baseline=_baseline(
                before,
                self._values[:kept],
                scores[:kept],
                self._scale,
                [*_around_mean(scores[:kept]), *_around_mean(scores[kept:])],
            ),
            values=self._values[:],
            numbers=scores,
            times=self._times[:],
        )
        del self._values[:kept], self._times[:kept]
        return change

    def _time(self, split: int) -> int:
        """Of the first value behind a split (see `_likely_splits`), or of the oldest value whose time is known."""
        times = [block.since for block in self._older[min(split, 0) :] if block.since is not None] if split < 0 else []
        return times[0] if times else self._times[max(split, 0)]

    def state(self) -> MonitorStream:
        """Its state, to be stored: everything but ADWIN, which is rebuilt from it."""
        return MonitorStream(
            bounded=self.bounded,
            count=self.count,
            watched=self._watched,
            older=tuple(self._older),
            scale=MonitorScale(*self._scale) if self._scale is not None else None,
            packed_values=packed(np.array(self._values)),
            packed_times=packed(np.diff(np.array(self._times), prepend=0)),
        )

    @classmethod
    def of(cls, state: MonitorStream) -> Self:
        """Restores a stream from its state, ranks as scores. Raises ValueError where the state isn't valid."""
        state = stream_of_scores(state, RECENT)
        values = array("f", state.values) + array("f", unpacked(state.packed_values or b"", "f4").tobytes())
        times = array("q", state.times) + array("q", unpacked(state.packed_times or b"", "i8").cumsum().tobytes())
        kept = len(values)
        check(kept == len(times) < RECENT + BLOCK, "number of values")
        check(kept <= state.count <= MAX_COUNT, "count")
        check_values(values, bounded=state.bounded)
        check_scale(state.scale, needed=state.watched and not state.bounded)
        check(not state.watched or kept >= WARM_UP, "too few values to be watched")
        check(len(state.older) <= (BLOCKS if state.watched else 0), "number of blocks")
        lowest, highest = (LOWEST, HIGHEST) if state.bounded else (-FARTHEST, FARTHEST)
        for block in state.older:
            check(2 <= block.count <= MAX_COUNT and abs(block.total) <= block.count * MAX_VALUE, "block")
            check(lowest <= block.scaled / block.count <= highest, "block")
            check(0 <= block.squares <= block.count * highest**2, "block")
        stream = cls(bounded=state.bounded)
        stream.count = state.count
        stream._values, stream._times = values, times
        stream._watched = state.watched
        stream._scale = Scale(state.scale.mean, state.scale.deviation) if state.scale is not None else None
        stream._older = [*state.older]
        return stream


def _scores(values: Sequence[float], scale: Scale | None) -> Sequence[float]:
    """Values as they are compared: see `Baseline`."""
    return values if scale is None else scale.scores(values)


def _baseline(
    older: MonitorBlock,
    values: Sequence[float],
    scores: Sequence[float],
    scale: Scale | None,
    dependent: Sequence[float],
) -> Baseline:
    """Of values that are summed up and values that are kept; `dependent` tells how these resemble their neighbours."""
    count = older.count + len(scores)
    total = older.scaled + math.fsum(scores)
    mean = total / count
    squares = older.squares + math.fsum(score * score for score in scores)
    farthest = max(mean - min(scores, default=mean), max(scores, default=mean) - mean, 0.0)
    return Baseline(
        mean=(older.total + math.fsum(values)) / count,
        moments=Moments(count, mean, max(0.0, squares - total * mean), farthest),
        scale=scale,
        dependence=dependence(dependent) if dependent else 1.0,
    )


def _around_mean(scores: Sequence[float]) -> Iterator[float]:
    mean = math.fsum(scores) / len(scores) if scores else 0.0
    return (score - mean for score in scores)


def _together(blocks: Sequence[MonitorBlock]) -> MonitorBlock:
    """The sum of blocks."""
    return MonitorBlock(
        sum(block.count for block in blocks),
        math.fsum(block.total for block in blocks),
        math.fsum(block.scaled for block in blocks),
        math.fsum(block.squares for block in blocks),
        blocks[0].since if blocks else None,
    )


def _like(block: MonitorBlock, factor: float) -> list[float]:
    """Numbers with the mean and the variance of a block's, times a factor."""
    mean = block.scaled / block.count
    deviation = math.sqrt(max(0.0, block.squares / block.count - mean * mean))
    return [factor * (mean - deviation), factor * (mean + deviation)] * (min(block.count, OLDEST) // 2)


def _likely_splits(
    older: Sequence[MonitorBlock], scores: Sequence[float], *, bounded: bool
) -> tuple[int, int, int, float]:
    """The most likely split into two means, and by how many standard deviations they differ.

    A split is the index of the first score behind it; a negative one, of the first of the older sums, from their end.
    `MIN_PART` values are left on either side.

    Returns
    -------
    split : int
    first, last : int
        The first and the last split that are nearly as likely: see `LIKELY`.
    effect : float
        Signed; the standard deviation is that of the values around the two means.
    """
    likelihood = _binomial if bounded else _normal
    parts = [(block.count, block.scaled) for block in older] + [(1, score) for score in scores]
    count, whole = sum(size for size, _ in parts), math.fsum(total for _, total in parts)
    splits: list[tuple[float, int, float, int]] = []  # likelihood, values before, their sum, split
    before, left = 0, 0.0
    for split, (size, total) in enumerate(parts, -len(older)):
        after = count - before
        if before >= MIN_PART and after >= MIN_PART and (split >= 0 or older[split].since is not None):
            splits.append((likelihood(before, left) + likelihood(after, whole - left), before, left, split))
        before += size
        left += total
    highest, before, left, best = max(splits, key=lambda split: split[0])
    after, right = count - before, whole - left
    place, kept = min(best, 0) + len(older), max(best, 0)
    rest, dispersion = 0.0, 0.0
    for size, total, blocks, few in (
        (before, left, older[:place], scores[:kept]),
        (after, right, older[place:], scores[kept:]),
    ):
        squares = math.fsum(block.squares for block in blocks) + math.fsum(score * score for score in few)
        around = max(0.0, squares - total * total / size)
        expected = total * (1 - total / size) if bounded else size
        dispersion = max(dispersion, around / expected if expected > 0 else 0.0)
        rest += around
    # Quasi-likelihood: where the values on one side vary more than the other's, as those do.
    likely = [split for found, _, _, split in splits if found >= highest - LIKELY * dispersion]
    difference = right / after - left / before
    effect = difference / math.sqrt(rest / count) if rest else math.copysign(math.inf, difference)
    return best, likely[0], likely[-1], effect


def _normal(count: int, total: float) -> float:
    """Logarithm of the likelihood of values around their mean, but for what all splits share; of variance one."""
    return total * total / (2 * count)


def _binomial(count: int, total: float) -> float:
    """The same for values in [0, 1], whose variance is at most that of a rate with their mean."""
    rest = count - total
    return sum(part * math.log(part / count) for part in (total, rest) if part > 0)
