"""Redacted events to scored events: judged by every detector."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.detectors.scorer import Scorer
from watchline.streams.messages import RedactedEvent, ScoredEvent


def score(events: Sequence[RedactedEvent], scorer: Scorer, *, shed_before: float = 0.0) -> list[ScoredEvent]:
    """Scores events; those that came to Kafka before `shed_before` (microseconds) are passed on unscored."""
    shed = {index for index, event in enumerate(events) if event.origin.time < shed_before}
    results = scorer.score([event.redacted for event in events], shed=shed)
    return [ScoredEvent(event.origin, result) for event, result in zip(events, results, strict=True)]
