"""Packs of like length under a token budget: how whatever is tokenised goes through a model, padded little, on a device
whose memory is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import torch

from watchline.detectors.runtime.plan import Passes

T = TypeVar("T")
R = TypeVar("R")

_BUDGET = {"cpu": 1024, "cuda": 65_536}  # tokens of a pack, padding included; larger ones are slower on a CPU
_SMALLEST_BUDGET = 256


class Packer:
    """Runs items through a model in packs; learns what fits. Not for two threads at once.

    Parameters
    ----------
    device
        `cpu`, `cuda`, `cuda:N`.

    Attributes
    ----------
    budget : int
        Tokens of a pack, padding included. A longer item goes alone.
    passes : Passes
        What has gone through.
    """

    def __init__(self, device: str) -> None:
        self.budget = _BUDGET["cuda" if device.startswith("cuda") else "cpu"]
        self.passes = Passes()

    def run(
        self, items: Sequence[T], length: Callable[[T], int], forward: Callable[[list[T]], R]
    ) -> tuple[list[int], list[R]]:
        """Sorts the items by length and hands them to `forward` pack by pack.

        Parameters
        ----------
        items
        length
            Of an item, in tokens.
        forward
            Runs the model on a pack; its shortest item comes first.

        Returns
        -------
        order : list of int
            The places of the items in the order in which they went; see `in_order`.
        results : list
            What `forward` gave for each pack. On CUDA they may still be on their way: nothing is waited for.

        Raises
        ------
        torch.OutOfMemoryError
            One item alone doesn't fit.
        """
        lengths = [length(item) for item in items]
        order = sorted(range(len(items)), key=lengths.__getitem__)
        results: list[R] = []
        start = 0
        for end in range(1, len(order) + 1):
            # The next one would be the longest, to which all are padded.
            if end == len(order) or (end + 1 - start) * lengths[order[end]] > self.budget:
                results += self._forward([items[place] for place in order[start:end]], forward)
                self.passes.packs += 1
                self.passes.padded_tokens += (end - start) * lengths[order[end - 1]]
                start = end
        self.passes.items += len(items)
        self.passes.tokens += sum(lengths)
        return order, results

    def _forward(self, pack: list[T], forward: Callable[[list[T]], R]) -> list[R]:
        """Runs one pack; halves it, and the budget of later packs, for as long as memory lacks."""
        try:
            return [forward(pack)]
        except torch.OutOfMemoryError:
            if len(pack) == 1:
                raise
        self.budget = max(self.budget // 2, _SMALLEST_BUDGET)
        torch.cuda.empty_cache()  # does nothing where there is no CUDA
        middle = len(pack) // 2
        return self._forward(pack[:middle], forward) + self._forward(pack[middle:], forward)


def in_order(order: Sequence[int], rows: Iterable[R]) -> list[R]:
    """A row for each item, in the items' own order, from the order in which `Packer.run` took them."""
    return [row for _, row in sorted(zip(order, rows, strict=True), key=lambda pair: pair[0])]


def padded(rows: Sequence[Sequence[int]], fill: int, device: str) -> torch.Tensor:
    """Rows of numbers side by side: (len(rows), longest), filled up on the right. Doesn't wait for CUDA."""
    width = max(map(len, rows))
    out = torch.full((len(rows), width), fill, dtype=torch.long, pin_memory=device.startswith("cuda"))
    for place, row in enumerate(rows):
        out[place, : len(row)] = torch.tensor(row)
    return out.to(device, non_blocking=True)


def readable(text: str) -> str:
    """What a tokenizer takes: no lone surrogates. As long as the text."""
    return text.encode("utf-8", "replace").decode()
