"""What apps may get of each prompt: of each environment, under each name that it has had."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from watchline.schemas.records import PromptRelease, PromptVariant
from watchline.streams.governance.prompts.content import content_hash, variables
from watchline.streams.governance.prompts.versions import Canary, Item, Place, Version

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State

log = logging.getLogger(__name__)

LIVE, WITHDRAWN = "live", "withdrawn"


def drafts(state: State) -> dict[str, str]:
    """The ids of the acts whose contents `releases` needs, and the hash of each."""
    wanted = {}
    for item, _, place in _places(state):
        for number in (place.live, place.canary and place.canary.version):
            if number:
                version = item.version(number)
                wanted[version.draft] = version.content_hash
    return wanted


def releases(state: State, contents: Mapping[str, str]) -> list[PromptRelease]:
    """What is in force, in a fixed order. A withdrawn one has no content, and the hash is that of none.

    Parameters
    ----------
    state : State
        Of the folded log.
    contents : mapping of str to str
        By hash. A prompt whose content isn't there is left out: apps keep what they have.
    """
    found = []
    for item, environment, place in _places(state):
        live = item.version(place.live) if place.live else None
        other = item.version(place.canary.version) if place.canary else None
        if missing := [each.number for each in (live, other) if each and each.content_hash not in contents]:
            log.error("the content of %s version %d is gone: apps keep what they have", item.names[-1], missing[0])
            continue
        text = contents[live.content_hash] if live else ""
        for name in item.names:
            found.append(
                PromptRelease(
                    environment=environment,
                    app=item.app,
                    name=name,
                    position=max(place.position, item.renamed),
                    version=str(place.last),
                    content_hash=live.content_hash if live else content_hash(""),
                    content=text,
                    variables=variables(text),
                    status=LIVE if live else WITHDRAWN,
                    canary=_variant(place.canary, other, contents) if place.canary and other else None,
                    names=item.names,
                )
            )
    return sorted(found, key=lambda each: (each.environment, each.app, each.name))


def _variant(canary: Canary, version: Version, contents: Mapping[str, str]) -> PromptVariant:
    text = contents[version.content_hash]
    return PromptVariant(
        version=str(version.number),
        content_hash=version.content_hash,
        content=text,
        variables=variables(text),
        share=float(canary.share),
        salt=canary.salt,
    )


def _places(state: State) -> Iterator[tuple[Item, str, Place]]:
    """Each environment of each prompt, once."""
    for (kind, _, name), item in state.prompts.items.items():
        if kind == "prompt" and name == item.names[-1]:
            for environment, place in item.places.items():
                yield item, environment, place
