"""What explains a change of a measure: which dimension of the traffic, by which of its values, and which do not.

The change of the mean is taken apart, for each dimension, into what comes of another mix of its values and what comes
of changes within them: Kitagawa, "Components of a difference between two rates", Journal of the American Statistical
Association 50(272), 1955; Oaxaca, "Male-female wage differentials in urban labor markets", International Economic
Review 14(3), 1973, and Blinder, "Wage discrimination", Journal of Human Resources 8(4), 1973.

A dimension is named only where the events are `LIKELY` times as probable by it as by "everything moved alike": with few
events or many values they never are, and nothing is named.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import mul
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from watchline.streams.monitor.events import DIMENSIONS, Part
from watchline.streams.monitor.tally import NOTHING, OTHERS, Group, Tally, sums, total

Kind = Literal["", "new value", "within", "mix"]

LIKELY = math.log(10)  # evidence from which on a cause is named
SWITCHES = ("system_fingerprint", "document_set")  # what is new here goes before all else: somebody changed it
FEWEST = 5  # events of a value on a side from which on it may be named
SMALLEST = 10  # values on a side from which on a change is taken apart
BEGINNING = 50  # events of a slice by which no value is new
EXPECTED = math.log(30)  # prior odds that a change begins with one of these that comes, against with another that does
NEW = 0.05  # the share of the events before a new version up to which a value is new with it
LEANING = 5  # values of the other side that a side's variance has beside its own
TINY = 1e-300
RULED_OUT = 0.1  # of the change: a dimension whose mix explains less did not make it
OVERLAP = 0.5  # of what can be told of the change that must be left within a dimension's values to rule it out
HALF = 0.5  # of the change that one value's own must be at least
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains a change. The fields are those of `Signal`.

    Parameters
    ----------
    dimension : str
        Empty where nothing explains it: all moved alike.
    value : str
    kind : {"", "new value", "within", "mix"}
    attribution : mapping of str to float
        `dimension=value` to its share of the change, 0 to 1.
    ruled_out : sequence of str
    examples_before, examples_after : sequence of str
        Ids of events.
    """

    dimension: str = ""
    value: str = ""
    kind: Kind = ""
    attribution: Mapping[str, float] = field(default_factory=dict)
    ruled_out: Sequence[str] = ()
    examples_before: Sequence[str] = ()
    examples_after: Sequence[str] = ()


class _Candidate(NamedTuple):
    evidence: float  # logarithm of how many times as probable the values are as where all moved alike
    dimension: str
    value: str
    kind: Kind
    share: float  # of the change
    grew: bool  # its share of the events

    @property
    def rank(self) -> tuple[bool, float, bool, str, str, str]:
        """The highest is named."""
        switched = self.kind == "new value" and self.dimension in SWITCHES
        return switched, round(self.evidence, 6), self.grew, self.dimension, self.value, self.kind


def explain(
    before: Part,
    after: Part,
    *,
    older: Tally | None = None,
    known: tuple[str, str] | None = None,
    told: Collection[str] = (),
) -> Cause:
    """What explains the change of a measure's mean between two parts.

    Parameters
    ----------
    before, after : Part
        The values on either side of the change that are kept; `numbers` are compared.
    older : Tally, optional
        The values before those.
    known : tuple of str, optional
        Dimension and value that were compared because they are new. They are the cause, unless the change is gone
        where another dimension is held fixed.
    told : collection of str
        Fingerprints with which the measure is known to have changed: so much sooner they are the cause again.

    Returns
    -------
    Cause

    Examples
    --------
    >>> from watchline.streams.monitor.events import Events
    >>> events = Events()
    >>> for second in range(200):
    ...     events.add("", second, ("acme" if second % 4 == 0 else "other", "fp_1", None, None, None))
    >>> def values(seconds):
    ...     return [second % 5 / 50 + (0.5 if second >= 100 and second % 4 == 0 else 0.0) for second in seconds]
    >>> before = events.part(values(range(100)), range(100))
    >>> after = events.part(values(range(100, 200)), range(100, 200))
    >>> cause = explain(before, after)
    >>> cause.dimension, cause.value, cause.kind, cause.ruled_out
    ('tenant', 'acme', 'within', ('system_fingerprint',))
    """
    older = older or Tally()
    change = _Change(before, after, older)
    found: list[_Candidate] = []
    ruled_out: list[str] = []
    tested = 0
    whole = change.difference.whole
    if min(whole.before, whole.after) >= SMALLEST and whole.change:
        for dimension in DIMENSIONS:
            groups = change.groups(dimension)
            if (known is not None and dimension == known[0]) or not groups.keys() - {NOTHING, OTHERS}:
                continue  # it is asked about, or nobody says
            tested += sum(_both(group, whole.without(group)) for group in groups.values())
            found += _alone(dimension, groups, change.difference, new=known is not None)
            if known is None:
                found += change.beginnings(dimension, told)
            if OTHERS not in groups:
                found += _mix(dimension, groups, change.difference)
                if _is_ruled_out(groups, whole):
                    ruled_out.append(dimension)
    found = [
        each._replace(evidence=each.evidence - math.log(tested)) if each.kind == "within" else each for each in found
    ]
    return _cause(found, ruled_out, before, after, known)


def ranks(before: Sequence[float], after: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sides' values as the share of all that are smaller, ties by half: single ones decide nothing.

    Bross: "How to use ridit analysis", Biometrics 14(1), 1958.

    >>> [side.tolist() for side in ranks([1.0, 2.0], [2.0, 600.0])]
    [[0.125, 0.5], [0.5, 0.875]]
    """
    values = np.concatenate([np.array(before, np.float64), np.array(after, np.float64)])
    reference = np.sort(values)
    places = np.searchsorted(reference, values, "left") + np.searchsorted(reference, values, "right")
    numbers = places / max(1, 2 * len(values))
    return numbers[: len(before)], numbers[len(before) :]


class _Difference(NamedTuple):
    """Of the means on both sides of a change."""

    whole: Group
    squares: tuple[float, float]  # sums of those of the values on either side

    def variances(self, groups: Collection[Group]) -> tuple[float, float]:
        """Of a value within its group, before and after; infinite where there are too few to tell.

        Each side's own, since the values of a rate vary the more the higher it is; that of few values leans on the
        other's.
        """
        freedom = [
            self.whole.before - sum(group.before > 0 for group in groups),
            self.whole.after - sum(group.after > 0 for group in groups),
        ]
        if sum(freedom) < SMALLEST:
            return math.inf, math.inf
        left = [
            self.squares[0] - math.fsum(group.total_before**2 / group.before for group in groups if group.before),
            self.squares[1] - math.fsum(group.total_after**2 / group.after for group in groups if group.after),
        ]
        least = max(1e-9 * self.whole.change**2, TINY)  # where values don't vary, what rounding leaves
        both = max(sum(left) / sum(freedom), least)
        before, after = (
            max((own + LEANING * both) / (degrees + LEANING), least) for own, degrees in zip(left, freedom, strict=True)
        )
        return before, after

    def gone(self, groups: Collection[Group]) -> tuple[float, float]:
        """Evidence that the change is gone where the groups are held fixed, against that it is not; and its share.

        What is left of it within the groups is normal around 0 by the one, around the whole change by the other.
        """
        variances, whole = self.variances(groups), self.whole.change
        precisions = [group.precision(*variances) for group in groups]
        precision = math.fsum(precisions)
        if not precision or not whole:
            return 0.0, 1.0
        left = math.fsum(map(mul, precisions, (group.change for group in groups))) / precision
        return precision * ((whole - left) ** 2 - left**2) / 2, 1 - left / whole

    def alone(self, group: Group, rest: Group) -> float:
        """Evidence that the group alone moved, against that the rest moved with it."""
        variances = self.variances([group, rest])
        own, others = group.precision(*variances), rest.precision(*variances)
        if not own or not others:
            return 0.0
        apart = own * others / (own + others) * (group.change - rest.change) ** 2
        return (apart - others * rest.change**2) / 2


class _Change:
    """A change that is to be explained: the values on both sides."""

    def __init__(self, before: Part, after: Part, older: Tally) -> None:
        self.before, self.after, self.older = before, after, older
        self.numbers = np.concatenate([before.numbers, after.numbers])
        self.places = np.concatenate([before.places, after.places])
        self.difference = self.split(len(before))

    def split(self, place: int) -> _Difference:
        """The difference of the values from a place on to those before."""
        before, after = self.numbers[:place], self.numbers[place:]
        whole = Group(self.older.count + len(before), len(after), self.older.total + total(before), total(after))
        return _Difference(whole, (self.older.squares + total(before**2), total(after**2)))

    def groups(self, dimension: str) -> dict[str, Group]:
        """The values by what their events have of a dimension."""
        groups: dict[str, Group] = {}
        old = self.older.dimensions.get(dimension) or {NOTHING: (self.older.count, self.older.total)}
        for values in (old, sums(self.before, dimension)):
            for value, (count, number) in values.items():
                group = groups.setdefault(value, Group())
                group.before += count
                group.total_before += number
        for value, (count, number) in sums(self.after, dimension).items():
            group = groups.setdefault(value, Group())
            group.after += count
            group.total_after += number
        return {value: group for value, group in groups.items() if group.before or group.after}

    def beginnings(self, dimension: str, told: Collection[str]) -> Iterator[_Candidate]:
        """The values of a dimension that came of late, or whose share changed: the change began there.

        That is held against a change at any other place, which are all as likely, and against one of all values alike.
        The place goes by the events alone: that at which the values change most has some of the highest just after it.
        """
        events = self.after.events
        codes, names = events.codes(dimension), events.names(dimension)
        fit = self._fit()
        best = float(fit.max())
        anywhere = best + math.log(float(np.exp(fit - best).sum()) / (self.older.count + len(self.numbers)))
        first = {name: int(np.argmax(codes == 1 + at)) for at, name in enumerate(names)}
        came = sum(place >= BEGINNING for place in first.values())
        for at, name in enumerate(names):
            own = codes[self.places] == 1 + at
            older = self.older.dimensions.get(dimension, {}).get(name, (0, 0.0))
            new = first[name] >= BEGINNING and not older[0]
            split = int(np.searchsorted(self.places, first[name])) if new else self._shifted(own, older[0])
            difference = self.split(split)
            group = Group(
                older[0] + int(np.count_nonzero(own[:split])),
                int(np.count_nonzero(own[split:])),
                older[1] + total(self.numbers[:split][own[:split]]),
                total(self.numbers[split:][own[split:]]),
            )
            whole, rest = difference.whole, difference.whole.without(group)
            enough = whole.before >= SMALLEST and group.after >= FEWEST if new else _both(group, rest)
            if not enough or not whole.change:
                continue
            evidence, share = difference.gone([group, rest])
            evidence += float(fit[split]) - anywhere - math.log(came if new else len(names))
            if new and dimension in SWITCHES:
                evidence += EXPECTED * (2 if name in told else 1)
            grew = group.after * whole.before > group.before * whole.after
            kind: Kind = "new value" if new else "mix"
            yield _Candidate(evidence, dimension, name, kind, _part(group, whole) if new else share, grew)

    def _fit(self) -> NDArray[np.float64]:
        """The logarithm of the likelihood, less a constant, of a change that begins with each of the values kept."""
        left = self.older.count + np.arange(len(self.numbers))
        right = len(self.numbers) - np.arange(len(self.numbers))
        whole = self.difference.whole
        before = self.older.total + np.concatenate([[0.0], np.cumsum(self.numbers)[:-1]])
        after = whole.total_before + whole.total_after - before
        explained = before**2 / np.maximum(left, 1) + after**2 / right
        return explained / sum(self.difference.variances([whole]))

    def _shifted(self, own: NDArray[np.bool_], older: int) -> int:
        """The place at which the share of some events changed, if it did: that of the highest likelihood."""
        sooner = older + np.concatenate([[0], np.cumsum(own)[:-1]])
        left = self.older.count + np.arange(len(own))
        right = len(own) - np.arange(len(own))
        later = older + np.count_nonzero(own) - sooner
        return int(np.argmax(_binomial(sooner, left) + _binomial(later, right)))


def _binomial(hits: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logarithm of the likelihood of so many hits by their own share."""
    share = hits / np.maximum(count, 1)
    misses = count - hits
    return hits * np.log(np.where(hits > 0, share, 1.0)) + misses * np.log(np.where(misses > 0, 1 - share, 1.0))


def _alone(dimension: str, groups: Mapping[str, Group], change: _Difference, *, new: bool) -> Iterator[_Candidate]:
    """Each value of a dimension against all others: its share changed, it alone moved, or where `new` holds it came."""
    whole = change.whole
    for value, group in groups.items():
        if value in (NOTHING, OTHERS):
            continue
        rest = whole.without(group)
        before, after = group.before / whole.before, group.after / whole.after
        evidence, share = change.gone([group, rest])
        if not _both(group, rest):
            if new and before <= NEW and group.after >= FEWEST:
                yield _Candidate(evidence, dimension, value, "new value", _part(group, whole), True)
            continue
        yield _Candidate(evidence, dimension, value, "mix", share, after > before)
        own = (before + after) / 2 * group.change / whole.change
        if own >= HALF:
            yield _Candidate(change.alone(group, rest), dimension, value, "within", own, after > before)


def _part(group: Group, whole: Group) -> float:
    """The share of the change that the values of a group make up after it."""
    mean = whole.total_before / whole.before
    moved = whole.total_after - whole.after * mean
    return (group.total_after - group.after * mean) / moved if moved else 0.0


def _mix(dimension: str, groups: Mapping[str, Group], change: _Difference) -> Iterator[_Candidate]:
    """All values of a dimension together: the shares of several changed. Named after the one that made most of it."""
    if len(groups) < 3:
        return
    whole = change.whole
    evidence, share = change.gone(groups.values())
    mean = (whole.total_before + whole.total_after) / (whole.before + whole.after)

    def part(value: str) -> float:
        group = groups[value]
        level = (group.total_before + group.total_after) / (group.before + group.after) - mean
        return (group.after / whole.after - group.before / whole.before) * level / whole.change

    value = max(groups.keys() - {NOTHING}, key=lambda value: (part(value), value))
    if _both(groups[value], whole.without(groups[value])):
        grew = groups[value].after / whole.after > groups[value].before / whole.before
        yield _Candidate(evidence, dimension, value, "mix", share, grew)


def _both(group: Group, rest: Group) -> bool:
    """Whether a value and the others have enough events on both sides."""
    return min(group.before, group.after, rest.before, rest.after) >= FEWEST


def _is_ruled_out(groups: Mapping[str, Group], whole: Group) -> bool:
    if len(groups) == 1:
        return True
    weights = [group.precision(1.0, 1.0) for group in groups.values()]
    weight = math.fsum(weights)
    if weight < OVERLAP * whole.precision(1.0, 1.0):
        return False
    left = math.fsum(map(mul, weights, (group.change for group in groups.values()))) / weight
    return abs(1 - left / whole.change) < RULED_OUT


def _cause(
    found: Iterable[_Candidate],
    ruled_out: Iterable[str],
    before: Part,
    after: Part,
    known: tuple[str, str] | None,
) -> Cause:
    likely = sorted((each for each in found if each.evidence >= LIKELY), key=lambda each: each.rank, reverse=True)
    best: dict[str, _Candidate] = {}
    for each in likely:
        best.setdefault(each.dimension, each)
    named = next((each for each in likely if known is None or each.kind != "within"), None)
    shown = named or (likely[0] if likely else None)
    if named is not None:
        cause = Cause(named.dimension, named.value, named.kind)
    else:
        cause = Cause(*known, "new value") if known is not None else Cause()
    examples_before, examples_after = _typical(before, after, shown)
    return replace(
        cause,
        attribution={f"{each.dimension}={each.value}": min(1.0, max(0.0, each.share)) for each in best.values()},
        ruled_out=tuple(name for name in ruled_out if name not in best),
        examples_before=examples_before,
        examples_after=examples_after,
    )


def _typical(before: Part, after: Part, named: _Candidate | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the events most like the values that the change left behind, and most like those that it brought.

    Those are the values on either side of the middle between the means; of them the nearest to their own mean, the
    last events first. Of a value that is named, where it has as many.
    """
    if not len(before) or not len(after):
        return (), ()
    means = [total(part.values) / len(part) for part in (before, after)]
    middle = sum(means) / 2
    sides = []
    for part, mean in zip((before, after), means, strict=True):
        own = part
        if named is not None and (part is after or named.kind == "within"):
            code = 1 + part.events.names(named.dimension).index(named.value)
            chosen = part.where(part.codes(named.dimension) == code)
            own = chosen if len(chosen) >= EXAMPLES else part
        beyond = own.where((own.values - middle) * (mean - middle) > 0)
        own = beyond if len(beyond) else own
        distances = np.abs(own.values - total(own.values) / len(own))
        ids = own.ids()
        nearest = sorted(range(len(own)), key=lambda at: (distances[at], -at))
        sides.append(tuple(ids[at] for at in nearest if ids[at])[:EXAMPLES])
    return sides[0], sides[1]
