"""Trains a `Blend`: one label after the other, figures out of fold.

The figures are of rows whose group (post, template, pair, document) no model had seen; the shipped weights then learn
from all rows.
"""

from __future__ import annotations

import argparse
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression

from watchline.detectors import tower
from watchline.detectors.blend import features
from watchline.detectors.calibration import Numbers
from watchline.detectors.evaluation.metrics import Labels
from watchline.detectors.ngrams import BUCKETS, rows
from watchline.detectors.training.corpora import Example
from watchline.detectors.training.fitting import fit

FOLDS = 4
_NGRAM_C = 0.3
_JUDGE_C = 0.1
Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Judged:
    """The out-of-fold probabilities of one label; rows without the label (NaN in `truth`) are judged too."""

    truth: Numbers
    probability: Numbers
    ngram_score: Numbers
    tower_score: Numbers


def train(
    examples: Sequence[Example], log_odds: NDArray[np.float32], labels: Sequence[str]
) -> tuple[Tensors, Mapping[str, Judged]]:
    """Weights as `Blend` reads them, and what out-of-fold models say of the examples that the tower has read.

    `log_odds` are its out-of-fold ones of the first `len(log_odds)` examples: the others train the n-grams only.
    """
    ngrams = _matrix([example.text for example in examples])
    folds = fold([example.group for example in examples])
    read = len(log_odds)
    tensors: Tensors = {}
    scores = np.zeros((read, len(labels)))
    truths = np.array([[example.labels.get(label, np.nan) for label in labels] for example in examples], np.float64)
    balances = np.stack([balance(examples, truth) for truth in truths.T], axis=1)
    for column, label in enumerate(labels):
        truth, weights = truths[:, column], balances[:, column]
        known = ~np.isnan(truth)
        for each in range(FOLDS):
            unseen = np.flatnonzero(folds[:read] == each)
            scores[unseen, column] = ngrams[unseen] @ _ngram_weights(ngrams, truth, weights, known & (folds != each))
        tensors[f"{label}.ngrams"] = _ngram_weights(ngrams, truth, weights, known).astype(np.float16)
        print(f"{label}: {int(np.nansum(truth))} of {int(known.sum())} positive", flush=True)
    both = features(scores, log_odds)
    judged = {}
    for column, label in enumerate(labels):
        truth, weights = truths[:read, column], balances[:read, column]
        known = ~np.isnan(truth)
        probability = np.zeros(read)
        for each in range(FOLDS):
            unseen, seen = folds[:read] == each, known & (folds[:read] != each)
            judge = fit(both[seen], truth[seen] == 1, _JUDGE_C, weights[seen])
            probability[unseen] = judge.probability(both[unseen])
        judged[label] = Judged(truth, probability, scores[:, column], both[:, len(labels) + tower.LABELS.index(label)])
        tensors |= fit(both[known], truth[known] == 1, _JUDGE_C, weights[known]).tensors(f"{label}.")
    return tensors, judged


def fold(groups: Sequence[str]) -> NDArray[np.int64]:
    """Which of the folds each group is in: (n,)."""
    return np.array([zlib.crc32(group.encode()) % FOLDS for group in groups])


def arguments(description: str | None) -> argparse.Namespace:
    """`--data DIR` and `--log-odds FILE`, as the scripts of the detectors that share the tower take them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled texts")
    parser.add_argument(
        "--log-odds", type=Path, required=True, help="what training.tower said of texts that it hadn't seen (.npz)"
    )
    return parser.parse_args()


def save_log_odds(path: Path, texts: Sequence[str], log_odds: NDArray[np.float32]) -> None:
    """(n, labels) log-odds of the texts, for `read_by_tower`."""
    np.savez(path, keys=np.array([_key(text) for text in texts]), log_odds=log_odds)


def read_by_tower(examples: Sequence[Example], path: Path) -> tuple[list[Example], list[Example], NDArray[np.float32]]:
    """Those that the tower has read, the others, and the log-odds of the former: (n, labels)."""
    with np.load(path) as stored:
        rows = {key: row for row, key in enumerate(stored["keys"].tolist())}
        log_odds: NDArray[np.float32] = stored["log_odds"]
    read = [example for example in examples if _key(example.text) in rows]
    rest = [example for example in examples if _key(example.text) not in rows]
    return read, rest, log_odds[[rows[_key(example.text)] for example in read]]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _matrix(texts: Sequence[str]) -> csr_matrix:
    found = rows(texts)
    starts = np.cumsum([0] + [len(item.buckets) for item in found])
    values = np.concatenate([item.values for item in found])
    return csr_matrix((values, np.concatenate([item.buckets for item in found]), starts), shape=(len(texts), BUCKETS))


def balance(examples: Sequence[Example], truth: Numbers) -> Numbers:
    """Weight of each row: a source counts by the root of its size, so that the biggest doesn't decide alone.

    1 on average over the rows whose truth is known, 0 where it isn't (NaN).
    """
    sources = np.array([example.source for example in examples])
    weights: Numbers = np.zeros(len(examples))
    for source in np.unique(sources):
        mine = (sources == source) & ~np.isnan(truth)
        weights[mine] = 1 / np.sqrt(max(mine.sum(), 1))
    if weights.any():
        weights /= weights[weights > 0].mean()
    return weights


def _linear(features: csr_matrix, truth: Labels, weights: Numbers, c: float) -> Numbers:
    # The gradient is per row and tiny: with the usual tolerance the fit stops far too early.
    model = LogisticRegression(C=c, max_iter=1000, tol=1e-6).fit(features, truth, sample_weight=weights)
    coefficients: Numbers = model.coef_[0]
    return coefficients


def _ngram_weights(ngrams: csr_matrix, truth: Numbers, weights: Numbers, mask: Labels) -> Numbers:
    """Weights of the raw n-grams: learnt on rows scaled by inverse document frequency, which they then contain."""
    chosen = ngrams[np.flatnonzero(mask)]
    documents = np.bincount(chosen.indices, minlength=BUCKETS)
    rarity = (np.log((1 + chosen.shape[0]) / (1 + documents)) + 1).astype(np.float32)
    scaled = chosen.copy()
    scaled.data = scaled.data * rarity[scaled.indices]
    found: Numbers = _linear(scaled, truth[mask] == 1, weights[mask], _NGRAM_C) * rarity
    return found


def by_source(examples: Sequence[Example], judged: Judged) -> Mapping[str, tuple[Labels, Numbers]]:
    """Truth and probability of the judged examples whose label is known, source by source."""
    sources = np.array([example.source for example in examples[: len(judged.truth)]])
    known = ~np.isnan(judged.truth)
    return {
        str(source): (
            judged.truth[known & (sources == source)] == 1,
            judged.probability[known & (sources == source)],
        )
        for source in dict.fromkeys(sources[known])
    }
