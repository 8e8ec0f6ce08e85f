"""Retries what fails for now: with pauses that double, for a bounded time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay, wait_exponential

from watchline.schemas.errors import TransientError

FIRST_PAUSE_S = 0.5
T = TypeVar("T")


def retry(
    function: Callable[[], T],
    *,
    timeout_s: float,
    longest_pause_s: float,
    again: Callable[[BaseException], object] = lambda error: None,
    stopping: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
) -> T:
    """Calls a function until it raises no TransientError.

    Parameters
    ----------
    function : callable
        Takes nothing.
    timeout_s : float
        Seconds since the first attempt after which no other begins; 0 for a single attempt.
    longest_pause_s : float
        Seconds between two attempts at most. Pauses begin at `FIRST_PAUSE_S` and double; each is up to a tenth longer
        or shorter, so that many processes don't retry at once.
    again : callable
        Gets each error that another attempt follows, before the pause.
    stopping : callable
        Once it returns true, there is no other attempt.
    pause : callable
        Waits for so many seconds.

    Returns
    -------
    What the function returns.

    Raises
    ------
    TransientError
        That of the last attempt. Other errors of the function are raised at once.

    Examples
    --------
    >>> failures = [TransientError("the store is busy")]
    >>> def ask():
    ...     if failures:
    ...         raise failures.pop()
    ...     return "stored"
    >>> retry(ask, timeout_s=30, longest_pause_s=5, again=print, pause=lambda seconds: None)
    the store is busy
    'stored'
    """
    doubling = wait_exponential(multiplier=FIRST_PAUSE_S, max=longest_pause_s)
    time_is_over = stop_before_delay(timeout_s)

    def tell(state: RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            again(error)

    attempts = Retrying(
        retry=retry_if_exception_type(TransientError),
        stop=lambda state: stopping() or time_is_over(state),
        wait=lambda state: doubling(state) * random.uniform(0.9, 1.1),  # noqa: S311
        before_sleep=tell,
        sleep=pause,
        reraise=True,
    )
    return attempts(function)
