"""States of builds that compared unbounded measures as ranks: read as standard scores, as well as that can be.

A rank was the share of a sorted reference below the value. The reference is still there, and gives the scale. Of the
values that were ranked there are sums alone: a mean rank, which is the chance that a value lies above one of the
reference. For normal values of equal variance that is a difference of so many standard deviations. Their sums in the
measure's own unit would not do: one request of ten hours in them would be a change.

References
----------
McGraw, Wong: "A common language effect size statistic", Psychological Bulletin 111(2), 1992.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

from watchline.schemas.records import MonitorBlock, MonitorComparison, MonitorScale, MonitorStream
from watchline.streams.monitor.change import FARTHEST, Moments, Scale
from watchline.streams.monitor.state import check, check_reference


class _Reference(NamedTuple):
    """Of values that were ranked: the scale of the reference, and the moments of its scores."""

    scale: MonitorScale
    scores: Moments

    def score(self, rank: float) -> float:
        """The mean score of values with this mean rank."""
        end = 1 / (2 * self.scores.size)
        difference = math.sqrt(2) * NormalDist().inv_cdf(min(max(rank, end), 1 - end))
        score = self.scores.mean + difference * math.sqrt(self.scores.squares / self.scores.size)
        return min(max(score, -FARTHEST), FARTHEST)


def stream_of_scores(state: MonitorStream, longest: int) -> MonitorStream:
    """A stream's state with scores where there were ranks among `longest` values at most, else as it is.

    Raises ValueError where it isn't valid.
    """
    if not state.reference:
        return state
    reference = _reference(state.reference, longest)
    older = tuple(_block(block, reference) for block in state.older)
    return replace(state, reference=(), scale=reference.scale, older=older)


def comparison_of_scores(state: MonitorComparison) -> MonitorComparison:
    """A comparison's state with scores where there were ranks, else as it is.

    Raises ValueError where it isn't valid.
    """
    if not state.reference:
        return state
    reference = _reference(state.reference, state.count_before)
    check(0 <= state.mean_after <= 1, "mean rank")
    return replace(
        state,
        reference=(),
        scale=reference.scale,
        count_before=reference.scores.size,
        mean_before=reference.scores.mean,
        squares_before=reference.scores.squares,
        mean_after=reference.score(state.mean_after) if state.count_after else 0.0,
        farthest=reference.scores.farthest,
        squares_after=state.count_after * reference.scores.squares / reference.scores.size,
    )


def _reference(values: Sequence[float], longest: int) -> _Reference:
    check_reference(values, longest=longest)
    scale = Scale.of(values)
    return _Reference(MonitorScale(*scale), Moments.of([scale.score(value) for value in values]))


def _block(block: MonitorBlock, reference: _Reference) -> MonitorBlock:
    check(0 <= block.scaled <= block.count, "sum of ranks")
    score = reference.score(block.scaled / block.count)
    variance = reference.scores.squares / reference.scores.size
    return replace(block, scaled=block.count * score, squares=block.count * min(variance + score**2, FARTHEST**2))
