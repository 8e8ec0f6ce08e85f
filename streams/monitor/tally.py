"""Values of a measure that are no longer kept, added up by what their events have of each dimension."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from watchline.schemas.records import MonitorTally, MonitorTallyDimension
from watchline.streams.monitor.events import DIMENSIONS, Part
from watchline.streams.monitor.state import MAX_COUNT, MAX_VALUE, check

MAX_NAMES = 32  # values of a dimension that are told apart; the rest counts as OTHERS
OTHERS = "\0others"
NOTHING = ""


@dataclass(slots=True)
class Group:
    """The values of some events, before and after a change: how many, and their sums."""

    before: int = 0
    after: int = 0
    total_before: float = 0.0
    total_after: float = 0.0

    def without(self, other: Group) -> Group:
        """The values of all but those events."""
        return Group(
            self.before - other.before,
            self.after - other.after,
            self.total_before - other.total_before,
            self.total_after - other.total_after,
        )

    def precision(self, before: float, after: float) -> float:
        """One over the variance of `change`, by those of a value on either side; 0 where it lacks a side."""
        if not self.before or not self.after:
            return 0.0
        return 1 / (before / self.before + after / self.after)

    @property
    def change(self) -> float:
        """Of its mean; 0 where it lacks a side."""
        return self.total_after / self.after - self.total_before / self.before if self.before and self.after else 0.0


Sums = dict[str, tuple[int, float]]  # how many values there are and their sum, by a value of a dimension


@dataclass(slots=True)
class Tally:
    """The sums of a measure's values, as they are compared, by dimension.

    Parameters
    ----------
    count : int
    total, squares : float
        Sums of the values and of their squares.
    dimensions : dict of str to dict
        By dimension and what an event has of it; `NOTHING` and `OTHERS` among that.

    Examples
    --------
    >>> from watchline.streams.monitor.events import Events
    >>> events = Events()
    >>> for second, tenant in enumerate(["acme", None, "acme"]):
    ...     events.add("", second, (tenant, None, None, None, None))
    >>> tally = Tally()
    >>> tally.add(events.part([0.5, 0.25, 1.0], [0, 1, 2]))
    >>> tally.count, tally.total, tally.dimensions["tenant"]
    (3, 1.75, {'': (1, 0.25), 'acme': (2, 1.5)})
    """

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    dimensions: dict[str, Sums] = field(default_factory=dict)

    def add(self, part: Part) -> None:
        """Adds the values of a part."""
        self.count += len(part)
        self.total += total(part.numbers)
        self.squares += total(part.numbers**2)
        for name in DIMENSIONS:
            values = self.dimensions.get(name, {})
            for value, (count, number) in sums(part, name).items():
                known = values.get(value, (0, 0.0))
                values[value] = known[0] + count, known[1] + number
            if values.keys() - {NOTHING}:
                self.dimensions[name] = _bounded(values)

    def state(self, measure: str, producer: str) -> MonitorTally:
        """Its state, to be stored."""
        return MonitorTally(
            measure=measure,
            producer=producer,
            count=self.count,
            total=self.total,
            squares=self.squares,
            dimensions=tuple(
                MonitorTallyDimension(
                    name,
                    tuple(values),
                    tuple(count for count, _ in values.values()),
                    tuple(total for _, total in values.values()),
                )
                for name, values in self.dimensions.items()
            ),
        )

    @classmethod
    def of(cls, state: MonitorTally) -> Self:
        """Restores a tally from its state. Raises ValueError where it isn't valid."""
        numbers = [state.total, state.squares, *(total for each in state.dimensions for total in each.totals)]
        check(0 <= state.count <= MAX_COUNT, "count of a tally")
        check(all(abs(number) <= MAX_COUNT * MAX_VALUE for number in numbers), "sums of a tally")
        dimensions = {}
        for each in state.dimensions:
            check(len(each.values) == len(each.counts) == len(each.totals) <= MAX_NAMES + 2, "dimension of a tally")
            check(all(0 <= count <= state.count for count in each.counts), "counts of a tally")
            dimensions[each.name] = dict(zip(each.values, zip(each.counts, each.totals, strict=True), strict=True))
        return cls(state.count, state.total, state.squares, dimensions)


def sums(part: Part, dimension: str) -> Sums:
    """How many values there are of each value of a dimension, and their sums."""
    codes = part.codes(dimension)
    counts = np.bincount(codes).tolist()
    totals = np.bincount(codes, part.numbers).tolist()
    names = [NOTHING, *part.events.names(dimension), OTHERS]
    return {names[min(code, len(names) - 1)]: (count, totals[code]) for code, count in enumerate(counts) if count}


def total(numbers: NDArray[np.float64]) -> float:
    """The sum of numbers, added up in their order: the same on every machine."""
    return float(np.cumsum(numbers)[-1]) if len(numbers) else 0.0


def _bounded(values: Sums) -> Sums:
    """The values with those beyond `MAX_NAMES` put together."""
    named = [value for value in values if value not in (NOTHING, OTHERS)]
    if len(named) <= MAX_NAMES:
        return values
    rare = sorted(named, key=lambda value: (values[value][0], value))[:-MAX_NAMES]
    rest = [values[value] for value in [*rare, OTHERS] if value in values]
    kept = {value: numbers for value, numbers in values.items() if value not in {*rare, OTHERS}}
    return {**kept, OTHERS: (sum(count for count, _ in rest), math.fsum(total for _, total in rest))}
