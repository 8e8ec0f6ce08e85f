"""Messages whose events are safe are acknowledged, in their order; offsets that are gone are stepped over."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Partition, Progress
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.brake import OUR_FAULTS, Brake
from watchline.streams.worker.stages.stage import LoopStage


class Acknowledge(LoopStage[Batch]):
    """Counts what was done, and acknowledges.

    A gap is stepped over when all before it is acknowledged: what Kafka's consumer is told is safe has no holes.

    Parameters
    ----------
    brake : Brake
        Raises where dead letters are the rule in every app.
    skip : async callable
        Steps over offsets up to one of a partition.
    progress : Progress
    metrics : Metrics
    """

    name = "acknowledge"

    def __init__(
        self, brake: Brake, skip: Callable[[Partition, int], Awaitable[None]], progress: Progress, metrics: Metrics
    ) -> None:
        self._brake = brake
        self._skip = skip
        self._progress = progress
        self._metrics = metrics

    async def run(self, batch: Batch, /) -> Batch:
        self._count(batch)
        self._progress.batch_done(batch.scored.events)
        self._metrics.batch_done(batch.scored, batch.stored_events, batch.delays(time.time()))
        self._metrics.offset_gaps.inc(len(batch.gaps))
        done = 0
        for gap in batch.gaps:
            before = batch.messages.index(gap.message)
            await batch.incoming.acknowledge(before - done)
            await self._skip((gap.message.topic, gap.message.partition), gap.message.offset)
            done = before
        await batch.incoming.acknowledge(len(batch.messages) - done)
        return batch

    def _count(self, batch: Batch) -> None:
        """Tells the brake what became of the events that were read and valid."""
        dead = {(letter.partition, letter.offset, letter.index): letter.kind for letter in batch.dead_letters}
        for message in batch.messages:
            if message.replay_of is not None:
                continue  # it was counted when it died first
            apps = batch.scored.apps[message.partition, message.offset]
            kinds = [(app, dead.get((message.partition, message.offset, index))) for index, app in apps.items()]
            self._brake.count(
                message.time, [(app, kind is not None) for app, kind in kinds if kind is None or kind in OUR_FAULTS]
            )
