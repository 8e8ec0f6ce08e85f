"""Ids of events: UUIDv7 of those that the app makes, and for a span of OpenTelemetry one that is always the same."""

from __future__ import annotations

import os
import threading
import time
from random import Random
from uuid import UUID, uuid5

_UNITS_A_MS = 4096  # the 12 bits after the milliseconds hold their fraction: RFC 9562, section 6.2, method 3

_SPANS = UUID("5d0e5fb1-7c1c-5f0f-9a5e-3c1d0f5d7a34")

_lock = threading.RLock()
_last = 0
_random = Random()  # noqa: S311 - our own, seeded by the system: an app may seed the common one


def uuid7() -> str:
    """Makes a UUIDv7 (RFC 9562) that is greater than every one that this process made before. For any thread.

    Returns
    -------
    str
        In the usual form of 36 characters, lower case.

    Examples
    --------
    >>> first, second = uuid7(), uuid7()
    >>> first < second, len(first), first[14]
    (True, 36, '7')
    """
    global _last
    with _lock:
        _last = units = max(time.time_ns() * _UNITS_A_MS // 1_000_000, _last + 1)
    text = f"{units >> 12:012x}7{units & 0xFFF:03x}{1 << 63 | _random.getrandbits(62):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def of_span(trace_id: str, span_id: str) -> str:
    """The id of the event that a span becomes: the same each time it is sent, and known to who has the span.

    Parameters
    ----------
    trace_id, span_id : str
        32 and 16 lower-case hexadecimal digits.

    Returns
    -------
    str
        A UUIDv5.

    Examples
    --------
    >>> of_span("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    'fae81743-a930-5b51-a0db-29e7df941ad6'
    """
    return str(uuid5(_SPANS, f"{trace_id}:{span_id}"))


def _after_fork() -> None:
    """The lock may have been held by a thread that isn't here, and the parent goes on with the same random numbers."""
    global _lock, _random
    _lock = threading.RLock()
    _random = Random()  # noqa: S311


os.register_at_fork(after_in_child=_after_fork)
