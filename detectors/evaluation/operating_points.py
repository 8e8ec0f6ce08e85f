"""Operating points from labels: where scores become decisions on the traffic that the labelled rows come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from watchline.detectors.evaluation import metrics
from watchline.detectors.evaluation.metrics import Figure, Labels
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.thresholds import OperatingPoint
from watchline.schemas.errors import ConfigurationError

SEED = 5
FOLDS = 5
# Of positives, and of negatives: where half of 20 rows are flagged, the true share may be .3 or .7 (Wilson, 95 %).
LEAST = 20
LEAST_GROUPS = FOLDS  # the same, so that each fold can have both


@dataclass(frozen=True, slots=True)
class Rule:
    """What an operating point has to fulfil.

    Attributes
    ----------
    precision : float or None
        `threshold` is the lowest of at least this precision.
    flagged : float or None
        `threshold` is the lowest that at most this share of the negatives reaches. Where both are None, it has the best
        balanced accuracy.
    false_alarms : float or None
        `alert_threshold` is the lowest that at most this share of the negatives reaches; None: there is none.
    prevalence : float or None
        The share of positives in production, which precision is reckoned for; None: that of the rows.

    Examples
    --------
    >>> Rule(flagged=0.02, false_alarms=0.005).words
    ('at most 2 % of negatives', 'at most 0.5 % of negatives')
    """

    precision: float | None = None
    flagged: float | None = None
    false_alarms: float | None = None
    prevalence: float | None = None

    @property
    def words(self) -> tuple[str, str]:
        """How `threshold` and `alert_threshold` are chosen."""
        threshold = "best balanced accuracy"
        if self.precision is not None:
            where = f" where {_percent(self.prevalence)} are positive" if self.prevalence else ""
            threshold = f"lowest of at least {_percent(self.precision)} precision{where}"
        elif self.flagged is not None:
            threshold = f"at most {_percent(self.flagged)} of negatives"
        return (
            threshold,
            "never" if self.false_alarms is None else f"at most {_percent(self.false_alarms)} of negatives",
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of an operating point by name, and their 95 % intervals."""

    figures: Mapping[str, Figure]
    intervals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What has become of the operating point of a label.

    Attributes
    ----------
    before, after : OperatingPoint
        That in force, and that chosen, of the same severity.
    intervals : mapping of str to (float, float)
        Of `threshold` and `alert_threshold`: what 95 % of samples of the groups would have chosen.
    measured : mapping of str to Measured
        `before` and `after` on all rows; `cross-validated`, where each row is judged at a point that was chosen without
        its fold, and so without its group.
    unreached : int
        In how many of the `FOLDS` no threshold fulfilled the rule: their rows count as not flagged.
    """

    before: OperatingPoint
    after: OperatingPoint
    intervals: Mapping[str, tuple[float, float]]
    measured: Mapping[str, Measured]
    unreached: int


def choose(labels: Labels, scores: Numbers, rule: Rule, points: Numbers | None = None) -> OperatingPoint | None:
    """The operating point that fulfils a rule on these rows; None where no threshold does.

    Parameters
    ----------
    labels : (n,)
        Whether the label holds.
    scores : (n,)
        Probabilities.
    points
        The thresholds to choose from, ascending; default: one between each two scores that follow each other.

    Examples
    --------
    >>> labels, scores = np.array([False, False, True, True]), np.array([0.1, 0.4, 0.8, 0.9])
    >>> choose(labels, scores, Rule())
    OperatingPoint(threshold=0.6, alert_threshold=None, severity='medium')
    """
    points = between(scores) if points is None else points
    if labels.all() or not labels.any():
        return None
    recall, alarms = _reaching(scores[labels], points), _reaching(scores[~labels], points)
    if rule.precision is not None:
        share = labels.mean() if rule.prevalence is None else rule.prevalence
        hits = share * recall
        # A hair of tolerance: four in five are not to miss .8 by the rounding of a float.
        enough = hits >= rule.precision * (hits + (1 - share) * alarms) - 1e-12
        threshold = _lowest(points, enough & (recall > 0))
    elif rule.flagged is not None:
        threshold = _lowest(points, alarms <= rule.flagged)
    else:
        threshold = float(points[np.argmax(recall - alarms)])
    if threshold is None:
        return None
    alert = None if rule.false_alarms is None else _lowest(points, alarms <= rule.false_alarms)
    return OperatingPoint(threshold, None if alert is None else max(threshold, alert))


def between(scores: Numbers) -> Numbers:
    """A threshold below all scores, between each two that follow each other and above all, each of the fewest digits.

    Examples
    --------
    >>> between(np.array([0.123, 0.5, 0.5, 0.50004])).tolist()
    [0.06, 0.31, 0.50002, 0.75]
    """
    edges = np.unique(np.concatenate([[0.0], scores, [1.0]])).tolist()
    return np.array([_between(low, high) for low, high in pairwise(edges)])


def calibrate(
    labels: Labels, scores: Numbers, groups: Sequence[str], before: OperatingPoint, rule: Rule
) -> Calibration:
    """Chooses an operating point, and measures it beside the one before.

    Parameters
    ----------
    labels, scores : (n,)
        As for `choose`.
    groups
        Of each row: rows of one are not independent.

    Raises
    ------
    ConfigurationError
        There are too few rows or groups of positives or negatives, or no threshold fulfils the rule.
    """
    named = np.array(groups)
    for kind, those in (("positive", labels), ("negative", ~labels)):
        rows, of_groups = int(those.sum()), len(np.unique(named[those]))
        if rows < LEAST or of_groups < LEAST_GROUPS:
            raise ConfigurationError(
                f"too few labels: {rows} {kind} in {of_groups} groups; at least {LEAST} in {LEAST_GROUPS} are needed"
            )
    points = between(scores)
    chosen = choose(labels, scores, rule, points)
    if chosen is None:
        raise ConfigurationError(f"no threshold fulfils the rule on these rows: {rule.words[0]}")

    def drawn_points(drawn: NDArray[np.intp]) -> Mapping[str, Figure]:
        point = choose(labels[drawn], scores[drawn], rule, points)
        return {"threshold": point.threshold, "alert_threshold": point.alert_threshold} if point else {}

    flagged, alerted, unreached = _out_of_fold(labels, scores, named, rule)
    return Calibration(
        before=before,
        after=replace(chosen, severity=before.severity),
        intervals=metrics.interval(drawn_points, named, SEED),
        measured={
            "before": _measured(labels, *_decided(scores, before), named, rule.prevalence),
            "after": _measured(labels, *_decided(scores, chosen), named, rule.prevalence),
            "cross-validated": _measured(labels, flagged, alerted, named, rule.prevalence),
        },
        unreached=unreached,
    )


def figures(labels: Labels, flagged: Labels, alerted: Labels | None, prevalence: float | None) -> dict[str, Figure]:
    """What decisions come to, by the names of `metrics.decisions`; `flagged` is the share of all that are.

    Parameters
    ----------
    labels, flagged : (n,)
        Whether the label holds, and whether it is said to.
    alerted : (n,) or None
        Whether on-call may be woken; None: never.
    prevalence
        The share of positives that `precision`, `precision_at_alert` and `flagged` are for; None: that of the rows.
        The same at the shares of `metrics.PREVALENCES` under `precision 0.01` and so on.

    Examples
    --------
    Half of the positives and a quarter of the negatives are flagged; where one in five is positive, that is .1 and .2:

    >>> labels, flagged = np.array([True] * 2 + [False] * 4), np.array([True, False] + [True] + [False] * 3)
    >>> found = figures(labels, flagged, None, prevalence=0.2)
    >>> round(found["precision"], 3), round(found["flagged"], 3)
    (0.333, 0.3)
    """
    share = float(labels.mean()) if prevalence is None else prevalence
    at = metrics.decisions(labels, flagged)
    recall, alarms = at["recall"], at["false_positive_rate"]
    out = {
        "balanced_accuracy": at["balanced_accuracy"],
        "precision": metrics.precision_at(share, recall, alarms),
        "recall": recall,
        "false_positive_rate": alarms,
        "flagged": None if recall is None or alarms is None else share * recall + (1 - share) * alarms,
        **{f"precision {p}": metrics.precision_at(p, recall, alarms) for p in metrics.PREVALENCES},
    }
    if alerted is not None:
        at = metrics.decisions(labels, alerted)
        recall, alarms = at["recall"], at["false_positive_rate"]
        out |= {
            "precision_at_alert": metrics.precision_at(share, recall, alarms),
            "recall_at_alert": recall,
            "false_alarms_at_alert": alarms,
            **{f"precision_at_alert {p}": metrics.precision_at(p, recall, alarms) for p in metrics.PREVALENCES},
        }
    return out


def _measured(
    labels: Labels, flagged: Labels, alerted: Labels | None, groups: NDArray[np.str_], prevalence: float | None
) -> Measured:
    def of(drawn: NDArray[np.intp]) -> dict[str, Figure]:
        return figures(labels[drawn], flagged[drawn], None if alerted is None else alerted[drawn], prevalence)

    found = of(np.arange(len(labels)))
    intervals = metrics.interval(of, groups, SEED)
    # Where no negative is flagged, none is in any sample, and yet some may be: of n groups that show nothing, up to 3/n
    # (rule of three, Hanley and Lippman-Hand 1983).
    most = min(1.0, 3 / len(np.unique(groups[~labels])))
    share = float(labels.mean()) if prevalence is None else prevalence
    for precision, recall, alarms in (
        ("precision", "recall", "false_positive_rate"),
        ("precision_at_alert", "recall_at_alert", "false_alarms_at_alert"),
    ):
        if found.get(alarms) == 0:
            intervals[alarms] = (0.0, most)
            shares = {precision: share, **{f"{precision} {p}": p for p in metrics.PREVALENCES}}
            for name, positive in shares.items():
                least = metrics.precision_at(positive, found[recall], most)
                if found[name] is not None and least is not None:
                    intervals[name] = (least, 1.0)
    return Measured(found, intervals)


def _out_of_fold(
    labels: Labels, scores: Numbers, groups: NDArray[np.str_], rule: Rule
) -> tuple[Labels, Labels | None, int]:
    flagged, alerted, unreached = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool), 0
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    for others, fold in folds.split(scores, labels, groups):
        point = choose(labels[others], scores[others], rule)
        if point is None:
            unreached += 1
            continue
        flagged[fold], alerts = _decided(scores[fold], point)
        alerted[fold] = False if alerts is None else alerts
    return flagged, None if rule.false_alarms is None else alerted, unreached


def _decided(scores: Numbers, point: OperatingPoint) -> tuple[Labels, Labels | None]:
    alert = point.alert_threshold
    return scores >= point.threshold, None if alert is None else scores >= alert


def _reaching(scores: Numbers, points: Numbers) -> Numbers:
    """The share of the scores that are at or above each point."""
    passed = np.bincount(np.searchsorted(points, scores, side="right"), minlength=len(points) + 1)
    return passed[::-1].cumsum()[::-1][1:] / len(scores)


def _lowest(points: Numbers, allowed: Labels) -> float | None:
    return float(points[np.argmax(allowed)]) if allowed.any() else None


def _between(low: float, high: float) -> float:
    for digits in range(2, 17):
        middle = round((low + high) / 2, digits)
        if low < middle < high:
            return middle
    return high  # there is no float between them


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
