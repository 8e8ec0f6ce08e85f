"""How much of an app is scored: what it sends beyond is stored without texts, so that others don't wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

WINDOW_S = 10  # a burst may take what is meant for so long
MOST_WINDOWS = 10_000
MOST_CHARACTERS = 200  # of a name

Limit = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class AppBudget:
    """A table `[app_budgets.APP]`: what of an app a worker scores. None: all.

    Attributes
    ----------
    events_per_s, bytes_per_s : float or None
        Over each ten seconds of Kafka's time. The bytes are those of the messages.
    """

    events_per_s: Limit | None = None
    bytes_per_s: Limit | None = None


class AppBudgets:
    """Counts what apps send against their budgets.

    It counts by Kafka's time, in fixed windows of `WINDOW_S`: neither how fast messages are read nor in which order
    their partitions are changes what fits, and a message that is read again finds the same window. What was counted
    before a restart is forgotten, so the window that it falls into may take twice as much.

    Parameters
    ----------
    default : AppBudget
        Of apps that have none of their own.
    of_apps : mapping of str to AppBudget
        By app, in place of the default.
    share : float
        The part of each budget that this process has, where others take from it too.

    Examples
    --------
    >>> budgets = AppBudgets(AppBudget(events_per_s=0.2), {"bank": AppBudget()})
    >>> [budgets.take("shop", 1_700_000_000_000_000, 900) for _ in range(3)]
    [True, True, False]
    >>> budgets.take("bank", 1_700_000_000_000_000, 900), budgets.take("shop", 1_700_000_010_000_000, 900)
    (True, True)
    """

    def __init__(self, default: AppBudget, of_apps: Mapping[str, AppBudget], share: float = 1.0) -> None:
        self._default = default
        self._of_apps = of_apps
        self._seconds = WINDOW_S * share
        self._taken: dict[tuple[str, int], tuple[int, float]] = {}

    @property
    def limited(self) -> bool:
        """Whether any app has a budget."""
        return any(budget != AppBudget() for budget in (self._default, *self._of_apps.values()))

    def take(self, app: str, time: int, size: float) -> bool:
        """Takes an event out of an app's budget; False where it doesn't fit, and then it takes nothing.

        Parameters
        ----------
        app : str
        time : int
            Kafka's time of the event, in microseconds since 1970.
        size : float
            Its bytes.
        """
        budget = self._of_apps.get(app, self._default)
        window = (app[:MOST_CHARACTERS], time // (WINDOW_S * 1_000_000))
        events, taken = self._taken.get(window, (0, 0.0))
        events, taken = events + 1, taken + size
        if budget.events_per_s is not None and events > budget.events_per_s * self._seconds:
            return False
        if budget.bytes_per_s is not None and taken > budget.bytes_per_s * self._seconds:
            return False
        self._taken[window] = events, taken
        if len(self._taken) > MOST_WINDOWS:
            del self._taken[next(iter(self._taken))]  # the one that was begun first
        return True
