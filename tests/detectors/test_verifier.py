import numpy as np
import pytest

from watchline.detectors.alignment import Judged
from watchline.detectors.verifier import NAMES, features

OFFSETS = ((0, 0), (0, 3), (4, 6), (6, 9), (10, 12), (0, 0))


def judged(logits: list[float], tokens: list[float]) -> Judged:
    return Judged(np.array(logits, dtype=np.float32), np.array(tokens, dtype=np.float32), OFFSETS)


def test_log_odds_are_those_of_the_probabilities() -> None:
    row = dict(zip(NAMES, features(judged([0.0, np.log(2.0), np.log(5.0)], [9, -1, 2, 3, -4, 9])), strict=True))
    assert row["not_entailed"] == pytest.approx(np.log(7.0))  # 7/8 against 1/8
    assert row["contradicted"] == pytest.approx(np.log(5.0 / 3.0))
    assert row["marked_most"] == 3
    assert row["marked_three"] == pytest.approx((3 + 2 - 1) / 3)
