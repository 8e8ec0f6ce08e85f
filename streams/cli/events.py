"""How the commands name an event, in a line."""

from __future__ import annotations

from datetime import UTC, datetime

from watchline.streams.cli.output import colour, safe
from watchline.streams.query.arrivals import Arrival


def line(arrival: Arrival) -> str:
    """One event: its time (UTC), app, prompt version, what was flagged, id."""
    flags = ", ".join(flag(each.detector, each.score, alert=each.alert) for each in arrival.flags)
    said = colour(safe(f"flagged: {flags}"), "red") if flags else "nothing flagged"
    if arrival.error_type:
        said += colour(safe(f", error: {arrival.error_type}"), "yellow")
    named = safe(prompt(arrival.prompt_name, arrival.prompt_version))
    return "  ".join([clock(arrival.time), safe(arrival.app), named, said, colour(arrival.event_id, "dim")])


def flag(detector: str, score: float | None, *, alert: bool) -> str:
    """A detector that flagged, its score and whether that is an alert.

    >>> flag("groundedness", 0.914, alert=True)
    'groundedness 0.91 ALERT'
    """
    return f"{detector}{'' if score is None else f' {score:.2f}'}{' ALERT' if alert else ''}"


def prompt(name: str, version: str) -> str:
    """The prompt that was served.

    >>> prompt("answer", "7"), prompt("", "")
    ('answer@7', 'no prompt named')
    """
    return f"{name}@{version}" if name else "no prompt named"


def clock(time: str) -> str:
    """An event's time, in UTC; the day only where it isn't today."""
    moment = datetime.fromisoformat(time)
    return f"{moment:%H:%M:%S}" if moment.date() == datetime.now(UTC).date() else f"{moment:%Y-%m-%d %H:%M:%S}"
