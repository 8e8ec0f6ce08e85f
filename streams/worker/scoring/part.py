"""What goes through the stages of the scoring process, and what comes out of it: plain values, no text that is raw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from watchline.schemas.errors import PoisonError
from watchline.schemas.records import Interaction
from watchline.streams.clickhouse import producer_reports, rows
from watchline.streams.clickhouse.tables import Table
from watchline.streams.dead_letters import WHOLE_MESSAGE, DeadLetter
from watchline.streams.health import canary
from watchline.streams.messages import DecodedMessage, Event, Message, Record, RedactedEvent, ScoredEvent
from watchline.streams.severe import Severe

Number = TypeVar("Number", int, float)
Key = TypeVar("Key")
Place = tuple[int, int, int]
"""An event of the raw topic: partition, offset, place in the envelope; `WHOLE_MESSAGE` for a message."""


@dataclass(frozen=True, slots=True)
class Part:
    """Messages of the raw topic that are scored together: a batch, or less of it where all at once failed.

    A stage gets a part and gives a copy with what it adds; fields of later stages are empty until then.

    Parameters
    ----------
    messages : sequence of Message
        In the order in which they were read. Never empty.
    indices : range, optional
        Of a single message, the events that are meant, by their places in the envelope. None: all.
    decoded : sequence of DecodedMessage
        One for each message: from `decode`.
    redacted : sequence of RedactedEvent
        The events that go on: from `redact`.
    replaced : mapping of (str, str) to int
        Identifiers of events and reports that could not be kept, by field and what became of them: from `redact`.
    scored : sequence of ScoredEvent
        Likewise, from `score`; canaries are not among them.
    canaries : sequence of ScoredEvent
        From `score`.
    mostly_shed : bool
        Whether most events were passed on without a score, so that the time taken says nothing: from `score`.
    dead_letters : sequence of DeadLetter
        What can't go on, from `decode` and `redact`.
    """

    messages: Sequence[Message]
    indices: range | None = None
    decoded: Sequence[DecodedMessage] = ()
    redacted: Sequence[RedactedEvent] = ()
    replaced: Mapping[tuple[str, str], int] = field(default_factory=dict)
    scored: Sequence[ScoredEvent] = ()
    canaries: Sequence[ScoredEvent] = ()
    mostly_shed: bool = False
    dead_letters: Sequence[DeadLetter] = ()

    @property
    def events(self) -> list[Event]:
        """The decoded events, as the apps sent them."""
        return [event for message in self.decoded for event in message.events]


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """What is to be stored, published and counted of a part.

    Parameters
    ----------
    interactions, findings, reports, canaries : Table
        Rows for ClickHouse.
    places : list of Place
        For each row of `interactions`, its event.
    owners : list of int
        For each row of `findings`, its row of `interactions`.
    report_places : list of Place
        For each row of `reports`, its message.
    records : list of Record
        For the findings topic.
    dead_letters : list of DeadLetter
    apps : mapping of (partition, offset) to mapping of int to str
        For each message, the app of each event: see `DecodedMessage`.
    size : int
        Events in the envelopes, whichever of them are meant.
    events : int
        Events that were decoded, but for canaries.
    canaries_sent : mapping of int to int
        By partition of the raw topic, when the newest canary was sent, in microseconds since 1970.
    severe : sequence of (Place, Severe)
        For the topic of alerts, with their events.
    flagged : mapping of str to int
        Findings of each detector at or above its threshold.
    scored : bool
        Whether the time taken says what parts with scored events take.
    duration_us : mapping of str to int
        Time of each detector, in microseconds.
    failed : mapping of str to int
        Findings of each detector that say that it failed.
    invalid_fields : mapping of (app, field) to int
        Values that could not be stored.
    shed_events : int
    unreadable : mapping of str to int
        By app, the arguments that producers could not read, or did not know.
    over_budget : mapping of str to int
        Events of each app that were beyond its budget.
    stages : mapping of str to float
        Time in each stage, in seconds.
    lookups : mapping of str to int
        The encoder's hits and misses.
    replaced : mapping of (str, str) to int
        See `Part`.
    """

    interactions: Table = field(default_factory=partial(Table.of, "interactions", ()))
    findings: Table = field(default_factory=partial(Table.of, "findings", ()))
    reports: Table = field(default_factory=partial(Table.of, "producer_reports", ()))
    canaries: Table = field(default_factory=partial(Table.of, "canaries", ()))
    places: Sequence[Place] = ()
    owners: Sequence[int] = ()
    report_places: Sequence[Place] = ()
    records: Sequence[Record] = ()
    dead_letters: Sequence[DeadLetter] = ()
    apps: Mapping[tuple[int, int], Mapping[int, str]] = field(default_factory=dict)
    size: int = 0
    events: int = 0
    canaries_sent: Mapping[int, int] = field(default_factory=dict)
    severe: Sequence[tuple[Place, Severe]] = ()
    flagged: Mapping[str, int] = field(default_factory=dict)
    scored: bool = False
    duration_us: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    invalid_fields: Mapping[tuple[str, str], int] = field(default_factory=dict)
    shed_events: int = 0
    unreadable: Mapping[str, int] = field(default_factory=dict)
    over_budget: Mapping[str, int] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    lookups: Mapping[str, int] = field(default_factory=dict)
    replaced: Mapping[tuple[str, str], int] = field(default_factory=dict)


def result(
    part: Part,
    records: Sequence[Record],
    *,
    worker: str,
    stages: Mapping[str, float],
    lookups: Mapping[str, int],
    severe: Sequence[tuple[Place, Severe]] = (),
) -> ScoredPart:
    """What the other processes need of a part that has gone through the stages.

    Parameters
    ----------
    part : Part
    records : sequence of Record
        Its findings, for their topic.
    worker : str
        The name that stands beside stored canaries.
    stages, lookups, severe
        See `ScoredPart`.
    """
    findings, owners = rows.findings_table(part.scored)
    reports = [(decoded.message, decoded.report) for decoded in part.decoded if decoded.report is not None]
    duration_us, failed, flagged, shed = Counter[str](), Counter[str](), Counter[str](), 0
    for item in part.scored:
        decisions = set()
        for finding in item.scored.findings:
            duration_us[finding.detector] += finding.duration_us
            decisions.add(finding.decision)
            failed[finding.detector] += finding.decision == "failed"
            flagged[finding.detector] += finding.flagged
        shed += "shed" in decisions
    return ScoredPart(
        interactions=rows.interactions_table(part.scored),
        findings=findings,
        reports=producer_reports.table([report for _, report in reports]),
        canaries=canary.table(part.canaries, worker),
        places=[(item.origin.partition, item.origin.offset, item.origin.index) for item in part.scored],
        owners=owners,
        report_places=[(message.partition, message.offset, WHOLE_MESSAGE) for message, _ in reports],
        records=records,
        dead_letters=part.dead_letters,
        apps={(decoded.message.partition, decoded.message.offset): decoded.apps for decoded in part.decoded},
        size=sum(decoded.size for decoded in part.decoded),
        events=len(part.events) - len(part.canaries),
        canaries_sent=_newest((item.origin.partition, item.scored.interaction.time) for item in part.canaries),
        severe=list(severe),
        flagged=+flagged,
        scored=bool(part.redacted) and not part.mostly_shed,
        duration_us=duration_us,
        failed=+failed,
        invalid_fields=_invalid_fields(part),
        shed_events=shed,
        unreadable=_unreadable(event.interaction for event in part.events),
        over_budget=Counter(item.scored.interaction.app for item in part.scored if item.origin.over_budget),
        stages=stages,
        lookups=lookups,
        replaced=part.replaced,
    )


def together(parts: Sequence[ScoredPart]) -> ScoredPart:
    """Parts that were scored one after the other, as one."""
    if len(parts) == 1:
        return parts[0]
    owners: list[int] = []
    apps: dict[tuple[int, int], dict[int, str]] = {}
    first_row = 0
    for part in parts:
        owners += [first_row + owner for owner in part.owners]
        first_row += len(part.interactions.rows)
        for message, of_message in part.apps.items():
            apps.setdefault(message, {}).update(of_message)
    return ScoredPart(
        interactions=_joined(part.interactions for part in parts),
        findings=_joined(part.findings for part in parts),
        reports=_joined(part.reports for part in parts),
        canaries=_joined(part.canaries for part in parts),
        places=[place for part in parts for place in part.places],
        owners=owners,
        report_places=[place for part in parts for place in part.report_places],
        records=[record for part in parts for record in part.records],
        dead_letters=[letter for part in parts for letter in part.dead_letters],
        apps=apps,
        size=sum(part.size for part in parts),
        events=sum(part.events for part in parts),
        canaries_sent=_newest(sent for part in parts for sent in part.canaries_sent.items()),
        severe=[each for part in parts for each in part.severe],
        flagged=_summed(part.flagged for part in parts),
        duration_us=_summed(part.duration_us for part in parts),
        failed=_summed(part.failed for part in parts),
        invalid_fields=_summed(part.invalid_fields for part in parts),
        shed_events=sum(part.shed_events for part in parts),
        unreadable=_summed(part.unreadable for part in parts),
        over_budget=_summed(part.over_budget for part in parts),
        stages=_summed(part.stages for part in parts),
        lookups=_summed(part.lookups for part in parts),
        replaced=_summed(part.replaced for part in parts),
    )


def letters(part: Part, error: PoisonError) -> ScoredPart:
    """The decoded events of a part as dead letters, for this reason."""
    dead = [event.dead_letter(error) for event in part.events]
    apps = {(decoded.message.partition, decoded.message.offset): decoded.apps for decoded in part.decoded}
    return ScoredPart(dead_letters=dead, apps=apps)


def _newest(times: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    newest: dict[int, int] = {}
    for partition, sent in times:
        newest[partition] = max(sent, newest.get(partition, sent))
    return newest


def _invalid_fields(part: Part) -> Mapping[tuple[str, str], int]:
    counts = Counter((event.interaction.app, field) for event in part.events for field in event.invalid_fields)
    counts.update((decoded.report.app if decoded.report else "", field) for decoded in part.decoded
                  for field in decoded.invalid_fields)  # fmt: skip
    return counts


def _unreadable(records: Iterable[Interaction]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for record in records:
        if record.unreadable:
            counts[record.app] += len(record.unreadable)
    return counts


def _joined(tables: Iterable[Table]) -> Table:
    first, *others = tables
    return Table(first.name, first.columns, [*first.rows, *(row for table in others for row in table.rows)])


def _summed(counts: Iterable[Mapping[Key, Number]]) -> Mapping[Key, Number]:
    summed: dict[Key, Number] = {}
    for of_part in counts:
        for name, count in of_part.items():
            summed[name] = summed[name] + count if name in summed else count
    return summed
