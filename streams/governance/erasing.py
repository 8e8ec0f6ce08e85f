"""An erasure from its request to its certificate: tombstones first, then the store, then a look everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.streams.governance import ids, places
from watchline.streams.governance.eraser import Eraser, in_topics
from watchline.streams.governance.erasure import Erasure, Outcome, Whole, whole_of
from watchline.streams.governance.log import Log
from watchline.streams.kafka import tombstones
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings

CHUNK = 1 << 20
SHORTEST = 5  # characters: a shorter id stands in every file
HOLD = "hold "


def carry_out(
    settings: Settings,
    client: Any,
    erasure: Erasure,
    holds: Mapping[str, str],
    *,
    searched: Callable[[], Mapping[str, Outcome]],
    deadline_s: float = 3600.0,
    told: Callable[[str], None] = lambda line: None,
    drop_detached: bool = False,
) -> tuple[Whole, dict[str, Outcome]]:
    """Does what is left to do of an erasure that was asked for. Safe to run again.

    Parameters
    ----------
    settings : Settings
    client : clickhouse_connect client
    erasure : Erasure
    holds : mapping of str to str
        In force: id to what is held. Under one of them nothing is done.
    searched : callable
        What is found with the ids themselves, after the store was looked at.
    deadline_s, told, drop_detached
        As `Eraser` takes them.

    Returns
    -------
    What a certificate says: of all, and of each place.

    Raises TransientError where Kafka or the store stays away: then what was begun is gone on with later.
    """
    eraser = Eraser(client, erasure, deadline_s=deadline_s, told=told, drop_detached=drop_detached)
    if held := eraser.held_by(holds):
        return "pending", {
            f"{HOLD}{hold}": Outcome(word="partly", ground="held: it goes on when released") for hold in held
        }
    tombstones.write(settings, erasure.tombstones)
    told("what comes again is not stored from now on")
    eraser.hide()
    if erasure.kind != "event" and (events := eraser.events()):  # feedback on them may come without the subject
        of_events = tombstones.of_values(erasure.id, "event", erasure.app, erasure.salt, events)
        tombstones.write(settings, of_events)
    found = {**eraser.run(), **in_topics(settings), **searched()}
    return whole_of(found.values()), found


def to_go_on_with(erasures: Iterable[Erasure], holds: Mapping[str, str], now_us: int) -> list[Erasure]:
    """Those that are not done, that nobody works on and no hold stops: the keeper's."""
    hour_us = 3_600_000_000
    found = []
    for erasure in erasures:
        named = {name.removeprefix(HOLD) for name in erasure.places or () if name.startswith(HOLD)}
        if not erasure.is_done and not named & {*holds} and (erasure.whole or erasure.time + hour_us < now_us):
            found.append(erasure)
    return found


def at_odds(settings: Settings, erasures: Mapping[str, Erasure]) -> dict[str, str]:
    """Tombstones that nobody asked for by the trail, and those that are gone: who writes to the topic can do both.

    Raises TransientError where Kafka is away.
    """
    known = tombstones.Known(settings)
    known.refresh()
    keys = {stone.key for stone in known}
    forged = {stone.erasure: "nobody asked for it: its tombstones are forged" for stone in known}
    gone = {
        each.id: "its tombstones are gone: `watchline erase resume` writes them again"
        for each in erasures.values()
        if each.is_done and {stone.key for stone in each.tombstones} - keys
    }
    return {erasure: why for erasure, why in forged.items() if erasure not in erasures} | gone


def hidden_by_none(queries: Queries, erasures: Mapping[str, Erasure]) -> dict[str, str]:
    """Under which ids events are hidden in the store that are no erasures of the trail: who writes there can hide any.

    Raises what `Queries.query` raises.
    """
    found = queries.query("SELECT certificate, count() FROM v_erased GROUP BY certificate ORDER BY certificate").rows
    return {
        str(erasure): f"nobody asked for it: {events} events are hidden under it in the store"
        for erasure, events in found
        if erasure not in erasures
    }


def back(client: Any, erasure: Erasure) -> dict[str, Outcome]:
    """The places of the store that have something of an erasure, as of one that is done none should."""
    ground = f"it is there again: `watchline erase resume {erasure.id}`"
    counts = Eraser(client, erasure).count()
    return {f"table {name}": Outcome(word="partly", ground=ground, rows=rows) for name, rows in counts.items() if rows}


def search(settings: Settings, words: Iterable[str]) -> dict[str, Outcome]:
    """Where an id itself stands: in files of the data folder but for the store's, and in what people wrote about acts.

    Parameters
    ----------
    settings : Settings
    words : iterable of str
        The id in its spellings, and as it is stored.

    Raises what `Log.texts` raises.
    """
    wanted = [word.encode() for word in dict.fromkeys(words) if len(word) >= SHORTEST]
    if not wanted:
        ground = f"an id of less than {SHORTEST} characters can't be searched for: look yourself"
        return {"files": Outcome(word="partly", ground=ground), "texts": Outcome(word="partly", ground=ground)}
    files = [str(path) for path in _files(settings.data_dir) if _holds(path, wanted)]
    texts = [
        f"{name} of act {governance_id}"
        for governance_id, name, text in _last(Log(settings).texts())
        if any(word in text.encode() for word in wanted)
    ]
    return {
        "files": _found(files, "delete them, or have who made them do so", "no file of the data folder holds it"),
        "texts": _found(texts, "who wrote them erases them", "nobody wrote it about an act"),
    }


def words_of(kind: tombstones.Kind, texts: Iterable[str], keys: Iterable[str]) -> list[str]:
    """The spellings of ids, and what they are stored as."""
    keys = [*keys]
    return [word for text in texts for word in (*ids.spellings(text), *ids.stored_as(kind, text, keys))]


def read_keys(files: Iterable[Path]) -> list[str]:
    """The keys of pseudonyms in files, one each. Raises ConfigurationError."""
    found = []
    for path in files:
        try:
            key = path.read_text("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
            raise ConfigurationError(f"cannot read {path}: {reason}") from None
        if not key:
            raise ConfigurationError(f"{path} is empty; it must hold a key of pseudonyms")
        found.append(key)
    return found


def _found(where: list[str], who: str, nothing: str) -> Outcome:
    if not where:
        return Outcome(word="nothing there", ground=nothing)
    more = f" and {len(where) - 5} more" if len(where) > 5 else ""
    return Outcome(word="partly", ground=f"{', '.join(where[:5])}{more}: {who}", rows=len(where))


def _last(texts: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Each text as it is now: of one that was erased the last message is empty."""
    now = {(governance_id, name): text for governance_id, name, text in texts}
    return [(*key, text) for key, text in now.items()]


def _files(folder: Path) -> Iterable[Path]:
    for above, folders, names in os.walk(folder):
        if Path(above) == folder:
            folders[:] = [name for name in folders if name != places.STORE]
        yield from (path for name in names if (path := Path(above) / name).is_file() and not path.is_symlink())


def _holds(path: Path, wanted: list[bytes]) -> bool:
    overlap = max(map(len, wanted)) - 1
    try:
        with path.open("rb") as file:
            tail = b""
            while chunk := file.read(CHUNK):
                if any(word in tail + chunk for word in wanted):
                    return True
                tail = (tail + chunk)[-overlap:]
    except OSError:
        return True  # what can't be read may hold it: it is named
    return False
