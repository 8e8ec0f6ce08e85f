"""The engine: evaluates rules when they are due, writes what came of it, and only then has it told."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine import evaluator, grouping, notification, standing, state_machine, texts
from watchline.dashboards.engine.book import MOST_HISTORY, Book
from watchline.dashboards.engine.channels import Channel
from watchline.dashboards.engine.courier import Courier, Delivery
from watchline.dashboards.engine.evaluator import Evaluation, Queries
from watchline.dashboards.engine.grouping import Incident, Kind, Part, Told
from watchline.dashboards.engine.journal import Journal, Record
from watchline.dashboards.engine.notification import Addresses, clock
from watchline.dashboards.engine.state_machine import ACTIVE, Alert, Change, Outcome
from watchline.schemas.errors import WatchlineError

log = logging.getLogger(__name__)

MADE_UP_S = 3600.0  # of what wasn't evaluated
BUDGET_S = 20.0  # of a tick: what is left to make up for waits for the next
KEPT_S = 3600.0  # that an incident is kept which all know to be over
MOST_MISSED = 500  # incidents that are over and not told, by channel
MOST_SHOWN = 100
MOST_ALERTS = 500  # of a rule
MOST_BYTES = 800_000  # of a record
SHARE = 5  # a rule waits so many times as long as its queries took
TICK_S = 1.0
HEALTH_S = 15.0
_URGENT: dict[Kind, int] = {"again": 0, "began": 0, "update": 1, "ended": 2}


@dataclass(frozen=True, slots=True)
class Step:
    """Of a channel that isn't the first to be told: after so many seconds, where nobody has acknowledged."""

    channel: str
    after_s: float


class Engine:
    """Evaluates rules and tells people. One at a time: who owns the journal.

    Parameters
    ----------
    rules : callable
        Gives the rules as they are now.
    queries : Queries
    journal : Journal
    channels : iterable of Channel
    clock : callable
        The time, with a zone.
    watermark : callable, optional
        Before which time all events are stored. Default: asks the store.
    addresses : Addresses
    second_steps : iterable of Step
    repeat_s : float
        After so long an incident that nobody has acknowledged is told again; 0: never.
    first_pause_s : float
        Between the first tries of a message.
    """

    def __init__(
        self,
        *,
        rules: Callable[[], Iterable[Rule]],
        queries: Queries,
        journal: Journal,
        channels: Iterable[Channel] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        watermark: Callable[[], datetime | None] | None = None,
        addresses: Addresses | None = None,
        second_steps: Iterable[Step] = (),
        repeat_s: float = 0.0,
        first_pause_s: float = 1.0,
    ) -> None:
        self.book = Book(journal, clock)
        self._rules, self._queries, self._journal = rules, queries, journal
        self._watermark = watermark or (lambda: evaluator.watermark(queries, clock()))
        self._addresses = addresses or Addresses()
        self._channels = {channel.name: channel for channel in channels}
        self._after_s = {step.channel: step.after_s for step in second_steps}
        self._repeat_s = repeat_s
        self._not_before: dict[str, float] = {}
        self._overflow: dict[str, int] = {}
        self._owns = False
        self._last_run: float | None = None
        self._last_failure = ""
        self._ran, self._run_s = time.monotonic(), 0.0
        self._evaluated: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._told_health_at = 0.0
        self.couriers = [
            Courier(channel, self, time.monotonic, first_pause_s=first_pause_s) for channel in self._channels.values()
        ]

    # Running.

    def run(self, stop: threading.Event) -> None:
        """Runs until it is told to stop: evaluates while this process owns the journal."""
        for courier in self.couriers:
            courier.start()
        try:
            while not stop.wait(TICK_S):
                self.tick()
        finally:
            for courier in self.couriers:
                courier.stop()

    def tick(self) -> bool:
        """Evaluates what is due. Gives whether this process is the evaluator and all went well."""
        try:
            whose = self._journal.own(0.0)
            if whose == "another's":
                self._owns = False
                return False
            if whose == "free" or not self._owns:
                self.book.load()
                self._owns = True
            self.book.refresh()
            began, before = time.monotonic(), self._evaluated.total()
            self._evaluate_all()
            self._last_run, self._last_failure = self.book.now(), ""
            self._ran = time.monotonic()
            if self._evaluated.total() > before:
                self._run_s = self._ran - began
            self._tell_health()
        except (WatchlineError, OSError) as error:
            return self._failed(" ".join(str(error).split())[:300])
        except Exception as error:  # a fault of ours, whose text may hold anything: the next tick may go well
            return self._failed(type(error).__name__)
        for courier in self.couriers:
            courier.wake()
        return True

    def _failed(self, why: str) -> bool:
        self._last_failure = why
        log.warning("alerts: %s", why)
        return False

    def _tell_health(self) -> None:
        """Says in the journal how it is, for who reads it in another process."""
        at = self.book.now()
        if not 0 <= at - self._told_health_at < HEALTH_S:
            self.book.write({"health/engine": {**self.health(), "at": at}})
            self._told_health_at = at

    def health(self) -> dict[str, Any]:
        """How it is, in plain values: for metrics, the heartbeat and `watchline doctor`."""
        return {
            "owns": self._owns,
            "last_run": notification.iso(self._last_run),
            "failure": self._last_failure,
            "ok": self._owns and not self._last_failure and self._last_run is not None,
            "channels": {
                courier.channel.name: {**courier.health(), "overflow": self._overflow.get(courier.channel.name, 0)}
                for courier in self.couriers
            },
        }

    def measures(self) -> dict[str, Any]:
        """What it has counted, in plain values, for metrics. Seconds are of a clock that never goes back."""
        alerts = self.book.alerts() if self._owns else []
        return {
            "owns": self._owns,
            "run_s": self._run_s,
            "since_run_s": time.monotonic() - self._ran,
            "rules": {
                rule.uid: {"evaluated": self._evaluated[rule.uid], "failed": self._failures[rule.uid]}
                for rule in self._rules()
            },
            "alerts": Counter((alert["state"], alert["severity"]) for alert in alerts),
            "channels": {courier.channel.name: courier.measures() for courier in self.couriers},
        }

    # What couriers ask.

    def may_send(self) -> bool:
        """Whether no other evaluator has taken over."""
        if self._owns and not self._journal.holds():
            self._owns = False
        return self._owns

    def next_for(self, channel: str, round: int) -> Delivery | None:
        """What a channel must be told now: the most severe and oldest first, what is over last."""
        if not self._owns:
            return None
        at = self.book.now()
        missed: list[Incident] = []
        found: list[tuple[tuple[int, int, float], Incident, Kind, list[Part]]] = []
        with self.book.lock:
            for incident in self.book.incidents.values():
                kind, parts = self._wanted(incident, channel, at)
                if kind == "over":
                    missed.append(incident)
                elif kind is not None:
                    rank = (_URGENT[kind], -grouping.RANK[incident.severity], incident.opened)
                    found.append((rank, incident, kind, parts))
        if found:
            _, incident, kind, parts = min(found, key=lambda each: each[0])
            of = grouping.content(parts)
            number = _number(channel, incident.id, kind, str(incident.news), of, str(round))
            message = notification.compose(
                incident, kind, parts, delivery=number, at=at, addresses=self._addresses
            )  # fmt: skip
            told = Told(incident.news, of, at, kind == "ended")
            due = {"began": incident.noticed + self._after_s.get(channel, 0.0), "ended": incident.closed}.get(kind)
            waited_s = 0.0 if due is None else max(0.0, at - due)
            return Delivery(message, lambda: self._taken(channel, {incident.id: told}), waited_s)
        if missed:
            missed.sort(key=lambda each: each.opened)
            number = _number(channel, *(each.id for each in missed), str(round))
            message = notification.compose_missed(
                missed[-MOST_SHOWN:],
                delivery=number,
                at=at,
                addresses=self._addresses,
                left_out=max(0, len(missed) - MOST_SHOWN) + self._overflow.get(channel, 0),
            )
            told_of = {each.id: Told(each.news, "", at, True) for each in missed}
            return Delivery(message, lambda: self._taken(channel, told_of))
        return None

    def _taken(self, channel: str, told: Mapping[str, Told]) -> None:
        with self.book.lock:
            now = {id: self.book.incidents[id] for id in told if id in self.book.incidents}
            self.book.write(
                {
                    f"incident/{id}": replace(incident, told={**incident.told, channel: told[id]}).record()
                    for id, incident in now.items()
                }
            )

    def _wanted(self, incident: Incident, channel: str, at: float) -> tuple[Kind | None, list[Part]]:
        parts = grouping.heard(incident, lambda part: self.book.is_silenced(part, at))
        kind = grouping.wanted(
            incident,
            channel,
            parts,
            at,
            updates=self._channels[channel].updates,
            after_s=self._after_s.get(channel, 0.0),
            acknowledged=self.book.acknowledged_by(incident) is not None,
        )
        return kind, parts

    # Evaluating.

    def _evaluate_all(self) -> None:
        rules = {rule.uid: rule for rule in self._rules()}
        self._close_removed(rules)
        at = self.book.now()
        complete: datetime | None = None
        asked = False
        deadline = time.monotonic() + BUDGET_S
        for rule in rules.values():
            if at < self._not_before.get(rule.uid, 0.0):
                continue
            times = self._due(rule, at)
            if times and not asked and rule.ends == "watermark":
                complete, asked = self._ask_watermark(), True
            for moment in times:
                self._evaluate(rule, moment, complete)
                if time.monotonic() > deadline:
                    break  # the next tick goes on: each rule has its turn, and what was found is told
        self._look_after_incidents(at)

    def _ask_watermark(self) -> datetime | None:
        try:
            return self._watermark()
        except Exception:  # the rules' own queries say what is wrong
            return None

    def _due(self, rule: Rule, at: float) -> list[float]:
        """At which times to evaluate now: those that were missed, for an hour at most, and the latest."""
        last = self.book.evaluated.get(rule.uid)
        if last is None or last > at:
            return [at]
        every = max(rule.interval_s, 1)
        if at - last < every:
            return []
        if self._not_before.get(rule.uid):  # its queries are slow: as many more would not make it better
            return [at]
        count = int((at - last) // every)
        times = [last + every * number for number in range(1, count + 1)]
        made_up = [moment for moment in times if moment > at - MADE_UP_S]
        if len(made_up) < len(times):
            zone = self._addresses.zone
            lost = f"not evaluated from {clock(times[0], zone)} to {clock(times[-len(made_up) - 1], zone)}"
            self._write({}, [self._entry(rule, {}, "", "", lost, at)])
        return made_up or [at]

    def _evaluate(self, rule: Rule, at: float, complete: datetime | None) -> None:
        known = self.book.rules.get(rule.uid)
        began = time.monotonic()
        if wrong := evaluator.faults(rule):
            evaluation = Evaluation(start=None, end=None, outcome=Outcome(failure="refused: " + "; ".join(wrong)))
        else:
            now = datetime.fromtimestamp(at, UTC)
            there = bool(known and known["alerts"])
            evaluation = evaluator.evaluate(rule, self._queries, now, complete, all_values=there)
        took = time.monotonic() - began
        self._evaluated[rule.uid] += 1
        self._failures[rule.uid] += bool(evaluation.outcome.failure)
        self._not_before[rule.uid] = at + SHARE * took if took > 1.0 else 0.0
        end = None if evaluation.end is None else evaluation.end.timestamp()
        stands_still = rule.ends == "watermark" and known is not None and end is not None and known["to"] == end
        if stands_still and not evaluation.outcome.failure:
            self._write({f"clock/{rule.uid}": {"at": at}}, [])
            return  # the same window says nothing new
        before = {alert.labels: alert for alert in map(Alert.of, known["alerts"] if known else ())}
        alerts, changes = state_machine.step(evaluator.policy(rule), before, evaluation.outcome, at)
        details = {state_machine.labels(each["labels"]): each["details"] for each in (known or {}).get("alerts", ())}
        for change in changes:
            if change.began and evaluation.start is not None and evaluation.end is not None:
                labels = change.alert.labels
                details[labels] = evaluator.details(
                    rule, self._queries, dict(labels), evaluation.start, evaluation.end
                )  # fmt: skip
        told = {labels: self._part(rule, alert, details.get(labels, {})) for labels, alert in _bounded(alerts).items()}
        record = self._rule_record(rule, known, evaluation, alerts, told, at)
        records: dict[str, Record | None] = {f"clock/{rule.uid}": {"at": at}}
        if known != record:
            records[f"rule/{rule.uid}"] = record
        with self.book.lock:  # a courier may note meanwhile what it has told
            incidents = self._absorb(rule, record, alerts, told, changes, at)
            records |= {f"incident/{each.id}": each.record() for each in incidents}
            self._write(records, [self._change_entry(rule, change, at) for change in changes])

    def _part(self, rule: Rule, alert: Alert, details: Mapping[str, Any]) -> Part:
        labels, values = {**rule.labels, **dict(alert.labels)}, {"A": alert.value, **alert.values}
        notes = [texts.render(rule.description, labels, values), evaluator.incomplete(rule, alert.values)]
        if alert.reason:
            since = f" since {clock(alert.seen, self._addresses.zone)}" if alert.reason == "nothing came" else ""
            notes.append(f"Now: {alert.reason}{since}.")
        return Part(
            rule=rule.uid,
            about=labels.get("about") or rule.about,
            title=rule.title,
            board=rule.board,
            panel=rule.panel,
            runbook=rule.runbook,
            labels=alert.labels,
            severity=evaluator.severity(rule, alert.value),
            started=alert.started,
            value=alert.value,
            lead=alert.values.get("lead") or rule.lead,
            summary=_summary(rule, alert, labels, values),
            description=" ".join(note for note in notes if note),
            details=dict(details),
        )

    def _rule_record(
        self,
        rule: Rule,
        known: Record | None,
        evaluation: Evaluation,
        alerts: Mapping[state_machine.Labels, Alert],
        told: Mapping[state_machine.Labels, Part],
        at: float,
    ) -> Record:
        failure = evaluation.outcome.failure
        since = known["failing_since"] if failure and known and known.get("failure") else at if failure else None
        window = (evaluation.start, evaluation.end)
        if evaluation.start is None and known is not None:
            start, end = known["from"], known["to"]
        else:
            start, end = (None if each is None else each.timestamp() for each in window)
        stands = standing.measured(rule, evaluation.outcome)
        if known is not None and (failure or evaluation.start is None):
            stands = known.get("stands", stands)  # as it was when it could be judged
        return {
            "title": rule.title,
            "stands": stands,
            "runbook": rule.runbook,
            "board": rule.board,
            "panel": rule.panel,
            "from": start,
            "to": end,
            "failure": failure,
            "failing_since": since,
            "left_out": len(alerts) - len(told),
            "alerts": [
                {
                    **alerts[labels].record(),
                    "severity": part.severity,
                    "summary": part.summary,
                    "description": part.description,
                    "details": dict(part.details),
                }
                for labels, part in told.items()
            ],
        }

    def _absorb(
        self,
        rule: Rule,
        record: Record,
        alerts: Mapping[state_machine.Labels, Alert],
        told: Mapping[state_machine.Labels, Part],
        changes: Sequence[Change],
        at: float,
    ) -> list[Incident]:
        """The incidents that are others now by a rule's alerts."""
        window = (record["from"] or at - rule.window_s, record["to"] or at)
        began = {change.alert.labels for change in changes if change.began}
        with self.book.lock:
            known = dict(self.book.incidents)
        now = dict(known)
        for labels, part in told.items():
            if alerts[labels].state not in ACTIVE:
                continue
            incident = grouping.home(now.values(), part, at)
            there = incident.parts.get(part.key) if incident else None
            if there is None or alerts[labels].state == "firing":
                part = replace(part, window=window)
            else:
                part = replace(part, window=there.window)  # the last in which it was bad
            if incident is None:
                incident = self._opened(part, at)
            else:
                incident = grouping.add(incident, part, at, began=labels in began)
            now[incident.id] = incident
        for change in changes:
            if change.ended:
                key = rule.uid, change.alert.labels
                ended = next((each for each in now.values() if each.closed is None and key in each.parts), None)
                if ended is not None:
                    now[ended.id] = grouping.end(ended, key, at, change.reason)
        now = {id: grouping.settle(incident, at) for id, incident in now.items()}
        return [each for id, each in now.items() if known.get(id) != each]

    def _opened(self, part: Part, at: float) -> Incident:
        incident = grouping.opened(part, at)
        owed = [name for name in self._channels if not self._after_s.get(name) and not self.book.is_silenced(part, at)]
        return replace(incident, owed=tuple(owed))

    def _close_removed(self, rules: Mapping[str, Rule]) -> None:
        """Closes what is open of rules that are gone, once, with the reason."""
        at = self.book.now()
        with self.book.lock:
            open_ = [each for each in self.book.incidents.values() if each.closed is None]
            lasting = {part.rule for incident in open_ for part in incident.lasting}
            gone = [uid for uid in {*self.book.rules, *lasting} if uid not in rules]
            records: dict[str, Record | None] = {}
            for uid in gone:
                records |= {f"rule/{uid}": None, f"clock/{uid}": None}
            for incident in open_:
                removed = [part.key for part in incident.lasting if part.rule in gone]
                for key in removed:
                    incident = grouping.end(incident, key, at, "the rule was removed")
                if removed:
                    records[f"incident/{incident.id}"] = grouping.settle(incident, at, hold_s=0).record()
            if records:
                self._write(records, [self._gone_entry(uid, at) for uid in gone])

    def _look_after_incidents(self, at: float) -> None:
        records: dict[str, Record | None] = {}
        with self.book.lock:
            for incident in [*self.book.incidents.values()]:
                acknowledged = self.book.acknowledged_by(incident) is not None
                now = grouping.settle(incident, at)
                now = grouping.repeat(now, at, every_s=self._repeat_s, acknowledged=acknowledged)
                due = [
                    name
                    for name in self._channels
                    if name not in now.owed and self._wanted(now, name, at)[0] == "began"
                ]
                if due:
                    now = replace(now, owed=(*now.owed, *due))
                if now.closed is not None and at - now.closed > KEPT_S and not self._is_owed(now, at):
                    records[f"incident/{now.id}"] = None
                    if acknowledged:
                        records[f"ack/{now.id}"] = None
                elif now != incident:
                    records[f"incident/{now.id}"] = now.record()
            records |= self._dropped(at)
            if records:
                self._write(records, [])

    def _is_owed(self, incident: Incident, at: float) -> bool:
        return any(self._wanted(incident, name, at)[0] is not None for name in self._channels)

    def _dropped(self, at: float) -> dict[str, Record | None]:
        """Of what is over and could not be told, the oldest beyond a limit: counted, and no longer kept."""
        owed = sorted(
            (each for each in self.book.incidents.values() if each.closed is not None and self._is_owed(each, at)),
            key=lambda each: each.opened,
        )
        too_many = owed[: max(0, len(owed) - MOST_MISSED)]
        for incident in too_many:
            for name in self._channels:
                if self._wanted(incident, name, at)[0] is not None:
                    self._overflow[name] = self._overflow.get(name, 0) + 1
        return {f"incident/{each.id}": None for each in too_many}

    # History.

    def _write(self, records: dict[str, Record | None], entries: Sequence[dict[str, Any]]) -> None:
        """Writes records, with entries of the history."""
        for record in records.values():
            _fit(record)
        number = self.book.next_number()
        for entry in entries:
            records[f"history/{number % MOST_HISTORY}"] = {"number": number, **entry}
            number += 1
        self.book.write(records)

    def _change_entry(self, rule: Rule, change: Change, at: float) -> dict[str, Any]:
        before = change.before.state if change.before else "normal"
        after = change.after.state if change.after else "normal"
        return self._entry(rule, dict(change.alert.labels), before, after, change.reason, at)

    def _entry(
        self, rule: Rule, labels: Mapping[str, str], before: str, after: str, reason: str, at: float
    ) -> dict[str, Any]:
        return {
            "at": notification.iso(at),
            "rule": rule.uid,
            "title": rule.title,
            "labels": dict(labels),
            "before": before,
            "after": after,
            "reason": reason,
        }

    def _gone_entry(self, uid: str, at: float) -> dict[str, Any]:
        return {
            "at": notification.iso(at),
            "rule": uid,
            "title": uid,
            "labels": {},
            "before": "",
            "after": "",
            "reason": "the rule was removed",
        }


def _fit(record: Record | None) -> None:
    """Leaves out alerts of a record that is larger than Kafka takes, and counts them."""
    for name, count in (("alerts", "left_out"), ("parts", "more")):
        while isinstance(record, dict) and record.get(name) and len(json.dumps(record)) > MOST_BYTES:
            kept = record[name][: len(record[name]) // 2]
            record[count] += len(record[name]) - len(kept)
            record[name] = kept


def _bounded(alerts: Mapping[state_machine.Labels, Alert]) -> dict[state_machine.Labels, Alert]:
    """At most `MOST_ALERTS`, those first that people are told of."""
    ordered = sorted(alerts.items(), key=lambda item: (item[1].state not in ACTIVE, item[1].started, item[0]))
    return dict(ordered[:MOST_ALERTS])


def _summary(rule: Rule, alert: Alert, labels: Mapping[str, str], values: Mapping[str, float | None]) -> str:
    if not alert.labels and alert.value is None and alert.reason:  # it stands for the rule, which had no row
        return "nothing came in the window" if alert.reason.startswith("no data") else "its query fails"
    return texts.render(rule.summary, labels, values)


def _number(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
