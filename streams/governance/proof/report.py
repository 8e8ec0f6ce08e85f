"""What a proof came to: how many of what, each with its reason, and which have none."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchline.streams.governance import verifier
from watchline.streams.governance.proof.interval import Interval, stamp

NUMBERS, EVENTS, FINDINGS, OFFSETS = SECTIONS = ("numbers", "events", "findings", "offsets")
ERASED = "erased under certificate "
RETENTION = "retention of the store"
DROPPED = "dropped by the producer"
DEAD = "dead letter"
GONE = "gone from Kafka before it was read"
MOST_NAMED = 100
# What has no reason, by section; whatever else is counted has one.
FAULTS: Mapping[str, Mapping[str, str]] = {
    NUMBERS: {
        "gone": "was stored, and is not there",
        "unknown": "is there, and was not written down when it was stored",
        "given again": "was given to two events",
        "never came": "never came, and the producer does not say that it dropped it",
    },
    EVENTS: {
        "missing": "was stored, by the ledger, and is not there",
        "lost": "is gone for good, as `watchline repair` has found",
        "not in the ledger": "is there, and no batch of the ledger has it",
        "without event": "has findings, and is not there",
    },
    FINDINGS: {"missing": "was planned, and has no finding"},
    OFFSETS: {"not in the ledger": "were read, and no batch of the ledger has them"},
}
UNPROTECTED = (
    "Which numbers a producer dropped is known by how many it says, not one by one.",
    "What an app made and its producer never numbered, or numbered last before it was killed, is in no book.",
    "Who can delete rows of a table, of the ledger and of the producers' numbers alike, and leaves no gap in the "
    "offsets, leaves no trace here: rights on the store and copies of the signed reports are what help.",
)


@dataclass(frozen=True, slots=True)
class Unexplained:
    """One that has no reason, or a range of them: `where` names it, as `what` of `FAULTS` of its section."""

    section: str
    what: str
    where: Mapping[str, str | int]

    def __str__(self) -> str:
        named = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in self.where.items())
        return f"{named}: {FAULTS[self.section][self.what]}"


@dataclass(frozen=True, slots=True)
class Blind:
    """A time in which no canary of a partition was read back for longer than they are apart."""

    topic: str
    partition: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class Report:
    """The report of one interval.

    Parameters
    ----------
    interval : Interval
    app : str
        The only one that it is about; empty: all.
    made : datetime
    """

    interval: Interval
    app: str
    made: datetime
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {section: Counter() for section in SECTIONS})
    named: list[Unexplained] = field(default_factory=list)
    blind: list[Blind] = field(default_factory=list)
    canaries: str = ""

    def add(self, section: str, what: str, count: int, *where: Mapping[str, str | int]) -> None:
        """Counts so many; of what has no reason `where` names the first."""
        if count:
            self.counts[section][what] += count
            if what in FAULTS[section]:
                room = MOST_NAMED - len(self.named)
                self.named += [Unexplained(section, what, each) for each in where[: max(room, 0)]]

    @property
    def unexplained(self) -> int:
        """How many have no reason, over all sections: an event may be in several."""
        return sum(self.counts[section][what] for section in SECTIONS for what in FAULTS[section])

    @property
    def rows(self) -> int:
        """How many events were held against the books."""
        return self.counts[EVENTS].total()

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to prove."""
        return not self.counts[EVENTS].total() and not self.counts[NUMBERS].total()

    @property
    def is_proven(self) -> bool:
        """Whether there was something to prove, and all of it has a reason."""
        return not self.is_empty and not self.unexplained

    @property
    def explained(self) -> dict[str, dict[str, int]]:
        """How many of what, by section; those without a reason under the names of `FAULTS`."""
        return {section: dict(sorted(counts.items())) for section, counts in self.counts.items()}

    @property
    def as_json(self) -> dict[str, Any]:
        """All of it, of strings, whole numbers and booleans alone."""
        return {
            "from": stamp(self.interval.start),
            "to": stamp(self.interval.end),
            "app": self.app,
            "made": stamp(self.made),
            "proven": self.is_proven,
            "rows": self.rows,
            "counts": self.explained,
            "unexplained": self.unexplained,
            "first": [
                {"section": each.section, "what": each.what, "why": FAULTS[each.section][each.what], **each.where}
                for each in self.named
            ],
            "blind": [
                {"topic": each.topic, "partition": each.partition, "from": stamp(each.start), "to": stamp(each.end)}
                for each in self.blind
            ],
            "canaries": self.canaries,
            "unprotected": [*UNPROTECTED],
        }

    @property
    def bytes(self) -> bytes:
        """The file that `--write` makes: the same bytes for the same report."""
        return verifier.canonical(self.as_json) + b"\n"

    @property
    def details(self) -> dict[str, str]:
        """What the act that records it needs, and the first times that were blind: canaries are gone in a month."""
        details = {
            "rows": str(self.rows),
            "unexplained": str(self.unexplained),
            "explained": json.dumps(self.explained, sort_keys=True, separators=(",", ":")),
            "sha256": hashlib.sha256(self.bytes).hexdigest(),
        }
        blind = [[each.topic, each.partition, stamp(each.start), stamp(each.end)] for each in self.blind[:MOST_NAMED]]
        return {**details, "blind": json.dumps(blind, separators=(",", ":"))} if blind else details

    @property
    def target(self) -> str:
        """What the act that records it is about: the interval, and the app."""
        return f"{self.interval}" + (f" app:{self.app}" if self.app else "")
