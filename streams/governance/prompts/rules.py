"""The rules for prompts and for models: what the log lets apps have, whichever way an act came into it.

A version is promoted once enough people other than its author have approved exactly its content. Whatever is refused
has changed nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance.acts import NotAllowed
from watchline.streams.governance.prompts import approvals, characters
from watchline.streams.governance.prompts.versions import Approval, Canary, Emergency, Item, Place, Policy, Version

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State

KINDS = ("prompt", "model")
MOST_NAME = 200  # code points
_HASH = frozenset("0123456789abcdef")


def _drafted(state: State, event: GovernanceEvent, position: int) -> None:
    kind, name, app = _named(event)
    needed = approvals.policy(state, app)
    item = state.prompts.items.get((kind, app, name)) or Item(kind, app, name, (name,))
    number = len(item.versions) + 1
    if event.version != str(number):
        raise NotAllowed(f"the next version is {number}, and this says {event.version}")
    content_hash = event.content_hash or ""
    if len(content_hash) != 64 or not _HASH.issuperset(content_hash) or "sha256:content" not in event.details:
        raise NotAllowed("it has no content, or no SHA-256 of it")
    if same := [each.number for each in item.versions if each.content_hash == content_hash]:
        raise NotAllowed(f"version {same[0]} has this content")
    source, revision = event.details.get("source", ""), _number(event.details.get("revision", "0"), 0, 10**15)
    if revision < item.revisions.get(source, 0):
        raise NotAllowed(f"it is of revision {revision}, and {item.revisions[source]} was drafted before")
    authors = _authors(state, event)
    item.versions.append(Version(number, content_hash, event.governance_id, authors, needed))
    if "revision" in event.details:
        item.revisions[source] = revision
    for each in item.names:
        state.prompts.items[kind, app, each] = item


def _authors(state: State, event: GovernanceEvent) -> frozenset[str]:
    """Who has written a version: who signed it, and for whom."""
    signers = [state.keys[key] for key in event.signatures if key in state.keys]
    other = event.details.get("for", "")
    if not other and any(each.kind == "service" for each in signers):
        raise NotAllowed("a service says for whom it drafts")
    people = {
        approvals.person(each.holder) for each in state.keys.values() if (each.kind, each.until) == ("person", None)
    }
    if other and approvals.person(other) not in people:
        raise NotAllowed(f"no person {other} is registered")
    return frozenset(approvals.person(each) for each in (*(each.holder for each in signers), other) if each)


def _approved(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    keys, who = approvals.own_keys(state, event), approvals.person(event.actor)
    if who in version.authors:
        raise NotAllowed(approvals.shortage(state, item, version))
    version.policy = version.policy.stricter(approvals.policy(state, item.app))
    version.approvals[who] = Approval(keys, position, state.now)


def _promoted(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    place = item.places.get(_environment(event), Place())
    _must_be_new(place, version)
    _must_be_in_use(state, item)
    approvals.check(state, item, version)
    _serve(item, event, place, version, position)


def _emergency_promoted(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    if not any(each.isalnum() for each in event.details["reason"]):
        raise NotAllowed("an emergency has a reason")
    if open_ := state.prompts.emergencies.get(item.app):
        name = f"{open_.item.kind}:{open_.item.names[-1]}"
        raise NotAllowed(f"nobody has reviewed the emergency before yet: {name} version {open_.version}")
    if version.withdrawn:
        raise NotAllowed(f"version {version.number} was withdrawn at {version.barred}: it takes new approvals")
    place = item.places.get(_environment(event), Place())
    _must_be_new(place, version)
    _must_be_in_use(state, item)
    people = version.authors | {approvals.person(event.actor)}
    _serve(item, event, place, version, position)
    state.prompts.emergencies[item.app] = Emergency(item, _environment(event), version.number, people, state.now)


def _emergency_reviewed(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    found = state.prompts.emergencies.get(item.app)
    at = _environment(event), version.number
    if found is None or found.item is not item or (found.environment, found.version) != at:
        raise NotAllowed("there is no such emergency that waits for a review")
    if approvals.person(event.actor) in found.people:
        raise NotAllowed("another person reviews it than who promoted or wrote it")
    del state.prompts.emergencies[item.app]


def _canaried(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    share, place = _number(event.details["share"], 0, 99), item.places.get(_environment(event), Place())
    if place.live is None:
        raise NotAllowed(f"no version is live in {_environment(event)} beside which it could be")
    _must_be_new(place, version)
    before = place.canary if place.canary and place.canary.version == version.number else None
    if before is None and not share:
        raise NotAllowed(f"version {version.number} is no canary in {_environment(event)}")
    if share > (before.share if before else 0):
        _must_be_in_use(state, item)
        approvals.check(state, item, version)
        version.withdrawn = False
    salt = before.salt if before else event.governance_id
    place.canary = Canary(version.number, share, salt) if share else None
    place.position = position


def _rolled_back(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    place = item.places.get(_environment(event), Place())
    if place.last == version.number:
        before = [number for number in place.before if not item.version(number).withdrawn]
        if not before:
            raise NotAllowed("no version was live before it: withdraw it, and apps get none")
        *place.before, place.live = before
        place.last = before[-1]
    elif place.canary is None or place.canary.version != version.number:
        raise NotAllowed(f"version {version.number} is not live in {_environment(event)}")
    place.canary, place.position = None, position
    version.barred = position


def _withdrawn(state: State, event: GovernanceEvent, position: int) -> None:
    item, version = _chosen(state, event)
    approvals.own_keys(state, event)
    if version.withdrawn:
        raise NotAllowed(f"version {version.number} was withdrawn before, at {version.barred}")
    for place in item.places.values():
        if place.live == version.number:
            place.live = place.canary = None
            place.position = position
        elif place.canary and place.canary.version == version.number:
            place.canary, place.position = None, position
    version.withdrawn, version.barred = True, position


def _renamed(state: State, event: GovernanceEvent, position: int) -> None:
    item, new, items = _item(state, event), event.details["name"], state.prompts.items
    approvals.own_keys(state, event)
    _check_name(new)
    if event.details["first"] != item.first:
        raise NotAllowed(f"it was first called {item.first}")
    if items.get((item.kind, item.app, new), item) is not item or new == item.names[-1]:
        raise NotAllowed(f"there is a {item.kind} {new} already")
    item.names = (*(each for each in item.names if each != new), new)
    item.renamed = position
    items[item.kind, item.app, new] = item


def _approval_policy_set(state: State, event: GovernanceEvent, position: int) -> None:
    what, _, name = event.target.partition(":")
    if not name or what not in ("app", "class") or (what == "class" and name not in approvals.DEFAULTS):
        raise NotAllowed(f"the target is app:NAME, or class: and one of {', '.join(approvals.DEFAULTS)}")
    days = _number(event.details.get("days", "30"), 1, 365)
    state.prompts.policies[event.target] = Policy(_number(event.details["approvals"], 1, 9), days)


def _named(event: GovernanceEvent) -> tuple[str, str, str]:
    """Kind, name and app of what an act is about."""
    kind, _, name = event.target.partition(":")
    of_act = event.action.partition("_")[0]
    if kind not in KINDS or (of_act in KINDS and of_act != kind):
        raise NotAllowed(f"the target is {of_act if of_act in KINDS else 'prompt:NAME or model'}:NAME")
    _check_name(name)
    return kind, name, event.details["app"]


def _check_name(name: str) -> None:
    if not name or name != name.strip() or len(name) > MOST_NAME or characters.found(name):
        raise NotAllowed(f"a name has 1 to {MOST_NAME} characters, each to be seen and none that looks like another")


def _environment(event: GovernanceEvent) -> str:
    name = event.details["environment"]
    _check_name(name)
    return name


def _item(state: State, event: GovernanceEvent) -> Item:
    kind, name, app = _named(event)
    item = state.prompts.items.get((kind, app, name))
    if item is None:
        raise NotAllowed(f"{app} has no {kind} {name}")
    return item


def _chosen(state: State, event: GovernanceEvent) -> tuple[Item, Version]:
    """The version that an act is about, which it names by its number and by the hash of its content."""
    item, number = _item(state, event), _number(event.version or "", 1, 10**9)
    if number > len(item.versions):
        raise NotAllowed(f"there is no version {number} yet")
    version = item.version(number)
    if version.content_hash != event.content_hash:
        of_version, of_act = version.content_hash[:12], (event.content_hash or "none")[:12]
        raise NotAllowed(f"version {number} has other content, {of_version} and not {of_act}: nobody approved that")
    return item, version


def _number(text: str, least: int, most: int) -> int:
    """A whole number, in the one way to write it."""
    if not (text.isascii() and text.isdigit()) or len(text) > 16 or str(int(text)) != text:
        raise NotAllowed(f"{text[:20]!r} is no whole number")
    if not least <= int(text) <= most:
        raise NotAllowed(f"{text} is not from {least} to {most}")
    return int(text)


def _must_be_in_use(state: State, item: Item) -> None:
    """One of the prompts that the use case of its app lists, if any. What traffic calls a model no act knows."""
    listed = [name for each in state.use_cases[item.app].get("prompts", "").split(",") if (name := each.strip())]
    if item.kind == "prompt" and listed and not {*item.names} & {*listed}:
        raise NotAllowed(f"the use case of {item.app} has the prompts {', '.join(listed)} alone: register it anew")


def _must_be_new(place: Place, version: Version) -> None:
    if place.live == version.number:
        raise NotAllowed(f"version {version.number} is live already")


def _serve(item: Item, event: GovernanceEvent, place: Place, version: Version, position: int) -> None:
    if place.last:
        place.before.append(place.last)
    place.live = place.last = version.number
    place.canary, place.position = None, position
    version.withdrawn = False
    item.places[_environment(event)] = place


CHANGES: Mapping[str, Callable[[State, GovernanceEvent, int], None]] = {
    "emergency_promoted": _emergency_promoted,
    "emergency_reviewed": _emergency_reviewed,
    "approval_policy_set": _approval_policy_set,
    **{
        f"{kind}_{what}": change
        for kind in KINDS
        for what, change in {
            "drafted": _drafted,
            "approved": _approved,
            "promoted": _promoted,
            "canaried": _canaried,
            "rolled_back": _rolled_back,
            "withdrawn": _withdrawn,
            "renamed": _renamed,
        }.items()
    },
}
