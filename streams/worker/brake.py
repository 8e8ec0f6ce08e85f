"""Stops the worker when dead letters are the rule rather than the exception (a circuit breaker)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from watchline.schemas.errors import FatalError

RATIO_WINDOW = 10_000  # events
MIN_EVENTS_FOR_RATIO = 1_000


class Brake:
    """Stops the worker when most events become dead letters, before it turns a whole topic into dead letters.

    Parameters
    ----------
    max_consecutive : int
        Dead letters in a row, in one partition, that stop it.
    max_ratio : float
        Share of dead letters, 0 to 1, among the last `RATIO_WINDOW` events that stops it, once there were
        `MIN_EVENTS_FOR_RATIO`.

    References
    ----------
    Nygard: "Release It!", chapter "Circuit Breaker", 2nd edition 2018.

    Examples
    --------
    >>> brake = Brake(max_consecutive=3, max_ratio=0.5)
    >>> brake.count("watchline.interactions", 0, [False, True, True])
    >>> try:
    ...     brake.count("watchline.interactions", 0, [True])
    ... except FatalError as error:
    ...     print(str(error).partition(":")[0])
    3 dead letters in a row in watchline.interactions[0]
    """

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._consecutive: dict[tuple[str, int], int] = {}
        self._window: deque[bool] = deque(maxlen=RATIO_WINDOW)

    def count(self, topic: str, partition: int, outcomes: Iterable[bool]) -> None:
        """Counts events of a partition, in order.

        Parameters
        ----------
        topic, partition
            Where the events came from.
        outcomes : iterable of bool
            True for each dead letter.

        Raises
        ------
        FatalError
            A limit is reached; it says what to do.
        """
        key = (topic, partition)
        for dead in outcomes:
            self._consecutive[key] = self._consecutive.get(key, 0) + 1 if dead else 0
            self._window.append(dead)
            if self._consecutive[key] >= self._max_consecutive:
                raise FatalError(
                    f"{self._consecutive[key]} dead letters in a row in {topic}[{partition}]: stopped. "
                    + _WHAT_TO_DO.format("CONSECUTIVE")
                )
        if len(self._window) >= MIN_EVENTS_FOR_RATIO and sum(self._window) > self._max_ratio * len(self._window):
            raise FatalError(
                f"{sum(self._window)} of the last {len(self._window)} events are dead letters: stopped. "
                + _WHAT_TO_DO.format("RATIO")
            )


_WHAT_TO_DO = (
    "Nothing is lost. `watchline dead-letters list --counts` shows the reasons: fix the cause and start again, "
    "or raise WATCHLINE_DEAD_LETTER_MAX_{} to read on past them; `watchline dead-letters replay` sends them back later"
)
