"""Which changes may wake somebody: one budget of false pages for all measures of an app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Self
from uuid import UUID, uuid5

from watchline.schemas.records import MonitorConfirmation, Signal
from watchline.streams.monitor.change import SMALL
from watchline.streams.monitor.comparison import Comparison

FALSE_PAGES = 1.0  # a month, of an app
SLICES, MEASURES = 500, 30  # that share the budget; an app with fewer has fewer false pages
TESTS = 2  # of a measure of a slice, a month: a new version, and a drift that is none
HOURS_KNOWN, WEEKDAYS_KNOWN = 3, 22  # days that it takes: see `season`
LARGE = 2.0  # standard deviations that page before: few amounts swing so far in a day
LARGE_SHARE = 1.0  # the same of rates and scores, which swing less
MEDIUM = 1.0  # of a drift, between: few measures differ so much between a Friday and a Saturday
SOME = 0.5  # of an amount with a new version, between: the weekend is part of what is compared


class Paging(NamedTuple):
    """How sure and how large a change must be to wake somebody.

    Each test that could wake somebody falsely has the same part of the budget (Bonferroni), and its level holds however
    often one looks (`SequentialTest`). So at most as many false pages as the budget are to be expected, whichever
    measures move together; of values that depend on those before, or have heavy tails, more come.

    Parameters
    ----------
    alpha : float
        Level of one test.
    effect : float
        Standard deviations of the baseline, at least.
    errors : float
        Standard errors that must be left beyond that.

    Examples
    --------
    >>> round(1 / Paging.of(1.0).alpha)
    30000
    """

    alpha: float
    effect: float = SMALL
    errors: float = 2.0  # beyond it: of the first few values the effect is overestimated, else it would not be found

    @classmethod
    def of(cls, false_pages: float) -> Self:
        """For so many false pages a month."""
        return cls(false_pages / (SLICES * MEASURES * TESTS))

    def by_days(self, *, bounded: bool) -> tuple[Needed, Needed, Needed]:
        """As long as the hours of a measure aren't known, then as long as its weekdays aren't, and from then on."""
        large = self._replace(effect=LARGE_SHARE if bounded else LARGE)
        known = self if bounded else self._replace(effect=SOME)
        return Needed(large, large), Needed(known, self._replace(effect=MEDIUM)), Needed(self, self)


class Needed(NamedTuple):
    """What a change needs to wake somebody: at a known point, as with a new version, and at an unknown one."""

    known: Paging
    drift: Paging


def stage(days: int) -> int:
    """The place in `Paging.by_days` after so many days."""
    return (days >= HOURS_KNOWN) + (days >= WEEKDAYS_KNOWN)


@dataclass(slots=True)
class Confirmation:
    """A change that was told, while more values come in: whether it may wake somebody.

    A drift is confirmed by values that it was not found by. They are held against all values since the last change that
    was confirmed: those since one that was chance were chosen for being different.

    Parameters
    ----------
    signal : Signal
        What told of it.
    comparison : Comparison
    effect : float
        Standard deviations that it must be at least, by what was known of the hours when it was told.
    """

    signal: Signal
    comparison: Comparison
    effect: float

    def update(self, value: float, paging: Paging) -> Signal | None:
        """Takes the next value; returns the signal as it is by now, once it may wake somebody.

        Its event and its time are those of the first one still.
        """
        change = self.comparison.update(value, alpha=paging.alpha, effect=self.effect, errors=paging.errors)
        if change is None:
            return None
        drift = self.signal.kind == "drift"
        return replace(
            self.signal,
            signal_id=str(uuid5(UUID(self.signal.signal_id), "page")),
            before=change.before,
            after=change.after,
            events_before=change.events_before,
            events_after=change.events_after,
            method=f"ADWIN, {change.method}" if drift else change.method,
            statistic=change.statistic,
            p_value=change.p_value,
            page=True,
        )

    def state(self) -> MonitorConfirmation:
        """Its state, to be stored."""
        return MonitorConfirmation(self.signal, self.comparison.state(), self.effect)

    @classmethod
    def of(cls, state: MonitorConfirmation, *, bounded: bool) -> Self:
        """Restores it from its state. Raises ValueError where the state isn't valid."""
        UUID(state.signal.signal_id)
        return cls(state.signal, Comparison.of(state.comparison, bounded=bounded), state.effect)
