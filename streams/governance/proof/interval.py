"""The hours that a proof is about: from the beginning of one to that of another, which is not part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from watchline.schemas.errors import ConfigurationError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SETTLED = timedelta(minutes=10)  # what was stored less long ago may be in flight: the ledger comes last


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed-open interval of whole hours, in UTC.

    Examples
    --------
    >>> day = Interval.of(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    >>> str(day), len([*day.days])
    ('2026-01-02T00:00:00Z/2026-01-03T00:00:00Z', 1)
    >>> Interval.of(day.end, day.start)
    Traceback (most recent call last):
    ...
    watchline.schemas.errors.ConfigurationError: the interval ends (2026-01-02T00:00:00Z) before it begins \
(2026-01-03T00:00:00Z)
    """

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime, *, now: datetime | None = None) -> Self:
        """Raises ConfigurationError where it is none, or is not over for as long as events are in flight."""
        now = now or datetime.now(UTC)
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        for each in (start, end):
            if whole(each) != each:
                raise ConfigurationError(
                    f"{stamp(each)} is within an hour, and the ledger counts whole ones: say {stamp(whole(each))} or "
                    f"{stamp(whole(each) + HOUR)}"
                )
        if end < start:
            raise ConfigurationError(f"the interval ends ({stamp(end)}) before it begins ({stamp(start)})")
        if end == start:
            raise ConfigurationError(f"the interval is empty: it begins and ends at {stamp(start)}")
        if end > now - SETTLED:
            raise ConfigurationError(
                f"the interval ends at {stamp(end)}, and it is {stamp(now)}: what came within ten minutes may still be "
                "in flight"
            )
        return cls(start, end)

    @property
    def days(self) -> Iterator[tuple[datetime, datetime]]:
        """Its days, the first and the last as far as they are in it."""
        begin = self.start
        while begin < self.end:
            end = min(begin.replace(hour=0) + DAY, self.end)
            yield begin, end
            begin = end

    def __str__(self) -> str:
        return f"{stamp(self.start)}/{stamp(self.end)}"


def whole(time: datetime) -> datetime:
    """The beginning of its hour."""
    return time.replace(minute=0, second=0, microsecond=0)


def stamp(time: datetime) -> str:
    """A time as text, to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
