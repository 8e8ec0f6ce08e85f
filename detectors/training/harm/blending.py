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

from watchline.detectors.evaluation.metrics import Labels
from watchline.detectors.harm.blend import LABELS, OUTPUTS, features, mixed, models, registers, suspicion
from watchline.detectors.harm.ngrams import BUCKETS, rows
from watchline.detectors.runtime.calibration import Logistic, Numbers
from watchline.detectors.training.fitting import fit
from watchline.detectors.training.harm.corpora import ORDINARY, Example

FOLDS = 4
_NGRAM_C = 0.3
_JUDGE_C = 0.1
_ORDINARY_WEIGHT = 0.2
LEAST_FLAGGED = 0.3  # however rare a label is: less is no reason to say so
_SKIPPED = 0.001  # of what might be flagged: it is left to the n-grams
Tensors = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class OutOfFold:
    """The out-of-fold probabilities of one label; rows without the label (NaN in `truth`) are judged too."""

    truth: Numbers
    probability: Numbers
    ngram_score: Numbers
    multitask_score: Numbers
    clear: Labels  # what the multitask model needn't read: see `Blend`


def train(
    examples: Sequence[Example], outputs: NDArray[np.float32], labels: Sequence[str]
) -> tuple[Tensors, Mapping[str, OutOfFold]]:
    """Weights as `Blend` reads them, and what out-of-fold models say of the examples that the multitask model has read.

    `outputs` are its out-of-fold ones of the first `len(outputs)` examples: the others train the n-grams only.
    """
    ngrams = _matrix([example.text for example in examples])
    folds = fold([example.group for example in examples])
    read = len(outputs)
    names = models(labels)
    truths = np.array([[example.labels.get(name.split("@")[0], np.nan) for name in names] for example in examples])
    weights = np.stack([weigh(examples, truth, name) for name, truth in zip(names, truths.T, strict=True)], axis=1)
    tensors: Tensors = {}
    scores = np.zeros((read, len(names)))
    for column, name in enumerate(names):
        truth, weight = truths[:, column], weights[:, column]
        for number in range(FOLDS):
            unseen = np.flatnonzero(folds[:read] == number)
            if len(unseen):
                scores[unseen, column] = ngrams[unseen] @ _ngram_weights(ngrams, truth, weight * (folds != number))
        tensors[f"{name}.ngrams"] = _ngram_weights(ngrams, truth, weight).astype(np.float16)
        print(f"{name}: {int(truth[weight > 0].sum())} of {int((weight > 0).sum())} positive", flush=True)
    chances, judges = {}, {}
    for column, name in enumerate(names):
        truth, weight = truths[:read, column], weights[:read, column]
        both = features(scores, outputs, labels, "@" in name)
        chances[name] = np.zeros(read)
        for number in range(FOLDS):
            unseen = folds[:read] == number
            if unseen.any():
                chances[name][unseen] = _judge(both, truth, weight * ~unseen).probability(both[unseen])
        judges[name] = _judge(both, truth, weight)
        tensors |= judges[name].tensors(f"{name}.")
    suspicious = suspicion([judges[label] for label in labels], scores)
    gate = registers(outputs)
    highest = np.max([mixed(label, chances, gate) for label in labels], axis=0)
    below = np.quantile(suspicious[highest >= LEAST_FLAGGED], _SKIPPED)
    harmless = (suspicious < below) & np.isin([example.source for example in examples[:read]], ORDINARY)
    typical = outputs[harmless].mean(axis=0) if harmless.any() else np.zeros(OUTPUTS, np.float32)
    if not harmless.any():
        below = -np.inf
    clear = suspicious < below
    tensors |= {"clear.below": np.array([below], np.float32), "clear.outputs": typical.astype(np.float32)}
    used = np.where(clear[:, None], typical, outputs)
    for name, judge in judges.items():
        chances[name][clear] = judge.probability(features(scores, used, labels, "@" in name)[clear])
    gate = registers(used)
    judged = {
        label: OutOfFold(
            truths[:read, column],
            mixed(label, chances, gate),
            scores[:, column],
            outputs[:, LABELS.index(label)].astype(np.float64),
            clear,
        )
        for column, label in enumerate(labels)
    }
    return tensors, judged


def _judge(both: Numbers, truth: Numbers, weight: Numbers) -> Logistic:
    return fit(both[weight > 0], truth[weight > 0] == 1, _JUDGE_C, weight[weight > 0])


def fold(groups: Sequence[str]) -> NDArray[np.int64]:
    """Which of the folds each group is in: (n,)."""
    return np.array([zlib.crc32(group.encode()) % FOLDS for group in groups])


def arguments(description: str | None) -> argparse.Namespace:
    """`--data DIR` and `--outputs FILE`, as the scripts of the detectors that share the multitask model take them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder of the labelled texts")
    parser.add_argument(
        "--outputs",
        type=Path,
        required=True,
        help="what training.harm.multitask said of texts that it hadn't seen (.npz)",
    )
    return parser.parse_args()


def save_outputs(path: Path, texts: Sequence[str], outputs: NDArray[np.float32]) -> None:
    """What a multitask model that hasn't seen the texts says of them, (n, OUTPUTS), for `read_by_multitask`."""
    np.savez(path, keys=np.array([_key(text) for text in texts]), outputs=outputs)


def read_by_multitask(
    examples: Sequence[Example], path: Path
) -> tuple[list[Example], list[Example], NDArray[np.float32]]:
    """Those that the multitask model has read, the others, and what it says of the former: (n, OUTPUTS)."""
    with np.load(path) as stored:
        rows = {key: row for row, key in enumerate(stored["keys"].tolist())}
        outputs: NDArray[np.float32] = stored["outputs"]
    read = [example for example in examples if _key(example.text) in rows]
    rest = [example for example in examples if _key(example.text) not in rows]
    return read, rest, outputs[[rows[_key(example.text)] for example in read]]


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _matrix(texts: Sequence[str]) -> csr_matrix:
    vectors = rows(texts)
    starts = np.cumsum([0] + [len(item.buckets) for item in vectors])
    values = np.concatenate([item.values for item in vectors])
    return csr_matrix((values, np.concatenate([item.buckets for item in vectors]), starts), shape=(len(texts), BUCKETS))


def weigh(examples: Sequence[Example], truth: Numbers, name: str) -> Numbers:
    """Weight of each row in what a label, or an expert, learns: 0 where the truth isn't known (NaN).

    For a label a source counts by the root of its size, so that the biggest doesn't decide alone, 1 on average. An
    expert learns from its own source, and from ordinary traffic a little.
    """
    sources = np.array([example.source for example in examples])
    known = ~np.isnan(truth)
    if "@" in name:
        mine = sources == name.split("@")[1]
        return np.where(mine, 1.0, np.where(np.isin(sources, ORDINARY), _ORDINARY_WEIGHT, 0.0)) * known
    weights: Numbers = np.zeros(len(examples))
    for source in np.unique(sources):
        mine = (sources == source) & known
        weights[mine] = 1 / np.sqrt(max(mine.sum(), 1))
    if weights.any():
        weights /= weights[weights > 0].mean()
    return weights


def _linear(features: csr_matrix, truth: Labels, weights: Numbers, c: float) -> Numbers:
    # The gradient is per row and tiny: with the usual tolerance the fit stops far too early.
    model = LogisticRegression(C=c, max_iter=1000, tol=1e-6).fit(features, truth, sample_weight=weights)
    coefficients: Numbers = model.coef_[0]
    return coefficients


def _ngram_weights(ngrams: csr_matrix, truth: Numbers, weights: Numbers) -> Numbers:
    """Weights of the raw n-grams: learnt on rows scaled by inverse document frequency, which they then contain."""
    mask = weights > 0
    chosen = ngrams[np.flatnonzero(mask)]
    documents = np.bincount(chosen.indices, minlength=BUCKETS)
    rarity = (np.log((1 + chosen.shape[0]) / (1 + documents)) + 1).astype(np.float32)
    scaled = chosen.copy()
    scaled.data = scaled.data * rarity[scaled.indices]
    scaled_weights: Numbers = _linear(scaled, truth[mask] == 1, weights[mask], _NGRAM_C) * rarity
    return scaled_weights


def by_source(examples: Sequence[Example], judged: OutOfFold) -> Mapping[str, tuple[Labels, Numbers]]:
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
