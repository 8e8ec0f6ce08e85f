"""The head gap of Faust 0.15.3 (faust-streaming 606, fix proposed in 707): why acknowledgements must come in order.

A canary for upgrades: where it fails, Faust has changed, and what `streams/worker/pipeline.py` and `offset_gaps.py`
beside it do about gaps should be looked at again.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust.transport.consumer import Consumer
from faust.types import TP
from intervaltree import IntervalTree

PARTITION = TP("t", 0)


@pytest.mark.parametrize(
    ("committed", "acked", "commits"),
    [
        (5, [5, 6, 7], 8),
        (5, [5, 7, 8], 6),  # a gap further on is respected
        (5, [6, 7, 8], 9),  # 5 isn't acknowledged, and is committed all the same: lost after a crash
        (5, [7, 8, 9], None),  # nothing for ever: hence a gap that retention has made is stepped over by hand
        (0, [1, 2, 3], 4),
        (None, [1, 2, 3], 4),
    ],
)
def test_what_faust_commits(committed: int | None, acked: list[int], commits: int | None) -> None:
    consumer = SimpleNamespace(
        _acked={PARTITION: list(acked)},
        _acked_index={PARTITION: set(acked)},
        _gap={PARTITION: IntervalTree()},
        _committed_offset={PARTITION: committed},
    )
    assert Consumer._new_offset(consumer, PARTITION) == commits
