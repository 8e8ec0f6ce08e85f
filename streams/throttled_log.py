"""A log for warnings that may come thousands of times a second: one line per kind in ten seconds, or another time."""

from __future__ import annotations

import logging
import time

from watchline.streams import native_threads

INTERVAL_S = 10.0


class ThrottledLog:
    """Writes warnings to a log, at most one of a kind in `interval_s` seconds. For any thread.

    Parameters
    ----------
    log : logging.Logger
    interval_s : float

    Examples
    --------
    >>> import sys
    >>> log = logging.Logger("example")
    >>> log.addHandler(logging.StreamHandler(sys.stdout))
    >>> warnings = ThrottledLog(log)
    >>> for number in range(1000):
    ...     warnings.warn("too large", "event %d is dropped", number)
    event 0 is dropped
    """

    def __init__(self, log: logging.Logger, interval_s: float = INTERVAL_S) -> None:
        self._log = log
        self._interval_s = interval_s
        self._lock = native_threads.lock()
        self._last: dict[str, tuple[float, int]] = {}  # kind to when it was written, and how many came since

    def warn(self, kind: str, text: str, *args: object) -> None:
        """Writes the first warning of a kind, then one in `interval_s` seconds, with how many were left out.

        Parameters
        ----------
        kind : str
            Warnings of the same kind count as repetitions.
        text : str
            As for `logging`, with % placeholders. It and `args` never quote an event: logs go where events must not.
        *args : object
            What the placeholders stand for.
        """
        now = time.monotonic()
        with self._lock:
            written, left_out = self._last.get(kind, (now - self._interval_s, 0))
            if now - written < self._interval_s:
                self._last[kind] = (written, left_out + 1)
                return
            self._last[kind] = (now, 0)
        if left_out:
            text, args = text + " (%d more of this kind)", (*args, left_out)
        self._log.warning(text, *args)
