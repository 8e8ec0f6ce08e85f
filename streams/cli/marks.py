"""Passages of a text, marked in place: brackets everywhere, colour on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchline.streams.cli.output import colour, safe


@dataclass(frozen=True, slots=True)
class Mark:
    """A passage: code points `start` to `end`, the name in its brackets, its colour."""

    start: int
    end: int
    name: str
    colour: str


def marked(text: str, marks: Sequence[Mark]) -> str:
    """The text with `[NAME:` and `:NAME]` around each passage; passages may overlap. Safe to print."""
    inside = [
        Mark(max(0, mark.start), min(len(text), mark.end), mark.name, mark.colour)
        for mark in marks
        if mark.start < mark.end and mark.start < len(text) and mark.end > 0
    ]
    places = sorted({0, len(text), *(mark.start for mark in inside), *(mark.end for mark in inside)})
    parts = []
    for start, end in zip(places, [*places[1:], None], strict=True):
        # What closes here closes before anything opens; the one that opened last closes first.
        closing = sorted((m for m in reversed(inside) if m.end == start), key=lambda m: -m.start)
        opening = sorted((m for m in inside if m.start == start), key=lambda m: -m.end)
        parts += [colour(f":{mark.name}]", mark.colour) for mark in closing]
        parts += [colour(f"[{mark.name}:", mark.colour) for mark in opening]
        if end is not None:
            over = [mark for mark in inside if mark.start <= start and mark.end >= end]
            piece = safe(text[start:end], lines=True)
            parts.append(colour(piece, over[-1].colour) if over and piece else piece)
    return "".join(parts)
