"""A detector over labelled rows, through the redactor and the scorer that a worker runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from watchline.detectors.evaluation.labelled import LabelledAnswer
from watchline.detectors.pii.detector import PLACEHOLDER
from watchline.detectors.pii.redaction import Redacted
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.scorer import Scorer
from watchline.schemas.errors import PoisonError

BATCH = 64
OUTPUT = "output:0"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the detector says of a row.

    Attributes
    ----------
    score : float or None
        As in the finding; None where the detector judges nothing.
    scores : mapping of str to float
        Probabilities by label.
    flagged, alert : bool
        By the operating points in force.
    spans : tuple of (start, end, label, score)
        In code points of the row's output as it was before redaction.
    reason : str or None
        Why the detector judges nothing.
    """

    score: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
    flagged: bool = False
    alert: bool = False
    spans: tuple[tuple[int, int, str, float], ...] = ()
    reason: str | None = None


def predict(
    scorer: Scorer,
    rows: Sequence[LabelledAnswer],
    *,
    redactor: Redactor,
    documents: Sequence[str] | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Prediction], float]:
    """What a detector says of labelled rows.

    Parameters
    ----------
    scorer
        With the one detector.
    redactor
        Which the rows go through before.
    documents
        In place of each row's own.
    progress
        Is told how many rows are done, now and then.

    Returns
    -------
    predictions : list of Prediction
        One for each row, in order.
    seconds : float
        What redaction and scoring took.
    """
    out: list[Prediction] = []
    seconds = 0.0
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        began = time.perf_counter()
        outcomes = redactor.redact([row.interaction(documents) for row in batch])
        scored = iter(scorer.score([outcome for outcome in outcomes if isinstance(outcome, Redacted)]))
        seconds += time.perf_counter() - began
        for row, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, PoisonError):
                out.append(Prediction(None, reason=str(outcome)))
                continue
            item = next(scored)
            (finding,) = item.findings
            stored = item.interaction.output
            spans = [
                (*_original(row.output, stored, span.start, span.end), span.label, span.score)
                for span in finding.spans
                if span.field == OUTPUT
            ]
            out.append(
                Prediction(
                    finding.score,
                    finding.scores,
                    finding.flagged,
                    finding.alert,
                    tuple(spans),
                    None if finding.decision == "evaluated" else f"{finding.decision}: {finding.reason}",
                )
            )
        progress(len(out))
    return out, seconds


def _original(text: str, redacted: str, start: int, end: int) -> tuple[int, int]:
    """Where a stretch of the redacted text stands in the text; a placeholder that it cuts is taken whole."""
    literals: list[tuple[int, int, int]] = []  # what was left as it was: place in the redacted text and in text, length
    done = place = 0
    for match in [*PLACEHOLDER.finditer(redacted), None]:
        literal = redacted[done : match.start() if match else len(redacted)]
        place = len(text) - len(literal) if match is None else text.find(literal, place)
        literals.append((done, place, len(literal)))
        # What was replaced was a character at least.
        done, place = (match.end() if match else len(redacted)), place + len(literal) + 1
    before, at, length = [literal for literal in literals if literal[0] <= start][-1]
    first = at + min(start - before, length)
    before, at, length = next(literal for literal in literals if literal[0] + literal[2] >= end)
    return first, at + max(end - before, 0)
