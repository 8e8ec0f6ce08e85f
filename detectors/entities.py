"""A piece of personal data in a text, and what to do where two of them meet."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Iterator, Sequence
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
    kept: list[Entity] = []  # by start: searched, so that a text full of entities doesn't take quadratic time
    for entity in sorted(entities, key=lambda item: (item.start - item.end, -item.score, item.start, item.type)):
        for start, end in list(_uncovered(kept, entity.start, entity.end)):
            if (start, end) != (entity.start, entity.end):
                while start < end and not text[start].isalnum():
                    start += 1
                while start < end and not text[end - 1].isalnum():
                    end -= 1
            if start < end:
                insort(kept, Entity(start, end, entity.type, entity.score), key=_start)
    return kept


def _uncovered(kept: Sequence[Entity], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts from `start` to `end` that no kept entity has."""
    place = bisect(kept, start, key=_start)
    if place:
        start = max(start, kept[place - 1].end)
    while place < len(kept) and kept[place].start < end:
        if start < kept[place].start:
            yield start, kept[place].start
        start = kept[place].end
        place += 1
    if start < end:
        yield start, end


def _start(entity: Entity) -> int:
    return entity.start
