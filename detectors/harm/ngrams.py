"""Character n-grams by hashing: a text to a sparse row of fixed width, in numpy alone.

Runs of 2 to 5 characters of the lower-cased text, across word boundaries too, so that a fragment of a word, a
misspelling and a pair of short words all count. The hashing trick (Weinberger et al. 2009): no vocabulary to ship.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 17
_LONGEST = 5
_BLANKS = re.compile(r"\s+")
# Odd 64-bit constants; overflow is meant. Finaliser of MurmurHash3 (Appleby, public domain).
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@dataclass(frozen=True, slots=True)
class NgramVector:
    """The n-grams of one text, as a sparse vector of `BUCKETS` numbers and of length 1.

    Attributes
    ----------
    buckets : (n,) array of int64
        Which numbers aren't 0, ascending.
    values : (n,) array of float32
        What they are.
    """

    buckets: NDArray[np.int64]
    values: NDArray[np.float32]

    def dot(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The product with the weights of linear models: (labels, BUCKETS) to (labels,)."""
        return np.asarray((weights[:, self.buckets] * self.values).sum(axis=1, dtype=np.float64))


def row(text: str) -> NgramVector:
    """The n-grams of a text; damped counts (1 + log n), so that a word repeated all over does not drown the rest.

    Examples
    --------
    >>> vector = row("an")  # with blanks around it: three pairs, two runs of three, one of four
    >>> len(vector.buckets), round(float(vector.values @ vector.values), 3)
    (6, 1.0)
    """
    plain = _BLANKS.sub(" ", f" {text.lower()} ")
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    hashes = []
    rolling = codes
    for length in range(2, _LONGEST + 1):
        rolling = rolling[:-1] * _BASE + codes[length - 1 :]
        hashes.append(rolling + np.uint64(length))
    mixed = np.concatenate(hashes)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * _MIX
    buckets, counts = np.unique((mixed ^ (mixed >> np.uint64(33))) % np.uint64(BUCKETS), return_counts=True)
    values = (1.0 + np.log(counts)).astype(np.float32)
    length = np.sqrt((values * values).sum())
    return NgramVector(buckets.astype(np.int64), values / (length or np.float32(1)))


def rows(texts: Sequence[str]) -> list[NgramVector]:
    """`row` of each text."""
    return [row(text) for text in texts]
