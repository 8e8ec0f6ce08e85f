"""How many wrong sentences groundedness finds that people wrote, at the threshold that flags 2 % of what is supported.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.contradictions [FILE ...]

FOLDER holds groundedness/ragtruth.jsonl.gz (RAGTruth, Niu et al. 2024), whose supported sentences set the threshold,
and bump_freestyle (Ma et al. 2023), fm2_dev (Eisenschlos et al. 2021), wice_dev (Kamoi et al. 2023) and med (Yanaka
et al. 2019) beside it. FILE is any other in the format of `watchline evaluate`; those in
tests/detectors/grounding/sentences are always read. An answer counts by its worst sentence. The shipped weights were
fitted on RAGTruth: the threshold is a little too low, the recall a little too high.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from watchline.detectors.base import NotApplicable
from watchline.detectors.grounding.groundedness import Groundedness, GroundednessInput, Verdict
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.training.grounding import transfer
from watchline.detectors.training.harm.corpora import read
from watchline.schemas.records import Document, Interaction, Message

SENTENCES = Path(__file__).parents[1] / "detectors" / "grounding" / "sentences"
PUBLIC = ("fm2_dev", "bump_freestyle")
BESIDE = ("wice_dev", "med")  # no part of the one number: WiCE's claims, and monotonicity
_BATCH = 64


class Judged:
    """What groundedness says of answers, one encoder for all."""

    def __init__(self) -> None:
        self._encoder, self._detector = Encoder(), Groundedness()

    def chances(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[tuple[int, int], float]]:
        """For each answer, by where a sentence stands; nothing where there is nothing to judge."""
        out: list[dict[tuple[int, int], float]] = []
        for prepared, verdict in self._verdicts(rows):
            places = [(claim.start, claim.end) for claim in prepared.claims] if prepared else []
            out.append(dict(zip(places, map(float, verdict.chances if verdict else ()), strict=True)))
        return out

    def scores(self, rows: Sequence[Mapping[str, Any]]) -> Numbers:
        """Of each answer as a whole; NaN where there is nothing to judge."""
        return np.array([verdict.score if verdict else np.nan for _, verdict in self._verdicts(rows)])

    def _verdicts(
        self, rows: Sequence[Mapping[str, Any]]
    ) -> Iterator[tuple[GroundednessInput, Verdict] | tuple[None, None]]:
        for start in range(0, len(rows), _BATCH):
            prepared = [self._detector.prepare(_interaction(row)) for row in rows[start : start + _BATCH]]
            applicable = [each for each in prepared if not isinstance(each, NotApplicable)]
            texts = [text for each in applicable for text in self._detector.texts(each)]
            verdicts = iter(self._detector.verdicts(applicable, Embedded(self._encoder, texts))[1])
            for each in prepared:
                yield (None, None) if isinstance(each, NotApplicable) else (each, next(verdicts))


def _interaction(row: Mapping[str, Any]) -> Interaction:
    return Interaction(
        event_id="1",
        time=0,
        app="benchmark",
        input_messages=(Message("user", row.get("input") or ""),),
        output_messages=(Message("assistant", row["output"]),),
        documents=tuple(Document(text) for text in row["documents"]),
    )


def threshold(judged: Judged, answers: Sequence[Mapping[str, Any]]) -> float:
    """Where so many of RAGTruth's supported sentences are flagged."""
    rows = [{"input": each["question"], "documents": [each["context"]], "output": each["response"]} for each in answers]
    return transfer.threshold(
        [
            chance
            for each, chances in zip(answers, judged.chances(rows), strict=True)
            for place, chance in chances.items()
            if not transfer.is_faulty(*place, each["labels"])
        ]
    )


def report(name: str, judged: Judged, rows: Sequence[Mapping[str, Any]], flagged_from: float) -> float:
    """Prints a line; gives the recall."""
    scores = np.array([max(chances.values(), default=0.0) for chances in judged.chances(rows)])
    print(transfer.line(name, rows, scores, flagged_from), flush=True)
    return transfer.recall(rows, scores, flagged_from)


def main() -> None:
    data = Path(os.environ["WATCHLINE_BENCHMARK_DATA"])
    judged = Judged()
    flagged_from = threshold(judged, read(data, "groundedness/ragtruth"))
    print(f"threshold {flagged_from:.3f}\n\n{transfer.HEAD}")
    given = {Path(path).stem: _lines(Path(path)) for path in sys.argv[1:]}
    chosen = {**{name: read(data, f"groundedness/{name}") for name in PUBLIC}, **given}
    recalls = [report(name, judged, rows, flagged_from) for name, rows in chosen.items()]
    for name in BESIDE:
        report(name, judged, read(data, f"groundedness/{name}"), flagged_from)
    for path in sorted(SENTENCES.glob("*.jsonl")):
        if path.stem != "documents":
            report(path.stem, judged, _lines(path), flagged_from)
    print(f"\nmean recall of {', '.join(chosen)}: {np.mean(recalls):.3f}")


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())
