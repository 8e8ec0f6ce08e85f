"""A text as it reads, with the way back: look-alike digits and signs made plain, invisible characters left out.

Personal data is found in the folded text, whatever it was written with: full-width `＠`, digits of another script, a
zero-width blank in the middle of a number.
"""

# ruff: noqa: RUF002 (look-alikes are what this file is about)

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from watchline.detectors.runtime.mapped_text import MappedText

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")


def fold(text: str) -> MappedText:
    r"""The folded text. ASCII without control characters comes back as it is.

    Examples
    --------
    >>> folded = fold("call 55\u200b5-0199")  # a zero-width blank within the number
    >>> folded.text, folded.original(5, 13)
    ('call 555-0199', (5, 14))
    """
    if text.isascii() and not _CONTROL.search(text):
        return MappedText(text)
    chars: list[str] = []
    offsets: list[int] = []
    ends: list[int] = []
    for place, char in enumerate(text):
        plain = char if "\x1f" < char < "\x7f" else _plain(char)
        if plain is None:  # part of the character before it
            if chars:
                composed = unicodedata.normalize("NFC", chars[-1] + char)
                chars[-1] = composed if len(composed) == 1 else chars[-1]
                ends[-1] = place + 1
            continue
        for new in plain:
            chars.append(new)
            offsets.append(place)
            ends.append(place + 1)
    return MappedText("".join(chars), tuple(offsets), tuple(ends))


@lru_cache(4096)
def _plain(char: str) -> str | None:
    """What a character reads as; None for a mark on the one before it."""
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if "\U000e0020" <= char <= "\U000e007e":  # tag characters: ASCII that no one sees
        return chr(ord(char) - 0xE0000)
    category = unicodedata.category(char)
    if category in ("Mn", "Me"):  # combining marks, variation selectors, keycaps
        return None
    if category == "Cf" or (category == "Cc" and not char.isspace()):  # zero-width, soft hyphen, direction marks; NUL
        return ""
    if category == "Cs":  # half of a surrogate pair, which no library takes
        return "\ufffd"
    if category == "Pd" or char == "\u2212":  # dashes, minus
        return "-"
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if plain.isascii() else char
