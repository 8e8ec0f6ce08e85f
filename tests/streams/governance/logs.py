"""A log of acts in memory, with people, and what the store and a bundle would have of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from watchline.schemas.codec import encode
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import anchors, signed
from watchline.streams.governance.fold import Entry, Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Message

NOW = 1_790_000_000_000_000
USE_CASE = {"risk_class": "limited", "legal_basis": "contract"}


class Written:
    """What was written into a log, each message with what became of it."""

    def __init__(self, needed: int = 1, names: tuple[str, ...] = ("first",)) -> None:
        self.root_keys = {name: Key.new() for name in names}
        self.roots = Roots({name: key.public for name, key in self.root_keys.items()}, needed)
        self.fold = Fold(self.roots)
        self.messages: list[Message] = []
        self.entries: list[Entry] = []

    def send(self, event: GovernanceEvent | bytes) -> Entry:
        """A message, and what becomes of it."""
        value = event if isinstance(event, bytes) else encode(event)
        self.messages.append(Message(len(self.messages), NOW + len(self.messages), value))
        self.entries.append(self.fold.take(value, NOW + len(self.entries)))
        return self.entries[-1]

    def act(
        self, action: str, target: str, actor: str, *keys: Key, details: Mapping[str, str] | None = None, **more: Any
    ) -> GovernanceEvent:
        """An act, signed by these keys for this log."""
        event, _ = signed.make(action, target, actor, details=details, **more)
        for key in keys:
            event = signed.sign(event, key, self.roots.log)
        return event

    def register(self, key: Key, holder: str, roles: str = "owner", kind: str = "person") -> Entry:
        """Registers a key, signed by as many root keys as it takes."""
        details = {"public": key.public, "kind": kind, "holder": holder, "roles": roles}
        roots = dict([*self.root_keys.items()][: self.roots.needed])
        return self.send(self.act("key_registered", key.id, next(iter(roots)), *roots.values(), details=details))

    def use_case(self, key: Key, holder: str, app: str = "shop") -> Entry:
        """Registers an app."""
        return self.send(self.act("use_case_registered", app, holder, key, details=USE_CASE))

    def json(self) -> list[dict[str, Any]]:
        """The entries as the store has them."""
        return [entry.as_json for entry in self.entries]

    def anchored(self, key: Key, position: int | None = None) -> dict[str, Any]:
        """The head at a position, signed."""
        entry = self.entries[-1 if position is None else position]
        return anchors.anchor(self.roots.log, entry.position, entry.hash, key)


def rehashed(entries: list[dict[str, Any]], log: str) -> list[dict[str, Any]]:
    """Entries with a chain made anew, as who can write to the store could make it."""
    from watchline.streams.governance import verifier

    previous, made = log, []
    for position, entry in enumerate(entries):
        entry = {**entry, "position": position, "previous": previous}
        made.append({**entry, "hash": verifier.entry_hash(previous, entry)})
        previous = made[-1]["hash"]
    return made


def with_event(event: GovernanceEvent, **changed: Any) -> GovernanceEvent:
    """An act that was changed after it was signed."""
    return dataclasses.replace(event, **changed)
