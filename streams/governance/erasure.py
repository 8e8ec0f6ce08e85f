"""The rules of erasures: what is asked for, and what a certificate may say of it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance.acts import NotAllowed
from watchline.streams.kafka.tombstones import KINDS, Kind, Tombstone

Word = Literal["deleted", "nothing there", "expires", "partly", "failed"]
Whole = Literal["complete", "incomplete", "nothing found", "pending"]
WORDS: Mapping[Word, str] = {
    "deleted": "it was there, was deleted, and a second look found none of it",
    "nothing there": "none of it was found, or the place holds nothing by which somebody could be told",
    "expires": "it goes by itself, at the time that is named",
    "partly": "some of it is still there, or could not be looked at: who must act is named",
    "failed": "it could not be deleted, for the reason that is named",
}
OPEN: tuple[Word, ...] = ("partly", "failed")  # with one of these the whole is incomplete
TARGET = "erasure:"
_ID = re.compile("[0-9a-f-]{8,64}")
_SALT, _HASH = re.compile("(?:[0-9a-f]{2}){16,64}"), re.compile("[0-9a-f]{64}")


def salt_of_next(erasures: Mapping[str, Erasure]) -> str:
    """The salt of the others: who stores an event hashes its ids once for each salt."""
    return next((each.salt for each in erasures.values()), "") or secrets.token_hex(16)


@dataclass(slots=True)
class Erasure:
    """What was asked for, and how far it is.

    Parameters
    ----------
    id : str
    kind : str
    app : str
        Empty: in all.
    salt : str
    hashes : tuple of str
        Of the ids as they are stored: see `tombstones.hash_of`.
    time : int
        When it was asked for, in microseconds, as who asked says.
    searched : mapping of str to list
        What was found with the ids themselves: see `Outcome.as_json`.
    whole : str
        Of the last certificate; empty: there is none.
    places : mapping of str to list
        Of the last certificate.
    """

    id: str
    kind: Kind
    app: str
    salt: str
    hashes: tuple[str, ...]
    time: int
    searched: Mapping[str, list[Any]]
    whole: str = ""
    places: Mapping[str, list[Any]] | None = None

    @property
    def tombstones(self) -> list[Tombstone]:
        """What keeps it from being stored again."""
        return [
            Tombstone(erasure=self.id, kind=self.kind, app=self.app, salt=self.salt, hash=each) for each in self.hashes
        ]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: what expires does so by itself."""
        return self.whole in ("complete", "nothing found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an erasure in one place.

    Parameters
    ----------
    word : str
        One of `WORDS`.
    ground : str
        On which it rests; of what is not done, who must do what.
    rows : int
        How many were deleted, or are still there.
    until : str
        When it is gone, ISO 8601; empty where it is gone, or nobody knows.
    """

    word: Word
    ground: str
    rows: int = 0
    until: str = ""

    @classmethod
    def of(cls, said: Sequence[Any]) -> Self:
        """One that a certificate has."""
        word, ground, rows, until = said
        return cls(word=word, ground=ground, rows=rows, until=until)

    @property
    def as_json(self) -> list[Any]:
        """As a certificate has it."""
        return [self.word, self.ground, self.rows, self.until]


def whole_of(outcomes: Iterable[Outcome]) -> Whole:
    """What a certificate says of all places together.

    >>> done, open = Outcome(word="deleted", ground=""), Outcome(word="partly", ground="")
    >>> whole_of([done, Outcome(word="expires", ground="")]), whole_of([done, open])
    ('complete', 'incomplete')
    >>> whole_of([Outcome(word="nothing there", ground=""), Outcome(word="expires", ground="")])
    'nothing found'
    """
    words = {outcome.word for outcome in outcomes}
    if words & {*OPEN}:
        return "incomplete"
    return "complete" if "deleted" in words else "nothing found"


def read_places(text: str) -> dict[str, list[Any]]:
    """The places of a certificate, or of what was searched. Raises NotAllowed where they are none."""
    try:
        places = json.loads(text)
        for name, (word, ground, rows, until) in places.items():
            if word not in WORDS or not isinstance(rows, int) or not all(isinstance(t, str) for t in (ground, until)):
                raise NotAllowed(
                    f"{name!r}: a place is {', '.join(WORDS)}, with a ground, how many rows and until when"
                )
    except (ValueError, TypeError, AttributeError):
        raise NotAllowed("the places are not JSON of the form {place: [word, ground, rows, until]}") from None
    return dict(places)


def _id_of(event: GovernanceEvent) -> str:
    erasure = event.target.removeprefix(TARGET)
    if not event.target.startswith(TARGET) or not _ID.fullmatch(erasure):
        raise NotAllowed("the target is erasure:ID, with an id that says nothing: hexadecimal digits and dashes")
    return erasure


def _requested(state: Any, event: GovernanceEvent, position: int) -> None:
    erasure, details = _id_of(event), event.details
    if erasure in state.erasures:
        raise NotAllowed(f"there was an erasure {erasure} before")
    if details["kind"] not in KINDS:
        raise NotAllowed(f"what is erased is a {', '.join(KINDS)}")
    hashes = tuple(dict.fromkeys(details["scope"].split(",")))
    if not _SALT.fullmatch(details["salt"]) or not all(_HASH.fullmatch(each) for each in hashes):
        raise NotAllowed("the scope is of salted SHA-256s, hexadecimal: an id may not stand in the trail")
    searched = read_places(details.get("searched", "{}"))
    app = details.get("app", "")
    kind: Kind = details["kind"]
    state.erasures[erasure] = Erasure(erasure, kind, app, details["salt"], hashes, event.time, searched)


def _certified(state: Any, event: GovernanceEvent, position: int) -> None:
    erasure = state.erasures.get(_id_of(event))
    if erasure is None:
        raise NotAllowed(f"no {event.target} was asked for")
    places, whole = read_places(event.details["places"]), event.details["whole"]
    words = [*map(Outcome.of, places.values())]
    if whole != "pending" and (not words or whole != whole_of(words)):
        raise NotAllowed(f"the places say {whole_of(words)}, and not {whole}")
    erasure.whole, erasure.places = whole, places


CHANGES: Mapping[str, Callable[[Any, GovernanceEvent, int], None]] = {
    "erasure_requested": _requested,
    "erasure_certified": _certified,
}
