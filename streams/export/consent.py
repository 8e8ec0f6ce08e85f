"""Who has agreed to what is done with an export. What isn't known counts as no."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchline.streams.export.selection import Selection, micros
from watchline.streams.kafka.tombstones import Tombstones
from watchline.streams.query.run import Queries

PAGE = 50_000
_IDS: Mapping[str, str] = {
    "event": "event_id",
    "subject": "subject",
    "tenant": "tenant",
    "conversation": "conversation_id",
}
_CHANGED = """SELECT subject FROM v_interactions
WHERE time >= fromUnixTimestamp64Micro({first:Int64}) AND subject > {after:String}
    AND mapContains(attributes, {attribute:String})
GROUP BY subject
HAVING countIf(attributes[{attribute:String}] = {value:String}) > 0
    AND argMax(attributes[{attribute:String}], (time, toString(event_id))) != {value:String}
ORDER BY subject LIMIT 50000"""


@dataclass(frozen=True, slots=True)
class Consent:
    """The rule of an export.

    Parameters
    ----------
    attribute, value : str
        The attribute of an event that says so, and its value: equal, character by character. Without both nobody has
        agreed.
    basis : str
        In place of it, the legal basis by which none is needed.
    withdrawn : collection of str
        `hashed` of the subjects of whom the log says that they have withdrawn.
    said_no : collection of str
        Subjects who had agreed, and whose last event with the attribute says otherwise.
    erased : Tombstones
        What was erased, and may be in the store until it is deleted there.

    Examples
    --------
    >>> rule = Consent("training", "yes")
    >>> row = dict.fromkeys(("event_id", "app", "tenant", "conversation_id", "subject"), "")
    >>> rule.refusal({**row, "attributes": {"training": "yes"}})
    ''
    >>> rule.refusal({**row, "attributes": {"training": "Yes?"}})
    'no consent: training says otherwise'
    """

    attribute: str = ""
    value: str = ""
    basis: str = ""
    withdrawn: Collection[str] = field(default=frozenset(), repr=False)
    said_no: Collection[str] = field(default=frozenset(), repr=False)
    erased: Tombstones = field(default_factory=Tombstones, repr=False)

    @property
    def as_json(self) -> dict[str, str]:
        """As a manifest has it."""
        if self.basis:
            return {"needed": "no", "legal_basis": self.basis}
        rule = "an event is taken where this attribute has this value, and its subject has not withdrawn since"
        return {"needed": "yes", "attribute": self.attribute, "value": self.value, "rule": rule}

    def refusal(self, row: Mapping[str, Any]) -> str:
        """Why an event may not be taken; empty where it may."""
        if gone := self.gone(row):
            return gone
        if self.basis:
            return ""
        if not self.attribute:
            return "no consent: no attribute is named that would say so"
        said = row["attributes"].get(self.attribute)
        if said is None:
            return f"no consent: {self.attribute} is not there"
        return "" if said == self.value else f"no consent: {self.attribute} says otherwise"

    def gone(self, row: Mapping[str, Any]) -> str:
        """Why what is of somebody may not be taken any more, by its ids alone; empty where it may."""
        ids = {name: row[column] for name, column in _IDS.items()}
        if self.erased.erasure_of(row["app"], ids):
            return "it was erased"
        if ids["subject"] and (ids["subject"] in self.said_no or hashed(ids["subject"]) in self.withdrawn):
            return "consent was withdrawn"
        return ""


def hashed(subject: str) -> str:
    """A subject, as events have it, in the log: SHA-256, so that the log holds no pseudonym.

    >>> hashed("38c39eaa:87")[:8]
    'e49bb986'
    """
    return hashlib.sha256(f"watchline subject {subject}".encode()).hexdigest()


def said_no(queries: Queries, selection: Selection, attribute: str, value: str) -> set[str]:
    """The subjects who agreed in the time of a selection or since, and whose last word is another.

    Of all apps: whoever said no in one has said so. What was said before the selection decides nothing in it.
    """
    found: set[str] = set()
    at = {"first": str(micros(selection.first.isoformat())), "attribute": attribute, "value": value, "after": ""}
    while True:
        subjects = [row[0] for row in queries.query(_CHANGED, at).rows]
        found.update(subjects)
        if len(subjects) < PAGE:
            return found
        at["after"] = subjects[-1]
