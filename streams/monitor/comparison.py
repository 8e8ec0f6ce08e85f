"""Compares a new version's values of a measure with those of the version before it: a change at a known time."""

from __future__ import annotations

import math
from array import array
from typing import Self

from watchline.schemas.records import MonitorComparison, MonitorScale
from watchline.streams.monitor.change import FARTHEST, SMALL, Baseline, Change, Moments, Scale
from watchline.streams.monitor.ranks import comparison_of_scores
from watchline.streams.monitor.sequential import SequentialTest
from watchline.streams.monitor.state import HIGHEST, LOWEST, MAX_VALUE, check, check_scale

MIN_BASELINE = 50  # values
COMPARED = 3_000  # values of a new version after which a comparison ends: later differences are drift
ALPHA = 0.001  # of one comparison; the 15 or so measures of a version pair share 1.5 %


class Comparison:
    """Compares a new version's values of one measure with those of the version before it, since its last change.

    The means are compared by a mixture SPRT (see `SequentialTest`) after every value, at level `ALPHA`; a difference
    of less than `SMALL` standard deviations is not reported. There is one change at most.

    Parameters
    ----------
    baseline : Baseline
        Of at least `MIN_BASELINE` values of the version before.
    since : int
        Time of the new version's first event, in microseconds since 1970.

    Attributes
    ----------
    finished : bool
        Whether a change was reported, or `COMPARED` values have come without one.

    Examples
    --------
    >>> from watchline.streams.monitor.change import Moments
    >>> baseline = Baseline(0.15, Moments.of([0.1, 0.2] * 50), scale=None)
    >>> comparison = Comparison(baseline, since=1_700_000_000_000_000)
    >>> changes = [comparison.update(0.4) for _ in range(30)]
    >>> round(changes[-1].before, 3), round(changes[-1].after, 3), comparison.finished
    (0.15, 0.4, True)
    """

    __slots__ = ("after", "before", "finished", "scale", "since", "test")

    def __init__(self, baseline: Baseline, *, since: int) -> None:
        self.scale = baseline.scale
        self.test = SequentialTest(baseline.moments, baseline.dependence)
        self.before = baseline.mean
        self.after = 0.0
        self.since = since
        self.finished = False

    def update(self, value: float, *, alpha: float = ALPHA, effect: float = SMALL, errors: float = 0) -> Change | None:
        """Takes the new version's next value; returns the change once the evidence for one is strong enough."""
        test = self.test
        value = array("f", (value,))[0]
        test.update(value if self.scale is None else self.scale.score(value))
        self.after += (value - self.after) / test.count
        if self.shows(alpha, effect, errors):
            self.finished = True
            return Change(
                before=self.before,
                after=self.after,
                since=self.since,
                events_before=test.count_before,
                events_after=test.count,
                method="mixture SPRT",
                statistic=test.log_evidence,
                since_from=self.since,
                since_to=self.since,
                p_value=test.p_value,
            )
        self.finished = test.count >= COMPARED
        return None

    @property
    def baseline(self) -> Baseline:
        """What the values are compared with."""
        test = self.test
        moments = Moments(test.count_before, test.mean_before, test.squares_before, test.farthest)
        return Baseline(self.before, moments, self.scale, test.dependence)

    def shows(self, alpha: float, effect: float, errors: float = 0) -> bool:
        """Whether there is a difference of so many standard deviations at least, at a level.

        `errors` are how many standard errors of the new values' mean must be left beyond them.
        """
        least = effect + errors / math.sqrt(max(self.test.count, 1))
        return self.test.p_value <= alpha and abs(self.test.effect) >= least

    def state(self) -> MonitorComparison:
        """Its state, to be stored while it runs."""
        test = self.test
        return MonitorComparison(
            since=self.since,
            before=self.before,
            after=self.after,
            count_before=test.count_before,
            mean_before=test.mean_before,
            squares_before=test.squares_before,
            count_after=test.count,
            mean_after=test.mean_after,
            squares_after=test.squares_after,
            p_value=test.p_value,
            scale=MonitorScale(*self.scale) if self.scale is not None else None,
            farthest=test.farthest,
            dependence=test.dependence,
        )

    @classmethod
    def of(cls, state: MonitorComparison, *, bounded: bool) -> Self:
        """Restores a comparison from its state. Raises ValueError where the state isn't valid."""
        state = comparison_of_scores(state)
        check_scale(state.scale, needed=not bounded)
        check(abs(state.before) <= MAX_VALUE and abs(state.after) <= MAX_VALUE, "means of a comparison")
        comparison = cls.__new__(cls)
        comparison.scale = Scale(state.scale.mean, state.scale.deviation) if state.scale is not None else None
        comparison.before, comparison.after = state.before, state.after
        comparison.since = state.since
        comparison.test = SequentialTest.of(
            state, lowest=LOWEST if bounded else -FARTHEST, highest=HIGHEST if bounded else FARTHEST
        )
        comparison.finished = False
        return comparison
