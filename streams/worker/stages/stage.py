"""The contract of a stage. A batch goes through them in this order, in batches' order through each:

decode, redact, enrich, score (`Stage`s, one after the other in one thread), store (a `Stage` in a thread of its own),
publish, acknowledge (`LoopStage`s).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from watchline.streams.worker.batch import Batch


class _Named(ABC):
    """What both kinds of stage hold to.

    - A stage gets each batch after all earlier ones, and never two at once. Other stages work on other batches
      meanwhile, so it shares nothing with them but the batch.
    - What can't go on is a dead letter of the batch: no event and no message is ever dropped.
    - Anything it raises ends the worker, and neither this batch nor a later one is acknowledged. It has tried again by
      itself what may pass (TransientError).
    - It may be repeated: after a restart the same messages come again, cut into other batches. What it writes is known
      by keys of the events, never by its batch.
    """

    name: ClassVar[str]
    """In metrics and logs."""


class Stage(_Named):
    """A stage that computes or waits for a server: it may block, and runs outside of the event loop."""

    @abstractmethod
    def run(self, batch: Batch) -> Batch:
        """The batch with what this stage adds."""


class LoopStage(_Named):
    """A stage that speaks with the group's member: it runs in the event loop, and must not block it."""

    @abstractmethod
    async def run(self, batch: Batch) -> Batch:
        """The batch with what this stage adds; returns when that is safe."""
