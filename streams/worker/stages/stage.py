"""The contract of a stage. A batch goes through them in this order, in batches' order through each:

decode, shed, redact, enrich, score (in the scoring process, one after the other, over a `Part`), store (in a thread of
the worker), publish, acknowledge (in the worker's event loop), over a `Batch`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

Work = TypeVar("Work")


class _Named(ABC, Generic[Work]):
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


class Stage(_Named[Work]):
    """A stage that computes or waits for a server: it may block, and runs outside of the event loop."""

    @abstractmethod
    def run(self, work: Work, /) -> Work:
        """The batch, or the part of one, with what this stage adds."""


class LoopStage(_Named[Work]):
    """A stage that speaks with the group's member: it runs in the event loop, and must not block it."""

    @abstractmethod
    async def run(self, work: Work, /) -> Work:
        """The batch with what this stage adds; returns when that is safe."""
