"""A worker whose one detector blocks while a file is there: `python -m tests.end_to_end.blocked_worker worker`.

It joins its group only once another file is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from watchline.detectors import registry
from watchline.detectors.base import Detector, Embeddings, Evaluation
from watchline.detectors.declarations import Declaration
from watchline.schemas.records import Interaction
from watchline.streams.cli.main import main
from watchline.streams.health import progress as health
from watchline.streams.worker import faust_app as app

STALL_S = 2.0
GATE = "WATCHLINE_TEST_GATE"
JOIN_GATE = "WATCHLINE_TEST_JOIN_GATE"


class Blocking(Detector[Interaction]):
    """Bears the name of one that has operating points."""

    name = "pii"
    labels = ("PERSON",)
    VERSION = "1"
    uses_encoder = False
    on_device = False

    def prepare(self, interaction: Interaction) -> Interaction:
        return interaction

    def evaluate(self, batch: Sequence[Interaction], embeddings: Embeddings) -> Sequence[Evaluation]:
        while Path(os.environ[GATE]).exists():
            time.sleep(0.05)
        return [Evaluation({"PERSON": 0.0}) for _ in batch]


class Waiting(app.NoTables):
    """Comes before the group is joined."""

    async def on_start(self) -> None:
        while Path(os.environ[JOIN_GATE]).exists():
            await asyncio.sleep(0.05)
        await super().on_start()


if __name__ in ("__main__", "__mp_main__"):  # the latter in the scoring process
    registry.DETECTORS["pii"] = Declaration("pii", "tests.end_to_end.blocked_worker:Blocking", Blocking.labels)
if __name__ == "__main__":
    app.NoTables = Waiting  # type: ignore[misc]
    health.STALL_S = STALL_S
    sys.exit(main())
