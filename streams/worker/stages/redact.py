"""Events to redacted events: from here on nothing holds what the app sent but the dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from watchline.detectors.pii.redactor import Redactor
from watchline.schemas.errors import PoisonError
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.messages import Event, RedactedEvent
from watchline.streams.worker.scoring.part import Part
from watchline.streams.worker.stages.stage import Stage


def redact(events: Sequence[Event], redactor: Redactor) -> tuple[list[RedactedEvent], list[DeadLetter]]:
    """Redacts events; where that fails nothing of the text goes on but as a dead letter."""
    redacted: list[RedactedEvent] = []
    dead: list[DeadLetter] = []
    outcomes = redactor.redact([event.interaction for event in events])
    for event, outcome in zip(events, outcomes, strict=True):
        if isinstance(outcome, PoisonError):
            dead.append(event.dead_letter(outcome))
        else:
            if event.over_budget:
                outcome = replace(outcome, reports={})  # they would judge what is left of it
            redacted.append(RedactedEvent(event.origin, outcome))
    return redacted, dead


class Redact(Stage[Part]):
    """Redacts the decoded events and reports.

    Parameters
    ----------
    redactor : Redactor
    """

    name = "redact"

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def run(self, part: Part, /) -> Part:
        redacted, dead = redact(part.events, self._redactor)
        replaced: Counter[tuple[str, str]] = Counter()
        for event in redacted:
            replaced.update(event.redacted.replaced)
        decoded = []
        for message in part.decoded:
            if message.report is not None:
                report, of_report = self._redactor.replace_identifiers(message.report)
                replaced.update(of_report)
                message = replace(message, report=report)
            decoded.append(message)
        dead_letters = [*part.dead_letters, *dead]
        return replace(part, decoded=decoded, redacted=redacted, replaced=replaced, dead_letters=dead_letters)
