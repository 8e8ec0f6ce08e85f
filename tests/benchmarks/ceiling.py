"""Answers per second that one core gets ready while the models cost nothing: what stays on the processor beside a GPU.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.ceiling [--answers 60]

FOLDER holds groundedness/ragtruth.jsonl.gz (RAGTruth, Niu et al. 2024). What encoder, multitask model and verifier make
of a text is recorded in a first run and played back in those that are measured; the recogniser of names, which runs on
the processor, is not. An answer comes with five passages of 1,200 characters: its own, or those of five more answers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

from tests.benchmarks.groundedness import interactions
from tests.benchmarks.worker import envelopes, fresh
from watchline.detectors.declarations import DETECTORS
from watchline.detectors.grounding.verifier import Verifier
from watchline.detectors.harm import multitask
from watchline.detectors.pii import detector, identifiers, network, recogniser, redaction, tokens
from watchline.detectors.pii.redactor import Redactor
from watchline.detectors.runtime.encoder import Encoder
from watchline.schemas.records import Document, Interaction
from watchline.streams.messages import Message
from watchline.streams.settings import load
from watchline.streams.worker.scoring import process
from watchline.streams.worker.scoring.part import Part, ScoredPart
from watchline.streams.worker.scoring.process import Jobs, keep_freed_memory

ENVELOPE, TURNS, ROOM = 32, 3, 8 << 30  # events; runs that are measured; bytes
PARTS: dict[str, tuple[Any, str]] = {
    "recogniser's tokens": (tokens.Words, "tokens"),
    "recogniser's network": (network.Network, "tags"),
    "tags to spans": (recogniser, "_runs"),
    "identifiers": (identifiers, "find"),
    "decoding": (detector, "read"),
    "normal form": (detector, "normal_form"),
    "windows": (detector, "windows"),
    "replacing": (redaction, "redact"),
    "findings": (process, "finding_records"),
    "rows": (process, "result"),
}
PASSAGES, PASSAGE, ANSWERS = 5, 1_200, 6  # of an answer; characters; to the same passages


class Stopwatch:
    """Seconds of the processor within functions, without those within others that it measures too."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def measure(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **kwargs: Any) -> Any:
            start = time.process_time()
            self._inner.append(0.0)
            try:
                made = function(*args, **kwargs)
                return iter(list(made)) if hasattr(made, "__next__") else made
            finally:
                taken = time.process_time() - start
                self.seconds[name] += taken - self._inner.pop()
                if self._inner:
                    self._inner[-1] += taken

        return measured


def record_and_play() -> None:
    """From here on the multitask model and the verifier read nothing twice."""
    model = multitask.MultitaskModel(cache_bytes=ROOM)
    multitask.shipped = lambda: model  # type: ignore[assignment]
    read, known = Verifier.judge, dict[Any, Any]()

    def judge(self: Verifier, pairs: Any, embeddings: Any) -> list[Any]:
        keys = [(sentence, tuple(passages)) for sentence, passages in pairs]
        new = list(dict.fromkeys(key for key in keys if key not in known))
        known.update(zip(new, read(self, new, embeddings), strict=True))
        return [known[key] for key in keys]

    Verifier.judge = judge  # type: ignore[method-assign]


def run(jobs: Jobs, payloads: Sequence[bytes]) -> tuple[float, list[ScoredPart]]:
    """Seconds of the processor, and what became of the messages; nothing is known of their texts but to the models."""
    jobs._redactor._finder = Redactor()._finder
    recogniser.Recogniser.shipped()._words._forget()
    start = time.process_time()
    parts = [
        jobs._scored(Part([Message("raw", "", 0, offset, time.time_ns() // 1000, payload)]))
        for offset, payload in enumerate(payloads)
    ]
    return time.process_time() - start, parts


def report(name: str, jobs: Jobs, some: Sequence[Interaction], stopwatch: Stopwatch) -> None:
    payloads = envelopes(fresh(some, len(some)), ENVELOPE)
    run(jobs, payloads)
    totals, stages, detectors, parts = [], Counter[str](), Counter[str](), Counter[str]()
    for _ in range(TURNS):
        stopwatch.seconds.clear()
        total, scored = run(jobs, payloads)
        totals.append(total)
        parts.update(stopwatch.seconds)
        for part in scored:
            stages.update(part.stages)
            detectors.update({each: taken / 1e6 for each, taken in part.duration_us.items()})
    stages.update({each: parts.pop(each) for each in ("findings", "rows")})
    del detectors["pii"]  # redaction is its own line
    print(f"{name}: {len(some) / median(totals):.1f} answers/s of one core, {len(some)} answers")
    for title, seconds in ("stages", stages), ("redact", parts), ("score", detectors):
        each = ", ".join(f"{key} {1e3 * taken / TURNS / len(some):.2f}" for key, taken in seconds.most_common())
        print(f"    ms an answer, {title}: {each}")


def retrieved(data: Path, count: int) -> list[Interaction]:
    """Answers with passages of five sources each, of which an answer is about the first; whole groups of `ANSWERS`."""
    by_source: dict[str, list[Interaction]] = defaultdict(list)
    for each in interactions(data, PASSAGES * ANSWERS * count):
        by_source[each.documents[0].content].append(each)
    sources = list(by_source.items())
    made = []
    for first in range(0, min(PASSAGES * count, len(sources) - PASSAGES + 1), PASSAGES):
        documents = tuple(Document(content[:PASSAGE]) for content, _ in sources[first : first + PASSAGES])
        made += [replace(each, documents=documents) for each in sources[first][1][:ANSWERS]]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=60)
    count = parser.parse_args().answers
    folder = os.environ.pop("WATCHLINE_BENCHMARK_DATA", None)  # else it would be taken for a setting
    if folder is None:
        sys.stdout.write("skipped: WATCHLINE_BENCHMARK_DATA names no folder with groundedness/ragtruth.jsonl.gz\n")
        return
    keep_freed_memory()
    stopwatch = Stopwatch()
    for name, (place, function) in PARTS.items():
        setattr(place, function, stopwatch.measure(name, getattr(place, function)))
    record_and_play()
    jobs = Jobs(load(detectors=",".join(DETECTORS), device="cpu"), waiting=lambda: None)
    jobs._scorer._encoder = Encoder("cpu", cache_bytes=ROOM, lower_cache_bytes=ROOM)
    some = retrieved(Path(folder), count)
    report("passages of their own", jobs, some[::ANSWERS], stopwatch)
    report(f"{ANSWERS} answers to the same passages", jobs, some[:count], stopwatch)


if __name__ == "__main__":
    main()
