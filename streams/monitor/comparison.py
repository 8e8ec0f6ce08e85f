"""Compares a new version's values of a measure with those of the version before it: a change at a known time."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import Self

from watchline.schemas.records import MonitorComparison
from watchline.streams.monitor.change import SMALL, Change, scaled
from watchline.streams.monitor.sequential import SequentialTest
from watchline.streams.monitor.state import MAX_VALUE, check, check_reference

MIN_BASELINE = 50  # values
COMPARED = 1_000  # values of a new version after which a comparison ends: later differences are drift
ALPHA = 0.001  # of one comparison; the 15 or so measures of a version pair share 1.5 %


class Comparison:
    """Compares a new version's values of one measure with the recent ones of the version before it.

    The means are compared by a mixture SPRT (see `SequentialTest`) after every value, at level `ALPHA`; a difference
    of less than `SMALL` standard deviations is not reported. There is one change at most.

    Parameters
    ----------
    baseline : sequence of float
        At least `MIN_BASELINE` values of the version before, in the measure's own unit. They are copied.
    bounded : bool
        Whether the values lie in [0, 1]. Others are compared as ranks among those of the baseline.
    since : int
        Time of the new version's first event, in microseconds since 1970.

    Attributes
    ----------
    finished : bool
        Whether a change was reported, or `COMPARED` values have come without one.

    Examples
    --------
    >>> comparison = Comparison([0.1, 0.2] * 50, bounded=True, since=1_700_000_000_000_000)
    >>> changes = [comparison.update(0.4) for _ in range(30)]
    >>> round(changes[-1].before, 3), round(changes[-1].after, 3), comparison.finished
    (0.15, 0.4, True)
    """

    __slots__ = ("after", "before", "finished", "reference", "since", "test")

    def __init__(self, baseline: Sequence[float], *, bounded: bool, since: int) -> None:
        self.reference = None if bounded else array("f", sorted(baseline))
        self.test = SequentialTest([scaled(value, self.reference) for value in baseline])
        self.before = math.fsum(baseline) / len(baseline)
        self.after = 0.0
        self.since = since
        self.finished = False

    def update(self, value: float) -> Change | None:
        """Takes the new version's next value; returns the change once the evidence for one is strong enough."""
        test = self.test
        value = array("f", (value,))[0]
        test.update(scaled(value, self.reference))
        self.after += (value - self.after) / test.count
        if test.p_value <= ALPHA and abs(test.effect) >= SMALL:
            self.finished = True
            return Change(
                before=self.before,
                after=self.after,
                since=self.since,
                events_before=test.count_before,
                events_after=test.count,
                method="mixture SPRT",
                statistic=test.log_evidence,
                p_value=test.p_value,
            )
        self.finished = test.count >= COMPARED
        return None

    def state(self) -> MonitorComparison:
        """Its state, to be stored while it runs."""
        test = self.test
        return MonitorComparison(
            since=self.since,
            reference=tuple(self.reference or ()),
            before=self.before,
            after=self.after,
            count_before=test.count_before,
            mean_before=test.mean_before,
            squares_before=test.squares_before,
            count_after=test.count,
            mean_after=test.mean_after,
            squares_after=test.squares_after,
            p_value=test.p_value,
        )

    @classmethod
    def of(cls, state: MonitorComparison, *, bounded: bool) -> Self:
        """Restores a comparison from its state. Raises ValueError where the state isn't valid."""
        check_reference(state.reference, needed=not bounded, longest=state.count_before)
        check(abs(state.before) <= MAX_VALUE and abs(state.after) <= MAX_VALUE, "means of a comparison")
        comparison = cls.__new__(cls)
        comparison.reference = array("f", state.reference) if state.reference else None
        comparison.before, comparison.after = state.before, state.after
        comparison.since = state.since
        comparison.test = SequentialTest.of(state)
        comparison.finished = False
        return comparison
