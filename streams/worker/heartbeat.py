"""Tells an address outside each minute that the monitor is alive. Who no longer hears of it knows that it isn't.

What counts is that a canary of every partition was read back from the store lately: that takes Kafka, workers,
detectors and ClickHouse. The worker that reads partition 0 sends it for all, unless the alert rules are no longer
evaluated (`rules_watch`).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

from watchline.schemas.errors import WatchlineError
from watchline.streams.health import outgoing
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Partition, Progress
from watchline.streams.kafka import admin, topics
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)
EVERY_S = 60.0
FRESH_S = 120.0  # canaries, in the store
FIRST_LOOK_S = 5.0  # until the first one is sent, for FRESH_S at most
CHANNEL = "heartbeat"


class Heartbeat:
    """The heartbeats of one worker.

    Parameters
    ----------
    settings : Settings
    progress : Progress
        Is told when none is sent, and since when.
    metrics : Metrics
    assignment : callable
        The partitions that the worker has.
    unwell : callable
        What else keeps a heartbeat back, for people to read; empty: nothing. May block.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        metrics: Metrics,
        assignment: Callable[[], set[Partition]],
        unwell: Callable[[], str] = lambda: "",
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._metrics = metrics
        self._assignment = assignment
        self._unwell = unwell
        self._topic = topics.interactions(settings.topic_prefix)
        self._failing_since: datetime | None = None
        self._owner_since: float | None = None
        self._sent = False

    async def run(self) -> None:
        """Sends them, until cancelled. Whatever happens to one, scoring goes on."""
        while True:
            try:
                await self.beat()
            except Exception as error:  # its text may name the address
                self._fails("failed", f"heartbeat: not sent: {type(error).__name__}")
            await asyncio.sleep(FIRST_LOOK_S if self._is_starting else EVERY_S)

    async def beat(self) -> None:
        """Looks once, and sends one where all is well and it is this worker's turn."""
        if (self._topic, 0) not in self._assignment():
            self._owner_since = None
            self._sent = False
            self._is_well()  # another worker's matter now
            return
        if self._owner_since is None:
            self._owner_since = self._progress.clock()
        why = await asyncio.to_thread(lambda: self._unwell() or self._blind())
        if why:
            if not self._is_starting:
                self._fails("withheld", why)
            return
        failure = await outgoing.send("GET", self._settings.heartbeat_url.get_secret_value())
        if failure is not None:
            self._fails("failed", failure.text)
            return
        self._sent = True
        self._metrics.heartbeats.labels("sent").inc()
        if self._failing_since is not None:
            log.warning("heartbeats are sent again")
        self._is_well()

    @property
    def _is_starting(self) -> bool:
        """Whether none was sent yet, and the first canaries may still be on their way."""
        began = self._owner_since
        return not self._sent and (began is None or self._progress.clock() - began < FRESH_S)

    def _blind(self) -> str:
        """Which partition's canary was not read back lately; empty where all were. Blocks."""
        if not self._settings.canary_interval_s:
            return "no canaries are sent: WATCHLINE_CANARY_INTERVAL_S is 0"
        try:
            with closing(reader(self._settings)) as client:
                found = Queries(client, self._settings.clickhouse_database).query(
                    "SELECT partition, age_s FROM v_canary WHERE topic = {topic:String}", {"topic": self._topic}
                )
            ages = {int(partition): float(age_s) for partition, age_s in found.rows}
            late = [each for each in self._partitions() if ages.get(each, math.inf) > FRESH_S]
        except WatchlineError as error:
            return f"canaries cannot be read back: {error}"
        if not late:
            return ""
        names = ", ".join(map(str, late))
        return f"no canary of partition {names} of {self._topic} was read back within {FRESH_S:.0f} s"

    def _partitions(self) -> list[int]:
        return sorted(number for _, number in admin.partitions_of(self._settings, [self._topic]))

    def _fails(self, outcome: str, why: str) -> None:
        self._metrics.heartbeats.labels(outcome).inc()
        if self._failing_since is None:
            self._failing_since = datetime.now(UTC)
            self._metrics.heartbeat_failing.set(self._failing_since.timestamp())
            log.error("no heartbeat is sent (WATCHLINE_HEARTBEAT_URL): %s", why)
        since = f"{self._failing_since:%Y-%m-%dT%H:%M:%SZ}"
        self._progress.tells(CHANNEL, f"heartbeat: none is sent since {since}: {why}")

    def _is_well(self) -> None:
        self._failing_since = None
        self._metrics.heartbeat_failing.set(0)
        self._progress.tells(CHANNEL, "")
