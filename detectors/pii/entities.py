"""A piece of personal data in a text, and what to do where two of them meet."""

from __future__ import annotations

from bisect import bisect, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# What is found and reported, but neither replaced nor a reason to flag: without the names of organisations hardly an
# answer could be judged. It gives way to any other type.
LEFT_IN_PLACE = frozenset(["ORGANIZATION"])


@dataclass(frozen=True, slots=True)
class Entity:
    """One piece of personal data in a text.

    Attributes
    ----------
    start, end : int
        In code points of the text.
    type : str
        One of the labels of `declarations.PII`.
    score : float
        The probability that it is one, of this type: 0 to 1.
    """

    start: int
    end: int
    type: str
    score: float


def resolve(text: str, entities: Iterable[Entity]) -> list[Entity]:
    """Entities that don't overlap, in order. The longest is kept whole; of the others what sticks out.

    Examples
    --------
    >>> name, address = Entity(0, 14, "PERSON", 0.8), Entity(9, 29, "ADDRESS", 0.8)
    >>> for entity in resolve("Jane Doe Smith, 12 Oak Street", [name, address]):
    ...     print(entity.type, entity.start, entity.end)
    PERSON 0 8
    ADDRESS 9 29
    """
    kept: list[Entity] = []  # by start: searched, so that a text full of entities doesn't take quadratic time
    for entity in sorted(entities, key=_precedence):
        for piece in list(cut(text, kept, entity)):
            insort(kept, piece, key=_start)
    return kept


def cut(text: str, kept: Sequence[Entity], entity: Entity) -> Iterator[Entity]:
    """What sticks out of an entity where `kept`, in order and without overlaps, have their parts of it."""
    for start, end in _uncovered(kept, entity.start, entity.end):
        if (start, end) != (entity.start, entity.end):
            while start < end and not text[start].isalnum():
                start += 1
            while start < end and not text[end - 1].isalnum():
                end -= 1
        if start < end:
            yield Entity(start, end, entity.type, entity.score)


def _precedence(entity: Entity) -> tuple[bool, int, float, int, str]:
    return entity.type in LEFT_IN_PLACE, entity.start - entity.end, -entity.score, entity.start, entity.type


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
