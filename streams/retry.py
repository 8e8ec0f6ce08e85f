"""What may pass by itself, tried again: with pauses that double, for a bounded time."""

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
    """Calls a function until it raises no TransientError; raises its last one when the time is over.

    Parameters
    ----------
    timeout_s : after which no attempt begins; 0: one attempt
    longest_pause_s : between two attempts; each is up to a tenth longer or shorter, so that many don't come at once
    again : told of each failure after which there is another attempt
    stopping : once true, nothing is tried again
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
