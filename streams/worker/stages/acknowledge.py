"""Messages whose events are safe are acknowledged, in their order; offsets that are gone are stepped over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Partition, Progress
from watchline.streams.worker.batch import Batch
from watchline.streams.worker.brake import Brake
from watchline.streams.worker.stages.stage import LoopStage


class Acknowledge(LoopStage[Batch]):
    """Counts what was done, and acknowledges.

    A gap is stepped over when all before it is acknowledged: what Kafka's consumer is told is safe has no holes.

    Parameters
    ----------
    brake : Brake
        Raises where dead letters are the rule.
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
        for message in batch.messages:
            if message.replay_of is None:  # else it was counted when it died first
                outcomes = batch.scored.outcomes[message.partition, message.offset]
                self._brake.count(message.topic, message.partition, outcomes)
        self._progress.batch_done(batch.scored.events)
        self._metrics.batch_done(batch.scored, batch.stored_events)
        self._metrics.offset_gaps.inc(len(batch.gaps))
        done = 0
        for gap in batch.gaps:
            before = batch.messages.index(gap.message)
            await batch.incoming.acknowledge(before - done)
            await self._skip((gap.message.topic, gap.message.partition), gap.message.offset)
            done = before
        await batch.incoming.acknowledge(len(batch.messages) - done)
        return batch
