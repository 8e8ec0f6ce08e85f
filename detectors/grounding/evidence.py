"""How well one sentence of an answer is borne out by the documents: numbers that a groundedness judge can weigh.

Word overlap, novelty of numbers and names, and the cosine to the nearest passages are the classic cheap signals of
faithfulness (Maynez et al. 2020; Laban et al. 2022, SummaC). Passages are runs of one to three units of a document;
only units are embedded, a run's vector is the sum of its units': so a passage costs one pass of the encoder, not three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.base import Embeddings, Vectors
from watchline.detectors.runtime.words import Words, negated, words

MAX_UNITS = 200
_MIN_UNIT = 60  # characters; shorter sentences (headings, list items, code lines) join the next
_RUN = 3
_CLEARLY_NEARER = 0.3  # of cosine and overlap together
_RECORD_NEARER = 0.5  # of a record: those of a kind have all keys in common, and many values
_FEW = 4  # content words; of fewer, some stand in any document

NAMES = (
    "cosine",  # to the nearest passage
    "overlap",  # share of the content words in the passage that has most of them
    "overlap_nearest",  # in the passage that is nearest by words and meaning together
    "overlap_top",  # in the three nearest passages together
    "overlap_all",  # anywhere in the documents
    "bigrams",  # share of the content word pairs that stand so in the documents
    "copied",  # share of the words inside word triples copied from the documents
    "novel_words",  # content words nowhere in documents, question or instructions: log(1 + n)
    "novel_numbers",  # so with numbers
    "novel_numbers_share",
    "novel_names",  # so with capitalised words, the first aside
    "novel_names_share",
    "negation",  # negated here and not in the nearest passage, or the reverse; weighted by their overlap
    "length",  # log(1 + content words)
    "has_number",
    "has_name",
    "lead_in",  # ends with a colon
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A stretch of a document, about a sentence.

    Attributes
    ----------
    field : str
        `document:N` or `tool_call_result:N`.
    start, end : int
        In characters of the document.
    embedded : str
        How it reads, which for structured data isn't as it is written.
    """

    field: str
    start: int
    end: int
    embedded: str


def units(field: str, text: str, sentences: Iterable[tuple[int, int]]) -> list[Unit]:
    """The units of a document: its sentences, short ones (fewer than 60 characters) joined with the next.

    Examples
    --------
    >>> text = "Returns. They are accepted within thirty days of delivery, with the receipt. Shipping is free."
    >>> [unit.embedded for unit in units("document:0", text, [(0, 8), (9, 76), (77, 94)])]
    ['Returns. They are accepted within thirty days of delivery, with the receipt.', 'Shipping is free.']
    """
    runs: list[tuple[int, int]] = []
    for start, end in sentences:
        if runs and runs[-1][1] - runs[-1][0] < _MIN_UNIT:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return [Unit(field, start, end, text[start:end]) for start, end in runs]


def most_alike(candidates: Sequence[Unit], answer: str, limit: int = MAX_UNITS) -> list[Unit]:
    """At most `limit` units, in order: of the documents with the units that share most content words with the answer.

    A document is kept whole where it fits, so that its sentences keep their neighbours; of one that doesn't fit, the
    units are kept that share most, the first of equals.

    Examples
    --------
    >>> texts = ("Roses need the sun.", "Returns are free.")
    >>> [unit.embedded for unit in most_alike([Unit("document:0", 0, 0, text) for text in texts], "It's free.", 1)]
    ['Returns are free.']
    """
    if len(candidates) <= limit:
        return list(candidates)
    wanted = frozenset(words(answer).content)
    shared = [wanted.intersection(words(unit.embedded).content) for unit in candidates]
    documents: dict[str, list[int]] = {}
    for place, unit in enumerate(candidates):
        documents.setdefault(unit.field, []).append(place)

    def alike(places: list[int]) -> tuple[int, int]:
        return max(len(shared[place]) for place in places), len(frozenset().union(*(shared[place] for place in places)))

    kept: list[int] = []
    for places in sorted(documents.values(), key=alike, reverse=True):
        kept += sorted(places, key=lambda place: -len(shared[place]))[: limit - len(kept)]
    return [candidates[place] for place in sorted(kept)]


def rests_on(
    units: Sequence[Unit],
    claims: Sequence[Sequence[str]],
    vectors: Vectors,
    embeddings: Embeddings,
    records: Set[str] = frozenset(),
) -> tuple[frozenset[str], frozenset[str]]:
    """The documents that an answer rests on, so that what stands in others is neither for nor against it.

    The one nearest to all claims together, then each that is clearly nearer to some claim than those before it.

    Parameters
    ----------
    units
        Of all documents.
    claims
        The content words of each claim.
    vectors : (len(claims), 384)
    records
        Which documents are records, by their field.

    Returns
    -------
    rested : frozenset of str
        Values of `Unit.field`.
    nearest : frozenset of str
        So with those that are nearest to some claim, be it not clearly.

    Examples
    --------
    >>> units = [Unit("document:0", 0, 0, "Returns are free."), Unit("document:1", 0, 0, "Roses need the sun.")]
    >>> vectors = {text: [float(text[0] == "R"), float(text[1] == "o")] for text in (unit.embedded for unit in units)}
    >>> class Embeddings:
    ...     def __getitem__(self, texts):
    ...         return np.array([vectors[text] for text in texts], np.float32)
    >>> rests_on(units, [("return", "free")], np.array([[1.0, 0.0]], np.float32), Embeddings())
    (frozenset({'document:0'}), frozenset({'document:0'}))
    """
    fields = list(dict.fromkeys(unit.field for unit in units))
    if len(fields) < 2:
        return frozenset(fields), frozenset(fields)
    nearness = np.empty((len(claims), len(fields)))
    for place, field in enumerate(fields):
        own = Context((), "", [unit for unit in units if unit.field == field])
        cosines = vectors @ own.run_vectors(embeddings[[unit.embedded for unit in own.units]]).T
        overlap = np.stack([own.overlaps(content).mean(axis=1) for content in claims])
        nearness[:, place] = np.round(cosines + overlap, 4).max(axis=1)
    nearest = frozenset(fields[place] for place in nearness.argmax(axis=1))
    nearness *= np.minimum([[len(content) / _FEW] for content in claims], 1.0)
    least = [_RECORD_NEARER if field in records else _CLEARLY_NEARER for field in fields]
    rested = [int(np.argmax(nearness.sum(axis=0)))]
    while True:
        gain = (nearness - nearness[:, rested].max(axis=1, keepdims=True)).max(axis=0) - least
        if gain.max() < 0:
            return frozenset(fields[place] for place in rested), nearest
        rested.append(int(np.argmax(gain)))


class Context:
    """All that an answer may rest on: the documents, and a little, question and instructions.

    Parameters
    ----------
    documents
        All units of the documents.
    granted
        What is no news when the answer repeats it: question, instructions.
    kept
        The units that are compared one by one; see `most_alike`.

    Attributes
    ----------
    runs : list of (int, int)
        The passages: first and one past the last of one to three neighbouring units of a document, in `kept`.
    """

    def __init__(self, documents: Iterable[Unit], granted: str, kept: Sequence[Unit]) -> None:
        read_units = [words(unit.embedded) for unit in documents]
        self.units = kept
        self.content = frozenset(stem for unit in read_units for stem in unit.content)
        self.bigrams = frozenset(pair for unit in read_units for pair in pairwise(unit.content))
        self.trigrams = frozenset(triple for unit in read_units for triple in _triples(unit.tokens))
        self.numbers = frozenset(number for unit in read_units for number in unit.numbers)
        asked = words(granted)
        self.known = self.content.union(asked.content)
        self.known_numbers = self.numbers.union(asked.numbers)
        unit_words = [frozenset(words(unit.embedded).content) for unit in kept]
        self._unit_words = unit_words
        # Runs of one, two, three neighbouring units of one document, shortest first.
        self.runs = [
            (first, first + size)
            for size in range(1, _RUN + 1)
            for first in range(len(kept) - size + 1)
            if kept[first].field == kept[first + size - 1].field
        ]

    def run_vectors(self, unit_vectors: Vectors) -> Vectors:
        """The vectors of `runs`, from those of `units`: (len(runs), 384), length 1."""
        sums = np.concatenate([np.zeros((1, unit_vectors.shape[1])), np.cumsum(unit_vectors, axis=0, dtype=np.float64)])
        first, last = np.array(self.runs).T
        totals = sums[last] - sums[first]
        return np.asarray(totals / np.linalg.norm(totals, axis=1, keepdims=True), dtype=np.float32)

    def overlaps(self, content: Sequence[str]) -> NDArray[np.bool_]:
        """Which run holds which of the content words: (len(runs), len(content))."""
        held = np.array([[stem in unit for stem in content] for unit in self._unit_words], dtype=bool)
        counts = np.concatenate([np.zeros((1, len(content)), dtype=int), np.cumsum(held, axis=0)])
        first, last = np.array(self.runs).T
        return np.asarray(counts[last] > counts[first])


def features(sentence: str, read: Words, context: Context, cosines: Vectors) -> tuple[list[float], int, list[int]]:
    """Holds one sentence against the documents.

    Parameters
    ----------
    read
        `words(sentence)`; must have content.
    cosines : (len(context.runs),)
        Of the sentence to each run of the context.

    Returns
    -------
    numbers : list of float
        Those that `NAMES` lists.
    nearest : int
        Index into `context.runs`.
    order : list of int
        Indices into `context.units`, the nearest first.

    Examples
    --------
    >>> units = [Unit("document:0", 0, 17, "Returns are free."), Unit("document:0", 18, 43, "They take up to 30 days.")]
    >>> sentence, cosines = "Returns take 90 days.", np.array([0.2, 0.8, 0.5], np.float32)
    >>> numbers, nearest, _ = features(sentence, words(sentence), Context(units, "", units), cosines)
    >>> numbers[NAMES.index("novel_numbers_share")], nearest
    (1.0, 1)
    """
    content = read.content
    held = context.overlaps(content)
    overlap = held.mean(axis=1)
    # Rounded, so that the last bits of an embedding, which depend on the batch, don't decide between like passages.
    nearness = np.round(cosines + overlap, 4)
    nearest = int(np.argmax(nearness))
    top = np.argsort(-nearness, kind="stable")[:3]
    pairs = list(pairwise(content))
    triples = list(_triples(read.tokens))
    copied = {place + step for place, t in enumerate(triples) if t in context.trigrams for step in range(3)}
    new_numbers = read.numbers - context.known_numbers
    new_names = read.names - context.known
    new_words = {stem for stem in content if stem not in context.known}
    passage = " ".join(unit.embedded for unit in context.units[slice(*context.runs[nearest])])
    mismatch = negated(sentence) != negated(passage)
    everywhere = float(np.mean([stem in context.content for stem in content]))
    return (
        [
            float(cosines.max()),
            float(overlap.max()),
            float(overlap[nearest]),
            float(held[top].any(axis=0).mean()),
            everywhere,
            float(np.mean([pair in context.bigrams for pair in pairs])) if pairs else everywhere,
            len(copied) / len(read.tokens) if triples else everywhere,
            float(np.log1p(len(new_words))),
            float(np.log1p(len(new_numbers))),
            len(new_numbers) / max(len(read.numbers), 1),
            float(np.log1p(len(new_names))),
            len(new_names) / max(len(read.names), 1),
            float(overlap[nearest]) * mismatch,
            float(np.log1p(len(content))),
            float(bool(read.numbers)),
            float(bool(read.names)),
            float(sentence.rstrip().endswith(":")),
        ],
        nearest,
        list(np.argsort(-nearness[: len(context.units)], kind="stable")),
    )  # the first runs are the units alone


def _triples(tokens: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    return zip(tokens, tokens[1:], tokens[2:], strict=False)
