"""The redaction policies in force, as the log says: by app and field, each with the place of the act that set it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from watchline.detectors.pii import policy
from watchline.streams.governance.acts import NotAllowed

if TYPE_CHECKING:
    from watchline.schemas.records import GovernanceEvent
    from watchline.streams.governance.fold import State


class Set(NamedTuple):
    """A policy: its version, which is the position of the act, and field to action."""

    position: int
    actions: Mapping[str, policy.Action]


def as_file(policies: Mapping[str, Set]) -> dict[str, Any]:
    """What workers read (WATCHLINE_REDACTION_POLICY), and by which acts."""
    return {
        "versions": {app: each.position for app, each in sorted(policies.items())},
        "apps": {app: dict(each.actions) for app, each in sorted(policies.items())},
    }


def _policy_set(state: State, event: GovernanceEvent, position: int) -> None:
    kind, _, app = event.target.partition(":")
    if kind != "app" or not app or app.startswith("/") or app.endswith("/"):
        raise NotAllowed("a policy is of app:NAME or app:NAME/ENVIRONMENT")
    try:
        state.policies[app] = Set(position, policy.actions(event.details["fields"]))
    except ValueError as error:
        raise NotAllowed(f"the fields of the policy: {error}") from None


CHANGES: Mapping[str, Callable[[Any, GovernanceEvent, int], None]] = {"policy_set": _policy_set}
