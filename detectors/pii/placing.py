"""Where a placeholder takes a value's place, the text stays of its format: JSON stays JSON, a URL stays a URL."""

from __future__ import annotations

import json
import re
from bisect import bisect
from functools import cached_property

_AUTHORITY = re.compile(r"[a-z][a-z0-9+.-]{0,20}:/{2}[^\s/?#\"'<>\\]{0,200}\Z", re.IGNORECASE)
_AFTER_KEY = re.compile(r"(\\{0,7}\")\s{0,9}:\s{0,9}\Z")
_AFTER_VALUE = re.compile(r"\s{0,9}(?:[,}\]\r\n]|\\+n|\Z)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LONGEST_AUTHORITY, _LONGEST_KEY_END = 230, 30


class Placing:
    """Says how a placeholder is written at a place of a text.

    Examples
    --------
    >>> Placing('{"card": 4111111111111111}').around(9, 25, "[CREDIT_CARD_1]")
    ('"', '[CREDIT_CARD_1]', '"')
    >>> Placing("http://10.1.2.3/login").around(7, 15, "[IP_ADDRESS_1]")
    ('', 'IP_ADDRESS_1', '')
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._has_urls, self._has_quotes = "://" in text, '"' in text

    def around(self, start: int, end: int, placeholder: str) -> tuple[str, str, str]:
        """What stands before it, the placeholder, what stands after it."""
        text = self._text
        if self._has_urls and _AUTHORITY.search(text[max(start - _LONGEST_AUTHORITY, 0) : start]):
            return "", placeholder.strip("[]"), ""  # brackets there are an IPv6 address's
        quote = ""
        if self._has_quotes and (key := _AFTER_KEY.search(text[max(start - _LONGEST_KEY_END, 0) : start])):
            quote = key[1] if _AFTER_VALUE.match(text, end) else ""
        elif self._strings is not None:
            place = bisect(self._strings, (start, len(text))) - 1
            quote = "" if place >= 0 and start < self._strings[place][1] else '"'
        return quote, placeholder, quote

    @cached_property
    def _strings(self) -> list[tuple[int, int]] | None:
        """Where the strings of a text that is JSON are; None of one that isn't."""
        if self._text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            json.loads(self._text)
        except (ValueError, RecursionError):
            return None
        return [match.span() for match in _STRING.finditer(self._text)]
