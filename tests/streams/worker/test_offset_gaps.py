from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchline.streams.clickhouse.sink import Sink
from watchline.streams.messages import Message
from watchline.streams.worker.offset_gaps import Gap, OffsetGaps, table

PARTITION = ("raw", 0)


def message(offset: int) -> Message:
    return Message("raw", "id", 0, offset, 1_767_225_600_000_000, b"")


@pytest.mark.parametrize(
    ("committed", "offsets", "first_missing"),
    [
        (None, [600, 601], []),  # the group has never read it: where the log starts is where we start
        (100, [100, 101], []),
        (100, [600, 601], [100]),  # retention has passed the worker
        (None, [1, 2, 5, 6, 9], [3, 7]),
        (100, [90, 91], []),  # a redelivery
    ],
)
def test_gaps(committed: int | None, offsets: list[int], first_missing: list[int]) -> None:
    gaps = OffsetGaps()
    assert gaps.unknown([PARTITION]) == {PARTITION}
    gaps.expect(PARTITION, committed)
    found = [gap for offset in offsets for gap in gaps.find([message(offset)])]
    assert [gap.first_missing for gap in found] == first_missing
    assert gaps.unknown([PARTITION]) == set()


def test_a_partition_that_comes_back_begins_anew() -> None:
    gaps = OffsetGaps()
    gaps.find([message(1)])
    gaps.forget([PARTITION])
    assert gaps.find([message(500)]) == []


def test_rows(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("gaps")
    for _ in range(2):
        Sink(lambda: client, 5).write(table([Gap(100, message(600))]))
    rows = client.query("SELECT topic_id, partition, first_missing, next_offset FROM v_offset_gaps").result_rows
    assert rows == [("id", 0, 100, 600)]
