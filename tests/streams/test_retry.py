"""What may pass by itself is tried again, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from watchline.schemas.errors import FatalError, TransientError
from watchline.streams.retry import retry


def failing(times: int, attempts: list[int]) -> Callable[[], str]:
    def function() -> str:
        attempts.append(len(attempts))
        if len(attempts) <= times:
            raise TransientError(f"attempt {len(attempts)}")
        return "done"

    return function


def test_pauses_double_up_to_the_longest_and_each_failure_is_told() -> None:
    pauses: list[float] = []
    told: list[str] = []
    done = retry(
        failing(6, []),
        timeout_s=1000,
        longest_pause_s=5,
        again=lambda error: told.append(str(error)),
        pause=pauses.append,
    )
    assert done == "done"
    assert pauses == [pytest.approx(near, rel=0.1) for near in (0.5, 1, 2, 4, 5, 5)]
    assert told == [f"attempt {number}" for number in range(1, 7)]
    assert len(set(pauses)) == 6  # many don't come at once


@pytest.mark.parametrize(("timeout_s", "attempts"), [(0, 1), (0.3, 1), (1.2, 2)])
def test_no_attempt_begins_after_the_time(timeout_s: float, attempts: int) -> None:
    made: list[int] = []
    told: list[BaseException] = []
    with pytest.raises(TransientError, match=f"attempt {attempts}$"):
        retry(failing(99, made), timeout_s=timeout_s, longest_pause_s=5, again=told.append)
    assert (len(made), len(told)) == (attempts, attempts - 1)


def test_who_is_told_to_stop_tries_no_more() -> None:
    made: list[int] = []
    with pytest.raises(TransientError, match="attempt 3"):
        retry(
            failing(99, made),
            timeout_s=1000,
            longest_pause_s=5,
            stopping=lambda: len(made) == 3,
            pause=lambda seconds: None,
        )


def test_what_will_not_pass_is_raised_at_once() -> None:
    made: list[int] = []

    def refused() -> None:
        made.append(1)
        raise FatalError("no")

    with pytest.raises(FatalError):
        retry(refused, timeout_s=1000, longest_pause_s=5)
    assert made == [1]
