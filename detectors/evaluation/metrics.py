"""How good scores are, given what is true. None stands for what can't be computed from the rows at hand.

All take arrays with one entry for each row: `labels`, whether it is positive; `scores` or `probabilities`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from watchline.detectors.runtime.calibration import Numbers

Labels = NDArray[np.bool_]
Figure = float | None

DRAWS = 500
PREVALENCES = (0.01, 0.05, 0.2)


def auroc(labels: Labels, scores: Numbers) -> Figure:
    """Area under the ROC curve: how often a positive scores above a negative, ties by half (Hanley and McNeil 1982).

    Examples
    --------
    >>> auroc(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.6, 0.7]))
    0.75
    """
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else None


def auprc(labels: Labels, scores: Numbers) -> Figure:
    """Area under the precision-recall curve, as average precision.

    Examples
    --------
    >>> auprc(np.array([True, False, False, True]), np.array([0.9, 0.6, 0.7, 0.2]))
    0.75
    """
    return float(average_precision_score(labels, scores)) if labels.any() else None


def auroc_within(labels: Labels, scores: Numbers, parts: Sequence[str]) -> Figure:
    """AUROC over the pairs of a positive and a negative of the same part: what is known beyond the part itself.

    Parameters
    ----------
    parts
        The part of each row, such as its task.

    Examples
    --------
    >>> auroc_within(np.array([True, False, True, False]), np.array([0.9, 0.2, 0.6, 0.7]), ["a", "a", "b", "b"])
    0.5
    """
    names = np.array(parts)
    won = pairs = 0.0
    for name in np.unique(names):
        mine = names == name
        positive = float(labels[mine].sum())
        count = positive * (float(mine.sum()) - positive)
        area = auroc(labels[mine], scores[mine])
        if area is not None:
            won, pairs = won + area * count, pairs + count
    return won / pairs if pairs else None


def decisions(labels: Labels, flagged: Labels) -> dict[str, Figure]:
    """Accuracy, balanced accuracy, F1 of the positives, macro-F1, precision, recall, false positive rate.

    Examples
    --------
    >>> figures = decisions(np.array([True, False, True, False]), flagged=np.array([True, True, True, False]))
    >>> figures["recall"], figures["false_positive_rate"], figures["accuracy"]
    (1.0, 0.5, 0.75)
    """
    hits, alarms = float((labels & flagged).sum()), float((~labels & flagged).sum())
    misses, passes = float((labels & ~flagged).sum()), float((~labels & ~flagged).sum())
    recall, specificity = _share(hits, hits + misses), _share(passes, passes + alarms)
    f1 = _share(2 * hits, 2 * hits + alarms + misses)
    f1_negative = _share(2 * passes, 2 * passes + alarms + misses)
    return {
        "f1": f1,
        "macro_f1": None if f1 is None or f1_negative is None else (f1 + f1_negative) / 2,
        "accuracy": _share(hits + passes, float(len(labels))),
        "balanced_accuracy": None if recall is None or specificity is None else (recall + specificity) / 2,
        "precision": _share(hits, hits + alarms),
        "recall": recall,
        "false_positive_rate": None if specificity is None else 1 - specificity,
    }


def precision_at(prevalence: float, recall: Figure, false_positive_rate: Figure) -> Figure:
    """The precision that recall and false positive rate give where a share of `prevalence` is positive (Bayes).

    Examples
    --------
    >>> round(precision_at(0.01, recall=0.8, false_positive_rate=0.02), 2)
    0.29
    """
    if recall is None or false_positive_rate is None:
        return None
    hits = prevalence * recall
    return _share(hits, hits + (1 - prevalence) * false_positive_rate)


def expected_calibration_error(labels: Labels, probabilities: Numbers, bins: int = 10) -> float:
    """Mean distance of stated from observed frequency over equal-width bins, weighted by size (Naeini et al. 2015).

    Examples
    --------
    >>> round(expected_calibration_error(np.array([True, False]), np.array([0.9, 0.3])), 2)
    0.2
    """
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(probabilities[which == b].mean() - labels[which == b].mean()) * (which == b).mean()
            for b in np.unique(which)
        )
    )


def brier_skill(labels: Labels, probabilities: Numbers) -> Figure:
    """One minus the squared error over that of always saying the base rate: above 0 is better (Brier 1950).

    Examples
    --------
    >>> round(brier_skill(np.array([True, False]), np.array([0.9, 0.3])), 2)
    0.8
    """
    variance = float(labels.mean() * (1 - labels.mean()))
    return 1 - float(((probabilities - labels) ** 2).mean()) / variance if variance else None


def span_f1(counts: Numbers) -> Figure:
    """F1 over the characters of all rows together.

    Parameters
    ----------
    counts : (n, 3)
        For each row, how many characters are both predicted and true, predicted, true; NaN where not known.

    Examples
    --------
    >>> span_f1(np.array([[4.0, 4, 8], [2, 4, 4]]))
    0.6
    """
    overlap, predicted, true = np.nansum(counts, axis=0).tolist()
    return _share(2.0 * overlap, predicted + true)


def mean_span_f1(counts: Numbers) -> Figure:
    """Mean over rows of the F1 of their characters; 1 for a row where nothing is predicted and nothing is true.

    That of SemEval-2021 task 5 (Pavlopoulos et al. 2021).

    Parameters
    ----------
    counts : (n, 3)
        As for `span_f1`.

    Examples
    --------
    >>> mean_span_f1(np.array([[2.0, 4, 4], [0, 0, 0]]))
    0.75
    """
    overlap, marked = counts[:, 0], counts[:, 1] + counts[:, 2]
    known = ~np.isnan(marked)
    if not known.any():
        return None
    return float(np.divide(2 * overlap, marked, out=np.ones(len(counts)), where=marked > 0)[known].mean())


def interval(
    figure: Callable[[NDArray[np.intp]], Mapping[str, Figure]],
    groups: Sequence[str] | NDArray[np.str_],
    seed: int,
    draws: int = DRAWS,
) -> dict[str, tuple[float, float]]:
    """95 % percentile intervals by bootstrap over groups (Efron 1979; groups, as rows of one aren't independent).

    Parameters
    ----------
    figure
        Gives figures for the rows of these indices, some of which stand in them more than once.
    groups
        The group of each row.
    seed
        The same one gives the same intervals.
    draws
        How many samples are drawn.

    Returns
    -------
    dict of str to (float, float)
        By figure; without those that no sample gives.

    Examples
    --------
    >>> scores = np.array([0.1, 0.2, 0.7, 0.8])
    >>> low, high = interval(lambda drawn: {"mean": scores[drawn].mean()}, groups=list("aabc"), seed=1)["mean"]
    >>> bool(low < scores.mean() < high)
    True
    """
    names, codes = np.unique(np.array(groups), return_inverse=True)
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    dice = np.random.default_rng(seed)
    distributions: dict[str, list[float]] = {}
    for _ in range(draws):
        drawn = np.concatenate([members[place] for place in dice.integers(len(names), size=len(names))])
        for name, value in figure(drawn).items():
            if value is not None:
                distributions.setdefault(name, []).append(value)
    return {
        name: (float(np.quantile(values, 0.025)), float(np.quantile(values, 0.975)))
        for name, values in distributions.items()
    }


def _share(part: float, whole: float) -> Figure:
    return part / whole if whole else None
