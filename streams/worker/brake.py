"""Stops the worker when dead letters are the rule in every app, rather than the exception (a circuit breaker)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchline.schemas.errors import FatalError, Kind

OUR_FAULTS = frozenset({Kind.REDACTION, Kind.REFUSED})
"""The kinds of dead letters that take a fault of ours: the events are readable and valid."""
RATIO_WINDOW = 10_000  # events of an app
MIN_EVENTS_FOR_RATIO = 1_000
SEEN_WITHIN = 3_600_000_000  # microseconds
MOST_APPS = 1_000
MOST_CHARACTERS = 200  # of a name


@dataclass(slots=True)
class _App:
    seen: int = 0  # Kafka's time of its last event
    consecutive: int = 0
    events: int = 0
    dead: int = 0


class Brake:
    """Stops the worker before a fault of Watchline's own turns a whole topic into dead letters.

    An app whose events alone die, for whatever reason, never stops it: the others' events go on. It stops when several
    apps have sent something within an hour and every one of them is over a limit. What can't be decoded, is invalid or
    is killed may be the sender's doing, and is not counted.

    Parameters
    ----------
    max_consecutive : int
        Dead letters of an app in a row: its limit.
    max_ratio : float
        Share of dead letters, 0 to 1, among about the last `RATIO_WINDOW` events of an app, once there were
        `MIN_EVENTS_FOR_RATIO`: its other limit.

    References
    ----------
    Nygard: "Release It!", chapter "Circuit Breaker", 2nd edition 2018.

    Examples
    --------
    >>> brake = Brake(max_consecutive=3, max_ratio=0.5)
    >>> brake.count(1_700_000_000_000_000, [("shop", True)] * 1000)
    >>> try:
    ...     brake.count(1_700_000_000_000_000, [("bank", True)] * 3)
    ... except FatalError as error:
    ...     print(str(error).partition(":")[0])
    dead letters are the rule in each of 2 apps
    """

    def __init__(self, max_consecutive: int, max_ratio: float) -> None:
        self._max_consecutive = max_consecutive
        self._max_ratio = max_ratio
        self._apps: dict[str, _App] = {}

    def count(self, time: int, outcomes: Iterable[tuple[str, bool]]) -> None:
        """Counts events of a message.

        Parameters
        ----------
        time : int
            Kafka's time of it, in microseconds since 1970.
        outcomes : iterable of (str, bool)
            For each event that was read and valid its app, and whether it is a dead letter all the same.

        Raises
        ------
        FatalError
            Every app is over a limit; it says what to do.
        """
        over = False
        for name, dead in outcomes:
            app = self._app(name)
            app.seen = max(app.seen, time)
            app.consecutive = app.consecutive + 1 if dead else 0
            app.events += 1
            app.dead += dead
            if app.events == RATIO_WINDOW:
                app.events, app.dead = app.events // 2, app.dead // 2
            over = over or (dead and self._is_over(app))
        if over:
            self._stop_where_all_are()

    def _app(self, name: str) -> _App:
        name = name[:MOST_CHARACTERS]
        if name not in self._apps and len(self._apps) == MOST_APPS:
            del self._apps[min(self._apps, key=lambda known: self._apps[known].seen)]
        return self._apps.setdefault(name, _App())

    def _is_over(self, app: _App) -> bool:
        return app.consecutive >= self._max_consecutive or (
            app.events >= MIN_EVENTS_FOR_RATIO and app.dead > self._max_ratio * app.events
        )

    def _stop_where_all_are(self) -> None:
        newest = max(app.seen for app in self._apps.values())
        seen = [app for app in self._apps.values() if app.seen > newest - SEEN_WITHIN]
        if len(seen) > 1 and all(map(self._is_over, seen)):
            raise FatalError(
                f"dead letters are the rule in each of {len(seen)} apps: stopped. Nothing is lost. "
                "`watchline dead-letters list --counts` shows the reasons: fix the cause and start again, or raise "
                "WATCHLINE_DEAD_LETTER_MAX_CONSECUTIVE and WATCHLINE_DEAD_LETTER_MAX_RATIO to read on past them; "
                "`watchline dead-letters replay` sends them back later"
            )
