"""What a version of a prompt changes: each measure with an interval that holds however often one looks, and a verdict.

A conversation counts once, by the mean of its answers: what is said in one conversation is alike, and a canary gives a
conversation one version. The error of saying better or worse of equal versions is shared out among all measures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from watchline.streams.comparison.intervals import Interval, Sample, of_means, of_shares

ALPHA = 0.05  # of a false better or worse, of all measures together, over all looks
# Conversations of each version with which the normal approximation begins; of shares as many flagged, and not flagged:
# until then the interval is exact, but needs three times as many.
FEWEST = 50
MOST_NEEDED = 10_000_000  # answers; beyond, nobody waits for them

Says = Literal["better", "worse", "same", "open"]
Days = Mapping[str, Sample]  # a version's values by the day on which their conversation began


class Measure(NamedTuple):
    """What is compared.

    Parameters
    ----------
    name : str
    bounded : bool
        Whether values lie between 0 and 1: the margin is a difference of shares. Else it is a share of the first
        version's mean.
    more_is_better : bool
    """

    name: str
    bounded: bool = True
    more_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of two versions.

    `before` and `after` are the first and the second version's conversations: `before` so weighted that each day has
    the part in it that it has in `after`. `alpha` is this measure's own.
    """

    measure: Measure
    before: Sample
    after: Sample
    margin: float
    alpha: float

    @property
    def interval(self) -> Interval:
        """Of the difference, in the measure's own unit."""
        return self._interval(1.0)

    @property
    def says(self) -> Says:
        """`same`: whatever difference there is, is within the margin."""
        return self._says(1.0)

    @property
    def factor(self) -> float:
        """How many times as much of the same is needed for it to say something; 1 where it does, at most 2^30."""
        low, high = 1.0, 1.0
        while self._says(high) == "open" and high < 2**30:
            low, high = high, high * 2
        for _ in range(20 if high > low else 0):
            middle = (low + high) / 2
            low, high = (middle, high) if self._says(middle) == "open" else (low, middle)
        return high

    def _interval(self, factor: float) -> Interval:
        before, after = self.before.scaled(factor), self.after.scaled(factor)
        if self.measure.bounded and min(min(each.total, each.size - each.total) for each in (before, after)) < FEWEST:
            return of_shares(before, after, self.alpha)
        return of_means(before, after, self.alpha, scale=self._margin or 1.0)

    @property
    def _margin(self) -> float:
        return self.margin if self.measure.bounded else self.margin * abs(self.before.mean)

    def _says(self, factor: float) -> Says:
        if not self.measure.bounded and min(self.before.size, self.after.size) * factor < FEWEST:
            return "open"
        low, high = self._interval(factor)
        if -self._margin <= low and high <= self._margin:
            return "same"
        if low <= 0 <= high:
            return "open"
        return "better" if (low > 0) == self.measure.more_is_better else "worse"


def compare(
    measures: Sequence[Measure], before: Mapping[str, Days], after: Mapping[str, Days], *, margin: float
) -> list[Compared]:
    """Those of the measures that both versions have, on days that both have.

    Parameters
    ----------
    measures
        All that were looked at: the error is shared out among them, whether or not there are values.
    before, after
        Of the first and of the second version, by the measure's name.
    margin : float
        Up to which a difference doesn't matter: of shares their difference, of amounts a share of the mean.
    """
    compared = []
    for measure in measures:
        ours, theirs = before.get(measure.name, {}), after.get(measure.name, {})
        if both := [day for day in ours if day in theirs]:
            one, two = _alike([ours[day] for day in both], [theirs[day] for day in both])
            compared.append(Compared(measure, one, two, margin, ALPHA / len(measures)))
    return compared


def _alike(ours: Sequence[Sample], theirs: Sequence[Sample]) -> tuple[Sample, Sample]:
    """Both over all days, each day with the same part in both: where a canary's share grew, days would be compared too.

    The weights cost values, as many as Kish's effective sample size says; none where the share stayed.
    """
    weights = [their.size / our.size for our, their in zip(ours, theirs, strict=True)]
    pairs = [*zip(weights, ours, strict=True)]
    weight = sum(w * our.size for w, our in pairs)
    count = weight**2 / sum(w * w * our.size for w, our in pairs)
    total, squares = sum(w * our.total for w, our in pairs), sum(w * our.squares for w, our in pairs)
    pooled = Sample(*(sum(each) for each in zip(*theirs, strict=True)))
    return Sample(count, total * count / weight, squares * count / weight), pooled


def verdict(compared: Sequence[Compared], *, old: str, new: str, margin: float, answers: int) -> tuple[str, str]:
    """What all measures say together: better, worse, mixed, same or open, and that in a sentence.

    Parameters
    ----------
    compared
        What `compare` gave.
    old, new : str
        What the versions are called.
    margin : float
    answers : int
        Of both versions so far, from which it says how many more are needed.
    """
    names = {says: [each.measure.name for each in compared if each.says == says] for says in ("better", "worse")}
    waiting = [each for each in compared if each.says == "open"]
    more = answers_needed(max((each.factor for each in waiting), default=1.0), answers)
    rest = f"; of {_listed([each.measure.name for each in waiting])} not enough yet: {more}" if waiting else ""
    if names["better"] or names["worse"]:
        said = " and ".join(f"{word} in {_listed(names[word])}" for word in names if names[word])
        word = "mixed" if all(names.values()) else next(word for word in names if names[word])
        return word, f"version {new} is {said} than version {old}{rest}"
    if compared and not waiting:
        return "same", f"no difference larger than {margin:.3g} between versions {old} and {new}"
    return "open", f"not enough yet: {more}" if compared else "not enough yet: nothing was measured of both versions"


def answers_needed(factor: float, answers: int) -> str:
    """So many more answers of both versions, in words.

    >>> answers_needed(1.5, 1000), answers_needed(2.0**30, 1000)
    ('about 500 more answers', 'more than 10,000,000 more answers')
    """
    needed = (factor - 1) * answers
    if needed > MOST_NEEDED:
        return f"more than {MOST_NEEDED:,} more answers"
    return f"about {max(1, _rounded(needed)):,} more answers"


def _rounded(number: float) -> int:
    """To two digits: it is an estimate."""
    return int(float(f"{number:.2g}"))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
