"""Attacks that write acts to the log's topic, past every command. The fold answers: what is not allowed is rejected."""

from __future__ import annotations

import dataclasses

from watchline.schemas.codec import encode
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import signed
from watchline.streams.governance.drill.answer import Answer, stopped
from watchline.streams.governance.drill.world import APP, DRAFT, NAME, PLACE, PROMPT, World
from watchline.streams.governance.keys import Key

FOLD = "the fold of the log"


def forge(world: World) -> Answer:
    """Writes an act in the name of p1, signed with a key that nobody has registered. The fold must reject it."""
    use_case = {"risk_class": "minimal", "legal_basis": "consent"}
    return _rejected(world, world.act("use_case_registered", APP, "p1", by=Key.new(), details=use_case)[0])


def forge_signature(world: World) -> Answer:
    """Writes an act in the name of p1 under the id of p1's key, with another signature. The fold must reject it."""
    use_case = {"risk_class": "minimal", "legal_basis": "consent"}
    event, _ = world.act("use_case_registered", APP, "p1", by=world.keys["mallory"], details=use_case)
    (signature,) = event.signatures.values()
    return _rejected(world, dataclasses.replace(event, signatures={world.keys["p1"].id: signature}))


def borrow_name(world: World) -> Answer:
    """Signs rightly with a key of their own, and names p2 as who did it. The fold must reject it."""
    event, _ = world.act("prompt_approved", PROMPT, "p2", by=world.keys["mallory"], details={"app": APP}, number=DRAFT)
    return _rejected(world, event)


def self_approve(world: World) -> Answer:
    """Approves what they have drafted themselves, as an owner, who may approve. The fold must not count it."""
    return _rejected(world, world.act("prompt_approved", PROMPT, "mallory", details={"app": APP}, number=DRAFT)[0])


def promote_unapproved(world: World) -> Answer:
    """Promotes, as an operator, what nobody has approved. The fold must reject it, and apps get what they had."""
    answer = _rejected(world, world.act("prompt_promoted", PROMPT, "mallory", details=PLACE, number=DRAFT)[0])
    place = world.keeper.fold.state.prompts.items["prompt", APP, NAME].places[PLACE["environment"]]
    return stopped(answer.by, answer.says, when=answer.word == "stopped" and place.live == 2)


def replay_approval(world: World) -> Answer:
    """Writes the bytes of an approval again that p2 has signed. The fold must know that it came before."""
    return _rejected_bytes(world, _bytes_at(world, world.positions["approval 1"]))


def move_approval(world: World) -> Answer:
    """Makes of an approval that p2 has signed one of another version, under a new id. The signature must tell."""
    event = world.entries()[world.positions["approval 1"]].event
    assert event is not None
    fresh, _ = world.act("prompt_approved", PROMPT, "p2", details={"app": APP}, number=DRAFT)
    return _rejected(world, dataclasses.replace(fresh, signatures=event.signatures))


def approve_for_other_log(world: World) -> Answer:
    """Brings an act that p2 has signed in another log, as in a test system. It must count in its own log alone."""
    event, _ = world.act("prompt_approved", PROMPT, "p2", details={"app": APP}, number=DRAFT)
    other = signed.sign(dataclasses.replace(event, signatures={}), world.keys["p2"], "00" * 32)
    return _rejected(world, other)


def register_own_key(world: World) -> Answer:
    """Registers a key of their own as an approver's. Root keys alone may, so the fold must reject it."""
    key = Key.new()
    details = {"public": key.public, "kind": "person", "holder": "p9", "roles": "approver"}
    return _rejected(world, world.act("key_registered", key.id, "mallory", details=details)[0])


def swap_key(world: World) -> Answer:
    """Puts another public key under the id of p2's, with a root key's name. The fold must reject it."""
    details = {"public": Key.new().public, "kind": "person", "holder": "p2", "roles": "approver"}
    event, _ = world.act("key_registered", world.keys["p2"].id, "first", by=world.keys["mallory"], details=details)
    (signature,) = event.signatures.values()
    roots = {key.id: signature for key in world.root_keys.values()}
    answer = _rejected(world, dataclasses.replace(event, signatures=roots))
    kept = world.keeper.fold.public(world.keys["p2"].id) == world.keys["p2"].public
    return stopped(answer.by, answer.says, when=answer.word == "stopped" and kept)


def replace_roots(world: World) -> Answer:
    """Puts root keys of their own in the place of those before. As many of those as are needed must sign it."""
    details = {"keys": f'{{"mine": "{Key.new().public}"}}', "needed": "1"}
    return _rejected(world, world.act("roots_replaced", "roots", "mallory", details=details)[0])


def _bytes_at(world: World, position: int) -> bytes:
    (message,) = (message for message in world.log.read(position) if message.offset == position)
    return message.value


def _rejected(world: World, event: GovernanceEvent) -> Answer:
    return _rejected_bytes(world, encode(event))


def _rejected_bytes(world: World, value: bytes) -> Answer:
    """The fold's reason; and the trail with the rejected entry in it must be whole."""
    entry = world.into_log(value)
    return stopped(FOLD, entry.reason, when=not entry.accepted and not world.faults())
