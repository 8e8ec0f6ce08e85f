"""Whether the engine that evaluates the alert rules does so, for who must not say that all is well when it doesn't."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from watchline.schemas.errors import WatchlineError
from watchline.streams.kafka.alert_journal import AlertJournal
from watchline.streams.settings import Settings

HEALTH = "health/engine"  # which the engine writes every 15 s, after it has evaluated
LATE_S = 180.0
FORGOTTEN_S = 86_400.0  # nobody evaluates any more, and nobody is missed


class RulesWatch:
    """Reads the engine's own record of how it is, and each time only what has come since.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal: AlertJournal | None = None
        self._evaluated: float | None = None

    def unwell(self) -> str:
        """Since when an engine that ran within a day has evaluated nothing; empty where all is well. Blocks."""
        if self._settings.alerts != "engine":
            return ""
        try:
            if self._journal is None:
                journal = AlertJournal(self._settings, evaluates=False)
                news = journal.load()
                self._journal = journal
            else:
                news = {key: record for key, record in self._journal.changes() if record is not None}
        except WatchlineError as error:
            return f"whether the alert rules are evaluated can't be read: {error}"
        if HEALTH in news:
            self._evaluated = float(news[HEALTH]["at"])
        if self._evaluated is None or not LATE_S < time.time() - self._evaluated < FORGOTTEN_S:
            return ""
        return f"no alert rule was evaluated since {datetime.fromtimestamp(self._evaluated, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def close(self) -> None:
        """Ends."""
        if self._journal is not None:
            self._journal.close()
