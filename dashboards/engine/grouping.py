"""Incidents: one notification a cause. Pure: no clock, no I/O.

Alerts of one app that are about the same (`Rule.about`) are one incident while any of them lasts, and for `HOLD_S`
after: what fires, clears and fires again within it is one notification. What begins within `JOIN_S` of the last news
has the same cause, as far as anybody can tell; later, what has another runbook is news. What has the same runbook and
begins in other apps within `SPREAD_S` has one cause too: a deployment, a provider.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from watchline.dashboards.definitions import OF_WATCHLINE
from watchline.dashboards.engine.state_machine import Labels, labels

HOLD_S = 60.0
JOIN_S, SPREAD_S = 1800.0, 1800.0
MOST_PARTS = 200
RANK = {"warning": 1, "critical": 2}

Kind = Literal["began", "again", "update", "ended", "over"]
Key = tuple[str, Labels]  # of a part: its rule and labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One alert of an incident, with its texts as they are told. Of those as severe, the highest `lead` comes first.

    `about`, `title`, `board`, `panel` and `runbook` are its rule's; `window` is the last in which it was bad.
    """

    rule: str
    labels: Labels
    severity: str
    started: float
    about: str = "app"
    title: str = ""
    board: str = ""
    panel: int = 0
    runbook: str = ""
    window: tuple[float, float] = (0.0, 0.0)
    ended: float | None = None
    value: float | None = None
    lead: float = 0.0
    summary: str = ""
    description: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """By which an incident knows it."""
        return self.rule, self.labels

    @property
    def place(self) -> tuple[str, str, str]:
        """What it is about, in which app and environment."""
        of = {} if self.about == OF_WATCHLINE else dict(self.labels)
        return self.about, of.get("app", ""), of.get("environment", "")

    def record(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {name: getattr(self, name) for name in _PART} | {"labels": dict(self.labels)}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Part:
        """From what `record` gave."""
        known = {name: record[name] for name in _PART}
        return cls(**{**known, "window": tuple(record["window"]), "labels": labels(record["labels"])})


_PART = (
    "rule", "severity", "started", "about", "title", "board", "panel", "runbook", "window", "ended", "value", "lead",
    "summary", "description", "details",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told last: which news, what stood in it, when, and whether that it was over."""

    news: int
    content: str
    at: float
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Alerts of one cause.

    Parameters
    ----------
    id : str
    key : str
        By which a receiver knows it: severity and texts are no part of it.
    opened, closed : float
        Seconds since 1970: from when on it was bad, until when.
    noticed : float
        When people were to be told first.
    parts : mapping of Key to Part
        At most `MOST_PARTS`; `more` counts the others.
    news : int
        Rises with all that people must be told of again: that it began, is more severe or of another kind, still lasts,
        is over.
    highest : str
        The highest severity that it had.
    quiet_since : float, optional
        Since when none of its parts lasts.
    reason : str
        Why it is over, where that isn't because it got better.
    told : mapping of str to Told
        By channel.
    owed : tuple of str
        The channels that should have been told while it lasted.
    """

    id: str
    key: str
    opened: float
    noticed: float = 0.0
    closed: float | None = None
    parts: Mapping[Key, Part] = field(default_factory=dict)
    more: int = 0
    news: int = 1
    news_at: float = 0.0
    highest: str = "warning"
    quiet_since: float | None = None
    reason: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)
    owed: tuple[str, ...] = ()

    @property
    def lasting(self) -> list[Part]:
        """The parts that last: the most severe first, of these the highest lead, then the oldest."""
        return _in_order(part for part in self.parts.values() if part.ended is None)

    @property
    def first(self) -> Part:
        """The part that names it: of those that last, else of all."""
        return (self.lasting or _in_order(self.parts.values()))[0]

    @property
    def severity(self) -> str:
        """Of the worst part that lasts; where none does, the highest that it had."""
        return max((part.severity for part in self.lasting), key=RANK.__getitem__, default=self.highest)

    def record(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {name: getattr(self, name) for name in _INCIDENT} | {
            "parts": [part.record() for part in self.parts.values()],
            "told": {name: [told.news, told.content, told.at, told.ended] for name, told in self.told.items()},
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Incident:
        """From what `record` gave."""
        parts = [Part.of(each) for each in record["parts"]]
        known = {name: record[name] for name in _INCIDENT}
        return cls(
            **{**known, "owed": tuple(record["owed"])},
            parts={part.key: part for part in parts},
            told={name: Told(*told) for name, told in record["told"].items()},
        )


_INCIDENT = (
    "id", "key", "opened", "noticed", "closed", "more", "news", "news_at", "highest", "quiet_since", "reason", "owed",
)  # fmt: skip


def opened(part: Part, at: float) -> Incident:
    """A new incident of one alert: nothing was told yet, so that its severity is no news."""
    key = hashlib.sha256("\0".join(part.place).encode()).hexdigest()[:32]
    return Incident(
        id=f"{key[:16]}-{int(at)}",
        key=key,
        opened=part.started,
        noticed=at,
        news_at=at,
        highest=part.severity,
        parts={part.key: part},
    )


def home(incidents: Iterable[Incident], part: Part, at: float) -> Incident | None:
    """The open incident to which an alert belongs: that which has it, else its app's, else one that spreads."""
    there = [each for each in incidents if each.closed is None]

    def spreads(incident: Incident) -> bool:
        return at - incident.noticed <= SPREAD_S and any(
            (each.about, each.runbook) == (part.about, part.runbook) for each in incident.parts.values()
        )

    return (
        next((each for each in there if part.key in each.parts), None)
        or next((each for each in there if any(part.place == other.place for other in each.parts.values())), None)
        or next((each for each in there if spreads(each)), None)
    )


def add(incident: Incident, part: Part, at: float, *, began: bool = True) -> Incident:
    """The incident with one more part, or one that is worse, better worded, or back.

    A raised severity is news, and another runbook where neither an alert of that nor any news is within `JOIN_S`.
    """
    known = incident.parts.get(part.key)
    if known is None and len(incident.parts) >= MOST_PARTS:
        return replace(incident, more=incident.more + began, quiet_since=None)
    if known is not None:
        part = replace(part, started=min(known.started, part.started))
    raised = RANK[part.severity] > RANK[incident.highest]
    runbooks = {each.runbook for each in incident.parts.values() if each.ended is None or at - each.ended <= JOIN_S}
    is_news = raised or (part.runbook not in runbooks and at - incident.news_at > JOIN_S)
    return replace(
        incident,
        parts={**incident.parts, part.key: part},
        quiet_since=None,
        highest=part.severity if raised else incident.highest,
        news=incident.news + is_news,
        news_at=at if is_news else incident.news_at,
    )


def end(incident: Incident, of: Key, at: float, reason: str = "") -> Incident:
    """The incident without a part: it ended."""
    if of not in incident.parts:
        return replace(incident, more=max(0, incident.more - 1))
    parts = {**incident.parts, of: replace(incident.parts[of], ended=at)}
    quiet = all(part.ended is not None for part in parts.values())
    return replace(incident, parts=parts, quiet_since=at if quiet else None, reason=reason if quiet else "")


def settle(incident: Incident, at: float, *, hold_s: float = HOLD_S) -> Incident:
    """The incident, closed where it has been quiet for so long."""
    if incident.closed is not None or incident.quiet_since is None or at - incident.quiet_since < hold_s:
        return incident
    return replace(incident, closed=incident.quiet_since, news=incident.news + 1, news_at=at)


def repeat(incident: Incident, at: float, *, every_s: float, acknowledged: bool) -> Incident:
    """The incident as news again, where it lasts so long that nobody seems to know."""
    if acknowledged or incident.closed is not None or incident.quiet_since is not None:
        return incident
    if every_s <= 0 or at - incident.news_at < every_s:
        return incident
    return replace(incident, news=incident.news + 1, news_at=at)


def heard(incident: Incident, is_silenced: Callable[[Part], bool]) -> list[Part]:
    """The parts of which people are told."""
    return [part for part in incident.lasting if not is_silenced(part)]


def content(parts: list[Part]) -> str:
    """A fingerprint of which alerts an incident has now, and how severe they are."""
    words = repr([(part.key, part.severity) for part in sorted(parts, key=lambda part: part.key)])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _in_order(parts: Iterable[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: (-RANK[part.severity], -part.lead, part.started, part.key))


def wanted(
    incident: Incident,
    channel: str,
    parts: list[Part],
    at: float,
    *,
    updates: bool = False,
    after_s: float = 0.0,
    acknowledged: bool = False,
) -> Kind | None:
    """What a channel must be told of an incident now; None where it knows all.

    Parameters
    ----------
    incident : Incident
    channel : str
    parts : list of Part
        Those of `heard`.
    at : float
    updates : bool
        Whether the channel changes what it has shown, so that no one is called again by a change.
    after_s : float
        The channel is a second step: it is told after so long, and only where nobody has acknowledged.
    acknowledged : bool
    """
    told = incident.told.get(channel)
    if incident.closed is not None:
        if told is None:
            return "over" if channel in incident.owed else None
        return None if told.ended else "ended"
    if not parts:
        return None
    if told is None:
        early = after_s > 0 and (acknowledged or at < incident.noticed + after_s)
        return None if early else "began"
    if told.news < incident.news:
        return "again"
    return "update" if updates and told.content != content(parts) else None
