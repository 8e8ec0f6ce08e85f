"""Whose approvals count, and whether they are enough: the same for each way to apps."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance.acts import ACTS, NotAllowed
from watchline.streams.governance.prompts.versions import Item, Policy, Version

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State

DEFAULTS = {"minimal": Policy(1), "limited": Policy(1), "high": Policy(2)}
_DAY_US = 86_400_000_000


def person(holder: str) -> str:
    """One spelling of who holds a key, so that nobody counts twice.

    >>> person(" P1\\u200b ") == person("p1") == person("\\uff301")
    True
    """
    folded = unicodedata.normalize("NFKC", holder).casefold()
    kept = (each for each in folded if not each.isspace() and unicodedata.category(each) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFKC", "".join(kept))


def own_keys(state: State, event: GovernanceEvent) -> tuple[str, ...]:
    """The keys with which who did it has signed as a person who may. Raises NotAllowed where there are none."""
    found = tuple(key for key in event.signatures if _may(state, key, event.action, event.actor))
    if not found:
        raise NotAllowed("a service may draft and nothing else; its approvals never count")
    return found


def _may(state: State, key: str, action: str, actor: str | None = None) -> bool:
    holder = state.keys.get(key)
    return (
        holder is not None
        and holder.until is None
        and holder.kind == "person"
        and bool(holder.roles & {*ACTS[action].by})
        and actor in (None, holder.holder)
    )


def policy(state: State, app: str) -> Policy:
    """What is needed now for an app: as the roots say for it, or for its risk class. Raises NotAllowed."""
    use_case = state.use_cases.get(app)
    if use_case is None:
        raise NotAllowed(f"no app {app} is registered: use_case_registered comes first")
    policies, risk_class = state.prompts.policies, use_case["risk_class"]
    return policies.get(f"app:{app}") or policies.get(f"class:{risk_class}") or DEFAULTS[risk_class]


def counted(state: State, item: Item, version: Version) -> tuple[set[str], Policy]:
    """Whose approvals of a version count now, as the stricter of the policy then and now has it, and that policy.

    Who has no right any more to approve counts no more, nor does an approval that is too old, or that was given before
    the version was rolled back or withdrawn.
    """
    needed = version.policy.stricter(policy(state, item.app))
    found = {
        who
        for who, given in version.approvals.items()
        if who not in version.authors
        and given.position > version.barred
        and state.now - given.time <= needed.days * _DAY_US
        and any(_may(state, key, f"{item.kind}_approved") for key in given.keys)
    }
    return found, needed


def shortage(state: State, item: Item, version: Version) -> str:
    """What a version lacks of approvals, in words, as each refusal has them."""
    found, needed = counted(state, item, version)
    now = policy(state, item.app)
    then = f" ({version.policy.approvals} were needed before, {now.approvals} now)" if needed != now else ""
    return (
        f"{len(found)} of {needed.approvals} approvals of this content by others than its author"
        f"{then}: {version.content_hash[:12]}"
    )


def check(state: State, item: Item, version: Version) -> None:
    """Raises NotAllowed where fewer than needed have approved a version."""
    found, needed = counted(state, item, version)
    if len(found) < needed.approvals:
        raise NotAllowed(shortage(state, item, version))
