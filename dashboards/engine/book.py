"""What is known of alerts, from the journal's records: the same for the engine, the page and the command line."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from watchline.dashboards.engine import silences, standing
from watchline.dashboards.engine.grouping import Incident, Part
from watchline.dashboards.engine.journal import Journal, Record
from watchline.dashboards.engine.notification import iso
from watchline.dashboards.engine.silences import Matcher, Silence
from watchline.dashboards.engine.texts import duration_words
from watchline.schemas.errors import ConfigurationError

MOST_HISTORY = 500
SILENT_S = 60.0  # without a word of an evaluator
Recorded = Callable[[str, str, Mapping[str, str], Mapping[str, str]], None]
Matchers = (
    Mapping[str, str] | Sequence[str | Matcher]
)  # labels and what they are, or matchers, also as they are written


class Book:
    """Alerts, incidents, silences and acknowledgements.

    Parameters
    ----------
    journal : Journal
    clock : callable
        Gives the time, with a zone.
    """

    def __init__(self, journal: Journal, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = threading.RLock()
        self.journal = journal
        self.clock = clock
        self.rules: dict[str, Record] = {}
        self.incidents: dict[str, Incident] = {}
        self.evaluated: dict[str, float] = {}
        self._silences: dict[str, Silence] = {}
        self._acknowledged: dict[str, Record] = {}
        self._history: dict[int, Record] = {}
        self._health: Record | None = None
        self.recorded: Recorded = lambda action, target, details, texts: None  # told of people's acts and of incidents

    def load(self) -> None:
        """Reads everything anew. Raises what the journal raises."""
        records = self.journal.load()
        with self.lock:
            for known in (self.rules, self.incidents, self._acknowledged, self._history, self.evaluated):
                known.clear()
            for key, record in records.items():
                self.apply(key, record)

    def refresh(self) -> None:
        """Reads what others have written since. Raises what the journal raises."""
        changes = self.journal.changes()
        with self.lock:
            for key, record in changes:
                self.apply(key, record)

    def apply(self, key: str, record: Record | None) -> None:
        """Takes in one record. One that can't be read, of a later version, is left out."""
        kind, _, name = key.partition("/")
        try:
            if kind == "silence" and record is not None:
                self._silences[name] = silences.newer(self._silences.get(name), Silence.of(record))
            elif kind == "clock":
                _put(self.evaluated, name, None if record is None else float(record["at"]))
            elif kind == "history" and record is not None:
                self._history[int(record["number"])] = record
                self._history.pop(int(record["number"]) - MOST_HISTORY, None)
            elif kind == "incident":
                _put(self.incidents, name, None if record is None else Incident.of(record))
            elif kind == "health":
                self._health = record
            elif kind == "ack":
                _put(self._acknowledged, name, record)
            elif kind == "rule":
                if record is not None:
                    _ = [record[name] for name in _RULE], [each["severity"] for each in record["alerts"]]
                _put(self.rules, name, record)
        except (KeyError, TypeError, ValueError):
            return

    def write(self, records: Mapping[str, Record | None]) -> None:
        """Writes records and takes them in, once they are safe. Raises what the journal raises."""
        self.journal.append(records)
        with self.lock:
            names = [key.removeprefix("incident/") for key in records if key.startswith("incident/")]
            before = {name: self.incidents.get(name) for name in names}
            for key, record in records.items():
                self.apply(key, record)
            after = [each for name in names if (each := self.incidents.get(name)) is not None]
        for incident in after:
            self._record(incident, before[incident.id])

    def _record(self, incident: Incident, before: Incident | None) -> None:
        """That it began, and that it is over, is told once each."""
        first, closed = incident.first, incident.closed
        _, app, environment = first.place
        if before is None:
            details = {"rule": first.rule, "severity": first.severity, "from": str(iso(incident.opened))}
            details |= {name: value for name, value in (("app", app), ("environment", environment)) if value}
            self.recorded("incident_began", incident.id, details, {"labels": _written(dict(first.labels))})
        if closed is not None and (before is None or before.closed is None):
            details = {"severity": incident.highest, "to": str(iso(closed))}
            self.recorded("incident_ended", incident.id, details, {})

    # What the page shows and does.

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert that isn't normal, the most severe first, and each rule that can't be evaluated."""
        with self.lock:
            found = [self._alert(uid, rule, alert) for uid, rule in self.rules.items() for alert in rule["alerts"]]
            found += [self._failed(uid, rule) for uid, rule in self.rules.items() if rule.get("failure")]
        order = {"firing": 0, "recovering": 1, "no_data": 2, "error": 3, "pending": 4}
        return sorted(
            found, key=lambda each: (each["severity"] != "critical", order[each["state"]], each["since"] or "")
        )

    def standing(self, zone: str = "UTC") -> list[dict[str, Any]]:
        """How each rule stood when the engine evaluated it last: those that fire first."""
        silenced = partial(self.silenced, at=self.now())
        with self.lock:
            found = [standing.of(uid, rule, partial(silenced, uid), zone) for uid, rule in self.rules.items()]
        return sorted(found, key=lambda each: (not each["fires"], each["state"] == "normal", each["rule"]))

    def silences(self) -> list[dict[str, Any]]:
        """Every silence that hasn't ended, and those that ended within a day; the longest first."""
        at = self.now()
        with self.lock:
            known = [*self._silences.values()]
        shown = [each for each in known if (each.ended if each.ended is not None else each.until) > at - 86_400]
        return [
            {
                "id": each.id,
                "matchers": {
                    matcher.name: f"{'=~ ' if matcher.is_pattern else ''}{matcher.value}" for matcher in each.matchers
                },
                "matches": [str(matcher) for matcher in each.matchers],
                "made": iso(each.made),
                "until": _iso_or_never(each.until),
                "who": each.who,
                "why": each.why,
                "holds": each.holds(at),
                "ended": iso(each.ended),
                "ended_by": each.ended_by,
                "overlong": each.is_overlong,
            }
            for each in sorted(shown, key=lambda each: -each.until)
        ]

    def silence(self, matchers: Matchers, until: datetime, who: str, why: str, *, everything: bool = False) -> str:
        """Makes a silence and gives its id. Raises ConfigurationError where it is refused."""
        made = silences.make(
            _matchers(matchers), at=self.now(), until=until.timestamp(), who=who, why=why, everything=everything
        )
        self.write({f"silence/{made.id}": made.record()})
        texts = {"who": who, "matchers": " ".join(str(each) for each in made.matchers) or "all", "reason": why}
        self.recorded("silenced", made.id, {"until": _iso_or_never(made.until) or "never"}, texts)
        return made.id

    def preview(self, matchers: Matchers) -> list[dict[str, Any]]:
        """The alerts that such a silence would keep quiet. Raises ConfigurationError where a matcher is none."""
        tried = Silence(id="", matchers=tuple(_matchers(matchers)), made=0, until=0, who="", why="")
        return [
            alert
            for alert in self.alerts()
            if silences.covers(tried, _all_labels(alert["labels"], alert["rule"], alert["severity"]))
        ]

    def end_silence(self, id: str, who: str = "") -> None:
        """Ends a silence for good. Raises ConfigurationError where there is none."""
        with self.lock:
            known = self._silences.get(id)
        if known is None:
            raise ConfigurationError(f"there is no silence {id}")
        self.write({f"silence/{id}": silences.end(known, at=self.now(), who=who).record()})
        self.recorded("silence_ended", id, {}, {"who": who})

    def acknowledge(self, rule: str, labels: Mapping[str, str], who: str) -> None:
        """Says that somebody looks after the incident of this alert. Raises ConfigurationError where there is none."""
        incident = self.open_incident(rule, labels)
        if incident is None:
            raise ConfigurationError("there is no such incident now")
        if not who.strip():
            raise ConfigurationError("an acknowledgement needs who gives it")
        self.write({f"ack/{incident.id}": {"who": who, "at": self.now()}})
        self.recorded("acknowledged", rule, {"incident": incident.id}, {"who": who, "labels": _written(labels)})

    def history(self) -> list[dict[str, Any]]:
        """What changed, the latest first."""
        with self.lock:
            return [dict(self._history[number]) for number in sorted(self._history, reverse=True)]

    def trouble(self) -> list[str]:
        """What keeps people from being told, in a sentence each: no evaluator, a channel that doesn't take messages."""
        health, at = self._health, self.now()
        if health is None:
            return ["No evaluator has run yet: `watchline alerts run` is one."]
        found = []
        if at - float(health["at"]) > SILENT_S:
            found.append(f"No evaluator has run since {iso(float(health['at']))}.")
        for name, channel in health["channels"].items():
            if channel["last_error"]:
                since = duration_words(channel["failing_for_s"] or 0.0)
                found.append(f"Channel {name} has taken nothing for {since}: {channel['last_error']}.")
            if channel["overflow"]:
                found.append(f"Channel {name} was never told of {channel['overflow']} incidents that are over.")
        return found

    # What the engine asks.

    def now(self) -> float:
        """The clock's time in seconds since 1970."""
        return self.clock().timestamp()

    def next_number(self) -> int:
        """The number of the next entry of the history."""
        with self.lock:
            return max(self._history, default=-1) + 1

    def open_incident(self, rule: str, labels: Mapping[str, str]) -> Incident | None:
        """The incident that lasts, with an alert of a rule that has these labels."""
        with self.lock:
            return next(
                (
                    incident
                    for incident in self.incidents.values()
                    if incident.closed is None
                    for part in incident.parts.values()
                    if part.rule == rule and labels.items() <= dict(part.labels).items()
                ),
                None,
            )

    def acknowledged_by(self, incident: Incident) -> str | None:
        """Who looks after it."""
        with self.lock:
            record = self._acknowledged.get(incident.id)
        return None if record is None else str(record["who"])

    def silenced(self, rule: str, labels: Mapping[str, str], severity: str, at: float) -> Silence | None:
        """The silence that keeps an alert quiet."""
        with self.lock:
            known = [*self._silences.values()]
        return silences.holding(known, _all_labels(labels, rule, severity), at)

    def is_silenced(self, part: Part, at: float) -> bool:
        """Whether an alert of an incident is kept quiet."""
        return self.silenced(part.rule, dict(part.labels), part.severity, at) is not None

    def _alert(self, uid: str, rule: Record, alert: Mapping[str, Any]) -> dict[str, Any]:
        incident = self.open_incident(uid, alert["labels"])
        silence = self.silenced(uid, alert["labels"], alert["severity"], self.now())
        return {
            **_of_rule(uid, rule),
            "severity": alert["severity"],
            "state": alert["state"],
            "labels": dict(alert["labels"]),
            "value": alert["value"],
            "values": dict(alert["values"]),
            "since": iso(alert["since"]),
            "started": iso(alert["started"]),
            "summary": alert["summary"],
            "description": alert["description"],
            "details": dict(alert["details"]),
            "silenced_by": silence.id if silence else None,
            "acknowledged_by": self.acknowledged_by(incident) if incident else None,
        }

    def _failed(self, uid: str, rule: Record) -> dict[str, Any]:
        return {
            **_of_rule(uid, rule),
            "severity": "warning",
            "state": "error",
            "labels": {},
            "value": None,
            "values": {},
            "since": iso(rule["failing_since"]),
            "started": iso(rule["failing_since"]),
            "summary": "This rule can't be evaluated: what it found before is kept",
            "description": rule["failure"],
            "details": {},
            "silenced_by": None,
            "acknowledged_by": None,
        }


_RULE = ("title", "runbook", "board", "panel", "from", "to", "failure", "failing_since")


def _put(known: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        known.pop(name, None)
    else:
        known[name] = value


def _of_rule(uid: str, rule: Record) -> dict[str, Any]:
    shown = {name: rule[name] for name in ("title", "runbook", "board", "panel")}
    return {"rule": uid, **shown, "from": iso(rule["from"]), "to": iso(rule["to"])}


def _all_labels(labels: Mapping[str, str], rule: str, severity: str) -> dict[str, str]:
    return {**labels, "rule": rule, "severity": severity}


def _matchers(matchers: Matchers) -> list[Matcher]:
    if isinstance(matchers, Mapping):
        return [Matcher(name, value) for name, value in matchers.items()]
    return [silences.parse(each) if isinstance(each, str) else each for each in matchers]


def _written(labels: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items())


def _iso_or_never(at: float) -> str | None:
    try:
        return iso(at)
    except (ValueError, OverflowError, OSError):
        return "never"
