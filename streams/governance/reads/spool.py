"""Where a process writes down what is to be recorded, before it is: files of its own, which outlive it.

A file is locked while its process may write to it. Once it isn't, whoever sends takes all of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MINUTE, HOUR = 60, 3600


class Spool:
    """The files of this process. For several threads.

    Parameters
    ----------
    folder : Path

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> spool = Spool(Path(mkdtemp()))
    >>> spool.add({"who": "uid 1000"})
    >>> closed(spool.folder)
    []
    >>> spool.turn(all_=True)
    >>> [lines(file) for file in closed(spool.folder)]
    [[{'who': 'uid 1000'}]]
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._open: dict[int, tuple[int, float]] = {}  # seconds to file and when it ends

    def add(self, line: Mapping[str, Any], seconds: int = MINUTE) -> None:
        """Writes a line, which is sent within about so many seconds. Raises OSError where it can't be written."""
        packed = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            self._turn(all_=False)
            if seconds not in self._open:
                self._open[seconds] = (self._begin(seconds), time.monotonic() + seconds)
            if os.write(self._open[seconds][0], packed) != len(packed):
                self._turn(all_=True)  # what comes next must not stand behind half a line
                raise OSError(28, "No space left on device")

    def turn(self, *, all_: bool = False) -> None:
        """Lets those go whose time is over, or all."""
        with self._lock:
            self._turn(all_=all_)

    def _turn(self, *, all_: bool) -> None:
        for seconds, (file, until) in [*self._open.items()]:
            if all_ or time.monotonic() >= until:
                os.close(file)
                del self._open[seconds]

    def _begin(self, seconds: int) -> int:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{time.time_ns()}-{os.getpid()}-{seconds}.jsonl"
        new = path.with_suffix(".new")  # nobody takes it before it is locked
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(path)
        return file


def closed(folder: Path) -> list[Path]:
    """The files to which nobody writes any more, the oldest first."""
    return [path for path in sorted(folder.glob("*.jsonl")) if _is_closed(path)]


def _is_closed(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def lines(path: Path) -> list[dict[str, Any]]:
    """What stands in a file; without the end that was being written when the machine went down."""
    written = path.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in written if line.endswith(b"\n")]
