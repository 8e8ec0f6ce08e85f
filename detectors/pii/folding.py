"""A text as it reads, with the way back: look-alike digits and signs made plain, invisible characters left out.

Personal data is found in the folded text, whatever it was written with: full-width `＠`, digits of another script, a
zero-width blank in the middle of a number.
"""

# ruff: noqa: RUF002 (look-alikes are what this file is about)

from __future__ import annotations

import unicodedata
from functools import lru_cache

from watchline.detectors.runtime.mapped_text import MappedText


def fold(text: str) -> MappedText:
    r"""The folded text. ASCII comes back as it is.

    Examples
    --------
    >>> folded = fold("call 55\u200b5-0199")  # a zero-width blank within the number
    >>> folded.text, folded.original(5, 13)
    ('call 555-0199', (5, 14))
    """
    if text.isascii():
        return MappedText(text)
    pairs = [(new, place) for place, char in enumerate(text) for new in (char if char < "\x80" else _plain(char))]
    return MappedText("".join(new for new, _ in pairs), tuple(place for _, place in pairs))


@lru_cache(4096)
def _plain(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category == "Cf":  # zero-width blanks and joiners, soft hyphen, direction marks
        return ""
    if category == "Cs":  # half of a surrogate pair, which no library takes
        return "\ufffd"
    if category == "Pd" or char == "\u2212":  # dashes, minus
        return "-"
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    return plain if plain.isascii() else char
