"""Threads and locks of the operating system, also where gevent or eventlet has put its own in place of Python's.

A call of a C library that waits, such as librdkafka's poll, lets other threads run but no other greenlet. In a thread
that gevent or eventlet has made a greenlet, it would stop the whole app.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


def are_replaced() -> bool:
    """Whether `threading` makes greenlets in this process."""
    return original("_thread", "start_new_thread") is not importlib.import_module("_thread").start_new_thread


def original(module: str, name: str) -> Any:
    """What the standard library had under a name before gevent or eventlet replaced it.

    Examples
    --------
    >>> original("time", "sleep") is time.sleep
    True
    """
    # Looked up, never imported: an app without them pays nothing.
    eventlet, gevent = sys.modules.get("eventlet.patcher"), sys.modules.get("gevent.monkey")
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return getattr(eventlet.original(module), name)
    if gevent is not None:
        return gevent.get_original(module, name)
    return getattr(importlib.import_module(module), name)


def lock() -> Any:
    """A reentrant lock. Whoever holds it must not let another greenlet run."""
    return original("_thread", "RLock")()


class Condition:
    """As `threading.Condition` over a `lock()`, which has to be held for every call."""

    def __init__(self, held: Any) -> None:
        self._lock = held
        self._new_waiter = original("_thread", "allocate_lock")
        self._waiters: list[Any] = []

    def wait_for(self, predicate: Callable[[], Any], timeout_s: float | None = None) -> bool:
        """Waits until `predicate` holds, for `timeout_s` seconds at most; whether it came to that."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not predicate():
            left_s = -1.0 if deadline is None else deadline - time.monotonic()
            if deadline is not None and left_s <= 0:
                return False
            waiter = self._new_waiter()
            waiter.acquire()
            self._waiters.append(waiter)
            levels = self._lock._release_save()  # noqa: SLF001 - what threading.Condition calls too
            try:
                waiter.acquire(True, left_s)
            finally:
                self._lock._acquire_restore(levels)  # noqa: SLF001
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        return True

    def notify(self) -> None:
        """Wakes all who wait."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.release()


class Thread:
    """A daemon thread that runs `target`, from now on."""

    def __init__(self, target: Callable[[], object], name: str) -> None:
        self._target = target
        self._running = original("_thread", "allocate_lock")()
        self._running.acquire()
        self._thread = None
        if are_replaced():
            original("_thread", "start_new_thread")(self._run, ())
        else:
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Waits for its end, for so long at most; whether it has ended."""
        if not self._running.acquire(True, timeout_s):
            return False
        self._running.release()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return True

    def _run(self) -> None:
        try:
            self._target()
        finally:
            self._running.release()
