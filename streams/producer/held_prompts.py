"""What an app holds of its prompts: of each, the good release of the highest position in the governance log.

Nothing goes back but by an act that stands later in the log. What can't be read or isn't signed changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping

from watchline.schemas.errors import PoisonError
from watchline.schemas.records import PromptRelease
from watchline.streams.producer import releases

MOST_REFUSED = 10_000


class HeldPrompts:
    """Takes the messages of the topic, in any order and as often as they come. One thread takes, any may look.

    Parameters
    ----------
    environment, app : str
        Whose they are: others are left out.
    publics : mapping of str to str
        The public keys that may sign, by their ids.
    warn : callable
        As `ThrottledLog.warn`.
    """

    def __init__(self, environment: str, app: str, publics: Mapping[str, str], warn: Callable[..., None]) -> None:
        self._prefix = releases.key_of(environment, app, "")
        self._publics, self._warn = publics, warn
        self._held: dict[bytes, tuple[PromptRelease, bytes]] = {}
        self._refused: set[bytes] = set()

    @property
    def refused(self) -> int:
        """How many messages were refused so far: each counts once, up to `MOST_REFUSED`."""
        return len(self._refused)

    @property
    def messages(self) -> dict[bytes, bytes]:
        """What is held, by key, as it came."""
        return {key: value for key, (_, value) in self._held.items()}

    def by_name(self) -> dict[str, PromptRelease]:
        """What is held, by each name that the prompt has had."""
        found: dict[str, PromptRelease] = {}
        for release, _ in sorted(self._held.values(), key=lambda each: each[0].position):
            found |= dict.fromkeys((*release.names, release.name), release)
        return found

    def take(self, messages: Iterable[tuple[bytes, bytes]]) -> bool:
        """Takes keys and values; whether that changed something. Of many, no more are checked than it needs."""
        newer: dict[bytes, list[tuple[PromptRelease, bytes]]] = {}
        for key, value in messages:
            # An empty one, which deletes a key in Kafka, takes nothing back: it has no signature.
            if not key.startswith(self._prefix) or not value or _digest(key, value) in self._refused:
                continue
            try:
                release = releases.read(key, value)
            except PoisonError as error:
                self._refuse(key, value, error)
                continue
            if key not in self._held or release.position > self._held[key][0].position:
                newer.setdefault(key, []).append((release, value))
        taken = [self._take_highest(key, found) for key, found in newer.items()]
        return any(taken)

    def _take_highest(self, key: bytes, found: list[tuple[PromptRelease, bytes]]) -> bool:
        for release, value in sorted(found, key=lambda each: -each[0].position):
            try:
                releases.check(value, release, self._publics)
            except PoisonError as error:
                self._refuse(key, value, error)
                continue
            self._held[key] = release, value
            return True
        return False

    def _refuse(self, key: bytes, value: bytes, error: PoisonError) -> None:
        if len(self._refused) < MOST_REFUSED:
            self._refused.add(_digest(key, value))
        name = key[:200].decode("ascii", "replace")
        self._warn("prompt refused", "a release of prompt %s is refused, and the last good one stays: %s", name, error)


def _digest(key: bytes, value: bytes) -> bytes:
    return hashlib.sha256(key + b"\0" + value).digest()
