"""Tells apps which prompts they get, whenever the log says otherwise than before; and finds the contents for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from watchline.schemas.errors import WatchlineError
from watchline.schemas.records import PromptRelease
from watchline.streams.governance.log import Log
from watchline.streams.governance.prompts.content import content_hash
from watchline.streams.governance.prompts.releases import drafts, releases
from watchline.streams.query.open import open_queries
from watchline.streams.settings import Settings

if TYPE_CHECKING:
    from watchline.streams.governance.fold import State

log = logging.getLogger(__name__)

AGAIN_S = 10.0
EVERY_S = 60.0  # what somebody else wrote over a prompt in the topic makes way by then
CONTENT = "content"  # the text of a draft that is its content
Publish = Callable[[Sequence[PromptRelease]], object]


class Publisher:
    """Publishes what the log says, once it is something else, and each minute. Not for several threads.

    The audit trail is kept whether or not this works: it is tried again after `AGAIN_S`.

    Parameters
    ----------
    settings : Settings
    of : Log
    publish : callable
        Gets all releases there are; raises WatchlineError where it can't publish them.
    """

    def __init__(self, settings: Settings, of: Log, publish: Publish) -> None:
        self._settings, self._log, self._publish = settings, of, publish
        self._contents: dict[str, str] = {}
        self._published: list[PromptRelease] = []
        self._not_before = self._next = 0.0

    def step(self, state: State) -> None:
        """Publishes what is in force, where that is something new."""
        if time.monotonic() < self._not_before:
            return
        try:
            wanted = {id: each for id, each in drafts(state).items() if each not in self._contents}
            if wanted:
                self._contents |= contents(self._settings, self._log, wanted)
            made = releases(state, self._contents)
            if made != self._published or time.monotonic() >= self._next:
                self._publish(made)
                self._published, self._next = made, time.monotonic() + EVERY_S
            missing = {*wanted.values()} - self._contents.keys()
            self._not_before = time.monotonic() + AGAIN_S if missing else 0.0
        except WatchlineError as error:
            log.warning("apps are not told which prompts they get: %s; trying again", error)
            self._not_before = time.monotonic() + AGAIN_S


def contents(settings: Settings, of: Log, wanted: Mapping[str, str]) -> dict[str, str]:
    """The contents of drafts by their hash, those that are there: each the one whose hash was signed.

    Raises TransientError where Kafka is away. An embedded broker forgets them, and the store has them then.

    Parameters
    ----------
    settings : Settings
    of : Log
    wanted : mapping of str to str
        The drafts' ids and the hashes of their contents.
    """
    found: dict[str, str] = {}

    def take(governance_id: str, name: str, salted: str) -> None:
        text = salted.partition(":")[2]
        if name == CONTENT and content_hash(text) == wanted.get(governance_id):
            found[wanted[governance_id]] = text

    for each in of.texts():
        take(*each)
    if missing := [id for id, each in wanted.items() if each not in found]:
        sql = """SELECT governance_id, name, text FROM v_governance_texts
WHERE governance_id IN splitByChar(',', {ids:String})"""
        try:
            with open_queries(settings) as queries:
                for row in queries.query(sql, {"ids": ",".join(missing)}).rows:
                    take(*row)
        except WatchlineError as error:
            log.warning("the contents of %d prompts are neither in Kafka nor in the store: %s", len(missing), error)
    return found
