"""The watermarks that readers see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchline.streams.clickhouse.sink import Sink
from watchline.streams.monitor.watermarks import table

TIME = 1_700_000_000_250_000


def test_readers_see_the_latest_of_each_partition_in_whatever_order_they_are_stored(
    clickhouse: Callable[..., Any],
) -> None:
    client = clickhouse("watermarks")
    sink = Sink(lambda: client, 5)
    for watermarks in ({0: TIME + 5_000_000, 1: TIME}, {0: TIME}):  # of a worker that was given up for dead
        assert sink.write(table("watchline.findings", watermarks)) == []
    sql = "SELECT topic, partition, toUnixTimestamp64Micro(time) FROM v_watermarks ORDER BY partition"
    assert [tuple(row) for row in client.query(sql).result_rows] == [
        ("watchline.findings", 0, TIME + 5_000_000),
        ("watchline.findings", 1, TIME),
    ]
