from __future__ import annotations

import pytest
import torch

from watchline.detectors.runtime.packing import Packer, padded, readable

pytestmark = pytest.mark.slow


def test_packs_stay_within_the_budget_and_every_item_goes_once() -> None:
    packer = Packer("cpu")
    packer.budget = 20
    items = ["x" * length for length in (7, 1, 30, 3, 2, 9, 5, 5)]
    order, packs = packer.run(items, len, list)
    assert sorted(order) == list(range(len(items)))
    assert [item for pack in packs for item in pack] == [items[place] for place in order]
    assert all(len(pack) == 1 or len(pack) * max(map(len, pack)) <= 20 for pack in packs)
    assert len(packs) < len(items)
    assert packer.run([], len, list) == ([], [])
    assert (packer.passes.items, packer.passes.packs) == (len(items), len(packs))
    assert packer.passes.tokens == sum(map(len, items))
    assert packer.passes.padded_tokens == sum(len(pack) * max(map(len, pack)) for pack in packs)


def test_out_of_memory_halves_the_pack_and_the_budget() -> None:
    packer, sizes = Packer("cpu"), []
    before = packer.budget

    def small(pack: list[str]) -> list[str]:
        sizes.append(len(pack))
        if len(pack) > 2:
            raise torch.OutOfMemoryError
        return pack

    items = ["x" * 100] * 8
    order, packs = packer.run(items, len, small)
    assert order == list(range(8))
    assert [len(pack) for pack in packs] == [2, 2, 2, 2]
    assert sizes[0] == 8
    assert packer.budget < before
    sizes.clear()
    packer.run(items, len, small)
    assert sizes[0] < 8  # it has learnt


def test_out_of_memory_for_one_item_is_raised() -> None:
    def never(pack: list[str]) -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Packer("cpu").run(["x"], len, never)


def test_padded_and_readable() -> None:
    assert padded([[1, 2, 3], [4]], 9, "cpu").tolist() == [[1, 2, 3], [4, 9, 9]]
    assert readable("a\ud800b") == "a?b"
