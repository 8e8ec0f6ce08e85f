"""Whether answers of a new version of a prompt are worse than the old one's, over the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from watchline.detectors.pii.redaction import Redacted
from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Finding, Interaction
from watchline.streams.comparison.endpoint import Reply
from watchline.streams.comparison.intervals import Interval, of_pairs

ALPHA = 0.05  # of a false verdict, of all detectors together
MOST_FAILED = 0.1  # of either side's calls: with more, those that are missing make the better side
BATCH = 32
OF_INPUTS = ("injection",)  # judges what was asked, which is the same on both sides

Says = Literal["worse", "no worse", "open"]
Verdict = Literal["worse", "no worse", "open", "no verdict"]


class Redactor(Protocol):
    def redact(self, interactions: Sequence[Interaction]) -> Sequence[Redacted | PoisonError]: ...


class Scored(Protocol):
    @property
    def findings(self) -> tuple[Finding, ...]: ...


class Scorer(Protocol):
    def score(self, redacted: Sequence[Redacted]) -> Sequence[Scored]: ...


@dataclass(frozen=True, slots=True)
class Side:
    """What one version came to: a reply for each input, and what the detectors flagged of those that were scored.

    `flagged` is by detector; of an answer that wasn't scored, or a detector that doesn't apply, there is nothing.
    """

    replies: Sequence[Reply]
    flagged: Sequence[Mapping[str, bool]]

    def count(self, kind: str) -> int:
        """How many calls were answered, were refused, failed or were not made."""
        return sum(reply.kind == kind for reply in self.replies)

    @property
    def lost(self) -> int:
        """Calls of which there is nothing to compare: failed, refused, or with an answer that was not scored."""
        return sum(
            not flags and reply.kind != "unasked" for reply, flags in zip(self.replies, self.flagged, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """One detector over the inputs that it judged the answers of, on both sides."""

    detector: str
    pairs: int
    old: int  # flagged
    new: int
    only_old: int
    only_new: int
    margin: float
    alpha: float
    events: tuple[str, ...] = ()  # ids of the inputs of which the new answer alone is flagged

    @property
    def interval(self) -> Interval:
        """Of the difference of the shares flagged, new less old."""
        return of_pairs(self.pairs, self.only_old, self.only_new, self.alpha)

    @property
    def says(self) -> Says:
        """`worse`: there is a difference, and the one seen is beyond the margin. `no worse`: it is surely within it."""
        low, high = self.interval
        if low > 0 and (self.new - self.old) / self.pairs > self.margin:
            return "worse"
        return "no worse" if high <= self.margin else "open"


def scored(
    interactions: Sequence[Interaction | None], redactor: Redactor, scorer: Scorer, done: Callable[[int], None]
) -> list[Mapping[str, bool]]:
    """What the detectors flag of answers; nothing where there is none, or its personal data can't be replaced."""
    flagged: list[Mapping[str, bool]] = [{} for _ in interactions]
    there = [(index, each) for index, each in enumerate(interactions) if each is not None]
    for start in range(0, len(there), BATCH):
        part = there[start : start + BATCH]
        redacted = redactor.redact([each for _, each in part])
        good = [(index, each) for (index, _), each in zip(part, redacted, strict=True) if isinstance(each, Redacted)]
        for (index, _), result in zip(good, scorer.score([each for _, each in good]), strict=True):
            flagged[index] = {
                finding.detector: finding.flagged
                for finding in result.findings
                if finding.decision == "evaluated" and finding.detector not in OF_INPUTS
            }
        done(start + len(part))
    return flagged


def judge(old: Side, new: Side, events: Sequence[str], *, margin: float) -> list[Judged]:
    """Each detector over the pairs. `events` are the ids of the inputs."""
    detectors = sorted({name for side in (old, new) for flags in side.flagged for name in flags})
    alpha = ALPHA / max(1, len(detectors))
    judged = []
    for name in detectors:
        pairs = [
            (event, one[name], two[name])
            for event, one, two in zip(events, old.flagged, new.flagged, strict=True)
            if name in one and name in two
        ]
        if pairs:
            worse = tuple(event for event, one, two in pairs if two and not one)
            better = sum(one and not two for _, one, two in pairs)
            old_flagged, new_flagged = sum(one for _, one, _ in pairs), sum(two for _, _, two in pairs)
            judged.append(Judged(name, len(pairs), old_flagged, new_flagged, better, len(worse), margin, alpha, worse))
    return judged


def verdict(old: Side, new: Side, judged: Sequence[Judged], *, margin: float) -> tuple[Verdict, str]:
    """All together, and in a sentence. No verdict where too many calls of a side came to nothing."""
    asked = len(old.replies)
    for name, side in (("old", old), ("new", new)):
        if side.lost > MOST_FAILED * asked:
            return "no verdict", (
                f"no verdict: {side.lost} of {asked} calls with the {name} version failed, were refused or could not "
                f"be scored, and {MOST_FAILED:.0%} are the most: the others may be another kind of questions"
            )
    if not judged:
        return "no verdict", "no verdict: no detector judged an answer to the same input on both sides"
    if worse := [each.detector for each in judged if each.says == "worse"]:
        return "worse", f"the new version is worse than the margin of {margin:.3g} allows, by {', '.join(worse)}"
    if waiting := [each for each in judged if each.says == "open"]:
        names = ", ".join(each.detector for each in waiting)
        return "open", f"not shown to be worse, and by {names} not shown to be within the margin of {margin:.3g}: " + (
            f"{_needed(waiting, margin)}"
        )
    return "no worse", f"the new version is no worse than the margin of {margin:.3g} allows"


def _needed(waiting: Sequence[Judged], margin: float) -> str:
    """How many inputs it would take, were the two versions alike."""
    most = 0.0
    for each in waiting:
        half = each.interval.high - (each.only_new - each.only_old) / (each.pairs + 2)
        most = max(most, each.pairs * (half / margin) ** 2)
    return f"about {max(1, int(float(f'{most:.2g}'))):,} inputs would tell of equal versions"
