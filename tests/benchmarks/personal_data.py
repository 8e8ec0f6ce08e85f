"""Texts per second of processor's time in which personal data is looked for, beside presidio-analyzer on the same.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.personal_data

FOLDER holds pii/presidio.jsonl.gz (presidio-research's synthetic texts). Each text comes once and nothing is cached.
The two take turns, and medians are given; how much of the data each finds is in the model card, out of fold.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.training.pii.examples import presidio
from watchline.detectors.training.pii.figures import Presidio

BATCH = 64
TURNS = 3


def in_batches(finder: PersonalData, texts: Sequence[str], size: int) -> None:
    for first in range(0, len(texts), size):
        part = texts[first : first + size]
        finder.find(part, [True] * len(part))


def presidio_in_batches(presidio: Presidio, texts: list[str]) -> None:
    """The texts by presidio's own means for batches."""
    from presidio_analyzer import BatchAnalyzerEngine

    list(BatchAnalyzerEngine(presidio.engine).analyze_iterator(texts, "en", batch_size=BATCH))


def rate(run: Callable[[], None], count: int) -> float:
    start = time.process_time()
    run()
    return count / (time.process_time() - start)


def main() -> None:
    folder = os.environ.get("WATCHLINE_BENCHMARK_DATA")
    if folder is None:
        sys.stdout.write("skipped: WATCHLINE_BENCHMARK_DATA names no folder with pii/presidio.jsonl.gz\n")
        return
    texts = list(dict.fromkeys(example.text for _, example in presidio(Path(folder))))
    finder = PersonalData(cache_texts=0)
    runs = {
        f"ours, batches of {BATCH}": lambda: in_batches(finder, texts, BATCH),
        "ours, one at a time": lambda: in_batches(finder, texts, 1),
    }
    try:
        engine = Presidio()
    except ImportError:
        print("presidio-analyzer isn't installed: no comparison (pip install presidio-analyzer==2.2.366)")
    else:
        runs[f"presidio, batches of {BATCH}"] = lambda: presidio_in_batches(engine, texts)
        runs["presidio, one at a time"] = lambda: [engine.find(text) for text in texts] and None
    finder.find(texts[:1], [True])
    rates = {name: median(each) for name, each in _in_turns(runs, len(texts)).items()}
    for name, each in rates.items():
        theirs = rates.get(name.replace("ours", "presidio")) if name.startswith("ours") else None
        print(f"{name:26} {each:6.0f} texts/s{f' ({each / theirs:.1f} times)' if theirs else ''}")


def _in_turns(runs: dict[str, Callable[[], None]], count: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, run in runs.items():
            rates[name].append(rate(run, count))
    return rates


if __name__ == "__main__":
    main()
