"""The act that records reads: what it must say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import exports
from watchline.streams.governance.acts import NotAllowed

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State

READ = "read"
DOORS = ("cli", "page", "port")
PROVEN = ("uid", "named", "claimed")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def _read(state: State, event: GovernanceEvent, position: int) -> None:
    details = event.details
    if event.target != "reads":
        raise NotAllowed("the target of read is reads")
    for name, known in (("proven", PROVEN), ("door", DOORS)):
        if details[name] not in known:
            raise NotAllowed(f"{name} is one of {', '.join(known)}")
    if not (_TIME.fullmatch(details["from"]) and _TIME.fullmatch(details["to"])) or details["from"] > details["to"]:
        raise NotAllowed("from and to are times such as 2027-01-31T12:00:00Z, the earlier first")
    _only_services(state, event)
    try:
        found = json.loads(details["reads"])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not found or not all(map(_is_read, found)):
        raise NotAllowed("reads is no list of [statement, views, how often, rows, how, why not]")


def _is_read(found: object) -> bool:
    if not isinstance(found, list) or len(found) != 6:
        return False
    shape, views, count, rows, how, why = found
    return (
        all(isinstance(each, str) for each in (shape, how, why))
        and isinstance(views, list)
        and all(isinstance(each, str) for each in views)
        and all(isinstance(each, int) and not isinstance(each, bool) for each in (count, rows))
        and count > 0
        and how in ("ok", "refused", "failed")
    )


def _only_services(state: State, event: GovernanceEvent) -> None:
    """Nobody says of others what they have read."""
    if any(state.keys[key].kind != "service" for key in event.signatures if key in state.keys):
        raise NotAllowed("a service records it, no person")


def _inputs_sent(state: State, event: GovernanceEvent, position: int) -> None:
    _only_services(state, event)
    exports.counted(event.details)


def _of_a_service(state: State, event: GovernanceEvent, position: int) -> None:
    _only_services(state, event)


CHANGES: Mapping[str, Callable[[State, GovernanceEvent, int], None]] = {
    READ: _read,
    "inputs_sent": _inputs_sent,
    **dict.fromkeys(("silenced", "silence_ended", "acknowledged", "incident_began", "incident_ended"), _of_a_service),
}
