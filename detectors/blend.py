"""Probability of each label for a short text: character n-grams and a sentence embedding, weighed against each other.

One linear model reads the n-grams, another the embedding; a third, of two numbers, learns on rows that neither had seen
how far to trust each, which calibrates the result as well (stacking, Wolpert 1992; Platt 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from watchline.detectors.calibration import Logistic
from watchline.detectors.ngrams import row

Numbers = NDArray[np.float64]


class Blend:
    """The models of some labels, from one safetensors file.

    Tensors of a label: `LABEL.ngrams` (buckets,) float16, `LABEL.embedding` (384,), and a `Logistic` of the prefix
    `LABEL.` whose features are the scores of the two.
    """

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        tensors = load_file(path)
        self._ngrams = np.stack([tensors[f"{label}.ngrams"] for label in labels]).astype(np.float32)
        self._embedding = np.stack([tensors[f"{label}.embedding"] for label in labels]).astype(np.float64)
        self._judges = [Logistic.load(tensors, f"{label}.") for label in labels]

    def ngram_scores(self, text: str) -> Numbers:
        """What the n-grams alone say: (labels,); cheap, and enough to choose which texts to embed."""
        return row(text).dot(self._ngrams)

    def probabilities(self, ngram_scores: Numbers, vectors: NDArray[np.float32]) -> Numbers:
        """(n, labels) probabilities from the (n, labels) n-gram scores and (n, 384) embeddings of the same texts."""
        # Row by row, not as a matrix product: the same to the last bit in any batch.
        embedding_scores = (vectors[:, None, :] * self._embedding).sum(axis=2)
        return np.stack(
            [
                judge.probability(np.stack([ngram_scores[:, index], embedding_scores[:, index]], axis=1))
                for index, judge in enumerate(self._judges)
            ],
            axis=1,
        )

    def suspicion(self, ngram_scores: Numbers) -> Numbers:
        """The highest log-odds of any label by (n, labels) n-gram scores, were the embedding an average one: (n,)."""
        odds = [
            judge.log_odds(np.stack([scores, np.full(len(scores), judge.mean[1])], axis=1))
            for judge, scores in zip(self._judges, ngram_scores.T, strict=True)
        ]
        return np.asarray(np.max(odds, axis=0), dtype=np.float64)
