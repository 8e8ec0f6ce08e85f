"""What the training scripts share: fitting a calibrated logistic regression, and the figures of a model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from watchline.detectors.evaluation import metrics
from watchline.detectors.evaluation.metrics import Labels, expected_calibration_error
from watchline.detectors.runtime.calibration import Logistic, Numbers


def fit(features: Numbers, labels: Labels, c: float = 1.0, weights: Numbers | None = None) -> Logistic:
    """A logistic regression on standardised features, L2 strength 1/c, not calibrated."""
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(C=c, max_iter=2000)
    model.fit((features - mean) / scale, labels, sample_weight=weights)
    return Logistic(model.coef_[0], model.intercept_, mean, scale)


def out_of_fold(
    features: Numbers,
    labels: Labels,
    groups: NDArray[np.str_],
    c: float = 1.0,
    weights: Numbers | None = None,
    folds: int = 5,
) -> Numbers:
    """Log-odds of every row by a model that never saw the row's group."""
    weights = np.ones(len(labels)) if weights is None else weights
    odds = np.empty(len(labels))
    for train, test in GroupKFold(folds).split(features, labels, groups):
        odds[test] = fit(features[train], labels[train], c, weights[train]).log_odds(features[test])
    return odds


def scaling(odds: Numbers, labels: Labels) -> tuple[float, float]:
    """Slope and offset that make log-odds of rows not trained on calibrated: Platt's sigmoid (Platt 1999)."""
    sigmoid = LogisticRegression(C=1e6).fit(odds[:, None], labels)
    return float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])


def platt(model: Logistic, odds: Numbers, labels: Labels) -> Logistic:
    """The model with `scaling` folded in, fitted on log-odds of rows it was not trained on."""
    slope, offset = scaling(odds, labels)
    return replace(model, weights=model.weights * slope, bias=model.bias * slope + offset)


def balanced_threshold(labels: Labels, scores: Numbers, weights: Numbers | None = None) -> float:
    """The score from which flagging gives the best balanced accuracy."""
    candidates = np.unique(np.quantile(scores, np.linspace(0, 1, 201)))
    return float(max(candidates, key=lambda t: balanced_accuracy_score(labels, scores >= t, sample_weight=weights)))


def best_f1(labels: Labels, scores: Numbers) -> float:
    """The score from which flagging gives the best F1."""
    return float(
        max(np.unique(np.quantile(scores, np.linspace(0, 1, 201))), key=lambda t: f1_score(labels, scores >= t))
    )


def interval(
    labels: Labels, scores: Numbers, groups: NDArray[np.str_], seed: int, draws: int = 500
) -> tuple[float, float]:
    """95 % interval of the AUROC by bootstrap over groups."""

    def area(drawn: NDArray[np.intp]) -> dict[str, float | None]:
        return {"auroc": metrics.auroc(labels[drawn], scores[drawn])}

    return metrics.interval(area, groups, seed, draws)["auroc"]


def figures(labels: Labels, scores: Numbers, threshold: float) -> Mapping[str, float]:
    """AUROC, and balanced accuracy, F1, precision, recall at the threshold, ECE, share of positives, n."""
    flagged = scores >= threshold
    return {
        "n": len(labels),
        "positive": float(labels.mean()),
        "auroc": float(roc_auc_score(labels, scores)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, flagged)),
        "f1": float(f1_score(labels, flagged)),
        "precision": float(labels[flagged].mean()) if flagged.any() else 0.0,
        "recall": float(flagged[labels].mean()),
        "ece": expected_calibration_error(labels, scores),
    }
