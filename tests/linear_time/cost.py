"""What reading a text costs, and how that grows with its length."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from math import log

from tests.linear_time.hostile_texts import Hostile
from tests.linear_time.patterns import Regex

KIB = 1024
FLOOR_S = 0.002  # of the processor's time; less tells nothing of growth
_LONG_S = 0.1
_TRIES = 6  # what grows faster does so in each; a short text that fits a core's cache is now and then too fast
_ENOUGH_S = 2.0  # nothing linear takes as long for a text of 16 KiB: longer ones aren't tried


def reading(regex: Regex) -> Callable[[str], object]:
    """A function that reads a text with a regular expression, the way that the package does."""
    pattern = regex.pattern

    def read(text: str) -> None:
        subject = text if isinstance(pattern.pattern, str) else text.encode()
        for method in regex.methods:
            if method in ("match", "fullmatch", "search"):
                getattr(pattern, method)(subject)
            else:
                for _ in pattern.finditer(subject):
                    pass

    return read


def seconds(read: Callable[[str], object], text: str, *, times: int = 1) -> float:
    """The processor's time that reading a text takes, the best of so many."""
    taken: list[float] = []
    gc.disable()  # as timeit does: a collection goes through all that the process holds, models included
    try:
        while len(taken) < times and sum(taken) < _LONG_S:  # noise is a small part of what takes long
            started = time.thread_time()
            read(text)
            taken.append(time.thread_time() - started)
    finally:
        gc.enable()
    return min(taken)


def exponent(read: Callable[[str], object], hostile: Hostile, sizes: tuple[int, ...], *, most: float) -> float:
    """The power of a text's length that its cost grows with, over the last two of ascending sizes that are worth it.

    Where that is more than `most`, it is measured again and three times, as another process may have been in the way.
    """
    for tried in range(_TRIES):
        times: list[float] = []
        for size in sizes:
            times.append(seconds(read, hostile.text(size), times=3 if tried else 1))
            if times[-1] > _ENOUGH_S:
                break
        if len(times) < 2:
            return float("inf")
        first, last = times[0], times[-1]
        if last < FLOOR_S:
            return 0.0
        grown = log(last / max(first, FLOOR_S / 16)) / log(sizes[len(times) - 1] / sizes[0])
        if grown <= most:
            break
    return grown
