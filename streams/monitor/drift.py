"""Finds changes of a measure at unknown times: one version's values, watched by ADWIN. No clock, no input or output."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Self

from watchline.schemas.records import MonitorBlock, MonitorStream
from watchline.streams.monitor.change import SMALL, Change, scaled
from watchline.streams.monitor.state import MAX_COUNT, MAX_VALUE, check, check_reference, check_values

if TYPE_CHECKING:
    from river.drift import ADWIN

RECENT = 256  # values that a stream keeps at least, where it has had as many: the baseline of the next version
BLOCK = 256  # values that are summed up at once when that many beyond RECENT are kept
BLOCKS = 5  # sums that are kept; beyond, the two oldest become one
OLDEST = 2_048  # the oldest sum counts as at most so many values when ADWIN is built
WARM_UP = 100  # values before a stream is watched for drift
MIN_PART = 5  # values on either side of a change: ADWIN's shortest window
# ADWIN's bound on one check. It is loose: tests/benchmarks/monitor.py counts how seldom it errs.
DELTA = 0.002


class Stream:
    """Watches one measure of one slice of the traffic for changes at unknown times.

    ADWIN finds that the mean has changed. The time of the change is the split of the values that explains most of their
    variance (least squares), no earlier than the oldest value kept. A change of less than `SMALL` standard deviations
    is not reported. After a change the stream begins anew with the values since it.

    River's ADWIN has no state that could be stored. So ADWIN is rebuilt from sums of older values and the values kept,
    in order: whenever `RECENT + BLOCK` are kept, the oldest `BLOCK` of them are summed up and ADWIN is rebuilt. That
    depends on the count of values alone, so a stream that was stored goes on like one that never was.

    Parameters
    ----------
    bounded : bool
        Whether the values lie in [0, 1]. Others are watched as ranks among those of the warm-up, which is the first
        `WARM_UP` values.

    Attributes
    ----------
    count : int
        Values since the beginning.

    References
    ----------
    Bifet, Gavaldà: "Learning from time-changing data with adaptive windowing", SIAM Data Mining 2007.
    Sen, Srivastava: "On tests for detecting change in mean", Annals of Statistics 3(1), 1975.

    Examples
    --------
    >>> stream = Stream(bounded=True)
    >>> changes = [stream.update(0.1 if second < 300 else 0.6, second * 1_000_000) for second in range(400)]
    >>> [(round(change.before, 3), round(change.after, 3), change.since) for change in changes if change]
    [(0.1, 0.6, 300000000)]
    """

    __slots__ = ("_adwin", "_older", "_reference", "_times", "_values", "_watched", "bounded", "count")

    def __init__(self, *, bounded: bool) -> None:
        self.bounded = bounded
        self.count = 0
        self._values = array("f")
        self._times = array("q")
        self._watched = False
        self._adwin: ADWIN | None = None
        self._reference: array[float] | None = None
        self._older: list[MonitorBlock] = []  # the values since the last change that are no longer kept

    @property
    def recent(self) -> Sequence[float]:
        """The last values, at most `RECENT`, none from before the last change."""
        return self._values[-RECENT:]

    def update(self, value: float, time: int) -> Change | None:
        """Takes the next value.

        Parameters
        ----------
        value : float
            In the measure's own unit.
        time : int
            Of its event, in microseconds since 1970.

        Returns
        -------
        Change or None
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
        self._watched, self._adwin, self._reference, self._older = False, None, None, []
        return change

    def _warm_up(self) -> None:
        del self._values[:-RECENT], self._times[:-RECENT]
        if len(self._values) >= WARM_UP:
            self._watched = True
            self._reference = None if self.bounded else array("f", sorted(self._values))
            self._adwin, _ = self._built(self._values)

    def _drifted(self) -> bool:
        """Whether ADWIN, given the last value too, finds a change."""
        if len(self._values) == RECENT + BLOCK:
            self._sum_up()
            self._adwin, drifted = self._built(self._values)
            return drifted
        if self._adwin is None:  # just loaded
            self._adwin, _ = self._built(self._values[:-1])
        return _fed(self._adwin, [scaled(self._values[-1], self._reference)])

    def _sum_up(self) -> None:
        values = self._values[:BLOCK]
        numbers = [scaled(value, self._reference) for value in values]
        squares = math.fsum(number * number for number in numbers)
        self._older.append(MonitorBlock(BLOCK, math.fsum(values), math.fsum(numbers), squares))
        if len(self._older) > BLOCKS:
            self._older[:2] = [_together(self._older[:2])]
        del self._values[:BLOCK], self._times[:BLOCK]

    def _built(self, values: Sequence[float]) -> tuple[ADWIN, bool]:
        """A new ADWIN that has seen what came before `values`, then these; and whether it found a change."""
        # Late: river brings scikit-learn and pandas along, which would be most of a worker's start.
        from river.drift import ADWIN

        adwin = ADWIN(delta=DELTA)
        for block in self._older:
            _fed(adwin, _like(block))
        return adwin, _fed(adwin, [scaled(value, self._reference) for value in values])

    def _located(self) -> Change | None:
        older = _together(self._older)
        numbers = [scaled(value, self._reference) for value in self._values]
        split = _best_split(older.count, older.scaled, numbers)
        effect = _effect(older.count, older.scaled, numbers[:split], numbers[split:])
        if abs(effect) < SMALL:
            return None
        before, after = self._values[:split], self._values[split:]
        change = Change(
            before=(older.total + math.fsum(before)) / (older.count + len(before)),
            after=math.fsum(after) / len(after),
            since=self._times[split],
            events_before=older.count + len(before),
            events_after=len(after),
            method="ADWIN",
            statistic=effect,
        )
        del self._values[:split], self._times[:split]
        return change

    def state(self) -> MonitorStream:
        """Its state, to be stored: everything but ADWIN, which is rebuilt from it."""
        return MonitorStream(
            bounded=self.bounded,
            count=self.count,
            watched=self._watched,
            values=tuple(self._values),
            times=tuple(self._times),
            reference=tuple(self._reference or ()),
            older=tuple(self._older),
        )

    @classmethod
    def of(cls, state: MonitorStream) -> Self:
        """Restores a stream from its state. Raises ValueError where the state isn't valid."""
        kept = len(state.values)
        check(kept == len(state.times) < RECENT + BLOCK, "number of values")
        check(kept <= state.count <= MAX_COUNT, "count")
        check_values(state.values, bounded=state.bounded)
        check_reference(state.reference, needed=state.watched and not state.bounded, longest=RECENT)
        check(not state.watched or kept >= WARM_UP, "too few values to be watched")
        check(len(state.older) <= BLOCKS, "number of blocks")
        for block in state.older:
            check(2 <= block.count <= MAX_COUNT and abs(block.total) <= block.count * MAX_VALUE, "block")
            check(0 <= block.scaled <= block.count and 0 <= block.squares <= block.count, "block")
        stream = cls(bounded=state.bounded)
        stream.count = state.count
        stream._values, stream._times = array("f", state.values), array("q", state.times)
        stream._watched = state.watched
        stream._reference = array("f", state.reference) if state.reference else None
        stream._older = [*state.older]
        return stream


def _fed(adwin: ADWIN, numbers: Iterable[float]) -> bool:
    """Whether ADWIN finds a change while it is given these."""
    drifted = False
    for number in numbers:
        adwin.update(number)
        drifted = drifted or adwin.drift_detected
    return drifted


def _together(blocks: Sequence[MonitorBlock]) -> MonitorBlock:
    """The sum of blocks."""
    return MonitorBlock(
        sum(block.count for block in blocks),
        math.fsum(block.total for block in blocks),
        math.fsum(block.scaled for block in blocks),
        math.fsum(block.squares for block in blocks),
    )


def _like(block: MonitorBlock) -> Iterator[float]:
    """Numbers with the mean and the variance of a block's."""
    mean = block.scaled / block.count
    deviation = math.sqrt(max(0.0, block.squares / block.count - mean * mean))
    for _ in range(min(block.count, OLDEST) // 2):
        yield mean - deviation
        yield mean + deviation


def _best_split(older: int, older_total: float, values: Sequence[float]) -> int:
    """The index at which two means explain most of the variance, older values included on the left.

    `MIN_PART` values are left on either side.
    """
    best, best_index = -1.0, MIN_PART
    whole, left = older_total + math.fsum(values), older_total
    for index, value in enumerate(values):
        count, rest = older + index, len(values) - index
        if count >= MIN_PART and rest >= MIN_PART:
            between = (left / count - (whole - left) / rest) ** 2 * count * rest
            if between > best:
                best, best_index = between, index
        left += value
    return best_index


def _effect(older: int, older_total: float, before: Sequence[float], after: Sequence[float]) -> float:
    """Difference of the means in standard deviations of the values that are kept, each part around its mean; signed."""
    mean_before = (older_total + math.fsum(before)) / (older + len(before))
    mean_after = math.fsum(after) / len(after)
    squares = math.fsum((value - mean_before) ** 2 for value in before)
    squares += math.fsum((value - mean_after) ** 2 for value in after)
    deviation = math.sqrt(squares / (len(before) + len(after)))
    difference = mean_after - mean_before
    return difference / deviation if deviation else math.copysign(math.inf, difference)
