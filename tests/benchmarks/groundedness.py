"""Answers per second that groundedness judges: by features alone, and verified, as shipped; each beside the same
weights one answer at a time.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.groundedness [--answers 120]

FOLDER holds groundedness/ragtruth.jsonl.gz (RAGTruth, Niu et al. 2024). Nothing is cached between answers' texts that
another answer doesn't share; an answer's documents come with each of the six models' answers to them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from watchline.detectors.base import NotApplicable
from watchline.detectors.grounding.groundedness import Groundedness, GroundednessInput
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.training.harm.corpora import read
from watchline.schemas.records import Document, Interaction, Message

BATCH = 64
TIERS = {"features alone": (1.0, 0.0), "verified": (0.0, 1.0)}


def interactions(data: Path, count: int) -> list[Interaction]:
    """Answers of whole sources, questions, summaries and records in turn."""
    by_task: dict[str, list[Interaction]] = {}
    for row in read(data, "groundedness/ragtruth"):
        by_task.setdefault(row["task"], []).append(
            Interaction(
                event_id="e",
                time=0,
                app="benchmark",
                input_messages=(Message("user", row["question"]),),
                output_messages=(Message("assistant", row["response"]),),
                documents=(Document(row["context"]),),
            )
        )
    return [each for some in by_task.values() for each in some[: count // len(by_task)]]


def rate(detector: Groundedness, some: Sequence[Interaction], batch: int) -> float:
    """Answers per second, the encoder's cache empty at the start."""
    encoder = Encoder()
    start = time.perf_counter()
    for first in range(0, len(some), batch):
        all_prepared: list[GroundednessInput] = []
        for each in some[first : first + batch]:
            prepared = detector.prepare(each)
            if not isinstance(prepared, NotApplicable):
                all_prepared.append(prepared)
        detector.evaluate(
            all_prepared, Embedded(encoder, [text for prepared in all_prepared for text in detector.texts(prepared)])
        )
    return len(some) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=120)
    arguments = parser.parse_args()
    folder = os.environ.get("WATCHLINE_BENCHMARK_DATA")
    if folder is None:
        sys.stdout.write("skipped: WATCHLINE_BENCHMARK_DATA names no folder with groundedness/ragtruth.jsonl.gz\n")
        return
    some = interactions(Path(folder), arguments.answers)
    for name, open_range in TIERS.items():
        detector = Groundedness(open_range)
        packed, single = (median(rate(detector, some, size) for _ in range(3)) for size in (BATCH, 1))
        rates = f"{packed:6.2f} answers/s in batches of {BATCH}, {single:6.2f} one at a time"
        print(f"{name:16} {rates} ({packed / single:.1f} times)")


if __name__ == "__main__":
    main()
