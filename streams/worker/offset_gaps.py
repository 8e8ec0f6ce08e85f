"""Finds gaps in the offsets: Kafka deleted messages before the worker read them, or the topic lost its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.messages import Message


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing offsets of a partition: from `first_missing` to the one before `message`, which came instead."""

    first_missing: int
    message: Message


class OffsetGaps:
    """Checks that each partition's offsets follow one another.

    That holds for topics that are neither compacted nor written in transactions.

    Examples
    --------
    >>> gaps = OffsetGaps()
    >>> gaps.expect(("raw", 0), committed=40)
    >>> (gap,) = gaps.find([Message("raw", "id", 0, offset, 0, b"") for offset in (40, 41, 44)])
    >>> gap.first_missing, gap.message.offset
    (42, 44)
    """

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = {}

    def forget(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Forgets partitions that are assigned anew: another worker may have read on."""
        for partition in partitions:
            self._next.pop(partition, None)

    def unknown(self, partitions: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Those of the partitions for which it is not known at which offset reading should begin."""
        return set(partitions) - self._next.keys()

    def expect(self, partition: tuple[str, int], committed: int | None) -> None:
        """Sets the offset at which reading a partition should begin; None where the group has never read it."""
        if committed is not None:
            self._next[partition] = committed

    def find(self, messages: Iterable[Message]) -> list[Gap]:
        """The gaps before these messages, which must be in the order of their offsets in each partition."""
        gaps = []
        for message in messages:
            key = (message.topic, message.partition)
            expected = self._next.get(key, message.offset)
            if message.offset > expected:
                gaps.append(Gap(expected, message))
            self._next[key] = message.offset + 1
        return gaps


def table(gaps: Iterable[Gap]) -> Table:
    """The rows of `offset_gaps`."""
    rows = []
    for gap in gaps:
        message = gap.message
        time = datetime.fromtimestamp(message.time / 1e6, UTC)
        values = [time, message.topic, message.topic_id, message.partition, gap.first_missing, message.offset]
        rows.append(Row(values, f"{message.topic_id}/{message.partition}/{gap.first_missing}", message.time))
    return Table.of("offset_gaps", rows)
