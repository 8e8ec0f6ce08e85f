"""What the words before digits say that they are: the last one decides, and the name of a field over all others."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii.structure import words

BETWEEN = (
    rf"[^\w\n]{{0,4}}(?:(?:{ENGLISH.personal.said_between})(?![^\W_])[^\w\n]{{0,4}}){{0,3}}"  # a word and its digits
)
Said: TypeAlias = Literal["phone", "no_phone", "no_card", ""]
_WORD: dict[str | None, Said] = {"phone": "phone", "no_phone": "no_phone", "no_card": "no_card"}
_BEFORE = 40
_LONGEST_FIELD = 80
_LONGEST_CODE = 20
_SAYS = re.compile(
    rf"(?<![^\W_])(?:(?P<phone>{ENGLISH.personal.phone})|(?P<no_phone>{ENGLISH.personal.no_phone})"
    rf"|(?P<no_card>{ENGLISH.personal.no_card}))(?![^\W_])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(BETWEEN, re.IGNORECASE)
# The name of a field, right before its value; of tags not those that only say how it looks.
_FIELD = re.compile(
    r"[\"'](?P<quoted>[^\"'\n]{1,40})[\"']\s{0,3}:\s{0,3}[\"'\[(]{0,2}\Z"
    r"|(?P<parameter>[\w.-]{1,40})=[\"']?\Z"
    r"|(?P<camel>[a-z]{1,20}[A-Z][\w.-]{0,30}):[\s\"'*\[(-]{0,9}\Z"
    r"|<(?P<tag>(?!(?:a|b|i|p|td|th|dd|li|em|div|span|strong|code)\b)[\w.:-]{1,40})(?:\s[^<>\n]{0,40})?>[\"']?\Z"
)
_CODE = re.compile(r"(?<![^\W_])[A-Za-z][A-Za-z0-9]{0,15}[-#]\Z")  # PROJ-2023-11456


def said(text: str, start: int) -> tuple[Said, bool]:
    """What the digits that begin at `start` are said to be, and whether by the word right before them.

    Examples
    --------
    >>> text = "Call me about order number 4829301745"
    >>> said(text, text.index("4"))
    ('no_card', True)
    """
    if field := _FIELD.search(text[max(start - _LONGEST_FIELD, 0) : start]):
        name = words(field[field.lastgroup or 0])
        found = [*_SAYS.finditer(name)]
        if found or not _BETWEEN.fullmatch(name):
            return _WORD[found[-1].lastgroup] if found else "", True
    first = max(start - _LONGEST_CODE, 0)
    if _CODE.search(text, first, start) and not _SAYS.search(text, first, start - 1):
        return "no_card", True
    found = [*_SAYS.finditer(text, line(text, start), start)]
    if not found:
        return "", False
    return _WORD[found[-1].lastgroup], _BETWEEN.fullmatch(text, found[-1].end(), start) is not None


def line(text: str, start: int) -> int:
    """Where what is said of digits begins: on their line, or on the one before if theirs says nothing (`value: `)."""
    first = max(start - _BEFORE, 0)
    end = text.rfind("\n", first, start)
    if end >= 0 and _BETWEEN.fullmatch(text, end + 1, start):
        says_nothing = re.search(r"\w", text[end:start]) is not None
        if says_nothing or text[first:end].rstrip(" *_").endswith(":"):
            end = text.rfind("\n", first, end)
    return max(end + 1, first)
