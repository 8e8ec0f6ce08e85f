"""Texts that make a regular expression work: each repetition of its parse tree reached, repeated, made to fail."""

from __future__ import annotations

import re
import re._constants as constants  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

_REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT, constants.POSSESSIVE_REPEAT)
_POOL = "a1 \n-.A_,:/|\"'@#\t(<[{\\!?=`*~+%\u00e9"  # one character of each kind is tried
_FAILING = ("", "\x00", "!", "x|", "/", "\n1", " a")
_CONTEXTS = (("a|b\n", "|x"), ('{"k": "', '"}'), ("see https://example.com/", " now"))
_GENERAL = (
    " ",
    "a",
    "1",
    "A",
    "a.",
    "1 ",
    "\n",
    "a\n",
    "|",
    "-",
    '"',
    "[",
    "(",
    "`",
    "*",
    "a ",
    "a-",
    ".",
    "\\",
    "A ",
    "! ",
)
_SAMPLES = 4  # of what a part of a pattern matches


@dataclass(frozen=True, slots=True)
class Hostile:
    """A text of any length: `before`, then `unit` again and again, then `after`."""

    before: str
    unit: str
    after: str

    def text(self, size: int) -> str:
        """It, in so many characters."""
        return self.before + (self.unit * (size // len(self.unit) + 1))[:size] + self.after


def general() -> list[Hostile]:
    """What is hostile to any pattern."""
    return [Hostile("", unit, after) for unit in _GENERAL for after in ("", "\x00", "x|")]


def hostile_texts(pattern: re.Pattern[Any]) -> list[Hostile]:
    """Texts that repeat each repetition of a pattern, alone, in a table row, JSON and a URL, and fail after it."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = parser.parse(source, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags)
    texts: dict[Hostile, None] = {}
    for before, unit in dict.fromkeys(_repetitions(tree, "")):
        for after in _FAILING:
            texts[Hostile(before, unit, after)] = None
        for start, end in _CONTEXTS:
            texts[Hostile(start + before, unit, end)] = None
        if before:
            texts[Hostile("", before + unit, "")] = None
            texts[Hostile("", before + unit, "\x00")] = None
            texts[Hostile("", before + unit * 8, "")] = None
    return list(dict.fromkeys((*texts, *general())))


def _repetitions(tree: Iterable[Any], *before: str) -> Iterator[tuple[str, str]]:
    """What stands before each repetition of a pattern, and what it repeats."""
    for operator, value in tree:
        if operator in _REPEATS:
            _, most, body = value
            if most > 1:
                for unit in _samples(body):
                    if unit:
                        yield from ((start, unit) for start in before)
            yield from _repetitions(body, *before)
        elif operator is constants.SUBPATTERN:
            yield from _repetitions(value[-1], *before)
        elif operator is constants.ATOMIC_GROUP:
            yield from _repetitions(value, *before)
        elif operator in (constants.ASSERT, constants.ASSERT_NOT):
            yield from _repetitions(value[1], *before)
        elif operator is constants.BRANCH:
            for branch in value[1]:
                yield from _repetitions(branch, *before)
        parts = _samples([(operator, value)])
        # Two of the texts that lead to it: the simplest, and one with the last alternative of each choice.
        before = tuple(dict.fromkeys([before[0] + parts[0], before[-1] + parts[-1]]))


def _samples(tree: Iterable[Any]) -> list[str]:
    """A few texts that the pattern matches, its assertions aside."""
    found = [""]
    for operator, value in tree:
        parts = list(islice(_part(operator, value), _SAMPLES))
        found = [text + part for part in parts for text in found][:_SAMPLES] if parts else found
    return list(dict.fromkeys(found))


def _part(operator: Any, value: Any) -> Iterator[str]:
    if operator is constants.LITERAL:
        yield chr(value)
    elif operator in (constants.NOT_LITERAL, constants.ANY, constants.IN):
        yield from (char for char in _characters(operator, value) if _is_in(operator, value, char))
    elif operator in _REPEATS:
        least, most, body = value
        yield from (unit * max(least, 1 if most > 1 else 0) for unit in _samples(body))
    elif operator is constants.SUBPATTERN:
        yield from _samples(value[-1])
    elif operator is constants.ATOMIC_GROUP:
        yield from _samples(value)
    elif operator is constants.BRANCH:
        yield from (text for branch in value[1] for text in _samples(branch)[:1])


def _characters(operator: Any, value: Any) -> Iterator[str]:
    yield from _POOL
    for kind, inner in value if operator is constants.IN else ():
        if kind is constants.LITERAL:
            yield chr(inner)
        elif kind is constants.RANGE:
            yield chr(inner[0])


def _is_in(operator: Any, value: Any, char: str) -> bool:
    if operator is constants.ANY:
        return True
    if operator is constants.NOT_LITERAL:
        return ord(char) != value
    negated = value[0][0] is constants.NEGATE
    return negated != any(_is_one_of(kind, inner, char) for kind, inner in value)


def _is_one_of(kind: Any, inner: Any, char: str) -> bool:
    if kind is constants.LITERAL:
        return bool(ord(char) == inner)
    if kind is constants.RANGE:
        return bool(inner[0] <= ord(char) <= inner[1])
    if kind is constants.CATEGORY:
        name = str(inner).rsplit("_", 1)[-1]
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name]
        return re.match(f"\\{letter.upper() if '_NOT_' in str(inner) else letter}", char) is not None
    return False
