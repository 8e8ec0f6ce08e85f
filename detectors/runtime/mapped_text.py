"""A text as it was changed for reading, with the way back to the original."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MappedText:
    """A changed text whose characters know where they came from.

    Attributes
    ----------
    text : str
    offsets : tuple of int or None
        For each character of `text` the index of the character it came from; None where nothing was changed.

    Examples
    --------
    >>> MappedText("card 4111", (0, 1, 2, 3, 4, 5, 7, 9, 11)).original(5, 9)
    (5, 12)
    """

    text: str
    offsets: tuple[int, ...] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Start and end, in the original, of what `text[start:end]` came from; it must not be empty."""
        return (start, end) if self.offsets is None else (self.offsets[start], self.offsets[end - 1] + 1)
