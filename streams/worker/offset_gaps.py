"""Offsets that were never seen: retention has passed the worker, or the topic lost its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.messages import Message


@dataclass(frozen=True, slots=True)
class Gap:
    """The offsets from `first_missing` up to the message that came instead."""

    first_missing: int
    message: Message


class OffsetGaps:
    """Watches that offsets follow one another, as they do in topics that are neither compacted nor transactional."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, int], int] = {}

    def forget(self, partitions: Iterable[tuple[str, int]]) -> None:
        """Partitions that are assigned anew: another worker may have read on."""
        for partition in partitions:
            self._next.pop(partition, None)

    def unknown(self, partitions: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Those of which it is not known where reading should begin."""
        return set(partitions) - self._next.keys()

    def expect(self, partition: tuple[str, int], committed: int | None) -> None:
        """Takes the offset where reading should begin; None where the group has never read the partition."""
        if committed is not None:
            self._next[partition] = committed

    def find(self, messages: Iterable[Message]) -> list[Gap]:
        """The gaps before these messages, which come in the order of their offsets."""
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
