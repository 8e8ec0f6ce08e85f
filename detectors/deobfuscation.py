"""Undoes what people do to words to get past a filter: leet, look-alike letters, invisible characters, spacing.

Rules only, and only where a plain reading is the likelier one: digits and signs become letters between letters,
Cyrillic and Greek become Latin within a Latin word, single letters become a word when at least four stand apart in the
same way. The disguises are those of HateCheck's "spelling variations" (Röttger et al. 2021) and of Unicode's list of
confusables (UTS 39).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_LEET = str.maketrans("013457@$!", "oieastasi")
# Signs stand for a letter at a word's end too ("a$$"), digits only between letters ("v3" and "mp3" are names).
_DISGUISED = re.compile(r"(?<![\w./:@$!?=&#%-])[A-Za-z013457@$!]*[A-Za-z][A-Za-z013457@$!]*(?![\w./:@=&#%-])")
_INSIDE = re.compile(r"(?<=[A-Za-z])[013457@$!]+(?=[A-Za-z])|(?<=[A-Za-z])[@$]+\Z|\A[$5](?=[a-z]{2})")
_SPACED = re.compile(
    r"(?<![^\W_])[A-Za-z@$!013457](?P<gap> |[.\-_*·]{1,2})(?:[A-Za-z@$!013457](?P=gap)){2,}[A-Za-z](?!\w)"
)
_MIXED = re.compile(r"[^\W\d_]+")
_LOOK_ALIKE = str.maketrans(
    "аеоросухіјѕԁһӏвкмнтАВЕКМНОРСТУХІЈЅαονικτρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopocyxijsdhlbkmhtABEKMHOPCTYXIJSaovIktpuABEZHIKMNOPTYX".lower(),
)
_IGNORED = frozenset(("Cf", "Mn", "Me"))  # invisible formatting, combining marks
_JOINERS = "\u200d\ufe0f"  # within emoji they carry meaning


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without disguise.

    Attributes
    ----------
    text : str
    offsets : tuple of int or None
        For each character of `text` the index of the character it came from; None where nothing was changed.
    """

    text: str
    offsets: tuple[int, ...] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where `text[start:end]`, not empty, stands in the text as it was."""
        return (start, end) if self.offsets is None else (self.offsets[start], self.offsets[end - 1] + 1)


def deobfuscate(text: str) -> Plain:
    """The text as a person reads it. Plain text comes back as it is, quickly."""
    chars = list(text)
    places = list(range(len(text)))
    if not text.isascii():
        pairs = [(new, place) for place, char in enumerate(text) for new in _plain_characters(char)]
        chars, places = [new for new, _ in pairs], [place for _, place in pairs]
        joined = "".join(chars)
        for word in _MIXED.finditer(joined):
            # A word that is Cyrillic or Greek throughout is that language, not a disguise.
            if not word[0].isascii() and re.search("[A-Za-z]", word[0]):
                chars[word.start() : word.end()] = word[0].translate(_LOOK_ALIKE)
    for spaced in reversed(list(_SPACED.finditer("".join(chars)))):
        letters = range(spaced.start(), spaced.end(), 1 + len(spaced["gap"]))
        chars[spaced.start() : spaced.end()] = [chars[index] for index in letters]
        places[spaced.start() : spaced.end()] = [places[index] for index in letters]
    plain = _DISGUISED.sub(lambda word: _INSIDE.sub(lambda part: part[0].translate(_LEET), word[0]), "".join(chars))
    return Plain(text) if plain == text else Plain(plain, tuple(places))


def _plain_characters(char: str) -> str:
    """What one character stands for: nothing when invisible, its compatibility form when that is ASCII."""
    if char < "\u0300" or char in _JOINERS:
        return "" if char == "\u00ad" else char
    if unicodedata.category(char) in _IGNORED:
        return ""
    simple = unicodedata.normalize("NFKC", char)
    return simple if simple.isascii() else char
