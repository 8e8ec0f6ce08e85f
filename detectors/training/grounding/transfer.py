"""How much of what was learnt transfers to what people wrote: figures where 2 % of supported sentences are flagged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from watchline.detectors.runtime.calibration import Numbers

FLAGGED = 0.02  # of supported sentences
HEAD = "| set | answers | wrong flagged | right flagged | AUROC | pairs |\n|---|---|---|---|---|---|"


def is_faulty(start: int, end: int, labels: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of RAGTruth's labels touches what stands between two places.

    Examples
    --------
    >>> is_faulty(0, 5, [{"start": 4, "end": 9}]), is_faulty(0, 4, [{"start": 4, "end": 9}])
    (True, False)
    """
    return any(min(label["end"], end) > max(label["start"], start) for label in labels)


def threshold(supported: Sequence[float] | Numbers) -> float:
    """Where `FLAGGED` of supported sentences' scores are flagged."""
    return float(np.quantile(supported, 1 - FLAGGED))


def recall(rows: Sequence[Mapping[str, Any]], scores: Numbers, flagged_from: float) -> float:
    """The share of wrong answers that is flagged."""
    return float((scores[_wrong(rows)] >= flagged_from).mean())


def line(name: str, rows: Sequence[Mapping[str, Any]], scores: Numbers, flagged_from: float) -> str:
    """A line below `HEAD`, of rows in the format of `watchline evaluate` and a score of each.

    Examples
    --------
    >>> rows = [{"id": "a", "group": "1", "label": 1}, {"id": "b", "group": "1", "label": 0}]
    >>> line("two", rows, np.array([0.9, 0.1]), 0.5)
    '| two | 2 | 1.000 | 0.000 | 1.000 | 1.000 |'
    """
    wrong = _wrong(rows)
    groups: dict[str, dict[bool, float]] = defaultdict(dict)
    for row, score in zip(rows, scores, strict=True):
        groups[row.get("group", row["id"])][bool(row["label"])] = score
    told = [group[True] > group[False] for group in groups.values() if len(group) == 2]
    figures = [f"{recall(rows, scores, flagged_from):.3f}", "-", "-", f"{np.mean(told):.3f}" if told else "-"]
    if not wrong.all():
        figures[1:3] = [f"{(scores[~wrong] >= flagged_from).mean():.3f}", f"{roc_auc_score(wrong, scores):.3f}"]
    return f"| {name} | {len(rows)} | {' | '.join(figures)} |"


def _wrong(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.bool_]:
    return np.array([bool(row["label"]) for row in rows])
