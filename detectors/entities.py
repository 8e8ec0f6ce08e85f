"""A piece of personal data in a text, and what to do where two of them meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One piece of personal data in a text; `score` is the share of such finds that were right when measured."""

    start: int
    end: int
    type: str
    score: float


def resolve(text: str, entities: Iterable[Entity]) -> list[Entity]:
    """Entities that don't overlap, in order. The longest is kept whole; of the others what sticks out."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda item: (item.start - item.end, -item.score, item.start, item.type)):
        start, end = entity.start, entity.end
        for other in kept:
            if other.start <= start < other.end:
                start = other.end
            if other.start < end <= other.end:
                end = other.start
        if (start, end) != (entity.start, entity.end):
            while start < end and not text[start].isalnum():
                start += 1
            while start < end and not text[end - 1].isalnum():
                end -= 1
        if start < end:
            kept.append(Entity(start, end, entity.type, entity.score))
    return sorted(kept, key=lambda item: item.start)
