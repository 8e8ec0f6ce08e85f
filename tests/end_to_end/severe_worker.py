"""A worker whose one detector finds violence where a text says so: `python -m tests.end_to_end.severe_worker worker`.

Heartbeats are due each second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from watchline.detectors import registry
from watchline.detectors.base import Detector, Embeddings, Evaluation
from watchline.detectors.declarations import Declaration
from watchline.schemas.records import Interaction
from watchline.streams.cli.main import main
from watchline.streams.worker import heartbeat

WORD = "violence"


class Told(Detector[float]):
    """Bears the name and a label of one that has operating points."""

    name = "toxicity"
    labels = ("violence",)
    VERSION = "1"
    uses_encoder = False
    on_device = False

    def prepare(self, interaction: Interaction) -> float:
        return 0.95 * (WORD in interaction.output)

    def evaluate(self, batch: Sequence[float], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation({"violence": score}) for score in batch]


if __name__ in ("__main__", "__mp_main__"):  # the latter in the scoring process
    registry.DETECTORS["toxicity"] = Declaration("toxicity", "tests.end_to_end.severe_worker:Told", Told.labels)
    heartbeat.EVERY_S = heartbeat.FIRST_LOOK_S = 1.0
if __name__ == "__main__":
    sys.exit(main())
