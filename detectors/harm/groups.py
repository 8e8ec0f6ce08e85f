"""Where a text mentions a social group, by its words."""

from __future__ import annotations

import re

from watchline.detectors.languages.english import ENGLISH

_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*", re.IGNORECASE)


def mentions(text: str) -> list[tuple[int, int]]:
    """Where a word of the text stands for a group of people: start and end of each, in order.

    Examples
    --------
    >>> mentions("Women and Muslims")
    [(0, 5), (10, 17)]
    """
    words = [
        word.span()
        for word in _WORD.finditer(text)
        if (plain := word[0].lower()) in ENGLISH.groups.words
        or plain.removesuffix(ENGLISH.words.plural) in ENGLISH.groups.words
    ]
    return sorted(words + [phrase.span() for phrase in ENGLISH.groups.phrases.finditer(text)])


def mentions_group(text: str) -> bool:
    """Whether a word of the text stands for a group of people."""
    return bool(mentions(text))
