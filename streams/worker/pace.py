"""How large the next batch may be, by what the last ones took. In bytes: what scoring takes goes by length of text."""

from __future__ import annotations

FIRST_BATCH_BYTES = 16 * 1024  # before anything is measured
MOST_FASTER = 8  # an unscored batch is taken for so many times faster at most: the next one may be scored again


class Pace:
    """Plans batches so that each takes about as long as it may.

    Parameters
    ----------
    batch_seconds : float
        What a batch is planned to take.
    most_bytes : int
        What a batch has at most.

    Examples
    --------
    >>> pace = Pace(2.0, most_bytes=1_000_000)
    >>> pace.batch_took(100_000, 1.0, scored=True)
    >>> pace.next_bytes
    200000
    >>> pace.batch_took(200_000, 0.01, scored=False)
    >>> pace.next_bytes
    1000000
    """

    def __init__(self, batch_seconds: float, most_bytes: int) -> None:
        self._batch_seconds = batch_seconds
        self._most_bytes = most_bytes
        self._scored = FIRST_BATCH_BYTES / batch_seconds  # bytes per second, of the last batch whose events were scored
        self._last = self._scored

    def batch_took(self, size_bytes: int, seconds: float, *, scored: bool) -> None:
        """Notes a batch; `scored`: most of its events were, so that it tells what others can take."""
        self._last = size_bytes / seconds
        if scored:
            self._scored = self._last

    @property
    def next_bytes(self) -> int:
        """Of the next batch."""
        return min(self._most_bytes, round(self._batch_seconds * min(self._last, self._scored * MOST_FASTER)))
