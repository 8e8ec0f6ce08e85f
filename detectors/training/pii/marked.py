"""A text with its personal data marked."""

from __future__ import annotations

from dataclasses import dataclass

Marked = tuple[int, int, str]  # start, end, type


@dataclass(frozen=True, slots=True)
class Example:
    """A text with the entities of `recogniser.TYPES` in it, in order."""

    text: str
    spans: tuple[Marked, ...]
