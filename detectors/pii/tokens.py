"""Texts as spaCy's tokens, each with the row of its word in a table of vectors.

spaCy splits a text at blanks, and each stretch by itself: what became of a stretch is remembered, and so is what a word
is to the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from spacy import attrs

from watchline.detectors.pii.network import FEATURES, GAP, WIDTH, Network

Numbers = NDArray[np.int64]

# A blank after a stretch belongs to it; further ones, and line ends, are a token of their own.
_STRETCH = re.compile(r"\S+ ?|\s+")
_MOST_TOKENS = 1 << 17  # of all stretches that are remembered, with 60,000 words or less in text as it comes
_MOST_CHARS = 1 << 22


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of some texts, one text after the other.

    Attributes
    ----------
    texts, starts, ends
        For each token the number of its text, and where it stands in that.
    padded
        The tokens' rows in `Words.vectors`, with `GAP` times 0 before, between and after the texts.
    places
        Where each token stands in `padded`.
    """

    texts: Numbers
    starts: Numbers
    ends: Numbers
    padded: Numbers
    places: Numbers


class Words:
    """Splits texts into tokens and remembers what words are to the network. Not for two threads at once.

    Parameters
    ----------
    nlp
        spaCy's pipeline.
    network

    Attributes
    ----------
    vectors : (rows, WIDTH) tensor
        By the rows of tokens; the first is zero.
    """

    def __init__(self, nlp: Any, network: Network) -> None:
        self._nlp, self._network = nlp, network
        # What spaCy finds out about each word that it meets, most of it for others.
        getters = nlp.vocab.lex_attr_getters
        nlp.vocab.lex_attr_getters = {attrs.IDS[name]: getters[attrs.IDS[name]] for name in FEATURES}
        self._forget()

    def tokens(self, texts: Sequence[str]) -> Tokens:
        """The texts' tokens; their rows hold until the next call."""
        if self._tokens.length > _MOST_TOKENS or self._chars > _MOST_CHARS:
            self._forget()
        split = [_STRETCH.findall(text) for text in texts]
        stretches = [*chain.from_iterable(split)]
        self._learn(stretch for stretch in dict.fromkeys(stretches) if stretch not in self._numbers)
        numbers = np.fromiter(map(self._numbers.__getitem__, stretches), np.int64, len(stretches))
        lengths = np.fromiter(map(len, stretches), np.int64, len(stretches))
        text_of = np.repeat(np.arange(len(texts)), [len(each) for each in split])
        offsets = np.cumsum(lengths) - lengths
        offsets -= (np.cumsum([0, *map(len, texts)])[:-1])[text_of]
        firsts, counts = self._stretches.rows[numbers].T
        stretch_of = np.repeat(np.arange(len(stretches)), counts)
        within = np.arange(len(stretch_of)) - (np.cumsum(counts) - counts)[stretch_of]
        rows, starts, widths = self._tokens.rows[firsts[stretch_of] + within].T
        starts = offsets[stretch_of] + starts
        of_tokens = text_of[stretch_of]
        places = np.arange(len(rows)) + GAP * (of_tokens + 1)
        padded = np.zeros(len(rows) + GAP * (len(texts) + 1), np.int64)
        padded[places] = rows
        return Tokens(of_tokens, starts, starts + widths, padded, places)

    def _forget(self) -> None:
        self._numbers: dict[str, int] = {}  # of stretches
        self._words: dict[bytes, int] = {}  # their rows, by their features
        self._chars = 0
        self._stretches = _Table(2)  # first token, number of tokens
        self._tokens = _Table(3)  # row of the word, start in the stretch, length
        self.vectors = torch.zeros(1024, WIDTH, device=self._network.device)

    def _learn(self, stretches: Iterable[str]) -> None:
        blank: list[str] = []
        written: list[str] = []
        for stretch in stretches:
            (blank if stretch.isspace() else written).append(stretch)
        if written:
            self._add(written)
        for stretch in blank:
            self._add([stretch])

    def _add(self, stretches: Sequence[str]) -> None:
        """Splits stretches, line ends between them, so that none runs together with the next."""
        with self._nlp.memory_zone():  # without one, spaCy keeps every word that it has ever seen
            tokens = self._nlp.make_doc("\n".join(stretches)).to_array([*FEATURES, "IDX", "LENGTH"])
        lengths = np.fromiter(map(len, stretches), np.int64, len(stretches))
        begins = np.cumsum(lengths + 1) - lengths - 1
        starts = tokens[:, -2].astype(np.int64)
        stretch_of = np.searchsorted(begins, starts, "right") - 1
        starts -= begins[stretch_of]
        is_word = starts < lengths[stretch_of]  # else a line end between them
        counts = np.bincount(stretch_of[is_word], minlength=len(stretches))
        self._chars += int(lengths.sum())
        first = self._stretches.length
        self._numbers |= {stretch: first + number for number, stretch in enumerate(stretches)}
        self._stretches.add(np.stack([self._tokens.length + np.cumsum(counts) - counts, counts], 1))
        rows = self._rows(np.ascontiguousarray(tokens[is_word, : len(FEATURES)]))
        self._tokens.add(np.stack([rows, starts[is_word], tokens[is_word, -1].astype(np.int64)], 1))

    def _rows(self, words: NDArray[np.uint64]) -> Numbers:
        """The rows of words; of new ones the vectors are made."""
        before = len(self._words) + 1  # the first row is no word's
        keys = [word.tobytes() for word in words]
        rows = [self._words.setdefault(key, len(self._words) + 1) for key in keys]
        after = len(self._words) + 1
        if after > before:
            new = dict(zip(rows, words, strict=True))
            while after > len(self.vectors):
                self.vectors = torch.cat([self.vectors, torch.zeros_like(self.vectors)])
            self.vectors[before:after] = self._network.embed(np.stack([new[row] for row in range(before, after)]))
        return np.array(rows, np.int64)


class _Table:
    """Rows of numbers, with room for more."""

    def __init__(self, width: int) -> None:
        self.rows, self.length = np.zeros((1024, width), np.int64), 0

    def add(self, rows: Numbers) -> None:
        after = self.length + len(rows)
        while after > len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[self.length : after] = rows
        self.length = after
