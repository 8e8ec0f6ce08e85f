"""What a detector must beat: rankings that look at the answer's length, or at the words that it shares, alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from watchline.detectors.evaluation.labelled import LabelledAnswer
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.words import words

# One sentence that has to do with nothing: what "the same model shown no documents" is shown.
NO_DOCUMENT = ("The weather was fine on that day, and everybody went for a walk.",)


def length(rows: Sequence[LabelledAnswer]) -> Numbers:
    """How many characters each output has."""
    return np.array([len(row.output) for row in rows], dtype=np.float64)


def novelty(rows: Sequence[LabelledAnswer]) -> Numbers:
    """The share of the output's content words that stand neither in the documents nor in the input."""
    shares = []
    for row in rows:
        given = frozenset(words("\n".join((row.input, *row.documents))).content)
        content = words(row.output).content
        shares.append(sum(stem not in given for stem in content) / len(content) if content else 0.0)
    return np.array(shares)
