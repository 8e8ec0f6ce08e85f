"""Many values looked for in a text at once: it takes the time that text and values take to read, not their product.

Reference: Aho and Corasick, "Efficient string matching: an aid to bibliographic search", CACM 18(6), 1975.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from watchline.detectors.pii.entities import Entity

_SYMBOL_BITS = 21  # a code point, or the number of a word
_NO_SYMBOL = (1 << _SYMBOL_BITS) - 1
_WORD = re.compile(r"[^\W_]+")
_MOST_BETWEEN = 3  # signs between two digits of one number
Kinds = Mapping[str, float]  # types of a value, with the score of each


class Automaton:
    """A machine that reads symbols and tells which sequences end where.

    Parameters
    ----------
    sequences : iterable of sequence of int
        Of symbols; none empty.

    Examples
    --------
    >>> automaton = Automaton([[1, 2], [2], [2, 3]])
    >>> [*automaton.find([1, 2, 3])]  # end and number of the sequence
    [(2, 0), (2, 1), (3, 2)]
    """

    def __init__(self, sequences: Iterable[Sequence[int]]) -> None:
        self._next: dict[int, int] = {}
        self._number: dict[int, int] = {}
        nodes: list[tuple[int, int, int]] = []  # depth, parent, key of the way to it
        for number, sequence in enumerate(sequences):
            node = 0
            for depth, symbol in enumerate(sequence):
                key = node << _SYMBOL_BITS | symbol
                if key not in self._next:
                    nodes.append((depth, node, key))
                    self._next[key] = len(nodes)
                node = self._next[key]
            self._number[node] = number
        # Where to go on after a mismatch: the longest end of what was read that begins a sequence too.
        self._fallback = [0] * (len(nodes) + 1)
        self._ending = [0] * (len(nodes) + 1)  # the longest sequence that ends at a node: the node of its end
        for depth, parent, key in sorted(nodes):
            node = self._next[key]
            fallback = self._step(self._fallback[parent], key & _NO_SYMBOL) if depth else 0
            self._fallback[node] = fallback
            self._ending[node] = node if node in self._number else self._ending[fallback]

    def find(self, symbols: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yields the end and the number of each sequence in the symbols, of those with one end the longest first."""
        node = 0
        for end, symbol in enumerate(symbols, 1):
            node = self._step(node, symbol)
            found = self._ending[node]
            while found:
                yield end, self._number[found]
                found = self._ending[self._fallback[found]]

    def _step(self, node: int, symbol: int) -> int:
        while node and (node << _SYMBOL_BITS | symbol) not in self._next:
            node = self._fallback[node]
        return self._next.get(node << _SYMBOL_BITS | symbol, 0)


class ManyValues:
    """Finds pieces of personal data wherever else they stand, as a regular expression for each would.

    Parameters
    ----------
    literal, numbers, names : mapping of str to mapping of str to float
        Values, without case, with their types and the score of each: those that are looked for as they are; those of
        digits and letters with up to three signs between; those of words with any signs between.
    parts : mapping of str to mapping of str to float
        Words that are looked for as they are written.

    Examples
    --------
    >>> phone, person = {"5550199": {"PHONE_NUMBER": 0.9}}, {"jane doe": {"PERSON": 0.8}}
    >>> values = ManyValues({}, phone, person, {"Doe": {"PERSON": 0.7}})
    >>> [(entity.start, entity.end) for entity in values.find("jane_doe: 555-0199. Doe, not Does")]
    [(10, 18), (0, 8), (20, 23)]
    """

    def __init__(
        self,
        literal: Mapping[str, Kinds],
        numbers: Mapping[str, Kinds],
        names: Mapping[str, Kinds],
        parts: Mapping[str, Kinds],
    ) -> None:
        self._literal, self._numbers, self._names = [*literal.items()], [*numbers.items()], [*names.items()]
        self._parts = parts
        self._words: dict[str, int] = {}
        self._of_literal = Automaton([ord(char) for char in value] for value in literal)
        self._of_numbers = Automaton([ord(char) for char in value] for value in numbers)
        self._of_names = Automaton(
            [self._words.setdefault(word, len(self._words)) for word in value.split()] for value in names
        )

    def find(self, text: str) -> Iterator[Entity]:
        """Yields all of them in a folded text; overlapping ones too, as long as none is within another of its kind."""
        lower = [ord(char.lower()) if len(char.lower()) == 1 else ord(char) for char in text]
        if self._literal:
            yield from self._find_literal(lower)
        if self._numbers:
            yield from self._find_numbers(text, lower)
        if self._names or self._parts:
            yield from self._find_words(text)

    def _find_literal(self, lower: Sequence[int]) -> Iterator[Entity]:
        last = 0
        for end, number in self._of_literal.find(lower):
            if end != last:  # a shorter one with the same end lies within
                last = end
                value, kinds = self._literal[number]
                yield from _entities(end - len(value), end, kinds)

    def _find_numbers(self, text: str, lower: Sequence[int]) -> Iterator[Entity]:
        places: list[int] = []
        symbols: list[int] = []
        for match in re.finditer(r"[^\W_]", text):
            place = match.start()
            if places and place - places[-1] - 1 > _MOST_BETWEEN:
                places.append(place)
                symbols.append(_NO_SYMBOL)
            places.append(place)
            symbols.append(lower[place])
        for last, number in self._of_numbers.find(symbols):
            value, kinds = self._numbers[number]
            start, end = places[last - len(value)], places[last - 1] + 1
            if not _is_digit(text, start - 1) and not _is_digit(text, end):
                yield from _entities(start, end, kinds)

    def _find_words(self, text: str) -> Iterator[Entity]:
        words = [match.span() for match in _WORD.finditer(text)]
        known = [self._words.get(text[start:end].casefold(), _NO_SYMBOL) for start, end in words]
        done = 0
        for last, number in self._of_names.find(known):
            if last != done:
                done = last
                value, kinds = self._names[number]
                yield from _entities(words[last - len(value.split())][0], words[last - 1][1], kinds)
        for start, end in words:
            yield from _entities(start, end, self._parts.get(text[start:end], {}))


def _entities(start: int, end: int, kinds: Kinds) -> Iterator[Entity]:
    return (Entity(start, end, type_, score) for type_, score in kinds.items())


def _is_digit(text: str, place: int) -> bool:
    return 0 <= place < len(text) and re.match(r"\d", text[place]) is not None
