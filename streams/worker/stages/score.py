"""Events to scored events: redacted, judged by every detector."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Protocol

from watchline.detectors.scorer import RedactionFailed, Scored
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Interaction
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Event, ScoredEvent


class Scores(Protocol):
    """What the pipeline needs of a scorer."""

    @property
    def planned(self) -> Mapping[str, str]: ...

    def score(
        self, interactions: Sequence[Interaction], *, shed: Container[int] = ()
    ) -> Sequence[Scored | RedactionFailed]: ...


def score(
    events: Sequence[Event], scorer: Scores, *, shed_before: float = 0.0
) -> tuple[list[ScoredEvent], list[DeadLetter]]:
    """Redacts and scores events; where redaction failed nothing of the text goes on but as a dead letter.

    Events that came to Kafka before `shed_before` (microseconds) are redacted and not scored.
    """
    shed = {index for index, event in enumerate(events) if event.message.time < shed_before}
    results = scorer.score([event.interaction for event in events], shed=shed)
    scored: list[ScoredEvent] = []
    dead: list[DeadLetter] = []
    for event, result in zip(events, results, strict=True):
        if isinstance(result, RedactionFailed):
            dead.append(event.dead_letter(PoisonError(Kind.REDACTION, "redaction failed")))
        else:
            scored.append(ScoredEvent(event, result))
    return scored, dead
