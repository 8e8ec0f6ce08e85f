"""Where the engine's state is kept: the last record of each key. What keeps it in Kafka stands in `streams`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Literal, Protocol

Record = Mapping[str, Any]
Ownership = Literal["ours", "free", "another's"]


class Journal(Protocol):
    """Records by key. Its owner alone evaluates and sends; anybody may read it, and add silences."""

    def own(self, timeout_s: float) -> Ownership:
        """Whose it is: `free` may be taken over by `load`. Waits for so long while it is another's."""

    def load(self) -> dict[str, Record]:
        """All records; by this an owner takes over from whoever was it before. Raises WatchlineError."""

    def changes(self) -> list[tuple[str, Record | None]]:
        """What others have written since `load` or the last call, in order; None deletes. Raises WatchlineError."""

    def append(self, records: Mapping[str, Record | None]) -> None:
        """Writes; returns when they are safe. Raises WatchlineError."""

    def holds(self) -> bool:
        """Whether nobody has taken over: asked before each message that is sent. Raises WatchlineError."""


class MemoryLog:
    """What several journals of one process share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: list[tuple[object, str, Record | None]] = []
        self.owner: object = None


class MemoryJournal:
    """A journal without a file: for `watchline alerts test` and tests. The last that loads owns."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self._log = log or MemoryLog()
        self._read = 0

    def own(self, timeout_s: float) -> Ownership:
        """Whose it is."""
        return "free" if self._log.owner is None else "ours" if self._log.owner is self else "another's"

    def load(self) -> dict[str, Record]:
        """All records."""
        with self._log.lock:
            self._log.owner = self
            self._read = len(self._log.entries)
            found: dict[str, Record | None] = {}
            for _, key, record in self._log.entries:
                found[key] = record
            return {key: record for key, record in found.items() if record is not None}

    def changes(self) -> list[tuple[str, Record | None]]:
        """What others have written since."""
        with self._log.lock:
            new, self._read = self._log.entries[self._read :], len(self._log.entries)
            return [(key, record) for writer, key, record in new if writer is not self]

    def append(self, records: Mapping[str, Record | None]) -> None:
        """Writes."""
        with self._log.lock:
            self._log.entries += [(self, key, record) for key, record in records.items()]

    def holds(self) -> bool:
        """Whether no other has loaded since."""
        return self._log.owner is self
