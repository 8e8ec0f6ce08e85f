import re

import numpy as np
import pytest

from watchline.detectors.grounding.alignment import PairOutputs
from watchline.detectors.grounding.verifier import NAMES, features, marked

pytestmark = pytest.mark.slow

OFFSETS = ((0, 0), (0, 3), (4, 6), (6, 9), (10, 12), (0, 0))


def judged(logits: list[float], tokens: list[float]) -> PairOutputs:
    return PairOutputs(np.array(logits, dtype=np.float32), np.array(tokens, dtype=np.float32), OFFSETS)


def test_log_odds_are_those_of_the_probabilities() -> None:
    row = dict(zip(NAMES, features(judged([0.0, np.log(2.0), np.log(5.0)], [9, -1, 2, 3, -4, 9])), strict=True))
    assert row["not_entailed"] == pytest.approx(np.log(7.0))  # 7/8 against 1/8
    assert row["contradicted"] == pytest.approx(np.log(5.0 / 3.0))
    assert row["marked_most"] == 3
    assert row["marked_three"] == pytest.approx((3 + 2 - 1) / 3)


def test_words_without_support_are_marked_together_where_they_stand_together() -> None:
    text = "The plan costs ninety-nine dollars a month and comes with a yacht."
    offsets = [(0, 0), *(match.span() for match in re.finditer(r"\w+|[^\w\s]", text)), (0, 0)]
    wrong = {"ninety", "nine", "dollars", "yacht"}
    odds = np.array([2.0 if text[start:end] in wrong else -3.0 for start, end in offsets])
    odds[0] = odds[-1] = 9.0  # [CLS] and [SEP] are no words
    found = marked(PairOutputs(np.zeros(3, np.float32), odds.astype(np.float32), offsets))
    assert [text[start:end] for start, end in found] == ["ninety-nine dollars", "yacht"]
    assert marked(PairOutputs(np.zeros(3, np.float32), np.full(len(offsets), -3.0, np.float32), offsets)) == []
