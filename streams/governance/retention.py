"""For how long each class of data is kept, and which holds keep some of it longer, as the log says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from watchline.streams.governance.acts import NotAllowed

if TYPE_CHECKING:
    from watchline.schemas.records import GovernanceEvent
    from watchline.streams.governance.fold import State

# The shorter first. Text for as long as a complaint takes; rows for the six months for which deployers keep logs (EU AI
# Act, article 26); counts, in which nobody is, for two years. The audit trail has none: it goes by `log_trimmed` alone.
DEFAULTS: Mapping[str, int] = {"text": 30, "rows": 184, "metrics": 730}
MOST_DAYS = 9_999


@dataclass(slots=True)
class Retention:
    """What people have set: days by target (`text`, `text/app:NAME`), and the last days of the holds that have one."""

    days: dict[str, int] = field(default_factory=dict)
    holds_until: dict[str, date] = field(default_factory=dict)

    def days_of(self, kind: str, app: str = "") -> int:
        """The whole days for which a class is kept, of an app or of all that have none of their own.

        >>> Retention({"text": 14, "text/app:shop": 7}).days_of("text", "shop")
        7
        """
        return self.days.get(f"{kind}/app:{app}", self.days.get(kind, DEFAULTS[kind]))

    def apps(self) -> list[str]:
        """The apps that have days of their own."""
        return sorted({name for target in self.days if (name := target.partition("/app:")[2])})


def last_day(event: GovernanceEvent) -> date | None:
    """The last day of a hold; None where it has none. Raises NotAllowed where what is said is no date."""
    until = event.details.get("until")
    try:
        return date.fromisoformat(until) if until is not None else None
    except ValueError:
        raise NotAllowed("until is a date, such as 2027-01-31") from None


def holds(state: State) -> list[tuple[str, str, date | None]]:
    """What is held, those included that have ended: `tenant`, `app` or `event`, its name, and the last day."""
    until = state.retention.holds_until
    found = ((*target.partition(":")[::2], until.get(hold)) for hold, target in state.holds.items())
    return sorted(found, key=str)


def holds_in_force(state: State, zone: str) -> dict[str, str]:
    """Those that have not ended: id to what is held. One lasts to the end of the day that it names, in that zone."""
    today, until = datetime.now(ZoneInfo(zone)).date(), state.retention.holds_until
    return {hold: target for hold, target in state.holds.items() if until.get(hold, today) >= today}


def _retention_set(state: State, event: GovernanceEvent, position: int) -> None:
    kind, of_app, app = event.target.partition("/app:")
    if kind == "audit":
        raise NotAllowed("the audit trail goes by log_trimmed alone, which leaves a signed seam")
    if kind not in DEFAULTS or bool(of_app) != bool(app):
        raise NotAllowed(f"what is set is {', '.join(DEFAULTS)}, or one of them with /app:NAME")
    days = event.details["days"]
    if not (days.isascii() and days.isdecimal() and 1 <= int(days) <= MOST_DAYS):
        raise NotAllowed(f"days are a whole number from 1 to {MOST_DAYS}")
    wanted = Retention({**state.retention.days, event.target: int(days)})
    for each in ("", *wanted.apps()):
        found = [wanted.days_of(kind, each) for kind in DEFAULTS]
        if found != sorted(found):
            of = f" of {each}" if each else ""
            said = ", ".join(f"{kind} {n}" for kind, n in zip(DEFAULTS, found, strict=True))
            raise NotAllowed(f"text is kept no longer than rows, rows no longer than metrics; days{of} were: {said}")
    state.retention.days = wanted.days


CHANGES: Mapping[str, Callable[[Any, GovernanceEvent, int], None]] = {"retention_set": _retention_set}
