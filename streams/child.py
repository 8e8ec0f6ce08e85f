"""A child process that is watched: started again when it ends, and not left behind when its parent is killed."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from watchline.schemas.errors import FatalError

log = logging.getLogger(__name__)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
STEADY_S = 60.0  # who ran so long begins with the first pause again
STOP_S = 10.0
_READY = "ready"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A Python module that runs as a process of its own until `stop`, and again whenever it ends before.

    Parameters
    ----------
    title : str
        What logs and errors call it.
    module : str
        What Python runs. It calls `end_with_parent`, then `ready` or `refuse`, and `when_stopped`.
    *arguments : str
        Its command line, which every user of the machine can read.
    reasons : mapping, optional
        What its exit codes mean, for the log.
    heard : callable, optional
        Gets each line that it writes to what `ready` gave it. Called in a thread.
    ended : callable, optional
        Called in a thread whenever it has ended and is to be started again.
    longest_pause_s : float, optional
        Before it is started again; the pauses double up to this.

    Attributes
    ----------
    state : str
        `starting`, `running`, or since when it is being restarted and how it ended last, for people to read.
    """

    def __init__(
        self,
        title: str,
        module: str,
        *arguments: str,
        reasons: Mapping[int, str] | None = None,
        heard: Callable[[str], object] = lambda line: None,
        ended: Callable[[], object] = lambda: None,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self._title = title
        self._command = [sys.executable, "-m", module, *arguments]
        self._reasons = reasons or {}
        self._heard = heard
        self._ended = ended
        self._longest_pause_s = longest_pause_s
        self._down_since: datetime | None = None
        self.state = "starting"
        self._process: subprocess.Popen[str] | None = None
        self._first: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._optional = self._ready_once = False
        self._lock = threading.Lock()
        # The kernel ends a child with the thread that started it: this one stays.
        self._thread = threading.Thread(target=self._run, name=f"watches {title}", daemon=True)

    @property
    def pid(self) -> int | None:
        """The process that runs, or ran last."""
        return self._process.pid if self._process is not None else None

    def start(self, timeout_s: float | None) -> Child:
        """Starts it, and returns when it is ready; None: at once, and it is started again even where it refuses.

        Raises
        ------
        FatalError
            What it says itself when it refuses, or that it ended or took longer than `timeout_s`. It runs no more.
        """
        self._optional = timeout_s is None
        self._thread.start()
        if timeout_s is None:
            return self
        try:
            said = self._first.get(timeout=timeout_s)
        except queue.Empty:
            self.stop()
            raise FatalError(f"{self._title} is not ready after {timeout_s:.0f} s") from None
        if said != _READY:
            self.stop()
            raise FatalError(said)
        return self

    def stop(self) -> None:
        """Tells it to end, and kills it where it doesn't. Safe to call twice."""
        with self._lock:
            self._stopping.set()
            process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._keep()
                return
            except BaseException:  # who watches goes on watching, whatever a callback raises
                log.exception("%s is started again after an unexpected error", self._title)
                self._ready_once = self._ready_once or self._optional
                if self._process is not None:
                    self._process.kill()
                if not self._ready_once:
                    self._first.put(f"{self._title} cannot be watched")
                    return
                self._stopping.wait(self._longest_pause_s)

    def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                process = self._spawn()
            except OSError as error:  # no memory or no process is left
                if not self._ready_once and not self._optional:
                    self._first.put(f"{self._title} cannot be started: {error.strerror}")
                    return
                log.error("%s cannot be started: %s; trying again in %.1f s", self._title, error.strerror, pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, self._longest_pause_s)
                continue
            if process is None:
                break
            started = time.monotonic()
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            if not self._ready_once and not self._optional:
                self._first.put(said or f"{self._title} ended with code {process.wait()} before it was ready")
                if said != _READY:
                    break
            self._ready_once = True
            if said == _READY:
                self.state, self._down_since = "running", None
            for line in process.stdout:
                if line.endswith("\n"):  # else it was killed while it wrote
                    self._hear(line)
            code = process.wait()
            if time.monotonic() - started > STEADY_S:
                pause_s = FIRST_PAUSE_S
            if not self._stopping.is_set():
                why = said if said and said != _READY else self._reason(code)
                log.error("%s ended, %s; starting it again in %.1f s", self._title, why, pause_s)
                self._down_since = self._down_since or datetime.now(UTC)
                self.state = f"restarting since {self._down_since:%Y-%m-%dT%H:%M:%SZ}, last: {why}"
                self._ended()
            self._stopping.wait(pause_s)
            pause_s = min(2 * pause_s, self._longest_pause_s)
        if self._process is not None:
            self._process.wait()

    def _spawn(self) -> subprocess.Popen[str] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",  # a bad byte must not end the watching
                start_new_session=True,  # Ctrl-C is for the parent, which may still need it
            )
            return self._process

    def _hear(self, line: str) -> None:
        try:
            self._heard(line)
        except BaseException:  # who watches goes on watching
            log.exception("what %s says cannot be read", self._title)

    def _reason(self, code: int) -> str:
        return self._reasons.get(code) or (f"with code {code}" if code >= 0 else f"by signal {-code}")


def end_with_parent() -> None:
    """In the child, before it opens anything: it ends with its parent, and with nothing else: signals are ignored.

    A parent may be killed while the child starts. So one that is gone by now ends it here: nobody would tell it later.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a service manager sends them to the parent's whole group
    killed_with_parent()
    if select.select([0], [], [], 0)[0]:  # the parent writes nothing: its end is closed
        os._exit(0)


def when_stopped(end: Callable[[], object]) -> None:
    """In the child: calls `end` in a thread once the parent stops it, or is gone on a system other than Linux."""

    def wait() -> None:
        with contextlib.suppress(OSError):  # a parent that can't be heard is gone
            os.read(0, 1)
        end()

    needed_thread(wait, "waits for the parent")


def needed_thread(run: Callable[[], object], name: str) -> None:
    """Starts a daemon thread without which the process must not go on: where it fails, that ends with code 1."""

    def run_or_end() -> None:
        try:
            run()
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    threading.Thread(target=run_or_end, name=name, daemon=True).start()


def killed_with_parent() -> None:
    """In the child: Linux kills it when the thread that started it ends, even while an extension holds the GIL."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def resident_bytes(pid: int | None) -> int:
    """Bytes of a process that are in memory; 0 where the system doesn't say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


class WaitForProcessor:
    """How long a process that could run was kept waiting for a processor, where Linux says (`sched-stats`).

    A call gives the seconds since the last one, of the thread that waited longest; 0 where the system doesn't say.
    """

    def __init__(self, pid: int | None) -> None:
        self._threads = Path(f"/proc/{pid}/task")
        self._before = self._waited_ns()

    def __call__(self) -> float:
        now = self._waited_ns()
        longest = max((waited - self._before.get(thread, waited) for thread, waited in now.items()), default=0)
        self._before = now
        return longest / 1e9

    def _waited_ns(self) -> Mapping[str, int]:
        waited = {}
        with contextlib.suppress(OSError, ValueError, IndexError):
            for thread in self._threads.iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                    waited[thread.name] = int((thread / "schedstat").read_text(encoding="ascii").split()[1])
        return waited


def ready() -> TextIO:
    """In the child: tells `Child.start`. What is printed from now on goes to the standard error.

    Returns a stream: `Child` hears each line that is written to it.
    """
    parent = os.fdopen(os.dup(1), "w", encoding="utf-8")
    sys.stdout.write(_READY + "\n")
    sys.stdout.flush()
    os.dup2(2, 1)
    return parent


def say(parent: TextIO, line: str) -> None:
    """In the child: a line for `Child` to hear. Blocks."""
    parent.write(line + "\n")
    parent.flush()


def refuse(why: str) -> int:
    """In the child: tells `Child.start` why it can't run. Returns the exit code."""
    sys.stdout.write(" ".join(why.split()) + "\n")
    sys.stdout.flush()
    return 1
