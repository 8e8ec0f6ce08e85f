"""The state of each alert of a rule, by Grafana's documented rules. Pure: no clock, no store.

Grafana's documentation, which the table in `tests/dashboards/engine/test_state_machine.py` goes through:

- https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
- https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/nodata-and-error-states/
- https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/stale-alert-instances/

Two things are otherwise here. Where no data keeps the last state, a series that is missing while others are there is
kept too, for a day: a gap is no recovery. And what keeps the last state of an alert that recovers keeps it recovering,
where Grafana ends it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

State = Literal["normal", "pending", "firing", "recovering", "no_data", "error"]
Labels = tuple[tuple[str, str], ...]  # by name
Without = Literal["ok", "alerting", "keep_last", "own_alert"]  # what it means that there is no data, or an error

KEPT_S = 86_400.0  # how long an alert is kept whose series is missing
ACTIVE: tuple[State, ...] = ("firing", "recovering", "no_data", "error")  # of which people are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a rule sets; times in seconds, `missing_evaluations` as a count."""

    for_s: float = 0
    keep_firing_for_s: float = 0
    no_data: Without = "ok"
    error: Without = "keep_last"
    missing_evaluations: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One row of a rule's query: the number, None where it can't be told, and whether it is beyond the limit.

    `holds`: it is so far beyond that what fires goes on, and nothing begins.
    """

    value: float | None
    over: bool
    holds: bool = False
    values: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one evaluation gave: rows by labels, or the reason for which it failed."""

    readings: Mapping[Labels, Reading] = field(default_factory=dict)
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of a rule. What is normal has none.

    Parameters
    ----------
    labels : Labels
    state : State
    since : float
        Seconds since 1970 at which this state began.
    started : float
        When what it is about was first seen; stays while the incident lasts.
    seen : float
        When a row last told of it.
    value : float or None
    values : mapping of str to float or None
    missing : int
        Evaluations in a row without its labels.
    reason : str
        Why it is in this state, where the rows don't say so.
    """

    labels: Labels
    state: State
    since: float
    started: float
    seen: float
    value: float | None = None
    values: Mapping[str, float | None] = field(default_factory=dict)
    missing: int = 0
    reason: str = ""

    def record(self) -> dict[str, Any]:
        """As plain values, for JSON.

        >>> alert = Alert(labels=(("app", "shop"),), state="firing", since=60.0, started=0.0, seen=60.0, value=0.5)
        >>> Alert.of(alert.record()) == alert
        True
        """
        return {name: getattr(self, name) for name in _PLAIN} | {
            "labels": dict(self.labels),
            "values": dict(self.values),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Alert:
        """From what `record` gave."""
        known = {name: record[name] for name in (*_PLAIN, "values") if name in record}
        return cls(**known, labels=labels(record["labels"]))


_PLAIN = ("state", "since", "started", "seen", "value", "missing", "reason")


@dataclass(frozen=True, slots=True)
class Change:
    """An alert that is in another state than before; `before` or `after` is None where it is normal."""

    before: Alert | None
    after: Alert | None
    reason: str = ""

    @property
    def began(self) -> bool:
        """Whether people should now be told of it."""
        return self.after is not None and self.after.state in ACTIVE and not self._was_active

    @property
    def ended(self) -> bool:
        """Whether it was told of and is over."""
        return self._was_active and (self.after is None or self.after.state not in ACTIVE)

    @property
    def _was_active(self) -> bool:
        return self.before is not None and self.before.state in ACTIVE

    @property
    def alert(self) -> Alert:
        """What it is about, as it is now or, where it is normal, was last."""
        alert = self.after or self.before
        assert alert is not None
        return alert


def labels(of: Mapping[str, str]) -> Labels:
    """Labels as a key.

    >>> labels({"model": "small", "app": "shop"})
    (('app', 'shop'), ('model', 'small'))
    """
    return tuple(sorted(of.items()))


def step(
    policy: Policy, alerts: Mapping[Labels, Alert], outcome: Outcome, at: float
) -> tuple[dict[Labels, Alert], list[Change]]:
    """The alerts after an evaluation at a time, and what changed.

    Examples
    --------
    >>> over = Outcome(readings={(("app", "shop"),): Reading(value=0.5, over=True)})
    >>> alerts, changes = step(Policy(for_s=60), {}, over, at=0)
    >>> [alert.state for alert in alerts.values()]
    ['pending']
    >>> alerts, changes = step(Policy(for_s=60), alerts, over, at=60)
    >>> [(change.alert.state, change.began) for change in changes]
    [('firing', True)]
    """
    now: dict[Labels, Alert | None] = {}
    reasons: dict[Labels, str] = {}
    if outcome.failure or not outcome.readings:
        of_failure = bool(outcome.failure)
        without, word = (policy.error, "error") if of_failure else (policy.no_data, "no data")
        own: State = "error" if of_failure else "no_data"
        if without == "own_alert":
            there = alerts.get(())
            now[()] = there if there and there.state == own else _new((), own, at)
        else:
            # An alert without labels stands for the whole rule where no other is there to bear the state.
            for key in alerts or [()]:
                now[key] = _without(policy, without, alerts.get(key), key, at, word)
                reasons[key] = word
    for key, reading in outcome.readings.items():
        before = alerts.get(key)
        if reading.value is None:
            after = _without(policy, policy.no_data, before, key, at, "no data")
            reasons[key] = "no data"
        else:
            goes_on = reading.holds and before is not None and before.state in ("pending", "firing")
            after = _alerting(policy, before, key, at) if reading.over or goes_on else _normal(policy, before, at)
            if after is not None:
                after = replace(after, value=reading.value, values=dict(reading.values), seen=at, missing=0)
        now[key] = after
    for key in alerts.keys() - now.keys():
        before = alerts[key]
        if policy.no_data == "keep_last" and before.labels:
            kept = at - before.seen < KEPT_S
            now[key] = replace(before, missing=before.missing + 1, reason="nothing came") if kept else None
        else:
            over = before.missing + 1 >= policy.missing_evaluations
            now[key] = None if over else replace(before, missing=before.missing + 1)
        reasons[key] = "nothing came"
    after_all = {key: alert for key, alert in now.items() if alert is not None}
    changes = [
        Change(alerts.get(key), after, reasons.get(key, ""))
        for key, after in now.items()
        if (before.state if (before := alerts.get(key)) else "normal") != (after.state if after else "normal")
    ]
    return after_all, changes


def _new(key: Labels, state: State, at: float, reason: str = "") -> Alert:
    return Alert(labels=key, state=state, since=at, started=at, seen=at, reason=reason)


def _alerting(policy: Policy, before: Alert | None, key: Labels, at: float, reason: str = "") -> Alert:
    if before is None or before.state in ("no_data", "error"):
        return _new(key, "pending" if policy.for_s > 0 else "firing", at, reason)
    if before.state == "recovering" or (before.state == "pending" and at - before.since >= policy.for_s):
        return replace(before, state="firing", since=at, reason=reason)
    return replace(before, reason=reason)


def _normal(policy: Policy, before: Alert | None, at: float, reason: str = "") -> Alert | None:
    if before is None:
        return None
    if before.state == "firing" and policy.keep_firing_for_s > 0:
        return replace(before, state="recovering", since=at, reason=reason)
    if before.state == "recovering" and at - before.since < policy.keep_firing_for_s:
        return replace(before, reason=reason)
    return None


def _without(policy: Policy, without: Without, before: Alert | None, key: Labels, at: float, word: str) -> Alert | None:
    """Without a number: no row, an unknown one, or a query that failed."""
    if without == "alerting":
        after = _alerting(policy, before, key, at, word)
        return replace(after, value=None, values={})
    if without == "keep_last":
        if before is not None and before.state == "pending":  # the wait goes on, as in Grafana
            return _alerting(policy, before, key, at, f"{word}, kept")
        return replace(before, reason=f"{word}, kept") if before is not None else None
    if without == "own_alert":
        return before if before and before.state == "no_data" else _new(key, "no_data", at, word)
    return _normal(policy, before, at, word)
