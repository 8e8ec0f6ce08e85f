"""Whether the worker gets on: progress, not an open port. A small page on loopback."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)
STALL_S = 120.0  # longer than the longest batch that is allowed


@dataclass
class Progress:
    """What the worker has done and when; written by the event loop only. `events` are interactions."""

    clock: Callable[[], float] = time.monotonic
    events: int = 0
    batches: int = 0
    started: float = field(init=False)
    last_batch: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.last_batch = self.clock()

    def batch_done(self, events: int) -> None:
        """A batch is stored, published and about to be acknowledged."""
        self.events += events
        self.batches += 1
        self.last_batch = self.clock()

    def report(self, lag: int | None) -> dict[str, Any]:
        """The health page. `stalled`: messages wait, and no batch was completed for STALL_S seconds."""
        age_s = self.clock() - self.last_batch
        return {
            "status": "stalled" if lag and age_s > STALL_S else "ok",
            "events": self.events,
            "batches": self.batches,
            "last_batch_age_s": round(age_s, 1),
            "lag_messages": lag,
            "uptime_s": round(self.clock() - self.started, 1),
        }


def lag(app: Any) -> int | None:
    """Messages in the assigned partitions that are not acknowledged yet; None before the first assignment."""
    consumer = app.consumer
    assigned = consumer.assignment()
    if not assigned:
        return None
    total = 0
    for partition in assigned:
        end = consumer.highwater(partition)
        total += max(0, (end or 0) - (consumer._committed_offset.get(partition) or 0))  # noqa: SLF001
    return total


async def serve(app: Any, progress: Progress, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Serves GET /healthz: 200, or 503 when stalled. Returns the runner to clean up and the port it got."""

    async def healthz(request: web.Request) -> web.Response:
        report = progress.report(lag(app))
        return web.json_response(report, status=503 if report["status"] == "stalled" else 200)

    page = web.Application()
    page.router.add_get("/healthz", healthz)
    runner = web.AppRunner(page, access_log=None)
    await runner.setup()
    for wanted in (port, 0):
        try:
            site = web.TCPSite(runner, host, wanted)
            await site.start()
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or wanted == 0:
                raise
            log.warning("port %d is busy, picking another", wanted)
    return runner, int(runner.addresses[0][1])
