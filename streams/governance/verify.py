"""Verifies the trail that is stored: each entry, the rules, the anchors, and that the topic has the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import verifier
from watchline.streams.governance.fold import Fold, read
from watchline.streams.governance.keys import Roots, is_good
from watchline.streams.governance.log import Message
from watchline.streams.query.run import Queries

PAGE = 5_000
_SQL = """SELECT position, toUnixTimestamp64Micro(time) AS kafka_time, said_us, governance_id, actor, action, target,
    target_version, content_hash, details, signatures, sha256, accepted, reason, previous, hash
FROM v_governance
WHERE log = {log:String} AND position >= {first:UInt64}
ORDER BY position LIMIT {page:UInt64}"""


@dataclass(slots=True)
class Report:
    """What was found."""

    log: str
    entries: int = 0
    rejected: int = 0
    last: int = -1
    anchors: int = 0
    anchored: int = -1
    in_topic: int | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def unprotected(self) -> int:
        """How many entries stand after the last anchor: that none was cut off there can't be shown."""
        return max(0, self.last - self.anchored)


def stored(queries: Queries, log: str, first: int = 0) -> Iterator[dict[str, Any]]:
    """The entries in the store, in order, as the verifier takes them. Raises what `Queries.query` raises."""
    while True:
        rows = queries.query(_SQL, {"log": log, "first": str(first), "page": str(PAGE)}).by_column
        for row in rows:
            yield _entry(row)
        if len(rows) < PAGE:
            return
        first = int(rows[-1]["position"]) + 1


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    body = None
    if not row["sha256"]:
        body = {
            name: row[name] for name in ("action", "actor", "content_hash", "details", "governance_id", "target")
        } | {"time": row["said_us"], "version": row["target_version"]}
    kept = ("position", "kafka_time", "signatures", "sha256", "accepted", "reason", "previous", "hash")
    return {**{name: row[name] for name in kept}, "event": body}


def verify(
    entries: Iterable[Mapping[str, Any]],
    anchors: Iterable[Mapping[str, Any]],
    roots: Roots,
    topic: Iterable[Message] | None = None,
) -> Report:
    """Verifies a trail, from its first entry on; stops at the first that is wrong.

    Parameters
    ----------
    entries : iterable of mapping
        As `stored` gives them.
    anchors : iterable of mapping
        From outside the store.
    roots : Roots
        The root keys with which the log began.
    topic : iterable of Message, optional
        The topic's messages. It is the record, so that what the store lacks of it, or has otherwise, is a fault.
    """
    report = Report(roots.log)
    chain, fold = verifier.Chain(roots.log), Fold(roots)
    messages = iter(topic or ())
    known: dict[int, list[Mapping[str, Any]]] = {}
    for anchor in anchors:
        known.setdefault(int(anchor["position"]), []).append(anchor)
        report.anchors += 1
    for entry in entries:
        position = int(entry["position"])
        report.entries += 1
        report.rejected += not entry["accepted"]
        report.last = position
        if fault := chain.take(entry) or _refolded(fold, entry, None if topic is None else messages):
            report.faults.append(f"entry {position}: {fault}")
            return report
        for anchor in known.pop(position, ()):
            fault = verifier.anchor_fault(anchor, fold.log, fold.public(anchor["key"]), is_good)
            if not fault and anchor["hash"] != entry["hash"]:
                fault = f"entry {position} or one before it was rewritten after it was anchored"
            if fault:
                report.faults.append(fault)
                return report
            report.anchored = position
    if not report.entries:
        report.faults.append("there are no entries: an empty trail proves nothing")
    if known:
        report.faults.append(
            f"entries {report.last + 1} to {max(known)} are missing: there is an anchor at {max(known)}"
        )
    elif topic is not None:
        report.in_topic = report.entries + sum(1 for _ in messages)
        if report.in_topic > report.entries:
            report.faults.append(
                f"{report.in_topic - report.entries} entries of the topic from {report.last + 1} on are not stored: "
                "they were deleted, or `watchline governance run` does not run"
            )
    return report


def _refolded(fold: Fold, entry: Mapping[str, Any], messages: Iterator[Message] | None) -> str:
    """What is wrong with an entry that is the one that was written; empty where rules and topic have the same."""
    event = None
    if entry["event"] is not None:
        signatures = {key: verifier.signature_of(each) for key, each in entry["signatures"].items()}
        event = GovernanceEvent(**entry["event"], signatures=signatures)
    found = fold.take_event(event, entry["sha256"], int(entry["kafka_time"]))
    if found.accepted != entry["accepted"]:
        return f"the rules say otherwise: {found.reason or 'it is allowed'}"
    if found.hash != entry["hash"]:
        return "its hash is not the one that the log gives"
    if messages is None:
        return ""
    message = next(messages, None)
    if message is None:
        return "it is in the store, and not in the topic"
    # The same act at the same time gives the same entry.
    same = (*read(message.value), message.time) == (event, entry["sha256"], int(entry["kafka_time"]))
    return "" if same else "the topic has another one at this place"
