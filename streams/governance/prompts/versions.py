"""What the log says of prompts and models: their versions, who approved which, and what apps get where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Policy(NamedTuple):
    """How many people other than the author must approve, and for how many days that counts."""

    approvals: int
    days: int = 30

    def stricter(self, other: Policy) -> Policy:
        """What satisfies both.

        >>> Policy(2, 30).stricter(Policy(1, 7))
        Policy(approvals=2, days=7)
        """
        return Policy(max(self.approvals, other.approvals), min(self.days, other.days))


class Approval(NamedTuple):
    """One person's approval of a version: with which keys, where in the log, and when by the broker's clock."""

    keys: tuple[str, ...]
    position: int
    time: int  # microseconds


@dataclass(slots=True)
class Version:
    """One content, under a number that the log counts.

    `barred` is where it was last rolled back or withdrawn: approvals before count no more.
    """

    number: int
    content_hash: str
    draft: str  # id of the act that has its content
    authors: frozenset[str]
    policy: Policy  # the strictest since it was drafted
    approvals: dict[str, Approval] = field(default_factory=dict)  # by person
    barred: int = -1
    withdrawn: bool = False


class Canary(NamedTuple):
    """A version that a share of the conversations gets, in percent; the salt says which of them."""

    version: int
    share: int
    salt: str


@dataclass(slots=True)
class Place:
    """What apps get in one environment: nothing, once the version that was live is withdrawn."""

    live: int | None = None
    last: int = 0  # the version that was live last, or is
    before: list[int] = field(default_factory=list)  # those that were live before it, the oldest first
    canary: Canary | None = None
    position: int = -1  # of the act that made it so


@dataclass(slots=True)
class Item:
    """A prompt or a model, with its history, whatever it is called now."""

    kind: str
    app: str
    first: str  # the name that it was first drafted under
    names: tuple[str, ...]  # that it has had, the present one last
    versions: list[Version] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)  # by environment
    revisions: dict[str, int] = field(default_factory=dict)  # by source, the highest that was drafted
    renamed: int = -1

    def version(self, number: int) -> Version:
        """One of its versions. Raises IndexError."""
        return self.versions[number - 1]


class Emergency(NamedTuple):
    """What was promoted in an emergency, and nobody else has reviewed yet."""

    item: Item
    environment: str
    version: int
    people: frozenset[str]  # who promoted it and who wrote it: none of them can review it
    since: int  # microseconds, by the broker's clock


@dataclass(slots=True)
class Versions:
    """All of it. An item is there under each name that it has had."""

    items: dict[tuple[str, str, str], Item] = field(default_factory=dict)  # by kind, app and name
    policies: dict[str, Policy] = field(default_factory=dict)  # by app:NAME or class:NAME
    emergencies: dict[str, Emergency] = field(default_factory=dict)  # by app
