"""Watermarks as rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from watchline.streams.clickhouse.tables import Row, Table


def table(topic: str, watermarks: Mapping[int, int]) -> Table:
    """The rows of `watermarks`: of the findings topic, by partition, in microseconds since 1970."""
    rows = [
        Row([topic, number, datetime.fromtimestamp(time / 1e6, UTC)], f"{topic}/{number}/{time}")
        for number, time in watermarks.items()
    ]
    return Table.of("watermarks", rows)
