"""What is never a person's name, whatever the recogniser says: brands, software, teams, and what a user lists."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "no_names.toml"
_WORD = re.compile(r"[^\W_]+")


@cache
def listed() -> Mapping[str, Sequence[str]]:
    """The shipped phrases, by kind."""
    kinds = tomllib.loads(_FILE.read_text("utf-8"))
    return {kind: [" ".join(phrase.split()) for phrase in phrases.split("|")] for kind, phrases in kinds.items()}


class NoNames:
    """Phrases that are no one's name, in any case of letters; whole words.

    Parameters
    ----------
    more
        Phrases besides the shipped ones.

    Examples
    --------
    >>> text = "Dee MasterCard paid by MASTERCARD."
    >>> NoNames().has(text, 23, 33), NoNames().has(text, 0, 14), NoNames(["Dee"]).has(text, 0, 14)
    (True, False, True)
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        phrases = [*(phrase for kind in listed().values() for phrase in kind), *more]
        self._by_first = defaultdict[str, set[tuple[str, ...]]](set)
        for phrase in phrases:
            if words := tuple(_WORD.findall(phrase.casefold())):
                self._by_first[words[0]].add(words)
        self._furthest = max(map(len, phrases), default=0) + 1

    @classmethod
    @cache
    def shipped(cls) -> NoNames:
        """Those of `no_names.toml` alone."""
        return cls()

    def has(self, text: str, start: int, end: int) -> bool:
        """Whether each word from `start` to `end` is one of a phrase that stands there, or the `s` after one."""
        first = max(start - self._furthest, 0)
        spans = [match.span() for match in _WORD.finditer(text, first, min(end + self._furthest, len(text)))]
        if first and spans and spans[0][0] == first:  # perhaps the end of a word
            del spans[0]
        words = [text[a:b].casefold() for a, b in spans]
        left = {place for place, (a, b) in enumerate(spans) if start < b and a < end}
        for place, word in enumerate(words):
            for phrase in self._by_first.get(word, ()):
                if tuple(words[place : place + len(phrase)]) == phrase:
                    left.difference_update(range(place, place + len(phrase)))
                    if words[place + len(phrase) :][:1] == ["s"]:
                        left.discard(place + len(phrase))
            if not left:
                return True
        return not left
