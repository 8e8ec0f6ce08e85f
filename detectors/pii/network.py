"""The recogniser's network: an embedding of each word, convolutions over its neighbours, probabilities of tags.

The embedding is a sum of rows chosen by hashes of the word's norm, prefix, suffix and shape (spaCy's MultiHashEmbed,
Honnibal and Montani 2017), mixed by a maxout layer (Goodfellow et al. 2013). Each of the convolutions sees one
neighbour on either side. All in single precision; thinc, with which it is trained, gives the same within 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from thinc.api import NumpyOps
from torch import Tensor
from torch.nn import functional

WIDTH, PIECES, DEPTH = 96, 3, 6  # numbers of a token; of a maxout unit; convolutions
GAP = DEPTH  # empty rows before, between and after texts: no text's tokens see those of another
FEATURES = ("NORM", "PREFIX", "SUFFIX", "SHAPE")  # of a word, by spaCy's names
_SEEDS = (8, 9, 10, 11)  # of the features' hashes
_EPSILON = 1e-8
_AT_ONCE = {"cpu": 1024, "cuda": 16_384}  # tokens of a pass; larger ones are hardly faster on a CPU


class _Linear:
    """A linear layer whose rows are the same to the last bit however many there are."""

    def __init__(self, weights: NDArray[Any], bias: NDArray[Any], device: str) -> None:
        self._weights, self._bias = _tensor(weights, device), _tensor(bias, device)
        # By oneDNN: torch's own way, MKL, takes twice the time on AMD.
        self._by_onednn = device == "cpu" and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        if self._by_onednn:
            self._weights, self._bias = self._weights.to_mkldnn(), self._bias.to_mkldnn()

    def __call__(self, inputs: Tensor) -> Tensor:
        if self._by_onednn:
            return functional.linear(inputs.to_mkldnn(), self._weights, self._bias).to_dense()
        return functional.linear(inputs, self._weights, self._bias)


class _Maxout:
    """A layer of maxout units, normalised."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], place: int, device: str) -> None:
        weights, bias = (tensors[f"{place + at:02}.maxout.{name}"] for at, name in enumerate("Wb"))
        by_piece = weights.swapaxes(0, 1).reshape(PIECES * WIDTH, -1), bias.T.reshape(-1)
        self._pieces = _Linear(*by_piece, device)
        self._gain, self._shift = (
            _tensor(tensors[f"{place + 2 + at:02}.layernorm.{name}"], device) for at, name in enumerate("Gb")
        )

    def __call__(self, inputs: Tensor) -> Tensor:
        best = self._pieces(inputs).view(-1, PIECES, WIDTH).amax(1)
        return functional.layer_norm(best, (WIDTH,), self._gain, self._shift, _EPSILON)


class Network:
    """Words to vectors, vectors of tokens to probabilities of tags.

    Parameters
    ----------
    tensors
        Weights, by the names of `Recogniser.tensors`.
    device
        `cpu`, `cuda`, `cuda:N`.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], device: str) -> None:
        self.device = device
        self._at_once = _AT_ONCE["cuda" if device.startswith("cuda") else "cpu"]
        self._hash = NumpyOps().hash
        self._rows = [_tensor(tensors[f"{place:02}.hashembed.E"], device) for place in range(2, 6)]
        self._mix, *self._layers = (_Maxout(tensors, 6 + 4 * layer, device) for layer in range(1 + DEPTH))
        self._head = _Linear(tensors["00.softmax.W"], tensors["01.softmax.b"], device)

    @torch.inference_mode()
    def embed(self, words: NDArray[np.uint64]) -> Tensor:
        """The vector (WIDTH,) of each word, from its `FEATURES` (words, 4), as spaCy numbers them."""
        parts = []
        for column, (rows, seed) in enumerate(zip(self._rows, _SEEDS, strict=True)):
            keys = self._hash(np.ascontiguousarray(words[:, column]), seed) % len(rows)
            parts.append(functional.embedding_bag(self._to_device(keys.astype(np.int64)), rows, mode="sum"))
        with _one_thread():
            return self._mix(torch.cat(parts, 1))

    @torch.inference_mode()
    def tags(self, words: Tensor, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """The probabilities of the tags of each token, in passes of bounded size.

        Parameters
        ----------
        words : (words, WIDTH)
            Vectors, the first of them zero.
        tokens
            The row in `words` of each token; texts stand one after the other, `GAP` times 0 before, between and after.
        """
        places, out = self._to_device(tokens), []
        with _one_thread():
            for start in range(0, len(places), self._at_once):
                first, last = max(start - GAP, 0), start + self._at_once
                out.append(self._pass(words[places[first : last + GAP]])[start - first : last - first])
        tags: NDArray[np.float32] = torch.cat(out).cpu().numpy()
        return tags

    def _pass(self, vectors: Tensor) -> Tensor:
        for layer in self._layers:
            flat = functional.pad(vectors, (0, 0, 1, 1)).view(-1)
            with_neighbours = flat.as_strided((len(vectors), 3 * WIDTH), (WIDTH, 1)).contiguous()
            vectors = vectors + layer(with_neighbours)
        return self._head(vectors).softmax(1)

    def _to_device(self, numbers: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(numbers).to(self.device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Products of this size are too small to share: where cores are busy, waiting for other threads takes longer."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _tensor(array: NDArray[Any], device: str) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
