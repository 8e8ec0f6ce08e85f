"""An act on its way into the log: made, signed by one key or several, packed."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import time
from collections.abc import Mapping
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import verifier
from watchline.streams.governance.acts import ACTS
from watchline.streams.governance.keys import Key
from watchline.streams.ids import uuid7

SALT_BYTES = 16
OF_TEXT = "sha256:"  # a detail that is the hash of a text


def make(
    action: str,
    target: str,
    actor: str,
    *,
    details: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
    version: str | None = None,
    content_hash: str | None = None,
) -> tuple[GovernanceEvent, dict[str, str]]:
    """An act that nobody has signed yet, and its texts behind their salts.

    Raises ConfigurationError where it isn't one that `acts.ACTS` knows.

    Parameters
    ----------
    action, target : str
        Which act, and of what.
    actor : str
        Who: the holder that the key is registered for, or a root key's name.
    details : mapping of str to str
    texts : mapping of str to str
        What a person wrote. The act has its hash with a salt alone; the text lies beside the log and can be erased.
    """
    details, texts = dict(details or {}), dict(texts or {})
    salted = {name: f"{secrets.token_hex(SALT_BYTES)}:{text}" for name, text in texts.items()}
    details |= {f"{OF_TEXT}{name}": hashlib.sha256(each.encode()).hexdigest() for name, each in salted.items()}
    event = GovernanceEvent(
        governance_id=str(uuid7()),
        time=time.time_ns() // 1000,
        actor=actor,
        action=action,
        target=target,
        version=version,
        content_hash=content_hash,
        details=details,
    )
    if fault := fault_of(event):
        raise ConfigurationError(fault)
    return event, salted


def fault_of(event: GovernanceEvent) -> str:
    """Why an act is none that can be recorded, whoever signs it; empty where it can."""
    act = ACTS.get(event.action)
    if act is None:
        return f"no act is called {event.action!r}; known: {', '.join(ACTS)}"
    if not event.target or not event.actor:
        return "an act needs an actor and a target"
    plain = {name for name in event.details if not name.startswith(OF_TEXT)}
    hashed = {name.removeprefix(OF_TEXT) for name in event.details if name.startswith(OF_TEXT)}
    if missing := [name for name in act.needs if not event.details.get(name)]:
        return f"{event.action} needs {', '.join(missing)}: {act.needs[missing[0]]}"
    if unknown := sorted(plain - {*act.needs, *act.may_have}):
        known = [*act.needs, *act.may_have]
        return f"{event.action} has no detail {', '.join(unknown)}; known: {', '.join(known) or 'none'}"
    if unknown := sorted(hashed - {*act.texts}):
        return f"{event.action} has no text {', '.join(unknown)}; known: {', '.join(act.texts) or 'none'}"
    return ""


def body(event: GovernanceEvent) -> dict[str, Any]:
    """What is signed of an act: all but its signatures."""
    return {
        "action": event.action,
        "actor": event.actor,
        "content_hash": event.content_hash,
        "details": dict(event.details),
        "governance_id": event.governance_id,
        "target": event.target,
        "time": event.time,
        "version": event.version,
    }


def sign(event: GovernanceEvent, key: Key, log: str) -> GovernanceEvent:
    """The act with one signature more, for one log.

    >>> act, _ = make("key_revoked", "0011223344556677", "first")
    >>> len(sign(act, Key.new(), "00" * 32).signatures)
    1
    """
    signature = key.sign(verifier.act_bytes(log, body(event)))
    return dataclasses.replace(event, signatures={**event.signatures, key.id: signature})


def is_text_of(event: GovernanceEvent, name: str, salted: str) -> bool:
    """Whether a text is the one whose hash the act has.

    >>> act, texts = make("key_revoked", "0011223344556677", "first", texts={"reason": "she left"})
    >>> is_text_of(act, "reason", texts["reason"]), is_text_of(act, "reason", "00:another")
    (True, False)
    """
    return event.details.get(f"{OF_TEXT}{name}") == hashlib.sha256(salted.encode()).hexdigest()
