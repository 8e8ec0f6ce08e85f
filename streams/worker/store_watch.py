"""Looks at what the store lacks of what was stored in it: logs it, counts it, and says so on the health page.

What is lost is lost when the server starts, as a rule: parts that it can't read are set aside then, and folders that
are gone are not missed. So everything is counted at the worker's start, whenever the server was started anew or has set
a part aside, and now and then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import closing

from watchline.schemas.errors import TransientError, WatchlineError
from watchline.streams.clickhouse import damage
from watchline.streams.clickhouse.damage import Damage
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.kafka import log_reader, topics
from watchline.streams.query.reader import reader
from watchline.streams.settings import Settings

log = logging.getLogger(__name__)
LOOK_S = 60.0
COUNT_S = 6 * 3600.0  # between two counts without a reason
RIPE_S = 660.0  # after what may have lost something: the newest rows of the ledger count by then
MOST = 1 / 20  # of the time goes into counting while something is missing


class StoreWatch:
    """The looks of one worker.

    Parameters
    ----------
    settings : Settings
    progress : Progress
        Gets what is wrong.
    metrics : Metrics
    """

    def __init__(self, settings: Settings, progress: Progress, metrics: Metrics) -> None:
        self._settings = settings
        self._progress = progress
        self._metrics = metrics
        self._damage = Damage()
        self._next_count = progress.clock()
        self._ripe = self._next_count + RIPE_S
        self._uptime_s = 0
        self._said: set[str] = set()

    async def run(self) -> None:
        """Looks now and then, until cancelled. What keeps it from that is said, and scoring goes on."""
        while not self._progress.store_answers:
            await asyncio.sleep(1)
        while True:
            try:
                await asyncio.to_thread(self.look)
            except TransientError:
                pass  # the storing thread says so
            except WatchlineError as error:
                self._say([str(error)])
            except Exception as error:
                self._say([f"the store cannot be looked at: {type(error).__name__}"])
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Looks once. Blocks. Raises what `damage.look` raises."""
        with closing(reader(self._settings)) as client:
            parts, uptime_s = damage.detached_parts(client), damage.uptime_s(client)
            self._metrics.store_conflicts.set(damage.conflicts(client))
            began = self._progress.clock()
            if uptime_s < self._uptime_s or parts != self._damage.parts:
                self._next_count, self._ripe = began, began + RIPE_S
            if began >= self._next_count:
                self._damage = damage.look(
                    client, self._acknowledged()
                )  # asked before the ledger is read, which goes on
                ended = self._progress.clock()
                if self._damage.missing or self._damage.gaps:
                    self._next_count = ended + (ended - began) / MOST
                else:
                    self._next_count = self._ripe if began < self._ripe else ended + COUNT_S
            self._uptime_s = uptime_s
        self._metrics.store_detached_parts.set(len(self._damage.parts))
        self._metrics.store_missing_events.set(self._damage.missing)
        self._metrics.store_lost_events.set(self._damage.lost)
        self._metrics.store_ledger_gaps.set(len(self._damage.gaps))
        self._metrics.heard("store")
        self._say(self._damage.reasons)

    def _acknowledged(self) -> Mapping[tuple[str, int], int]:
        try:
            return log_reader.acknowledged(self._settings, topics.interactions)
        except WatchlineError:  # Kafka is away, which others say; the ledger alone tells most
            return {}

    def _say(self, reasons: list[str]) -> None:
        """In the log, each once until it changes; on the pages as long as it holds."""
        for reason in reasons:
            if reason not in self._said:
                log.error(reason)
        self._said = set(reasons)
        self._progress.degraded = reasons
