"""What is left of planted values: every string searched as it is, and as it would be read by whoever decodes it.

Written apart from the detector, so that what that can't read isn't missed here for the same reason.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d(?:[^\w\n]{0,3}\d){7,60}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([^u]))")
_LEVELS = 4  # of escapes within one another
_SIGNS = {"n": "\n", "t": "\t", "r": "\r"}


class Search:
    """Finds values in texts, by their words in any case, and numbers by their digits.

    Parameters
    ----------
    values
        Each is known by its place among them.

    Examples
    --------
    >>> search = Search(["Jane O'Dowd", "4111 1111 1111 1111"])
    >>> sorted(search.found('{"to": "JANE%20O\\u0027DOWD", "card": 4111111111111111}'))
    [0, 1]
    >>> search.found("SmFuZSBPJ0Rvd2Q="), search.found("Jane paid.")
    ({0}, set())
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._by_first = defaultdict[str, list[tuple[list[str], int]]](list)
        self._numbers = defaultdict[str, set[int]](set)
        for place, value in enumerate(values):
            words = _words(value)
            self._by_first[words[0]].append((words, place))
            digits = re.sub(r"\D", "", value)
            if len(digits) >= 9 and len(digits) >= 0.9 * sum(map(len, words)):
                self._numbers[digits].add(place)
        self._lengths = sorted({len(digits) for digits in self._numbers})

    def found(self, text: str) -> set[int]:
        """The places of the values that stand in a text."""
        return {place for reading in readings(text) for place in self._in(reading)}

    def _in(self, text: str) -> Iterator[int]:
        words = _words(text)
        for at, word in enumerate(words):
            for some, place in self._by_first.get(word, ()):
                if words[at : at + len(some)] == some:
                    yield place
        for match in _NUMBER.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            for length in self._lengths:
                for at in range(len(digits) - length + 1):
                    yield from self._numbers.get(digits[at : at + length], ())


def readings(text: str, levels: int = _LEVELS) -> Iterator[str]:
    """A text as it is, with its escapes resolved again and again, and what base64 in any of these stands for."""
    yield text
    if levels:
        for said in _in_base64(text):
            yield from readings(said, levels - 1)
        decoded = html.unescape(_ESCAPE.sub(_meant, unquote_plus(text)))
        if decoded != text:
            yield from readings(decoded, levels - 1)


def _in_base64(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        padded = match[0].rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            yield base64.b64decode(padded + "=" * (-len(padded) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def _meant(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else _SIGNS.get(escape[2], escape[2])


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
