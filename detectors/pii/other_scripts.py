"""People whose names are in other letters than Latin ones, which the recogniser can't read: by what stands before them.

Greek and Cyrillic have capitals: two or three capitalised words after a word such as `customer` are a name. Where there
are none (Chinese, Arabic, Devanagari) the value of a field for names is one, if it is short and of letters alone.
"""

# ruff: noqa: RUF001 (people write both apostrophes)

from __future__ import annotations

import re
from collections.abc import Iterator

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.entities import Entity

_SCORE = 0.8  # by judgement
_OTHER = re.compile(r"[^\W\d_\u0000-\u024f\u1e00-\u1eff]")
_CAPITALISED = (
    r"[\u0386-\u03ab\u0400-\u042f][\u0386-\u03ff\u0400-\u052f]{1,20}(?:['’-][\u0386-\u03ff\u0400-\u052f]{2,20})?"
)
_INITIAL = r"[\u0386-\u03ab\u0400-\u042f]\."
_AFTER_WORD = re.compile(
    rf"\b(?i:{ENGLISH.personal.before_name})[:,]?[ ]"
    rf"((?:{_INITIAL}[ ]?){{1,2}}{_CAPITALISED}|{_CAPITALISED}(?:[ ](?:{_INITIAL}|{_CAPITALISED})){{1,2}})(?!\w)"
)
_CJK = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SIGN = rf"(?:[^\W\d_{_CJK}]|[\u0900-\u0eff])"  # a letter, or a vowel of Indian scripts, Thai, Lao
_IN_FIELD = re.compile(
    rf"^[ \t]{{0,20}}(?i:{ENGLISH.personal.name_fields})[ ]?[:=：][ ]?"
    rf"([{_CJK}]{{2,6}}|{_SIGN}{{2,20}}(?:[ '’-]{_SIGN}{{1,20}}){{0,3}})[ \t]*$",
    re.MULTILINE,
)


def find(text: str) -> Iterator[Entity]:
    """The people in a text in normal form (`structure`).

    Examples
    --------
    >>> text = "Customer Анна Смирнова wrote"
    >>> [text[entity.start : entity.end] for entity in find(text)]
    ['Анна Смирнова']
    """
    if text.isascii() or not _OTHER.search(text):
        return
    matches = (match for pattern in (_AFTER_WORD, _IN_FIELD) for match in pattern.finditer(text))
    for start, end in sorted({match.span(1) for match in matches}):
        if all(_OTHER.match(char) or not char.isalpha() for char in text[start:end]):
            yield Entity(start, end, "PERSON", _SCORE)
