"""A sentence read together with the passages nearest to it: does it follow, is it contradicted, has each word support.

The three classes are those of natural language inference (SNLI, Bowman et al. 2015); words are marked as by
LettuceDetect (Kovacs and Recski 2025).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from watchline.detectors.base import Embeddings
from watchline.detectors.grounding.alignment import LOWER_LAYERS, Aligner, PairOutputs
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.packing import Packer
from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.text import runs

ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)
PASSAGES = 4  # that a sentence is held against
_AT_ONCE = 256  # sentences; what the lower layers make of them and of their passages takes some 60 MB

NAMES = (
    "not_entailed",  # log-odds that the sentence doesn't follow
    "contradicted",  # log-odds that it is contradicted
    "marked_most",  # log-odds that its least supported word has no support
    "marked_three",  # the mean over its three least supported words
    "contradicted_clearly",  # log-odds that it is contradicted, from 1 on; else 0
)
_CLEARLY = 1.0
_MARKED_FROM = -1.5  # log-odds; the best F1 over the characters that RAGTruth's annotators marked
_JOINED = 12  # characters between two marks that are one


class Verifier:
    """A fine-tuned `Aligner` over sentences and passages. Not for two threads at once.

    Parameters
    ----------
    path
        Weights as safetensors.
    """

    def __init__(self, path: Path) -> None:
        self._tensors = load_file(path)
        self._loaded: tuple[Aligner, Packer] | None = None

    def judge(self, pairs: Sequence[tuple[str, Sequence[str]]], embeddings: Embeddings) -> list[PairOutputs]:
        """Reads each sentence together with its passages.

        Parameters
        ----------
        pairs
            Sentences, each with its passages, the nearest first; see `PASSAGES`.
        embeddings
            Only `embeddings.lower` is read.

        Returns
        -------
        list of PairOutputs
            One for each, in order. Logits are those of `ENTAILMENT`, `NEUTRAL` and `CONTRADICTION`.
        """
        out: list[PairOutputs] = []
        for start in range(0, len(pairs), _AT_ONCE):
            batch = pairs[start : start + _AT_ONCE]
            texts = list(dict.fromkeys(text for sentence, passages in batch for text in (sentence, *passages)))
            lower = dict(zip(texts, embeddings.lower(texts, LOWER_LAYERS), strict=True))
            model, packer = self._model(str(lower[texts[0]].states.device))
            out += model.judge(
                [(lower[sentence], [lower[passage] for passage in passages]) for sentence, passages in batch], packer
            )
        return out

    @property
    def passes(self) -> Passes:
        """What has gone through it."""
        return self._loaded[1].passes if self._loaded else Passes()

    def _model(self, device: str) -> tuple[Aligner, Packer]:
        if self._loaded is None:
            self._loaded = Aligner.load(self._tensors, device), Packer(device)
        return self._loaded


def features(judged: PairOutputs) -> list[float]:
    """The numbers that `NAMES` lists."""
    logits = np.asarray(judged.logits, dtype=np.float64)
    contradicted = _log_odds(logits, (CONTRADICTION,))
    words = np.sort(judged.tokens[1:-1])[::-1] if len(judged.tokens) > 2 else np.zeros(1)
    return [
        _log_odds(logits, (NEUTRAL, CONTRADICTION)),
        contradicted,
        float(words[0]),
        float(words[:3].mean()),
        max(contradicted - _CLEARLY, 0.0),
    ]


def marked(judged: PairOutputs) -> list[tuple[int, int]]:
    """Where words without support stand in the sentence: start and end, in characters; often nowhere."""
    return runs(judged.tokens, judged.offsets, _MARKED_FROM, _JOINED)


def _log_odds(logits: Numbers, classes: Sequence[int]) -> float:
    others = [index for index in range(len(logits)) if index not in classes]
    return float(np.logaddexp.reduce(logits[list(classes)]) - np.logaddexp.reduce(logits[others]))
