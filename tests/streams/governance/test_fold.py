"""Who may write to the topic can write anything: what the rules don't allow is rejected, named, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.streams.governance.logs import USE_CASE, Written, with_event
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import signed, verifier
from watchline.streams.governance.acts import ACTS, ROLES
from watchline.streams.governance.fold import Entry
from watchline.streams.governance.keys import Key

ROOT = "first"


@pytest.fixture
def written() -> Written:
    return Written()


def test_a_registered_key_signs_until_it_is_revoked(written: Written) -> None:
    anna = Key.new()
    assert written.use_case(anna, "p1").reason == f"key {anna.id} is not registered"
    assert written.register(anna, "p1").accepted
    assert written.use_case(anna, "p1").accepted
    assert written.fold.state.use_cases == {"shop": USE_CASE}
    assert written.send(written.act("key_revoked", anna.id, ROOT, written.root_keys[ROOT])).accepted
    # By its place in the log, whatever it says of the time.
    late = with_event(written.act("use_case_registered", "shop", "p1", details=USE_CASE), time=1)
    assert written.send(signed.sign(late, anna, written.roots.log)).reason == f"key {anna.id} was revoked at 3"
    assert [entry.accepted for entry in written.entries] == [False, True, True, True, False]


def forged(written: Written, anna: Key) -> GovernanceEvent:
    """Anna's act, signed by a key that nobody registered, under her key's name."""
    event = written.act("use_case_registered", "shop", "p1", details=USE_CASE)
    signature = signed.sign(event, Key.new(), written.roots.log).signatures.values()
    return with_event(event, signatures={anna.id: next(iter(signature))})


def changed(written: Written, anna: Key) -> GovernanceEvent:
    event = written.act("use_case_registered", "shop", "p1", anna, details=USE_CASE)
    return with_event(event, details={**USE_CASE, "risk_class": "minimal"})


def of_another_log(written: Written, anna: Key) -> GovernanceEvent:
    return signed.sign(written.act("use_case_registered", "shop", "p1", details=USE_CASE), anna, Written().roots.log)


def unsigned(written: Written, anna: Key) -> GovernanceEvent:
    return written.act("use_case_registered", "shop", "p1", details=USE_CASE)


def in_anothers_name(written: Written, anna: Key) -> GovernanceEvent:
    return written.act("use_case_registered", "shop", "p2", anna, details=USE_CASE)


def without_the_role(written: Written, anna: Key) -> GovernanceEvent:
    return written.act("hold_placed", "tenant:acme", "p1", anna, details={"hold": "h1"})


def registers_a_key_herself(written: Written, anna: Key) -> GovernanceEvent:
    other = Key.new()
    details = {"public": other.public, "kind": "person", "holder": "p9", "roles": "owner"}
    return written.act("key_registered", other.id, "p1", anna, details=details)


def of_no_risk_class(written: Written, anna: Key) -> GovernanceEvent:
    return written.act("use_case_registered", "shop", "p1", anna, details={**USE_CASE, "risk_class": "none"})


def of_no_kind(written: Written, anna: Key) -> GovernanceEvent:
    return signed.sign(
        with_event(written.act("use_case_registered", "shop", "p1", details=USE_CASE), action="everything_allowed"),
        anna,
        written.roots.log,
    )


def with_more_than_there_is(written: Written, anna: Key) -> GovernanceEvent:
    event = written.act("use_case_registered", "shop", "p1", details=USE_CASE)
    return signed.sign(with_event(event, details={**USE_CASE, "x" * 9999: "y"}), anna, written.roots.log)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (forged, "the signature of key KEY is not of this act, or not for this log"),
        (changed, "the signature of key KEY is not of this act, or not for this log"),
        (of_another_log, "the signature of key KEY is not of this act, or not for this log"),
        (unsigned, "nobody has signed it"),
        (in_anothers_name, "it says that p2 did it, and p1 has signed it"),
        (without_the_role, "p1 may not: it takes one who is privacy"),
        (registers_a_key_herself, "0 of 1 root keys have signed it"),
        (of_no_risk_class, "risk_class is one of minimal, limited, high"),
        (of_no_kind, "no act is called 'everything_allowed'; known: key_registered, "),
        (with_more_than_there_is, "use_case_registered has no detail xxxx"),
    ],
)
def test_what_is_not_allowed_is_rejected_with_its_reason(
    made: Callable[[Written, Key], GovernanceEvent], reason: str, written: Written
) -> None:
    anna = Key.new()
    assert written.register(anna, "p1").accepted
    state = repr(written.fold.state)
    entry = written.send(made(written, anna))
    assert not entry.accepted and entry.reason.startswith(reason.replace("KEY", anna.id)), entry.reason
    assert len(entry.reason) <= 300
    assert repr(written.fold.state) == state
    assert entry.hash == written.fold.head  # it is in the chain all the same


def test_an_act_that_comes_again_is_rejected(written: Written) -> None:
    anna = Key.new()
    written.register(anna, "p1")
    written.use_case(anna, "p1")
    written.send(written.act("use_case_registered", "shop", "p1", anna, details={**USE_CASE, "risk_class": "high"}))
    assert written.send(written.messages[1].value).reason == "it came before, at 1"
    assert written.fold.state.use_cases["shop"]["risk_class"] == "high"


@pytest.mark.parametrize("value", [b"", b"junk", b"\xc3\x01" + bytes(20), b"\0" * 3000], ids=len)
def test_what_can_not_be_read_has_a_place_and_a_hash(value: bytes, written: Written) -> None:
    entry = written.send(value)
    assert (entry.position, entry.accepted, entry.reason) == (0, False, "it can not be read")
    assert len(entry.sha256) == 64 and entry.event is None


def test_several_root_keys_must_sign_together() -> None:
    written, anna = Written(needed=2, names=("first", "second", "third")), Key.new()
    details = {"public": anna.public, "kind": "person", "holder": "p1", "roles": "owner"}
    keys = written.root_keys
    alone = written.act("key_registered", anna.id, "first", keys["first"], details=details)
    assert written.send(alone).reason == "1 of 2 root keys have signed it"
    together = signed.sign(alone, keys["third"], written.roots.log)
    assert written.send(together).accepted  # it is the same act: one that was rejected did not happen


def test_root_keys_are_replaced_by_themselves_and_the_log_stays_the_same() -> None:
    written, anna, new = Written(needed=2, names=("first", "second")), Key.new(), Key.new()
    old, log = written.root_keys, written.roots.log
    details = {"keys": json.dumps({"heir": new.public}), "needed": "1"}
    event = written.act("roots_replaced", "roots", "first", *old.values(), details=details)
    assert written.send(event).accepted
    registers = {"public": anna.public, "kind": "person", "holder": "p1", "roles": "owner"}
    refused = written.act("key_registered", anna.id, "first", *old.values(), details=registers)
    assert "is not registered" in written.send(refused).reason
    assert written.send(written.act("key_registered", anna.id, "heir", new, details=registers)).accepted
    assert written.use_case(anna, "p1").accepted and written.fold.log == log
    assert [*verifier.faults(written.json(), [written.anchored(new)], written.roots.as_json)] == []


def test_a_key_is_registered_once_and_under_its_own_id(written: Written) -> None:
    anna, root = Key.new(), written.root_keys[ROOT]
    details = {"public": anna.public, "kind": "person", "holder": "p1", "roles": "owner"}

    def registered(**other: str) -> Entry:
        target = other.pop("target", anna.id)
        return written.send(written.act("key_registered", target, ROOT, root, details={**details, **other}))

    assert "is not the id of this public key" in registered(target="00" * 8).reason
    assert "no public key of the form" in registered(public="ed25519:AAAA").reason
    assert "no role root; known: " in registered(roles="owner, root").reason
    assert registered(kind="robot").reason == "a key is of a person or a service"
    own = {"public": root.public, "target": root.id}
    assert registered(**own).reason == "it is a root key, which signs nothing else"
    assert registered().accepted and registered().reason == f"key {anna.id} was registered before, at 5"


def test_holds_end_once(written: Written) -> None:
    dora = Key.new()
    written.register(dora, "p3", roles="privacy")

    def place(hold: str, target: str = "tenant:acme") -> Entry:
        return written.send(written.act("hold_placed", target, "p3", dora, details={"hold": hold}))

    def release(hold: str) -> Entry:
        return written.send(written.act("hold_released", hold, "p3", dora))

    assert place("h1").accepted and written.fold.state.holds == {"h1": "tenant:acme"}
    assert place("h1").reason == "there was a hold h1 before"
    assert place("h2", "everything").reason == "what is held is tenant:NAME, app:NAME or event:ID"
    assert release("h1").accepted and release("h1").reason == "there is no hold h1"
    assert place("h1").reason == "there was a hold h1 before"


def test_an_act_that_lacks_something_is_not_even_made() -> None:
    with pytest.raises(ConfigurationError, match="needs legal_basis: consent, contract"):
        signed.make("use_case_registered", "shop", "p1", details={"risk_class": "high"})
    with pytest.raises(ConfigurationError, match="no act is called 'nothing'; known: key_registered"):
        signed.make("nothing", "shop", "p1")
    with pytest.raises(ConfigurationError, match="has no text comment; known: purpose"):
        signed.make("use_case_registered", "shop", "p1", details=USE_CASE, texts={"comment": "x"})


def test_every_act_says_who_may_and_every_role_may_something() -> None:
    assert {role for act in ACTS.values() for role in act.by} == {*ROLES}
    assert {name for name, act in ACTS.items() if "root" in act.by} == {*verifier.OF_ROOTS, "log_trimmed"}


def test_a_text_is_bound_by_a_hash_that_says_nothing_of_it() -> None:
    first, texts = signed.make("use_case_registered", "shop", "p1", details=USE_CASE, texts={"purpose": "answers"})
    second, _ = signed.make("use_case_registered", "shop", "p1", details=USE_CASE, texts={"purpose": "answers"})
    assert signed.is_text_of(first, "purpose", texts["purpose"])
    assert not signed.is_text_of(first, "purpose", texts["purpose"] + "!")
    assert first.details["sha256:purpose"] != second.details["sha256:purpose"]
