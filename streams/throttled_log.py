"""Warnings that can come thousands of times a second, written at most once in ten seconds a kind."""

from __future__ import annotations

import logging
import threading
import time

INTERVAL_S = 10.0


class ThrottledLog:
    """Any thread may warn. `text` and `args` never quote an event: logs go where events must not."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.RLock()
        self._last: dict[str, tuple[float, int]] = {}  # kind to when it was written, and how many came since

    def warn(self, kind: str, text: str, *args: object) -> None:
        """One line for the first of its kind, then one in ten seconds that says how many were left out."""
        now = time.monotonic()
        with self._lock:
            written, left_out = self._last.get(kind, (now - INTERVAL_S, 0))
            if now - written < INTERVAL_S:
                self._last[kind] = (written, left_out + 1)
                return
            self._last[kind] = (now, 0)
        if left_out:
            text, args = text + " (%d more of this kind)", (*args, left_out)
        self._log.warning(text, *args)
