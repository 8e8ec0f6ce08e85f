"""The worker's page, on loopback: liveness, readiness, metrics."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from watchline.streams.health.exposition import accepted
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import ConsumerState, Partition, Progress

log = logging.getLogger(__name__)


class Member(Protocol):
    """What the page needs of a member of the workers' group."""

    @property
    def stopping(self) -> bool: ...

    def consumer_state(self, ends: Mapping[Partition, int]) -> ConsumerState: ...


class Monitors(Protocol):
    """What the page says of the monitors process: see `worker.monitors`."""

    @property
    def state(self) -> str: ...

    @property
    def lag_messages(self) -> int | None: ...


async def serve(
    member: Member, progress: Progress, metrics: Metrics, monitors: Monitors, host: str, port: int
) -> tuple[web.AppRunner, int]:
    """Serves until the runner is cleaned up. Returns the runner and the port it got.

    GET /livez: 200, or 503 when stalled, however the monitors are. GET /readyz: 200 once partitions are assigned and
    the store has answered, else 503; `degraded` says what the store lacks and which heartbeat or webhook fails, and
    changes nothing of that. GET /metrics: for Prometheus, in the classic format or OpenMetrics, as `Accept` says.
    """

    async def livez(request: web.Request) -> web.Response:
        progress.observe(member.consumer_state(progress.ends))
        report = {**progress.report(), "monitors": monitors.state, "monitors_lag_messages": monitors.lag_messages}
        return web.json_response(report, status=503 if progress.is_stalled else 200)

    async def readyz(request: web.Request) -> web.Response:
        reasons = progress.not_ready(draining=member.stopping)
        report = {"ready": not reasons, "reasons": reasons, "degraded": progress.troubles}
        return web.json_response(report, status=503 if reasons else 200)

    async def scrape(request: web.Request) -> web.Response:
        progress.observe(member.consumer_state(progress.ends))
        form = accepted(request.headers.get("Accept", ""))
        return web.Response(body=metrics.scrape(progress, form), headers={"Content-Type": form.content_type})

    page = web.Application()
    page.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", scrape)])
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
