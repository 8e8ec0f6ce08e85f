"""What of a measure's value is the hour's and the weekday's, and so no change."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from watchline.schemas.records import MonitorScale, MonitorSeason
from watchline.streams.monitor.change import Scale
from watchline.streams.monitor.state import MAX_COUNT, MAX_VALUE, check, check_scale, check_values

HOURS, WEEK = 24, 7
KINDS_OF_DAY = 2  # weekdays, weekends
MEMORY = 14  # days of an hour, weeks of a weekday, over which an effect is averaged at most
WARM_UP = 100  # values
_HOUR = 3_600_000_000  # microseconds
_MONDAY = 3  # 1970-01-01 was a Thursday


@dataclass(slots=True)
class _Effects:
    """Additive effects of places in a cycle, each shrunk by how badly it foretold the days after it.

    Parameters
    ----------
    seen : array of float
        For each place, of how many cycles its effect is the mean, at most `MEMORY`.
    effects : array of float
    error, errors : float
        Mean squared error of an effect as a forecast of the next, and of how many times it is.

    References
    ----------
    James, Stein: "Estimation with quadratic loss", Berkeley Symposium 4, 1961: the positive part of the shrinkage, for
    each place by itself.
    """

    seen: array[float]
    effects: array[float]
    error: float = 0.0
    errors: float = 0.0

    @classmethod
    def empty(cls, places: int) -> Self:
        return cls(array("f", [0.0] * places), array("f", [0.0] * places))

    def learn(self, found: Sequence[tuple[int, float]]) -> None:
        """Takes one cycle's deviations, by place."""
        missed = [(deviation - self.effects[place]) ** 2 for place, deviation in found if self.seen[place]]
        if missed:
            self.errors = min(self.errors + 1, MEMORY)
            self.error += (math.fsum(missed) / len(missed) - self.error) / self.errors
        for place, deviation in found:
            self.seen[place] = min(self.seen[place] + 1, MEMORY)
            self.effects[place] += (deviation - self.effects[place]) / self.seen[place]

    def effect(self, place: int) -> float:
        """As far as it can be told from noise; zero before it was seen twice."""
        effect, seen = self.effects[place], self.seen[place]
        if seen < 2 or not self.errors or not effect:
            return 0.0
        return effect * max(0.0, 1 - self.error / seen / effect**2)


class Season:
    """The hours of the day, of weekdays and weekends apart, and the days of the week of one measure, in UTC.

    An hour's effect is the mean difference between its values and the day's level, over the last `MEMORY` such days; a
    weekday's, that between its level and the seven days' up to it. Both are learnt when a day is over, so a change that
    comes today is not taken for the hour's. An effect is taken off as far as it can be told from noise, once it was
    seen twice. Until the weekend's hours are known they count as a weekday's. Values of an unbounded measure are learnt
    from once the scale of the first `WARM_UP` is known, and none as farther out than `FARTHEST`: one request of ten
    minutes is no hour's.

    Attributes
    ----------
    days : int
        Whole days that it has learnt from.

    References
    ----------
    Cleveland et al.: "STL: a seasonal-trend decomposition procedure based on loess", Journal of Official Statistics
    6(1), 1990, of which this is the additive model with moving means for loess.

    Examples
    --------
    >>> season = Season()
    >>> for hour in range(6 * 24):
    ...     left = season.without(0.2 if hour % 24 < 12 else 0.1, hour * 3_600_000_000, bounded=True)
    ...     if hour % 12 == 0 and hour % 36 == 0:
    ...         print(hour // 24, round(left, 2))
    0 0.2
    1 0.1
    3 0.15
    4 0.15
    """

    __slots__ = (
        "_centres",
        "_counts",
        "_day",
        "_effect",
        "_first",
        "_hour",
        "_hours",
        "_levels",
        "_scale",
        "_squares",
        "_totals",
        "_weekdays",
        "_weights",
        "days",
    )

    def __init__(self) -> None:
        self.days = 0
        self._day = -1  # since 1970; of the values that are being counted
        self._hour, self._effect = -1, 0.0  # the last value's hour since 1970, and what is its in a value
        self._counts = array("f", [0.0] * HOURS)
        self._totals = array("d", [0.0] * HOURS)
        self._squares = 0.0
        self._first = array("f")
        self._scale: Scale | None = None
        self._hours = _Effects.empty(KINDS_OF_DAY * HOURS)
        self._weights = array("f", [0.0] * KINDS_OF_DAY * HOURS)  # values of an hour, of such days
        self._weekdays = _Effects.empty(WEEK)
        self._levels = array("d")  # of the last days, at most `WEEK`
        self._centres = self._centred()

    def without(self, value: float, time: int, *, bounded: bool) -> float:
        """Learns from a value and gives it without what is the hour's and the weekday's.

        Parameters
        ----------
        value : float
        time : int
            In microseconds since 1970. A day that is over isn't learnt from any more.
        bounded : bool
            Whether values lie between 0 and 1.
        """
        hour = time // _HOUR
        if hour != self._hour:
            day = hour // HOURS
            if day > self._day:
                self._end_day()
                self._day = day
            self._hour, self._effect = hour, self._effect_of(day, hour % HOURS)
        if hour // HOURS == self._day and (bounded or self._scale is not None or self._warmed_up(value)):
            learnt = value if self._scale is None else self._scale.drawn_in(value)
            self._counts[hour % HOURS] += 1
            self._totals[hour % HOURS] += learnt
            self._squares += learnt * learnt
        return value - self._effect

    def _warmed_up(self, value: float) -> bool:
        """Whether the scale of the values is known with this one."""
        self._first.append(value)
        if len(self._first) < WARM_UP:
            return False
        self._scale, self._first = Scale.of(self._first), array("f")
        return True

    def _effect_of(self, day: int, hour: int) -> float:
        kind = _kind(day)
        if self._hours.seen[kind * HOURS + hour] < 2:  # in the first days of weekdays, or of weekends
            kind = 1 - kind
        of_hour = self._hours.effect(kind * HOURS + hour) - self._centres[kind]
        return of_hour + self._weekdays.effect(_weekday(day))

    def _end_day(self) -> None:
        means = {hour: self._totals[hour] / count for hour, count in enumerate(self._counts) if count}
        if means:
            self._learn_day(means)
        self._counts, self._totals = array("f", [0.0] * HOURS), array("d", [0.0] * HOURS)
        self._squares = 0.0

    def _learn_day(self, means: dict[int, float]) -> None:
        first = _kind(self._day) * HOURS
        known = [hour for hour in means if self._hours.seen[first + hour]] or list(means)
        count = math.fsum(self._counts[hour] for hour in known)
        # Without what is known of its hours, else a day that ends early would have another level.
        level = math.fsum((means[h] - self._hours.effects[first + h]) * self._counts[h] for h in known) / count
        self._hours.learn([(first + hour, mean - level) for hour, mean in means.items()])
        for hour in means:
            self._weights[first + hour] += (self._counts[hour] - self._weights[first + hour]) / self._hours.seen[
                first + hour
            ]
        self._levels.append(level)
        del self._levels[:-WEEK]
        if len(self._levels) == WEEK:
            self._weekdays.learn([(_weekday(self._day), level - math.fsum(self._levels) / WEEK)])
        self.days += 1
        self._centres = self._centred()
        if self._scale is not None:
            self._scale = self._followed(self._scale)

    def _followed(self, scale: Scale) -> Scale:
        """The scale, moved by a `MEMORY`th to that of the day's values."""
        count, total = math.fsum(self._counts), math.fsum(self._totals)
        apart = total / count - scale.mean
        squares = self._squares / count - 2 * scale.mean * total / count + scale.mean**2  # around the old mean
        variance = scale.deviation**2 + (squares - scale.deviation**2) / MEMORY - (apart / MEMORY) ** 2
        return Scale(scale.mean + apart / MEMORY, math.sqrt(max(variance, 0.0)))

    def _centred(self) -> tuple[float, ...]:
        """Of each kind of day the mean effect of its values: taking effects off must not change their level."""
        centres = []
        for first in range(0, KINDS_OF_DAY * HOURS, HOURS):
            weights = self._weights[first : first + HOURS]
            effects = math.fsum(weight * self._hours.effect(first + hour) for hour, weight in enumerate(weights))
            centres.append(effects / math.fsum(weights) if any(weights) else 0.0)
        return tuple(centres)

    def state(self, measure: str) -> MonitorSeason:
        """Its state under the measure's name, to be stored."""
        return MonitorSeason(
            measure=measure,
            days=self.days,
            day=self._day,
            counts=tuple(self._counts),
            totals=tuple(self._totals),
            weights=tuple(self._weights),
            hours_seen=tuple(self._hours.seen),
            hours=tuple(self._hours.effects),
            hours_error=self._hours.error,
            hours_errors=self._hours.errors,
            weekdays_seen=tuple(self._weekdays.seen),
            weekdays=tuple(self._weekdays.effects),
            weekdays_error=self._weekdays.error,
            weekdays_errors=self._weekdays.errors,
            levels=tuple(self._levels),
            first=tuple(self._first),
            scale=MonitorScale(*self._scale) if self._scale is not None else None,
            squares=self._squares,
        )

    @classmethod
    def of(cls, state: MonitorSeason) -> Self:
        """Restores a season from its state. Raises ValueError where the state isn't valid."""
        check(0 <= state.days <= MAX_COUNT and -1 <= state.day <= MAX_COUNT, "days of a season")
        check(len(state.counts) == len(state.totals) == HOURS, "hours of a season")
        places = KINDS_OF_DAY * HOURS
        check(len(state.weights) == len(state.hours_seen) == len(state.hours) == places, "hours of a season")
        check(len(state.weekdays_seen) == len(state.weekdays) == WEEK >= len(state.levels), "weekdays of a season")
        for counts in (state.counts, state.weights):
            check(all(0 <= count <= MAX_COUNT for count in counts), "counts of a season")
        for seen in (state.hours_seen, state.weekdays_seen, (state.hours_errors, state.weekdays_errors)):
            check(all(0 <= count <= MEMORY for count in seen), "cycles of a season")
        check(all(0 <= error <= MAX_VALUE**2 for error in (state.hours_error, state.weekdays_error)), "errors")
        for values in (state.hours, state.weekdays, state.levels):
            check(all(abs(value) <= 2 * MAX_VALUE for value in values), "effects of a season")
        check(all(abs(t) <= n * MAX_VALUE for t, n in zip(state.totals, state.counts, strict=True)), "totals")
        check(len(state.first) < WARM_UP and (state.scale is None or not state.first), "first values of a season")
        check_values(state.first, bounded=False)
        check_scale(state.scale, needed=state.scale is not None)
        check(0 <= state.squares <= math.fsum(state.counts) * MAX_VALUE**2, "squares of a season")
        season = cls()
        season._first, season._squares = array("f", state.first), state.squares
        season._scale = Scale(state.scale.mean, state.scale.deviation) if state.scale is not None else None
        season.days, season._day = state.days, state.day
        season._counts, season._totals = array("f", state.counts), array("d", state.totals)
        season._weights = array("f", state.weights)
        season._hours = _Effects(
            array("f", state.hours_seen), array("f", state.hours), state.hours_error, state.hours_errors
        )
        season._weekdays = _Effects(
            array("f", state.weekdays_seen), array("f", state.weekdays), state.weekdays_error, state.weekdays_errors
        )
        season._levels = array("d", state.levels)
        season._centres = season._centred()
        return season


def _weekday(day: int) -> int:
    """Monday is 0."""
    return (day + _MONDAY) % WEEK


def _kind(day: int) -> int:
    return int(_weekday(day) >= 5)
