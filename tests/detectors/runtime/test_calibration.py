"""Logistic regressions in weights files."""

from __future__ import annotations

import numpy as np
import pytest

from watchline.detectors.runtime.calibration import Logistic

TENSORS = {
    "a.weights": np.array([1.0, -2.0], np.float32),
    "a.bias": np.array([0.5], np.float32),
    "a.mean": np.array([1.0, 0.0], np.float32),
    "a.scale": np.array([2.0, 1.0], np.float32),
}


def test_it_is_the_sigmoid_of_standardised_features() -> None:
    model = Logistic.load(TENSORS, "a.")
    assert model.log_odds([[3.0, 1.0]]).tolist() == [-0.5]
    assert model.probability([[3.0, 1.0]])[0] == pytest.approx(1 / (1 + np.exp(0.5)))


def test_tensors_it_does_not_know_are_left_alone() -> None:
    # The shipped files still hold empty ones.
    shipped = {**TENSORS, "a.knots": np.array([[-1.0, 1.0], [0.2, 0.3]], np.float32)}
    model = Logistic.load(shipped, "a.")
    assert model.probability([[3.0, 1.0]]) == Logistic.load(TENSORS, "a.").probability([[3.0, 1.0]])
    assert model.tensors("a.").keys() == TENSORS.keys()
