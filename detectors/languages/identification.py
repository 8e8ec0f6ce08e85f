"""Which language a text is in: py3langid's n-grams of bytes, within the languages that many people write."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# Of fewer languages each is told from English more surely; a text in one that isn't here is named after the most alike.
_CODES = (
    "am ar bg bn ca cs da de el en es et fa fi fr gu he hi hr hu hy id it ja ka km kn ko lo lt lv ml mr my nl no pa pl "
    "pt ro ru si sk sl sr sv ta te th tr uk ur vi zh"
)
# What has no language: addresses, names of accounts, entities of HTML, what redaction leaves, emoji.
_NO_WORDS = re.compile(
    r"https?://\S+|www\.\S+|(?<!\S)\S+@\S+|[@#]\w+|&#?\w+;|\[[A-Z_]+(?:\d*|:[0-9a-f]{16})\]|[\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff]+"
)
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LATIN = re.compile(r"[a-zà-ɏ]+")  # up to Latin Extended-B, in small letters
_LEAST_LATIN = 0.6  # of the letters, in what may be English


@dataclass(frozen=True, slots=True)
class Identified:
    """What a text's letters say of its language.

    Attributes
    ----------
    words : int
    other : str
        The likeliest language beside English: ISO 639-1.
    odds : float
        How much likelier it is than English, the logarithm of the ratio: of all words, or of what is no name where that
        is likelier English, since English texts have names of any language. Infinite where the letters aren't Latin, 0
        where there are none.
    """

    words: int
    other: str
    odds: float


@lru_cache(maxsize=4096)  # a batch's texts: several detectors ask about each
def identify(text: str) -> Identified:
    """What the text's letters say of its language; a text of a thousand characters takes about 0.1 ms.

    Examples
    --------
    >>> identify("Wo ist der Bahnhof?").other, identify("Wo ist der Bahnhof?").odds > 3
    ('de', True)
    >>> identify("Where is the railway station?").odds < -3
    True
    """
    written = _NO_WORDS.sub(" ", text)
    plain = written.lower()
    words = _WORD.findall(plain)
    if not words:
        return Identified(0, "und", 0.0)
    other, odds = _likeliest(plain)
    letters = sum(map(len, words))
    if sum(map(len, _LATIN.findall(plain))) < _LEAST_LATIN * letters:
        return Identified(len(words), other, math.inf)
    if odds > 0 and not written.isupper():
        odds = min(odds, _likeliest(_without_names(_WORD.findall(written)))[1])
    return Identified(len(words), other, odds)


def _without_names(words: Sequence[str]) -> str:
    """The words in small letters, and the first, unless a name seems to begin with it."""
    first = words[:1] if words[1:2] and words[1][0].islower() else []
    return " ".join([*first, *(word for word in words[len(first) :] if not word[0].isupper())])


def _likeliest(text: str) -> tuple[str, float]:
    """The likeliest language beside English, and by how much, as log-odds."""
    chances = dict(_identifier().rank(text))
    english = chances.pop("en")
    other = next(iter(chances))  # they come in order
    return other, math.log(chances[other] + 1e-30) - math.log(english + 1e-30)


@cache
def _identifier() -> LanguageIdentifier:
    """The model, 80 MB, which takes half a second to load."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_CODES.split())
    return identifier
