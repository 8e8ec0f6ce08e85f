"""Makes acts of what processes have written down, and records each once, whatever ends in between.

The acts of a file are written before the first of them is sent: one that was interrupted sends the same again, and
leaves out what the log has.
"""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from watchline.schemas.codec import decode, encode
from watchline.schemas.errors import ConfigurationError
from watchline.schemas.records import GovernanceEvent
from watchline.streams.governance import signed
from watchline.streams.governance.keys import Key
from watchline.streams.governance.log import Log
from watchline.streams.governance.reads import spool
from watchline.streams.governance.reads.acts import READ

log = logging.getLogger(__name__)

MOST_SHAPES = 100  # of one act
Made = tuple[GovernanceEvent, Mapping[str, str]]


class Sender:
    """One that sends what lies in a folder; of several one at a time.

    Parameters
    ----------
    folder : Path
    of : Log
    log_id : str
        Of the log that it signs for.
    key : Key
        A service's.
    """

    def __init__(self, folder: Path, of: Log, log_id: str, key: Key) -> None:
        self._folder, self._log, self._log_id, self._key = folder, of, log_id, key
        self._lock: IO[bytes] | None = None

    def is_ours(self) -> bool:
        """Whether no other sends; then none does until this one is closed."""
        if self._lock is None and self._folder.is_dir():
            file = (self._folder / "sender.lock").open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._lock = file
            except BlockingIOError:
                file.close()
        return self._lock is not None

    def waits(self) -> bool:
        """Whether there is something to send."""
        return any(self._folder.glob("*.acts")) or bool(spool.closed(self._folder))

    def send(self, holder: str, knows: Callable[[list[str]], set[str]]) -> int:
        """Records what lies there, if no other does. Returns how many acts.

        Raises TransientError where Kafka is away, OSError: what was not sent stays.

        Parameters
        ----------
        holder : str
            For whom the key is registered.
        knows : callable
            Those of some acts' ids that the log has. Asked where one before may have sent them.
        """
        if not self.is_ours():
            return 0
        count = 0
        for file in sorted(self._folder.glob("*.acts")):
            count += self._deliver(file, knows)
        for file in spool.closed(self._folder):
            try:
                made = self._written(file, holder)
            except (ConfigurationError, ValueError, KeyError, TypeError) as error:
                file.rename(file.with_suffix(".unreadable"))
                log.error("%s can't be recorded: %s; it is kept as .unreadable", file.name, type(error).__name__)
            else:
                count += self._deliver(made, lambda ids: set())
        return count

    def close(self) -> None:
        """Lets others send."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _written(self, file: Path, holder: str) -> Path:
        acts = []
        for event, texts in acts_of(spool.lines(file), holder):
            value = encode(signed.sign(event, self._key, self._log_id))
            acts.append({"value": base64.b64encode(value).decode(), "texts": dict(texts)})
        made, new = file.with_suffix(".acts"), file.with_suffix(".acts.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(acts, out)
            out.flush()
            os.fsync(out.fileno())
        new.rename(made)
        file.unlink()
        return made

    def _deliver(self, file: Path, knows: Callable[[list[str]], set[str]]) -> int:
        file.with_suffix(".jsonl").unlink(missing_ok=True)  # it stands in this one
        acts = [
            (decode(base64.b64decode(a["value"]), GovernanceEvent), a["texts"]) for a in json.loads(file.read_bytes())
        ]
        there = knows([event.governance_id for event, _ in acts]) if acts else set()
        for event, texts in acts:
            if event.governance_id not in there:
                self._log.append(event, texts)
        file.unlink()
        return len(acts) - len(there)


def acts_of(lines: Iterable[Mapping[str, Any]], holder: str) -> list[Made]:
    """The acts for what a process wrote down: one for each reader and door, and one for each that is no read."""
    made: list[Made] = []
    readers: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for line in lines:
        if line["action"] == READ:
            readers.setdefault(tuple(line[name] for name in ("who", "proven", "name", "door")), []).append(line)
        else:
            made.append(
                signed.make(line["action"], line["target"], holder, details=line["details"], texts=line["texts"])
            )
    for (who, proven, name, door), own in readers.items():
        counted: dict[tuple[Any, ...], list[int]] = {}
        for line in own:
            kind = (line["shape"], tuple(line["views"]), line["how"], line["why"])
            count = counted.setdefault(kind, [0, 0])
            count[0] += 1
            count[1] = -1 if -1 in (count[1], line["rows"]) else count[1] + line["rows"]
        times = [line["at"] for line in own]
        details = {"who": who, "proven": proven, "door": door, "from": _iso(min(times)), "to": _iso(max(times))}
        reads = [[shape, [*views], *count, how, why] for (shape, views, how, why), count in counted.items()]
        for start in range(0, len(reads), MOST_SHAPES):
            part = reads[start : start + MOST_SHAPES]
            said = {**details, "reads": json.dumps(part, separators=(",", ":"))}
            made.append(signed.make(READ, "reads", holder, details=said, texts={"name": name} if name else {}))
    return made


def _iso(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 1_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}"
