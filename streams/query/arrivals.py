"""Events as they are stored, each once: what has come since one looked last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchline.streams.query.run import Queries

# An insert is seen a while after the time that its rows bear; two of them not in the order of their times.
OVERLAP = timedelta(seconds=5)
MOST = 10_000  # events of one look; the next one goes on from there

_EVENTS = """
SELECT event_id, time, stored_at, app, prompt_name, prompt_version, error_type
FROM v_interactions
WHERE stored_at >= parseDateTime64BestEffort({since:String}, 3, 'UTC')
    AND ({app:String} = '' OR app = {app:String})
ORDER BY stored_at, time, event_id
LIMIT {most:UInt64}
"""
_FLAGS = """
SELECT event_id, detector, score, alert
FROM v_findings
WHERE flagged
    AND time >= parseDateTime64BestEffort({first:String}, 6, 'UTC')
    AND time <= parseDateTime64BestEffort({last:String}, 6, 'UTC')
    AND event_id IN
        (SELECT event_id FROM v_interactions WHERE stored_at >= parseDateTime64BestEffort({since:String}, 3, 'UTC'))
ORDER BY score DESC, detector
"""


@dataclass(frozen=True, slots=True)
class Flag:
    """A detector that flagged an event: its score, and whether that is an alert."""

    detector: str
    score: float | None
    alert: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """One stored event: its time (ISO 8601), whose it is, and what flagged it, the highest score first."""

    event_id: str
    time: str
    app: str
    prompt_name: str
    prompt_version: str
    error_type: str
    flags: tuple[Flag, ...]


class Arrivals:
    """Looks at what was stored since a moment, by the server's clock; by default since now. Not for several threads."""

    def __init__(self, queries: Queries, since: datetime | None = None, *, app: str = "") -> None:
        self.queries = queries
        self._app = app
        self._since = since or _moment(queries.query("SELECT now64(3, 'UTC')").rows[0][0])
        self._seen: dict[str, datetime] = {}

    def look(self) -> list[Arrival]:
        """Events that no look gave before, in the order in which they were stored. Raises what a query raises."""
        since = {"since": self._since.isoformat()}
        rows = self.queries.query(_EVENTS, {**since, "app": self._app, "most": str(MOST)}).rows
        new = [row for row in rows if row[0] not in self._seen]
        flags = self._flags(since, [row[1] for row in new])
        self._seen.update((row[0], _moment(row[2])) for row in new)
        if rows:
            last = _moment(rows[-1][2])
            self._since = last if len(rows) == MOST else max(self._since, last - OVERLAP)
            self._seen = {event_id: stored for event_id, stored in self._seen.items() if stored >= self._since}
        return [
            Arrival(event_id, time, app, prompt_name, prompt_version, error_type, tuple(flags[event_id]))
            for event_id, time, _, app, prompt_name, prompt_version, error_type in new
        ]

    def _flags(self, since: dict[str, str], times: Sequence[str]) -> dict[str, list[Flag]]:
        flags: dict[str, list[Flag]] = defaultdict(list)
        if times:
            moments = {"first": min(times, key=_moment), "last": max(times, key=_moment)}
            for event_id, *flag in self.queries.query(_FLAGS, {**since, **moments}).rows:
                flags[event_id].append(Flag(*flag))
        return flags


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
