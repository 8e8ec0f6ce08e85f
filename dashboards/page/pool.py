"""Runs queries in a few threads, each with a client of its own, so that a slow one doesn't hold up the page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from typing import Any, TypeVar

from watchline.dashboards.page.protocols import Open, Queries
from watchline.schemas.errors import TransientError

T = TypeVar("T")
MOST_WAITING = 64


class Pool:
    """Threads with queries. A client whose store went away is closed, and the next query opens another."""

    def __init__(self, open_: Open, size: int) -> None:
        self._open = open_
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="page")
        self._own = threading.local()
        self._opened: set[ExitStack] = set()
        self._waiting = 0

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """`work(queries, *arguments)` in a thread. Raises what it raises; TransientError where too many wait."""
        if self._waiting >= MOST_WAITING:
            raise TransientError("too many questions at once; try again")
        self._waiting += 1
        try:
            own = copy_context().run  # who asks
            return await asyncio.get_running_loop().run_in_executor(self._threads, own, self._work, work, arguments)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Waits for what runs, and closes all clients."""
        self._threads.shutdown(cancel_futures=True)
        while self._opened:
            self._opened.pop().close()

    def _work(self, work: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        try:
            return work(self._queries(), *arguments)
        except (TransientError, OSError):
            if stack := self._own.__dict__.pop("stack", None):
                self._opened.discard(stack)
                stack.close()
            raise

    def _queries(self) -> Queries:
        if "stack" not in self._own.__dict__:
            stack = ExitStack()
            self._own.queries = stack.enter_context(self._open())
            self._own.stack = stack
            self._opened.add(stack)
        queries: Queries = self._own.queries
        return queries
