"""What comes out of the scoring process, for tests of what comes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchline.streams.messages import DecodedMessage, ScoredEvent
from watchline.streams.worker.scoring.part import Part, ScoredPart, result


def scored_part(
    scored: Sequence[ScoredEvent], decoded: Sequence[DecodedMessage] = (), lookups: Mapping[str, int] | None = None
) -> ScoredPart:
    """Of these events and messages."""
    return result(Part([], decoded=decoded, scored=scored), [], worker="w", stages={}, lookups=lookups or {})
