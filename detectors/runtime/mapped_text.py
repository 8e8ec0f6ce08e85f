"""A text as it was changed for reading, with the way back to the original."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PUT_IN: Final = -1  # the offset of a character that stands for none of the original


@dataclass(frozen=True, slots=True)
class MappedText:
    """A changed text whose characters know where they came from.

    Attributes
    ----------
    text : str
    offsets : tuple of int or None
        For each character of `text` where what it came from begins, or `PUT_IN`; None where nothing was changed.
    ends : tuple of int or None
        Likewise where it ends; None: each came from one character.

    Examples
    --------
    >>> MappedText("card 4111", (0, 1, 2, 3, 4, 5, 7, 9, 11)).original(5, 9)
    (5, 12)
    """

    text: str
    offsets: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Start and end, in the original, of what `text[start:end]` came from; it must not be empty."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.ends[end - 1] if self.ends else self.offsets[end - 1] + 1

    def originals(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The same of a stretch that may hold what was put in: of each piece between."""
        offsets = self.offsets
        if offsets is None:
            yield start, end
            return
        place = start
        while place < end:
            if offsets[place] == PUT_IN:
                place += 1
                continue
            first = place
            while place < end and offsets[place] != PUT_IN:
                place += 1
            yield self.original(first, place)

    def then(self, changed: MappedText) -> MappedText:
        """The way back of what was made from this text, to the original of this one. In neither was anything put in."""
        if changed.offsets is None:
            return self
        if self.offsets is None:
            return changed
        origins = [self.original(*changed.original(place, place + 1)) for place in range(len(changed.text))]
        return MappedText(changed.text, tuple(start for start, _ in origins), tuple(end for _, end in origins))
