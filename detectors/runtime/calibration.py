"""Logistic regression whose output means what it says: weights from safetensors, numpy only, calibrated.

A weights file may hold several of them, told apart by a prefix (one a label, say). Tensors of one: `weights` (d,),
`bias` (1,), `mean` and `scale` (d,) that standardise the features. Calibration (Platt 1999) is folded into weights and
bias.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(label | features), calibrated.

    Attributes
    ----------
    weights, mean, scale : (d,) array of float64
    bias : (1,) array of float64

    Examples
    --------
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> Logistic(weights=2 * one, bias=-one, mean=zero, scale=one).probability([[0.5], [1.0]]).round(3)
    array([0.5  , 0.731])
    """

    weights: Numbers
    bias: Numbers
    mean: Numbers
    scale: Numbers

    @classmethod
    def load(cls, tensors: Mapping[str, NDArray[Any]], prefix: str = "") -> Logistic:
        """From the tensors of a file.

        Raises
        ------
        KeyError
            It has none of that prefix.
        """
        return cls(**{field.name: tensors[prefix + field.name].astype(np.float64) for field in fields(cls)})

    def tensors(self, prefix: str = "") -> Mapping[str, NDArray[np.float32]]:
        """What `load` reads, to be written with `safetensors.numpy.save_file`, beside others of other prefixes."""
        return {
            prefix + field.name: np.ascontiguousarray(getattr(self, field.name), dtype=np.float32)
            for field in fields(self)
        }

    def log_odds(self, features: ArrayLike) -> Numbers:
        """Log-odds of each row of (n, d) features."""
        standardised = (np.asarray(features, dtype=np.float64) - self.mean) / self.scale
        # A sum over each row: unlike a matrix product, the same to the last bit in any batch.
        odds: Numbers = (standardised * self.weights).sum(axis=1) + self.bias[0]
        return odds

    def probability(self, features: ArrayLike) -> Numbers:
        """Calibrated probability of each row of (n, d) features: (n,) within [0, 1]."""
        return sigmoid(self.log_odds(features))


def sigmoid(log_odds: Numbers) -> Numbers:
    """1 / (1 + exp(-log_odds)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)
