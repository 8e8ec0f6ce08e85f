"""The store process: alone it has the folder of chDB open, and serves ClickHouse's HTTP interface on a Unix socket.

`python -m watchline.streams.embedded.store_process FOLDER SOCKET` is what `store` starts. Only its user reaches the
socket. Reads (`readonly=1`) are kept from harming the rest:

- A few run at a time, the others wait for their turn.
- The engine stops those beyond the limits in their request, and all together beyond `for_queries` of the process's
  memory.
- A function may look at the clock seldom or never: a request that runs on `OVERDUE_S` after its `max_execution_time`
  ends the process.
- Resident memory beyond the process's limit (half of the machine's, at most `MAX_MEMORY_BYTES`) ends it too. Looked at
  on Linux only, by a thread that needs no lock of the engine.

It ends with exit codes that say which; whoever started it starts it again, and inserts are tried again meanwhile.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import IO

from watchline.schemas.errors import ConfigurationError
from watchline.streams import child
from watchline.streams.embedded import deduplication
from watchline.streams.embedded.clickhouse_http import Engine, Handler
from watchline.streams.security import own_folder

MAX_READS = 4  # at a time
WAIT_S = 20.0  # of a read for its turn
OVERDUE_S = 5.0
MAX_MEMORY_BYTES = 8 * 2**30
OWN_BYTES = 2**29  # that the engine takes before anybody asks
MIN_FILES = 256  # an empty one has 110 open, and each query opens some for each column that it reads
LOOK_S = 0.2
LOCK_S = 5.0  # whoever has just been killed, or asked one thing, lets go by then
CLOSE_S = 5.0
OVERDUE, OUT_OF_MEMORY = 3, 4
REASONS = {OVERDUE: "because a query ran on past its time", OUT_OF_MEMORY: "because queries took too much memory"}


class WatchedEngine(Engine):
    """An engine that keeps reads from harming the rest: see the module. Raises what chDB raises."""

    def __init__(self, folder: Path, *, max_bytes: int, overdue_s: float = OVERDUE_S) -> None:
        super().__init__(folder)
        self._max_bytes, self._overdue_s = max_bytes, overdue_s
        self._reads = threading.BoundedSemaphore(MAX_READS)
        self._deadlines: dict[int, float] = {}  # by thread
        child.needed_thread(self._watch, "watches queries")  # unwatched, reads could harm the rest

    def run(self, settings: Mapping[str, str], query: bytes) -> bytes:
        """As `Engine.run`."""
        with self._turn(settings.get("readonly") == "1"), self._deadline(settings.get("max_execution_time", "")):
            # First, so that a request may ask for less.
            return super().run({"max_memory_usage_for_user": str(for_queries(self._max_bytes)), **settings}, query)

    @contextlib.contextmanager
    def _turn(self, is_read: bool) -> Iterator[None]:
        if not is_read:
            yield
            return
        if not self._reads.acquire(timeout=WAIT_S):
            raise RuntimeError(
                f"Code: 202. DB::Exception: {MAX_READS} other queries run, none has ended for {WAIT_S:.0f} s: try "
                "again. (TOO_MANY_SIMULTANEOUS_QUERIES)"
            )
        try:
            yield
        finally:
            self._reads.release()

    @contextlib.contextmanager
    def _deadline(self, limit: str) -> Iterator[None]:
        seconds = float(limit) if limit.isdecimal() else 0.0
        if seconds:
            self._deadlines[threading.get_ident()] = time.monotonic() + seconds + self._overdue_s
        try:
            yield
        finally:
            self._deadlines.pop(threading.get_ident(), None)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_S)
            if min(list(self._deadlines.values()), default=float("inf")) < time.monotonic():
                os._exit(OVERDUE)
            if child.resident_bytes(os.getpid()) > self._max_bytes:
                os._exit(OUT_OF_MEMORY)


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


def main(folder: Path, path: Path) -> int:
    """Serves until its parent ends it. Returns the exit code where the store can't be opened."""
    child.end_with_parent()
    os.umask(0o077)  # backups too are for its user only
    if (files := _allowed_files()) < MIN_FILES:
        return child.refuse(
            f"the embedded store needs {MIN_FILES} open files, and this process may have {files}: raise the limit "
            "(`ulimit -n`, LimitNOFILE= of systemd)"
        )
    try:
        own_folder.make(folder.parent)
        own_folder.make(folder)
    except ConfigurationError as error:
        return child.refuse(str(error))
    folder.chmod(0o700)  # one that was made otherwise: by hand, or by a copy
    try:
        lock = _lock(path.with_suffix(".lock"))  # noqa: F841  held as long as this runs
    except BlockingIOError:
        return child.refuse(
            f"another worker answers at {path}, or a command has the store open: stop it first, or set another "
            "WATCHLINE_DATA_DIR"
        )
    try:
        deduplication.forget_what_is_not_there(folder)
        engine = WatchedEngine(folder, max_bytes=memory_limit())
    except Exception as error:
        return child.refuse(
            f"cannot open the embedded store in {folder.absolute()}: it is damaged, or another program has it open "
            f"({str(error)[:200]})"
        )
    code = 1
    try:
        _serve(engine, path)
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)  # the interpreter's end would wait for the engine, for ever where it is still open


def _serve(engine: Engine, path: Path) -> None:
    path.unlink(missing_ok=True)  # of a store that was killed
    before = os.umask(0o177)
    try:
        server = _Server(os.fspath(path), type("_Handler", (Handler,), {"engine": engine}))
    finally:
        os.umask(before)
    child.when_stopped(server.shutdown)
    child.ready()
    server.serve_forever(poll_interval=0.1)
    path.unlink(missing_ok=True)
    giving_up = threading.Timer(CLOSE_S, os._exit, (0,))
    giving_up.daemon = True
    giving_up.start()  # a query may still run
    engine.close()


def answers(path: Path) -> bool:
    """Whether somebody answers on a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            return probe.connect_ex(os.fspath(path)) == 0
        except OSError:  # the path is too long for a socket
            return False


def memory_limit() -> int:
    """Bytes that the process may take."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        machine = min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))  # of a container
    return min(machine // 2, MAX_MEMORY_BYTES)


def for_queries(max_bytes: int) -> int:
    """Bytes that all queries may take together, as the engine counts, of those of the process.

    Examples
    --------
    >>> for_queries(8 * 2**30) / 2**30
    5.625
    """
    return (max_bytes - OWN_BYTES) * 3 // 4


def _allowed_files() -> int:
    """How many files may be open: as many as the system lets us raise the limit to."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS names a limit that it doesn't give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return most
    return allowed


def _lock(path: Path) -> IO[bytes]:
    """Locks a file for as long as it is open. Raises BlockingIOError where somebody keeps it."""
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "ab")  # who may open it could lock it
    path.chmod(0o600)  # one of an earlier version
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.close()
                raise
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
