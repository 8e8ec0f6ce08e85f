"""Names what nobody sees in a text, what turns its direction around, and what looks like another character.

Whatever else stands in the text: one letter of Arabic doesn't make a hidden override harmless.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

INVISIBLE, DIRECTION, CONTROL, LOOKS_LIKE, COMBINING = (
    "invisible", "changes the direction", "control character", "looks like another", "combining mark"
)  # fmt: skip
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters, marks and signs that show nothing, though their category is one of what does.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, range(0x180B, 0x1810))))
_SELECTORS = ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_HIDDEN = ("Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
# Alphabets with letters that look Latin, and letters of which a whole word can be made that does (UTS 39).
_ALPHABETS = ("ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "DESERET", "GREEK", "LISU")
_ALIKE = frozenset("аеорсухіјѕԁһӏԛԝАВЕКМНОРСТУХІЈЅҮԌԚԜονικρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսոհցՕՍᎪᎬᎳᎢᏔ")
_WORD = re.compile(r"[^\W\d_]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Finding(NamedTuple):
    """One character that isn't what it seems: why, which, how often, and in which line first."""

    kind: str
    character: str
    times: int
    first_line: int

    @property
    def name(self) -> str:
        """As Unicode calls it.

        >>> Finding(DIRECTION, "\\u202e", 1, 1).name
        'U+202E RIGHT-TO-LEFT OVERRIDE'
        """
        return named(self.character)


def named(character: str) -> str:
    """Code point and name of a character."""
    unnamed = {"\r": "CARRIAGE RETURN", "\t": "CHARACTER TABULATION", "\x1b": "ESCAPE", "\0": "NULL"}
    name = unicodedata.name(character, "") or unnamed.get(character) or "without a name"
    return f"U+{ord(character):04X} {name}"


def found(text: str) -> list[Finding]:
    """What of a text is hidden or looks like something else, in its order; nothing for plain ASCII and for most texts.

    >>> [(each.kind, each.name, each.times) for each in found("p\\u0430y \\u202eabc\\u202c now")]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('looks like another', 'U+0430 CYRILLIC SMALL LETTER A', 1),
     ('changes the direction', 'U+202E RIGHT-TO-LEFT OVERRIDE', 1),
     ('changes the direction', 'U+202C POP DIRECTIONAL FORMATTING', 1)]
    """
    if text.isascii() and not _CONTROLS.search(text):
        return []
    alike, counts, first = _of_words(text), Counter[tuple[str, str]](), dict[tuple[str, str], int]()
    line = 1
    for at, character in enumerate(text):
        if kind := hidden(character) or (LOOKS_LIKE if at in alike or _is_form(character) else _combines(text, at)):
            counts[kind, character] += 1
            first.setdefault((kind, character), line)
        line += character == "\n"
    return [Finding(*which, count, first[which]) for which, count in counts.items()]


def hidden(character: str) -> str:
    """Why a character can't be seen as what it is; empty where it can."""
    if character in "\n\t" or " " <= character <= "~":
        return ""
    category = unicodedata.category(character)
    if category == "Cc":
        return CONTROL
    if character in _DIRECTION:
        return DIRECTION
    selects = any(low <= ord(character) <= high for low, high in _SELECTORS)
    return INVISIBLE if category in _HIDDEN or character in _BLANK or selects else ""


def shown(text: str) -> str:
    """A text for a terminal: each character that can't be seen as what it is by its name, in angle brackets.

    >>> shown("pay\\u202e now\\r")
    'pay<U+202E RIGHT-TO-LEFT OVERRIDE> now<U+000D CARRIAGE RETURN>'
    """
    return "".join(f"<{named(each)}>" if hidden(each) else each for each in text)


def _of_words(text: str) -> set[int]:
    """Where letters stand that look Latin: of another alphabet in a word with Latin ones, or a word of nothing else."""
    places: set[int] = set()
    for word in _WORD.finditer(text):
        if word[0].isascii():
            continue
        others = [at for at, each in enumerate(word[0], word.start()) if _alphabet(each) in _ALPHABETS]
        mixed = any(_alphabet(each) == "LATIN" for each in word[0])
        if mixed or _ALIKE.issuperset(word[0]):
            places.update(others)
    return places


def _alphabet(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _is_form(character: str) -> bool:
    """Whether it is a form of an ASCII character, such as a wide or a mathematical letter."""
    if character.isascii() or unicodedata.decomposition(character).startswith(("<super>", "<sub>")):
        return False
    plain = unicodedata.normalize("NFKC", character)
    return len(plain) == 1 and "!" <= plain <= "~"


def _combines(text: str, at: int) -> str:
    """Whether it is a mark that with the letter before it is one letter written otherwise: they look the same."""
    if not at or not unicodedata.combining(text[at]):
        return ""
    return COMBINING if len(unicodedata.normalize("NFC", text[at - 1 : at + 1])) == 1 else ""
