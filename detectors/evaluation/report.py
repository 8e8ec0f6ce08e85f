"""All figures of a detector on a labelled set, as JSON has them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchline.detectors.evaluation import baselines, metrics
from watchline.detectors.evaluation.labelled import LabelledAnswer
from watchline.detectors.evaluation.metrics import Figure, Labels
from watchline.detectors.evaluation.predictions import Prediction
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.thresholds import OperatingPoint

SEED = 5
# What is given with an interval; of a slice, AUROC alone.
HEADLINE = ("auroc", "auprc", "f1", "macro_f1", "balanced_accuracy", "false_positive_rate", "span_f1", "ece")


def report(
    rows: Sequence[LabelledAnswer],
    predictions: Sequence[Prediction],
    seconds: float,
    points: Mapping[str, OperatingPoint],
    blind: Sequence[Prediction] | None = None,
) -> dict[str, Any]:
    """All figures: of whether any label holds, and for a detector of several, under `labels`, of each.

    Parameters
    ----------
    rows, predictions
        One prediction for each row.
    seconds
        What the predictions took.
    points
        Each label's operating point.
    blind
        Predictions for the same rows of a detector that was shown no documents.
    """
    judge = _Judge(rows, predictions, blind)
    only = next(iter(points.values())) if len(points) == 1 else None
    unscored = Counter(prediction.reason for prediction in predictions if prediction.score is None)
    out = {
        "rows": len(rows),
        "not_scored": dict(unscored.most_common()),
        "items_per_second": len(rows) / seconds if seconds else None,
        **judge.section(None, only),
    }
    if only is None:
        out["labels"] = {
            name: judge.section(name, point)
            for name, point in points.items()
            if any(name in row.labels for row in rows)
        }
    return out


@dataclass(frozen=True, slots=True)
class _Judged:
    """The rows that have both a score and a label."""

    rows: Sequence[LabelledAnswer]
    truth: Labels
    scores: Numbers
    flagged: Labels
    alerted: Labels | None
    characters: Numbers | None  # (n, 3) for `metrics.span_f1`; None where no row has spans

    def figures(self, chosen: NDArray[np.intp]) -> dict[str, Figure]:
        """The figures of the rows of these indices."""
        truth, scores = self.truth[chosen], self.scores[chosen]
        alerted = {} if self.alerted is None else metrics.decisions(truth, self.alerted[chosen])
        return {
            "auroc": metrics.auroc(truth, scores),
            "auprc": metrics.auprc(truth, scores),
            **metrics.decisions(truth, self.flagged[chosen]),
            "recall_at_alert": alerted.get("recall"),
            "false_alarms_at_alert": alerted.get("false_positive_rate"),
            "span_f1": None if self.characters is None else metrics.span_f1(self.characters[chosen]),
            "mean_span_f1": None if self.characters is None else metrics.mean_span_f1(self.characters[chosen]),
            "ece": metrics.expected_calibration_error(truth, scores) if len(truth) else None,
            "brier_skill": metrics.brier_skill(truth, scores) if len(truth) else None,
        }


class _Judge:
    def __init__(
        self, rows: Sequence[LabelledAnswer], predictions: Sequence[Prediction], blind: Sequence[Prediction] | None
    ) -> None:
        self._rows = rows
        self._predictions = predictions
        self._blind = blind

    def section(self, label: str | None, point: OperatingPoint | None) -> dict[str, Any]:
        """The figures of a label; None: of whether any holds. `point` is None where labels have several."""
        places = [
            place
            for place, (row, prediction) in enumerate(zip(self._rows, self._predictions, strict=True))
            if prediction.score is not None and row.holds(label) is not None
        ]
        judged = self._judged(places, label, point, self._predictions)
        whole = np.arange(len(places))
        figures = judged.figures(whole)
        groups = [row.group for row in judged.rows]
        alerts = (figures["recall_at_alert"], figures["false_alarms_at_alert"])
        shown = {
            "threshold": {str(p): metrics.precision_at(p, figures["recall"], figures["false_positive_rate"])
                          for p in metrics.PREVALENCES},
            "alert_threshold": {str(p): metrics.precision_at(p, *alerts) for p in metrics.PREVALENCES},
        }  # fmt: skip
        out: dict[str, Any] = {
            "n": len(places),
            "positives": int(judged.truth.sum()),
            "groups": len(set(groups)),
            "threshold": point.threshold if point else None,
            "alert_threshold": point.alert_threshold if point else None,
            **figures,
            "precision_at_prevalence": shown,
        }
        if not places:
            return out
        out["intervals"] = metrics.interval(
            lambda drawn: {name: value for name, value in judged.figures(drawn).items() if name in HEADLINE},
            groups,
            SEED,
        )
        rankings = {"length": baselines.length(judged.rows)}
        if any(row.documents or row.input for row in judged.rows):
            rankings["word_overlap"] = baselines.novelty(judged.rows)
        out["baselines"] = {
            "base_rate": _base_rate(judged.truth),
            **{name: _ranking(judged.truth, scores) for name, scores in rankings.items()},
        }
        if self._blind is not None and any(self._blind[place].score is not None for place in places):
            seen = [place for place in places if self._blind[place].score is not None]
            unseeing = self._judged(seen, label, point, self._blind)
            out["baselines"]["no_documents"] = {"n": len(seen), **unseeing.figures(np.arange(len(seen)))}
        out["slices"], out["auroc_within"] = {}, {}
        for name in dict.fromkeys(name for row in judged.rows for name in row.slices):
            values = [row.slices.get(name, "") for row in judged.rows]
            out["auroc_within"][name] = metrics.auroc_within(judged.truth, judged.scores, values)
            out["slices"][name] = {
                value: _slice(judged, np.flatnonzero(np.array(values) == value), rankings)
                for value in sorted(set(values))
            }
        return out

    def _judged(
        self, places: Sequence[int], label: str | None, point: OperatingPoint | None, predictions: Sequence[Prediction]
    ) -> _Judged:
        rows, chosen = [self._rows[place] for place in places], [predictions[place] for place in places]
        scores = np.array(
            [prediction.score if label is None else prediction.scores[label] for prediction in chosen], dtype=np.float64
        )
        truth = np.array([row.holds(label) for row in rows], dtype=bool)
        if label is None or point is None:
            flagged = np.array([prediction.flagged for prediction in chosen], dtype=bool)
            alerted = np.array([prediction.alert for prediction in chosen], dtype=bool)
            never = point is not None and point.alert_threshold is None
        else:
            flagged, alerted = scores >= point.threshold, scores >= (point.alert_threshold or 2)
            never = point.alert_threshold is None
        spans = None
        if any(row.spans is not None for row in rows):
            spans = np.array(
                [_characters(row, prediction, label) for row, prediction in zip(rows, chosen, strict=True)]
            )
        return _Judged(rows, truth, scores, flagged, None if never else alerted, spans)


def _characters(row: LabelledAnswer, prediction: Prediction, label: str | None) -> tuple[float, float, float]:
    if row.spans is None:
        return math.nan, math.nan, math.nan

    def covered(spans: Sequence[tuple[Any, ...]]) -> set[int]:
        # A label may have a kind after it: unsupported:number.
        mine = [span for span in spans if label in (None, span[2], span[2].partition(":")[0])]
        return {place for start, end, *_ in mine for place in range(start, end)}

    predicted, true = covered(prediction.spans), covered(row.spans)
    return len(predicted & true), len(predicted), len(true)


def _slice(judged: _Judged, chosen: NDArray[np.intp], rankings: Mapping[str, Numbers]) -> dict[str, Any]:
    groups = [judged.rows[place].group for place in chosen]
    truth = judged.truth[chosen]
    return {
        "n": len(chosen),
        "positives": int(truth.sum()),
        **judged.figures(chosen),
        "intervals": metrics.interval(
            lambda drawn: {"auroc": metrics.auroc(truth[drawn], judged.scores[chosen][drawn])}, groups, SEED
        ),
        "baselines": {name: _ranking(truth, scores[chosen]) for name, scores in rankings.items()},
    }


def _ranking(truth: Labels, scores: Numbers) -> dict[str, Figure]:
    """In whichever direction ranks better."""
    up, down = metrics.auroc(truth, scores), metrics.auroc(truth, -scores)
    if up is None or down is None:
        return {"auroc": None, "auprc": None}
    return {"auroc": max(up, down), "auprc": metrics.auprc(truth, scores if up >= down else -scores)}


def _base_rate(truth: Labels) -> dict[str, Figure]:
    """Flagging everything, with the base rate as the probability."""
    return {"auroc": 0.5, "auprc": float(truth.mean()), **metrics.decisions(truth, np.ones(len(truth), dtype=bool))}
