"""From when to when: as the page asks for it, and as SQL gets it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from watchline.schemas.errors import ConfigurationError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhd]))?")
# Seconds between the points of a line: what divides an hour or a day, so that points stand at round times.
STEPS = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
LEEWAY = timedelta(seconds=5)  # a browser that is handed back what was "now" a moment ago
MOST_STEPS = 2000
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Range:
    """Two moments in UTC."""

    start: datetime
    end: datetime

    def step_s(self, points: int) -> int:
        """Seconds between points, so that there are about as many as that.

        >>> six_hours = Range(datetime(2026, 1, 1, 0, tzinfo=UTC), datetime(2026, 1, 1, 6, tzinfo=UTC))
        >>> six_hours.step_s(100)
        300
        """
        least = (self.end - self.start).total_seconds() / max(points, 1)
        return next((step for step in STEPS if step >= least), STEPS[-1])

    def wanted_step_s(self, step_s: int) -> int:
        """The seconds between points that a reader wants. Raises ConfigurationError where there would be too many.

        >>> fourteen_days = Range(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC))
        >>> fourteen_days.wanted_step_s(86_400)
        86400
        """
        if step_s not in STEPS:
            raise ConfigurationError(f"an interval has {', '.join(map(str, STEPS))} seconds, not {step_s}")
        if (count := (self.end - self.start).total_seconds() / step_s) > MOST_STEPS:
            raise ConfigurationError(f"{count:.0f} intervals of {step_s} s are too many: take longer ones")
        return step_s


def read(start: str, end: str, *, now: datetime, zone: ZoneInfo) -> Range:
    """The range from `start` to `end`: `now-6h` and the like, or ISO 8601 with a zone.

    One that ends in the future is refused: nothing came then, and an answer without rows would read as an outage.

    Raises
    ------
    ConfigurationError
        Says what is wrong, with both times in the page's zone.

    Examples
    --------
    >>> now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> read("now-30m", "now", now=now, zone=ZoneInfo("UTC")).start.isoformat()
    '2026-01-01T11:30:00+00:00'
    """
    now = now.replace(microsecond=0)  # as the panels' SQL has it: what counts and what lists have the same ends
    first, last = _moment(start, now), _moment(end, now)
    said = f"from {_words(first, zone)} to {_words(last, zone)}; now it is {_words(now, zone)}"
    if last > now + LEEWAY:
        raise ConfigurationError(f"the range ends in the future: {said}")
    if last - first < SHORTEST:
        raise ConfigurationError(f"the range ends before it begins: {said}")
    return Range(first, min(last, now))


def _moment(text: str, now: datetime) -> datetime:
    if match := _RELATIVE.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])}) if match[1] else now
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or not 1971 <= time.year <= 2260:
        raise ConfigurationError(f"{text[:60]!r} is no time: want now, now-6h (s, m, h, d), or ISO 8601 with its zone")
    return time.astimezone(UTC)


def _words(time: datetime, zone: ZoneInfo) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S} {zone.key}"
