"""Interactions through a redactor, where none may fail."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.pii.redactor import Redactor
from watchline.schemas.records import Interaction


def redacted(interactions: Sequence[Interaction], redactor: Redactor) -> list[Redacted]:
    """One for each."""
    outcomes = redactor.redact(interactions)
    found = [outcome for outcome in outcomes if isinstance(outcome, Redacted)]
    assert len(found) == len(interactions)
    return found
