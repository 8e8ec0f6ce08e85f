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

from watchline.detectors.calibration import Numbers
from watchline.detectors.evaluation.metrics import Labels
from watchline.detectors.ngrams import BUCKETS, rows
from watchline.detectors.training.corpora import Example
from watchline.detectors.training.fitting import fit

FOLDS = 4
_NGRAM_C = 0.3
_EMBEDDING_C = 1.0
Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Judged:
    """The out-of-fold probabilities of one label; rows without the label (NaN in `truth`) are judged too."""

    truth: Numbers
    probability: Numbers
    ngram_score: Numbers
    embedding_score: Numbers


def train(
    examples: Sequence[Example], vectors: NDArray[np.float32], labels: Sequence[str]
) -> tuple[Tensors, Mapping[str, Judged]]:
    """Weights as `Blend` reads them, and what out-of-fold models say of the embedded examples.

    `vectors` are of the first `len(vectors)` examples: the others, of which there may be many, train the n-grams only.
    """
    ngrams = _matrix([example.text for example in examples])
    folds = np.array([zlib.crc32(example.group.encode()) % FOLDS for example in examples])
    tensors: Tensors = {}
    judged = {}
    for label in labels:
        truth = np.array([example.labels.get(label, np.nan) for example in examples], dtype=np.float64)
        balance = _balance(examples, truth)
        embedded = np.arange(len(examples)) < len(vectors)
        scores = np.zeros((len(vectors), 2))
        for fold in range(FOLDS):
            train_on = ~np.isnan(truth) & (folds != fold)
            unseen = np.flatnonzero(embedded & (folds == fold))
            scores[unseen, 0] = ngrams[unseen] @ _ngram_weights(ngrams, truth, balance, train_on)
            scores[unseen, 1] = vectors[unseen] @ _embedding_weights(vectors, truth, balance, train_on & embedded)
        known = ~np.isnan(truth)
        seen = known[: len(vectors)]
        judge = fit(scores[seen], truth[: len(vectors)][seen] == 1, weights=balance[: len(vectors)][seen])
        judged[label] = Judged(truth[: len(vectors)], judge.probability(scores), scores[:, 0], scores[:, 1])
        tensors[f"{label}.ngrams"] = _ngram_weights(ngrams, truth, balance, known).astype(np.float16)
        tensors[f"{label}.embedding"] = _embedding_weights(vectors, truth, balance, known & embedded).astype(np.float32)
        tensors |= judge.tensors(f"{label}.")
        print(f"{label}: {int(np.nansum(truth))} of {int(known.sum())} positive", flush=True)
    return tensors, judged


def arguments(description: str | None) -> argparse.Namespace:
    """`--data DIR` and `--vectors FILE`, as the safety detectors' scripts take them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled texts")
    parser.add_argument("--vectors", type=Path, help="an .npz file that keeps embeddings between runs")
    return parser.parse_args()


def embed(texts: Sequence[str], cache: Path | None = None) -> NDArray[np.float32]:
    """The embeddings of the texts; those in the file `cache` aren't computed again, new ones are added to it."""
    from watchline.detectors.encoder import Encoder

    known: dict[str, NDArray[np.float32]] = {}
    if cache and cache.exists():
        with np.load(cache) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if missing:
        known.update(zip(missing, Encoder("cpu", cache_bytes=0).encode(list(missing.values())), strict=True))
        if cache:
            np.savez(cache, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[key] for key in keys])


def _matrix(texts: Sequence[str]) -> csr_matrix:
    found = rows(texts)
    starts = np.cumsum([0] + [len(item.buckets) for item in found])
    values = np.concatenate([item.values for item in found])
    return csr_matrix((values, np.concatenate([item.buckets for item in found]), starts), shape=(len(texts), BUCKETS))


def _balance(examples: Sequence[Example], truth: Numbers) -> Numbers:
    """Weight of each row: a source counts by the root of its size, so that the biggest doesn't decide alone."""
    sources = np.array([example.source for example in examples])
    weights: Numbers = np.zeros(len(examples))
    for source in np.unique(sources):
        mine = (sources == source) & ~np.isnan(truth)
        weights[mine] = 1 / np.sqrt(max(mine.sum(), 1))
    weights /= weights[weights > 0].mean()
    return weights


def _linear(features: csr_matrix | NDArray[np.float32], truth: Labels, weights: Numbers, c: float) -> Numbers:
    # The gradient is per row and tiny: with the usual tolerance the fit stops far too early.
    model = LogisticRegression(C=c, max_iter=1000, tol=1e-6).fit(features, truth, sample_weight=weights)
    coefficients: Numbers = model.coef_[0]
    return coefficients


def _embedding_weights(vectors: NDArray[np.float32], truth: Numbers, balance: Numbers, mask: Labels) -> Numbers:
    chosen = np.flatnonzero(mask)
    return _linear(vectors[chosen], truth[chosen] == 1, balance[chosen], _EMBEDDING_C)


def _ngram_weights(ngrams: csr_matrix, truth: Numbers, balance: Numbers, mask: Labels) -> Numbers:
    """Weights of the raw n-grams: learnt on rows scaled by inverse document frequency, which they then contain."""
    chosen = ngrams[np.flatnonzero(mask)]
    documents = np.bincount(chosen.indices, minlength=BUCKETS)
    rarity = (np.log((1 + chosen.shape[0]) / (1 + documents)) + 1).astype(np.float32)
    scaled = chosen.copy()
    scaled.data = scaled.data * rarity[scaled.indices]
    weights: Numbers = _linear(scaled, truth[mask] == 1, balance[mask], _NGRAM_C) * rarity
    return weights


def by_source(examples: Sequence[Example], judged: Judged) -> Mapping[str, tuple[Labels, Numbers]]:
    """Truth and probability of the embedded examples whose label is known, source by source."""
    sources = np.array([example.source for example in examples[: len(judged.truth)]])
    known = ~np.isnan(judged.truth)
    return {
        str(source): (
            judged.truth[known & (sources == source)] == 1,
            judged.probability[known & (sources == source)],
        )
        for source in dict.fromkeys(sources[known])
    }
