"""Probability of each label for a short text: character n-grams and the tower, weighed against each other.

One linear model a label reads the n-grams; a second, whose features are the n-gram scores of all labels and the
log-odds of the tower, learns on rows that neither had seen how far to trust which, which calibrates the result as well
(stacking, Wolpert 1992; Platt 1999).
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

    Tensors of a label: `LABEL.ngrams` (buckets,) float16, and a `Logistic` of the prefix `LABEL.`, whose features are
    those of `features`.
    """

    def __init__(self, path: Path, labels: Sequence[str]) -> None:
        tensors = load_file(path)
        self._ngrams = np.stack([tensors[f"{label}.ngrams"] for label in labels]).astype(np.float32)
        self._judges = [Logistic.load(tensors, f"{label}.") for label in labels]

    def ngram_scores(self, text: str) -> Numbers:
        """What the n-grams alone say: (labels,); cheap, and enough to choose which texts the tower reads."""
        return row(text).dot(self._ngrams)

    def probabilities(self, ngram_scores: Numbers, log_odds: NDArray[np.floating]) -> Numbers:
        """(n, labels) probabilities from the (n, labels) n-gram scores and the tower's log-odds of the same texts."""
        both = features(ngram_scores, log_odds)
        return np.stack([judge.probability(both) for judge in self._judges], axis=1)

    def suspicion(self, ngram_scores: Numbers) -> Numbers:
        """The highest log-odds of any label by (n, labels) n-gram scores, were the tower's average ones: (n,)."""
        average = self._judges[0].mean[ngram_scores.shape[1] :]
        both = features(ngram_scores, np.tile(average, (len(ngram_scores), 1)))
        return np.asarray(np.max([judge.log_odds(both) for judge in self._judges], axis=0), dtype=np.float64)


def features(ngram_scores: Numbers, log_odds: NDArray[np.floating]) -> Numbers:
    """What the second model reads: both side by side."""
    return np.concatenate([ngram_scores, log_odds], axis=1, dtype=np.float64)
