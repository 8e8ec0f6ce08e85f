"""Keeps the trail: reads the log, folds it, stores each entry with its hash, and anchors the head.

What it stores follows from the log alone, so that several of them side by side store the same. Only the anchors are
each one's own, by the key that signs them.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from watchline.schemas.errors import TransientError, WatchlineError
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.governance import anchors, erasing, signed
from watchline.streams.governance.erasure import TARGET, Erasure, Outcome
from watchline.streams.governance.fold import Entry, Fold
from watchline.streams.governance.keys import Key, Roots
from watchline.streams.governance.log import Log
from watchline.streams.governance.prompts.publishing import Publish, Publisher
from watchline.streams.governance.proof.nightly import Nightly
from watchline.streams.governance.reads.recording import Recording
from watchline.streams.governance.retention import holds_in_force
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)

ANCHOR_S = 60.0
POLL_S = 0.5
ERASURES_S = 60.0  # how often is asked what is left to erase
RETRY_S = 3600.0  # how often an erasure is tried that can't be done


class Keeper:
    """One that keeps the trail. Not for several threads.

    Parameters
    ----------
    settings : Settings
    roots : Roots
    key : Key, optional
        Signs the anchors, and the proof of each day; without one there are none, which the log says once.
    anchor_file : Path
    publish : Publish, optional
        Tells apps which prompts they get.
    reads : Path, optional
        The folder where processes write down who reads what: it is recorded from there.
    """

    def __init__(
        self,
        settings: Settings,
        roots: Roots,
        key: Key | None,
        anchor_file: Path,
        publish: Publish | None = None,
        reads: Path | None = None,
    ) -> None:
        self._settings, self._key, self._anchor_file = settings, key, anchor_file
        self._log = Log(settings)
        self.fold = Fold(roots)
        self._sink = Sink(lambda: connect(settings), settings.store_timeout_s)
        self._anchored = max((each["position"] for each in anchors.read(anchor_file)), default=-1)
        self._next_anchor = time.monotonic() + ANCHOR_S
        self._next_erasures = time.monotonic()
        self._tried: dict[str, float] = {}
        self._follower: Any = None
        self._new_texts = self._log.new_texts()
        self._unclaimed: dict[str, list[tuple[str, str]]] = {}  # by act, whose entry is yet to come
        self._publisher = Publisher(settings, self._log, publish) if publish is not None else None
        self._nightly = Nightly(settings, roots.log, key)
        self._reads = Recording(reads, self._log, roots.log, key) if reads is not None and key is not None else None
        if key is None:
            log.warning("no key signs the audit trail's heads: an end of it that is rewritten can't be told")

    def step(self, timeout_s: float = POLL_S) -> int:
        """Takes in what has come, and anchors where it is time. Returns how many entries were stored.

        Raises TransientError where Kafka or the store stays away.
        """
        if self._follower is None:
            self._log.check()
            self._follower = self._log.follow(self.fold.next)
        entries = []
        for message in self._follower.next(timeout_s):
            if message.offset != self.fold.next:
                raise TransientError(f"the log goes on at {message.offset}, and {self.fold.next} was to come")
            entries.append(self.fold.take(message.value, message.time))
        if entries:
            self._store(entries)
        if self._follower.at_end:
            self._nightly.look(self.fold.state)
            if self._publisher is not None:
                self._publisher.step(self.fold.state)
            if self._reads is not None:
                self._reads.look(self.fold)
        if time.monotonic() >= self._next_anchor:
            self.anchor()
        if not entries and time.monotonic() >= self._next_erasures:
            self._next_erasures = time.monotonic() + ERASURES_S
            self._go_on_with_erasures()
        return len(entries)

    def anchor(self) -> None:
        """Signs the head, where it is another than the last."""
        self._next_anchor = time.monotonic() + ANCHOR_S
        position = self.fold.next - 1
        if self._key is not None and position > self._anchored:
            anchors.append(self._anchor_file, anchors.anchor(self.fold.log, position, self.fold.head, self._key))
            self._anchored = position

    def close(self) -> None:
        """Anchors what is there, and ends."""
        self.anchor()
        if self._follower is not None:
            self._follower.close()
        if self._reads is not None:
            self._reads.close()
        self._sink.close()

    def _go_on_with_erasures(self) -> None:
        """Of those that a hold has stopped and stops no more, or that broke off."""
        state = self.fold.state
        holder = state.keys.get(self._key.id) if self._key is not None else None
        holds = holds_in_force(state, self._settings.time_zone)
        for erasure in erasing.to_go_on_with(state.erasures.values(), holds, time.time_ns() // 1000):
            if self._key is None or holder is None or self._tried.get(erasure.id, 0.0) > time.monotonic():
                continue
            self._tried[erasure.id] = time.monotonic() + RETRY_S
            self._carry_out(erasure, holds, self._key, holder.holder)

    def _carry_out(self, erasure: Erasure, holds: Mapping[str, str], key: Key, holder: str) -> None:
        """Goes on with one, and certifies it; where that can't be done the trail is kept all the same."""
        searched = {name: Outcome.of(said) for name, said in erasure.searched.items()}
        try:
            with closing(connect(self._settings)) as client:
                whole, found = erasing.carry_out(
                    self._settings, client, erasure, holds, searched=lambda: searched, deadline_s=ANCHOR_S
                )
            if whole != erasure.whole:
                details = {"whole": whole, "places": json.dumps({name: each.as_json for name, each in found.items()})}
                act, _ = signed.make("erasure_certified", f"{TARGET}{erasure.id}", holder, details=details)
                self._log.append(signed.sign(act, key, self.fold.log), {})
            log.info("erasure %s went on: %s", erasure.id, whole)
        except Exception as error:  # of any kind: a store that refuses the deletion may not end the trail
            name = type(error).__name__
            log.error("erasure %s can't go on here (%s): `watchline erase resume %s`", erasure.id, name, erasure.id)

    def _store(self, entries: Iterable[Entry]) -> None:
        stored = [*entries]
        self._sink.write(entries_table(self.fold.log, stored))
        wanted = {e.event.governance_id: e.event for e in stored if e.event is not None and e.accepted}
        hashed = {id for id, event in wanted.items() if any(name.startswith(signed.OF_TEXT) for name in event.details)}
        if hashed:
            for governance_id, name, text in self._new_texts():  # each comes before its act
                self._unclaimed.setdefault(governance_id, []).append((name, text))
            theirs = [(each, *text) for each in hashed for text in self._unclaimed.pop(each, ())]
            self._sink.write(texts_table(text for text in theirs if signed.is_text_of(wanted[text[0]], *text[1:])))
        for entry in stored:
            if not entry.accepted:
                log.warning("entry %d of the audit trail is rejected: %s", entry.position, entry.reason)


def entries_table(of_log: str, entries: Iterable[Entry]) -> Table:
    """The rows of `governance`."""
    return Table.of("governance", [_row(of_log, entry) for entry in entries])


def texts_table(texts: Iterable[tuple[str, str, str]]) -> Table:
    """The rows of `governance_texts`, of the act's id, the name, and the text behind its salt."""
    return Table.of("governance_texts", [Row([*each], "/".join(each)) for each in texts])


def _row(of_log: str, entry: Entry) -> Row:
    event = entry.event
    values = [
        of_log,
        entry.position,
        entry.kafka_time,
        event.time if event else 0,
        event.governance_id if event else "",
        event.actor if event else "",
        event.action if event else "",
        event.target if event else "",
        event.version if event else None,
        event.content_hash if event else None,
        dict(event.details) if event else {},
        {key: signature.hex() for key, signature in event.signatures.items()} if event else {},
        entry.sha256,
        entry.accepted,
        entry.reason,
        entry.previous,
        entry.hash,
    ]
    return Row(values, f"{of_log}/{entry.position}/{entry.hash}")


@contextmanager
def keeping(make: Callable[[], Keeper], *, wanted: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """One in a thread of its own, from when it is wanted until the block ends, made again after a failure."""
    stop = Event()

    def run() -> None:
        while not stop.is_set():
            if not wanted():
                stop.wait(1)
                continue
            try:
                with closing(make()) as keeper:
                    while not stop.is_set():
                        keeper.step()
            except (WatchlineError, OSError) as error:
                level = logging.WARNING if isinstance(error, TransientError) else logging.ERROR
                log.log(level, "the audit trail is not kept: %s; trying again", error)
                stop.wait(10)

    thread = Thread(target=run, name="governance-keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
