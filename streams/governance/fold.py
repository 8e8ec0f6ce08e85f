"""The log folded, act by act: who may sign, what is in force, and of each act whether the rules allow it.

Whoever can write to the topic can write anything. What the rules don't allow is recorded as rejected, with the reason,
and changes nothing. By the order of the log alone: what a signer says of the time proves nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchline.schemas.codec import decode
from watchline.schemas.errors import ConfigurationError, PoisonError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import erasure, exports, policies, retention, signed, verifier
from watchline.streams.governance.acts import ACTS, ROLES, NotAllowed, Role
from watchline.streams.governance.keys import Roots, is_good, raw
from watchline.streams.governance.prompts import rules, versions
from watchline.streams.governance.proof import acts as proofs
from watchline.streams.governance.reads import acts as reads

RISK_CLASSES = ("minimal", "limited", "high")
LEGAL_BASES = ("consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests")
KINDS = ("person", "service")
MAX_REASON = 300  # code points: a forged act may have names of any length


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the log: an act, or what isn't one, and what became of it.

    `previous` and `hash` are those of the chain (see `verifier`); `sha256` is of a message that could not be read.
    """

    position: int
    kafka_time: int  # microseconds, by the broker's clock
    event: GovernanceEvent | None
    sha256: str
    accepted: bool
    reason: str
    previous: str
    hash: str

    @property
    def as_json(self) -> dict[str, Any]:
        """As the verifier takes it, and `verify.stored` gives it."""
        return {**_hashed(self), "previous": self.previous, "hash": self.hash}


@dataclass(slots=True)
class Holder:
    """A key that was registered: whose it is, what it may do, and from which position to which."""

    public: str
    kind: str
    holder: str
    roles: frozenset[str]
    since: int
    until: int | None = None


@dataclass(slots=True)
class State:
    """What is in force."""

    roots: Roots
    keys: dict[str, Holder] = field(default_factory=dict)
    use_cases: dict[str, Mapping[str, str]] = field(default_factory=dict)
    holds: dict[str, str] = field(default_factory=dict)  # id to what is held
    released: set[str] = field(default_factory=set)
    prompts: versions.Versions = field(default_factory=versions.Versions)  # and models
    now: int = field(default=0, repr=False)  # microseconds, by the broker's clock, of the entry that is taken
    retention: retention.Retention = field(default_factory=retention.Retention)
    policies: dict[str, policies.Set] = field(default_factory=dict)  # by app, or app/environment
    proved: dict[str, int] = field(default_factory=dict)  # interval to the position of its last proof
    erasures: dict[str, erasure.Erasure] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)  # hashes of subjects who took their consent back


class Fold:
    """Takes the messages of the topic in their order.

    Parameters
    ----------
    roots : Roots
        The root keys with which the log began.

    Examples
    --------
    >>> from watchline.streams.governance.keys import Key
    >>> fold = Fold(Roots({"first": Key.new().public}, 1))
    >>> entry = fold.take(b"junk", 1_700_000_000_000_000)
    >>> entry.position, entry.accepted, entry.reason
    (0, False, 'it can not be read')
    """

    def __init__(self, roots: Roots) -> None:
        self.log = roots.log
        self.state = State(roots)
        self.next, self.head = 0, self.log
        self._seen: dict[int, int] = {}  # governance_id to position

    def take(self, value: bytes, kafka_time: int) -> Entry:
        """What becomes of the next message of the topic."""
        return self.take_event(*read(value), kafka_time)

    def take_event(self, event: GovernanceEvent | None, sha256: str, kafka_time: int) -> Entry:
        """Likewise of one that was read, or of one that could not be."""
        reason = "" if event else "it can not be read"
        self.state.now = kafka_time
        if event is not None:
            try:
                self._apply(event)
            except NotAllowed as refusal:
                reason = str(refusal)[:MAX_REASON]
        entry = Entry(self.next, kafka_time, event, sha256, not reason, reason, self.head, "")
        entry = dataclasses.replace(entry, hash=verifier.entry_hash(self.head, _hashed(entry)))
        self.next, self.head = entry.position + 1, entry.hash
        return entry

    def knows(self, governance_id: str) -> bool:
        """Whether an act of this id was accepted."""
        return _number(governance_id) in self._seen

    def public(self, key: str) -> str | None:
        """The public key of a root key, or of one that was registered, revoked since or not; else None."""
        holder = self.state.keys.get(key)
        if holder is not None:
            return holder.public
        roots = self.state.roots
        return roots.keys[roots.holders[key]] if key in roots.holders else None

    def _apply(self, event: GovernanceEvent) -> None:
        """Checks an act and does what it says. Raises NotAllowed, and has done nothing then."""
        identity = _number(event.governance_id)
        if (before := self._seen.get(identity)) is not None:
            raise NotAllowed(f"it came before, at {before}")
        if fault := signed.fault_of(event):
            raise NotAllowed(fault)
        self._check_signatures(event)
        if change := _CHANGES.get(event.action):
            change(self.state, event, self.next)
        self._seen[identity] = self.next

    def _check_signatures(self, event: GovernanceEvent) -> None:
        if not event.signatures:
            raise NotAllowed("nobody has signed it")
        message, by = verifier.act_bytes(self.log, signed.body(event)), ACTS[event.action].by
        of_roots: set[str] = set()
        actors: dict[str, frozenset[str]] = {}
        for key, signature in event.signatures.items():
            name, public, roles = self._holder(key)
            if not is_good(public, message, signature):
                raise NotAllowed(f"the signature of key {key} is not of this act, or not for this log")
            actors[name] = actors.get(name, frozenset()) | roles
            if key in self.state.roots.holders:
                of_roots.add(key)
        if event.actor not in actors:
            raise NotAllowed(f"it says that {event.actor} did it, and {', '.join(sorted(actors))} has signed it")
        if "root" in by:
            if len(of_roots) < self.state.roots.needed:
                raise NotAllowed(f"{len(of_roots)} of {self.state.roots.needed} root keys have signed it")
        elif not actors[event.actor] & {*by}:
            raise NotAllowed(f"{event.actor} may not: it takes one who is {' or '.join(by)}")

    def _holder(self, key: str) -> tuple[str, str, frozenset[str]]:
        """Whose a key is, the public key, and what it may do now."""
        roots = self.state.roots
        if name := roots.holders.get(key):
            return name, roots.keys[name], frozenset({"root"})
        holder = self.state.keys.get(key)
        if holder is None:
            raise NotAllowed(f"key {key} is not registered")
        if holder.until is not None:
            raise NotAllowed(f"key {key} was revoked at {holder.until}")
        return holder.holder, holder.public, holder.roles


def read(value: bytes) -> tuple[GovernanceEvent | None, str]:
    """The act of a message; of one that can't be read None, and its SHA-256."""
    try:
        return decode(value, GovernanceEvent), ""
    except PoisonError:
        return None, hashlib.sha256(value).hexdigest()


def _number(governance_id: str) -> int:
    """A UUID as a number: half the memory of its text."""
    try:
        return int(governance_id.replace("-", ""), 16)
    except ValueError:
        raise NotAllowed("its id is no UUID") from None


def _hashed(entry: Entry) -> dict[str, Any]:
    return {
        "accepted": entry.accepted,
        "event": signed.body(entry.event) if entry.event else None,
        "kafka_time": entry.kafka_time,
        "position": entry.position,
        "reason": entry.reason,
        "sha256": entry.sha256,
        "signatures": {key: each.hex() for key, each in entry.event.signatures.items()} if entry.event else {},
    }


def _key_registered(state: State, event: GovernanceEvent, position: int) -> None:
    details = event.details
    try:
        raw(details["public"])
    except ValueError as error:
        raise NotAllowed(str(error)) from None
    if verifier.key_id(details["public"]) != event.target:
        raise NotAllowed(f"{event.target} is not the id of this public key")
    if event.target in state.keys:
        raise NotAllowed(f"key {event.target} was registered before, at {state.keys[event.target].since}")
    if details["public"] in state.roots.keys.values():
        raise NotAllowed("it is a root key, which signs nothing else")
    if details["kind"] not in KINDS:
        raise NotAllowed(f"a key is of a {' or a '.join(KINDS)}")
    roles = frozenset(each.strip() for each in details["roles"].split(","))
    allowed: set[Role] = {*ROLES} - {"root"}
    if unknown := sorted(roles - allowed):
        raise NotAllowed(f"no role {', '.join(unknown)}; known: {', '.join(sorted(allowed))}")
    state.keys[event.target] = Holder(details["public"], details["kind"], details["holder"], roles, position)


def _key_revoked(state: State, event: GovernanceEvent, position: int) -> None:
    holder = state.keys.get(event.target)
    if holder is None or holder.until is not None:
        raise NotAllowed(f"no key {event.target} is registered" if holder is None else "it was revoked before")
    holder.until = position


def _roots_replaced(state: State, event: GovernanceEvent, position: int) -> None:
    try:
        read = json.loads(event.details["keys"])
        roots = Roots({str(name): str(public) for name, public in read.items()}, int(event.details["needed"]))
    except (ValueError, AttributeError, ConfigurationError) as error:
        raise NotAllowed(f"these are no root keys: {error}") from None
    if taken := [name for key, name in roots.holders.items() if key in state.keys]:
        raise NotAllowed(f"the key of {taken[0]} is registered for something else")
    state.roots = roots


def _use_case_registered(state: State, event: GovernanceEvent, position: int) -> None:
    for name, known in (("risk_class", RISK_CLASSES), ("legal_basis", LEGAL_BASES)):
        if event.details[name] not in known:
            raise NotAllowed(f"{name} is one of {', '.join(known)}")
    state.use_cases[event.target] = event.details


def _hold_placed(state: State, event: GovernanceEvent, position: int) -> None:
    if event.target.partition(":")[0] not in ("tenant", "app", "event") or not event.target.partition(":")[2]:
        raise NotAllowed("what is held is tenant:NAME, app:NAME or event:ID")
    hold, until = event.details["hold"], retention.last_day(event)
    if hold in state.holds or hold in state.released:
        raise NotAllowed(f"there was a hold {hold} before")
    state.holds[hold] = event.target
    if until is not None:
        state.retention.holds_until[hold] = until


def _hold_released(state: State, event: GovernanceEvent, position: int) -> None:
    if event.target not in state.holds:
        raise NotAllowed(f"there is no hold {event.target}")
    del state.holds[event.target]
    state.released.add(event.target)


_CHANGES: Mapping[str, Callable[[State, GovernanceEvent, int], None]] = {
    "key_registered": _key_registered,
    "key_revoked": _key_revoked,
    "roots_replaced": _roots_replaced,
    "use_case_registered": _use_case_registered,
    "hold_placed": _hold_placed,
    "hold_released": _hold_released,
    **rules.CHANGES,
    **retention.CHANGES,
    **policies.CHANGES,
    **proofs.CHANGES,
    **erasure.CHANGES,
    **reads.CHANGES,
    **exports.CHANGES,
}
