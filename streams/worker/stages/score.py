"""Redacted events to scored events: judged by every detector."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from watchline.detectors.scorer import BUDGET, OVERLOAD, Scorer
from watchline.streams.health import canary
from watchline.streams.messages import Origin, RedactedEvent, ScoredEvent
from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


def score(events: Sequence[RedactedEvent], scorer: Scorer, *, shed_before: float = 0.0) -> list[ScoredEvent]:
    """Scores events; those over budget, or in Kafka before `shed_before` (microseconds), are passed on unscored."""
    shed = {
        index: BUDGET if event.origin.over_budget else OVERLOAD
        for index, event in enumerate(events)
        if _is_shed(event.origin, shed_before)
    }
    results = scorer.score([event.redacted for event in events], shed=shed)
    return [ScoredEvent(event.origin, result) for event, result in zip(events, results, strict=True)]


def _is_shed(origin: Origin, shed_before: float) -> bool:
    return origin.over_budget or origin.time < shed_before


class Score(Stage[Part]):
    """Judges the redacted events by every detector, but for those over budget or that have waited too long.

    Parameters
    ----------
    scorer : Scorer
    batch_size : int
        Most events that are scored together.
    shed_after_s : float or None
        Age in Kafka, in seconds, from which on events are passed on unscored; None: never.
    """

    name = "score"

    def __init__(self, scorer: Scorer, *, batch_size: int, shed_after_s: float | None = None) -> None:
        self._scorer = scorer
        self._batch_size = batch_size
        self._shed_after_s = shed_after_s

    def run(self, part: Part, /) -> Part:
        shed_before = 0.0 if self._shed_after_s is None else 1e6 * (time.time() - self._shed_after_s)
        scored: list[ScoredEvent] = []
        for start in range(0, len(part.redacted), self._batch_size):
            events = part.redacted[start : start + self._batch_size]
            scored += score(events, self._scorer, shed_before=shed_before)
        events_of_apps, canaries = canary.split(scored)
        shed = sum(_is_shed(event.origin, shed_before) for event in scored)
        return replace(part, scored=events_of_apps, canaries=canaries, mostly_shed=2 * shed > len(scored))
