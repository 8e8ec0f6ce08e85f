"""Answers per second that all detectors judge together, beside the same weights one detector and one text at a time.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.detectors [--answers 60]

FOLDER holds groundedness/ragtruth.jsonl.gz (RAGTruth, Niu et al. 2024): whole sources with the answers of six models,
as documents come again in production. Each line adds one thing to the line above it; the last is the scorer as shipped.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.groundedness import interactions
from tests.detectors.redacted import redacted
from watchline.detectors import registry
from watchline.detectors.declarations import DETECTORS
from watchline.detectors.harm import multitask
from watchline.detectors.harm.windowed import WindowedDetector
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.runtime import packing
from watchline.detectors.runtime.encoder import Encoder
from watchline.detectors.scorer import Scorer
from watchline.schemas.records import Interaction, Message

BATCH = 64
BUDGET = dict(packing._BUDGET)
WARM = Interaction(
    event_id="w", time=0, app="benchmark", output_messages=(Message("assistant", "Women and men wait for it."),)
)


@dataclass
class Run:
    """One way to redact and score: `fresh` gives models without memory, before every batch."""

    batch: int = BATCH
    packed: bool = True
    cascaded: bool = False
    fresh: Callable[[Redactor, Scorer], None] = field(default=lambda redactor, scorer: None)

    def seconds(self, names: Sequence[str], some: Sequence[Interaction]) -> float:
        packing._BUDGET.update(BUDGET if self.packed else dict.fromkeys(BUDGET, 0))
        detectors = registry.load(names)
        for detector in detectors:
            if isinstance(detector, WindowedDetector) and not self.cascaded:
                detector._blend.clear_below = -math.inf
        redactor, scorer = Redactor(), Scorer(detectors)
        _remember(redactor, scorer, 64 << 20, 128 << 20, 32 << 20, 20_000)
        scorer.score(redacted([WARM], redactor))
        total = 0.0
        for first in range(0, len(some), self.batch):
            self.fresh(redactor, scorer)
            start = time.perf_counter()
            scorer.score(redacted(some[first : first + self.batch], redactor))
            total += time.perf_counter() - start
        return total


def _remember(redactor: Redactor, scorer: Scorer, vectors: int, lower: int, judged: int, texts: int) -> None:
    """Gives both models that remember so much (bytes, and texts of the recogniser), and nothing yet."""
    if scorer._encoder:
        scorer._encoder = Encoder(cache_bytes=vectors, lower_cache_bytes=lower)
    redactor._finder = PersonalData(cache_texts=texts)
    model = multitask.MultitaskModel(cache_bytes=judged)
    model._loaded = multitask.shipped()._loaded
    multitask.shipped = lambda: model  # type: ignore[assignment]


def _nothing(redactor: Redactor, scorer: Scorer) -> None:
    _remember(redactor, scorer, 0, 0, 0, 0)


def _the_batch(redactor: Redactor, scorer: Scorer) -> None:
    _remember(redactor, scorer, 0, 128 << 20, 32 << 20, 20_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=60)
    arguments = parser.parse_args()
    folder = os.environ.get("WATCHLINE_BENCHMARK_DATA")
    if folder is None:
        sys.stdout.write("skipped: WATCHLINE_BENCHMARK_DATA names no folder with groundedness/ragtruth.jsonl.gz\n")
        return
    some = interactions(Path(folder), arguments.answers)
    slowest = Run(1, packed=False, fresh=_nothing)
    ways = {
        "one detector, one text at a time": sum(slowest.seconds([name], some) for name in DETECTORS),
        "and in batches": sum(Run(fresh=_nothing).seconds([name], some) for name in DETECTORS),
        "and detectors share": Run(fresh=_the_batch).seconds(list(DETECTORS), some),
        "and texts are remembered": Run().seconds(list(DETECTORS), some),
        "and n-grams clear the harmless": Run(cascaded=True).seconds(list(DETECTORS), some),
    }
    naive = ways["one detector, one text at a time"]
    for name, seconds in ways.items():
        print(f"{name:34}{len(some) / seconds:8.2f} answers/s   {naive / seconds:5.1f} times")
    for name in DETECTORS:
        print(f"{name + ' alone, as shipped':34}{len(some) / Run(cascaded=True).seconds([name], some):8.2f} answers/s")


if __name__ == "__main__":
    main()
