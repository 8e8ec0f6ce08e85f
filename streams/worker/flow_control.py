"""What is read ahead of the agents, bounded by messages and by bytes: a count alone lies where messages are large."""

from __future__ import annotations

from typing import Any

import faust
from mode.utils.queues import ThrowableQueue


class ReadAhead(ThrowableQueue):  # type: ignore[misc]
    """An agent's queue of Faust events. Its partitions are paused while it is nearly full, and resumed later.

    Parameters
    ----------
    max_bytes : int
        Bytes of message values at which it is as full as with `maxsize` messages. What was fetched by then still comes
        in, up to the fetch size of each partition.
    """

    def __init__(self, maxsize: int, max_bytes: int, **named: Any) -> None:
        super().__init__(maxsize, **named)
        self._max_bytes = max_bytes
        self.bytes = 0

    def qsize(self) -> int:
        """How full it is, in messages: their number, or the share of the bytes that they take where that is more."""
        by_bytes: int = self.bytes * self.maxsize // self._max_bytes
        return max(len(self._queue), by_bytes)

    def clear(self) -> None:
        """Drops everything, as at a rebalance."""
        super().clear()
        self.bytes = 0

    def _put(self, item: Any) -> None:
        self.bytes += len(item.message.value or b"")
        super()._put(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= len(item.message.value or b"")
        return item


class App(faust.App):  # type: ignore[misc]
    """A Faust app whose agents read ahead at most so many bytes each."""

    def __init__(self, name: str, *, read_ahead_bytes: int, **options: Any) -> None:
        super().__init__(name, **options)
        self._read_ahead_bytes = read_ahead_bytes

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> ReadAhead:  # noqa: N802
        """Faust's name for what makes an agent's queue."""
        return ReadAhead(
            maxsize or self.conf.stream_buffer_maxsize,
            self._read_ahead_bytes,
            flow_control=self.flow_control,
            clear_on_resume=clear_on_resume,
        )
