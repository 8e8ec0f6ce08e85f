"""A worker whose one detector does what an event tells it: hang, take memory, ask for more, die, take time, compute.

`python -m tests.streams.worker.hostile worker` is `watchline worker` with that detector under the name `pii`.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Sequence

import torch

from tests.faults.noop_worker import NoOp
from watchline.detectors import registry
from watchline.detectors.base import Embeddings, Evaluation
from watchline.detectors.declarations import Declaration
from watchline.schemas.records import Interaction
from watchline.streams.cli.main import main

HANG = "hold the interpreter for ever"
EAT = "take all memory"
ASK = "ask for more memory than there is"
ASK_TORCH = "have a network ask for it"
DIE = "die"
SLEEP = "take your time"
BUSY = "compute for a second"


class Hostile(NoOp):
    """Does what the answer says."""

    def prepare(self, interaction: Interaction) -> None:
        match interaction.output:
            case "hold the interpreter for ever":
                re.match(r"(a|a)*b", "a" * 200)  # holds the interpreter lock
            case "take all memory":
                hoard = []
                while True:
                    hoard.append(bytearray(b"x") * (8 << 20))
            case "ask for more memory than there is":
                bytearray(1 << 62)
            case "have a network ask for it":
                torch.empty(1 << 60)
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "take your time":
                time.sleep(1.5)
            case "compute for a second":
                end = time.thread_time() + 1
                while time.thread_time() < end:
                    pass

    def evaluate(self, batch: Sequence[None], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation({"SECRET": 0.0})] * len(batch)


if __name__ in ("__main__", "__mp_main__"):  # the latter in the scoring process
    registry.DETECTORS["pii"] = Declaration("pii", "tests.streams.worker.hostile:Hostile", NoOp.labels)
if __name__ == "__main__":
    sys.exit(main())
