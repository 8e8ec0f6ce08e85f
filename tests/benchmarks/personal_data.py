"""Benchmarks of the search for personal data; `python -m tests.benchmarks.personal_data --help` names them.

Without a name: texts per second of processor's time, beside presidio-analyzer on the same.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.personal_data

FOLDER holds pii/presidio.jsonl.gz (presidio-research's synthetic texts). Each text comes once and nothing is cached.
The two take turns, and medians are given; how much of the data each finds is in the model card, out of fold.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from tests.benchmarks import (
    personal_data_beside,
    personal_data_coverage,
    personal_data_damage,
    personal_data_formats,
    personal_data_stored,
)
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.training.pii.examples import presidio
from watchline.detectors.training.pii.figures import Presidio

BATCH = 64
TURNS = 3
PARTS = ("development", "held-out")


def in_batches(finder: PersonalData, texts: Sequence[str], size: int) -> None:
    for first in range(0, len(texts), size):
        part = texts[first : first + size]
        finder.find(part, [True] * len(part))


def presidio_in_batches(presidio: Presidio, texts: list[str]) -> None:
    """The texts by presidio's own means for batches."""
    from presidio_analyzer import BatchAnalyzerEngine

    list(BatchAnalyzerEngine(presidio.engine).analyze_iterator(texts, "en", batch_size=BATCH))


def rate(run: Callable[[], object], count: int) -> float:
    start = time.process_time()
    run()
    return count / (time.process_time() - start)


def speed() -> None:
    """Texts per second."""
    folder = os.environ.get("WATCHLINE_BENCHMARK_DATA")
    if folder is None:
        sys.stdout.write("skipped: WATCHLINE_BENCHMARK_DATA names no folder with pii/presidio.jsonl.gz\n")
        return
    texts = list(dict.fromkeys(example.text for _, example in presidio(Path(folder))))
    finder = PersonalData(cache_texts=0)
    runs: dict[str, Callable[[], object]] = {
        f"ours, batches of {BATCH}": lambda: in_batches(finder, texts, BATCH),
        "ours, one at a time": lambda: in_batches(finder, texts, 1),
    }
    try:
        engine = Presidio()
    except ImportError:
        print("presidio-analyzer isn't installed: no comparison (pip install presidio-analyzer==2.2.366)")
    else:
        runs[f"presidio, batches of {BATCH}"] = lambda: presidio_in_batches(engine, texts)
        runs["presidio, one at a time"] = lambda: collections.deque((engine.find(text) for text in texts), maxlen=0)
    finder.find(texts[:1], [True])
    rates = {name: median(each) for name, each in _in_turns(runs, len(texts)).items()}
    for name, each in rates.items():
        theirs = rates.get(name.replace("ours", "presidio")) if name.startswith("ours") else None
        print(f"{name:26} {each:6.0f} texts/s{f' ({each / theirs:.1f} times)' if theirs else ''}")


def _in_turns(runs: dict[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TURNS):
        for name, run in runs.items():
            rates[name].append(rate(run, count))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.personal_data", description=(__doc__ or "").partition(";")[0]
    )
    commands = parser.add_subparsers()
    parser.set_defaults(run=speed)
    commands.add_parser("speed", help="texts per second beside presidio-analyzer; the default")
    formats = commands.add_parser("formats", help="what is found in generated records of all formats")
    formats.set_defaults(run=personal_data_formats.run)
    formats.add_argument("--number", type=int, default=150, help="of records of each format (default: 150)")
    formats.add_argument("--part", choices=PARTS, default="development", help="of the surnames")
    formats.add_argument("--kept-out", action="store_true", help="the formats that no rule may be made with")
    formats.add_argument("--cases", type=Path, help="JSON lines with `output`, `spans`, `slices.kind`: counted apart")
    formats.add_argument("--examples", type=Path, help="where to write what is missed or wrong")
    beside = commands.add_parser(
        "beside",
        help="the same beside presidio-analyzer and Rampart",
        description=personal_data_beside.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    beside.set_defaults(run=personal_data_beside.run)
    beside.add_argument("--number", type=int, default=40, help="of records of each format (default: 40)")
    beside.add_argument("--cases", type=Path, help="as with formats")
    coverage = commands.add_parser(
        "coverage", help="the model card's table of HIPAA's identifiers and GDPR's categories"
    )
    coverage.set_defaults(run=personal_data_coverage.run)
    coverage.add_argument("--number", type=int, default=150, help="of records of each format (default: 150)")
    damage = commands.add_parser("damage", help="what is replaced in lines that hold no personal data")
    damage.set_defaults(run=personal_data_damage.run)
    damage.add_argument(
        "folders", type=Path, nargs="+", help="of source, documentation and data, such as site-packages"
    )
    damage.add_argument("--part", choices=PARTS, default="development", help="half of the files; see the module")
    damage.add_argument("--lines", type=int, default=5000, help="of each kind (default: 5,000)")
    damage.add_argument("--finds", type=Path, help="where to write what was replaced")
    stored = commands.add_parser(
        "stored", help="what is left of planted data in all that a worker stores and publishes"
    )
    stored.set_defaults(run=personal_data_stored.run)
    stored.add_argument("--events", type=int, default=10_000, help="default: 10,000")
    stored.add_argument("--examples", type=Path, help="where to write what is left")
    asked = vars(parser.parse_args())
    asked.pop("run")(**asked)


if __name__ == "__main__":
    main()
