"""The rules of exports: what was taken out of the system, and who has withdrawn consent since."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from watchline.streams.governance.acts import NotAllowed

if TYPE_CHECKING:
    from watchline.schemas.records import GovernanceEvent
    from watchline.streams.governance.fold import State

SUBJECT = "subject:"
_SHA256 = re.compile("[0-9a-f]{64}")


def counted(details: Mapping[str, str]) -> None:
    """Raises NotAllowed where `rows` and `sha256` can't be right."""
    if not (details["rows"].isascii() and details["rows"].isdecimal()):
        raise NotAllowed("rows are a whole number")
    if not _SHA256.fullmatch(details["sha256"]):
        raise NotAllowed("sha256 is 64 lower-case hexadecimal digits")


def _exported(state: State, event: GovernanceEvent, position: int) -> None:
    counted(event.details)
    try:
        date.fromisoformat(event.details.get("until", "2000-01-01"))
    except ValueError:
        raise NotAllowed("until is a date, such as 2027-01-31") from None


def _consent_withdrawn(state: State, event: GovernanceEvent, position: int) -> None:
    kind, digest = event.target[: len(SUBJECT)], event.target[len(SUBJECT) :]
    if kind != SUBJECT or not _SHA256.fullmatch(digest):
        raise NotAllowed("whose it is stands there as subject:SHA256: `watchline export withdraw` writes it")
    state.withdrawn.add(digest)


CHANGES: Mapping[str, Callable[[Any, GovernanceEvent, int], None]] = {
    "exported": _exported,
    "consent_withdrawn": _consent_withdrawn,
}
