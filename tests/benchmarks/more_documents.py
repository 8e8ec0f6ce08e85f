"""How little an answer's score moves when documents are added that have nothing to do with it.

    WATCHLINE_BENCHMARK_DATA=FOLDER python -m tests.benchmarks.more_documents [ANSWERS]

FOLDER holds groundedness/ragtruth.jsonl.gz (RAGTruth, Niu et al. 2024). To each of ANSWERS (default: 1,000) 1 to 50
passages of other sources are added, every second time 50; half of them are those nearest to its own document. Then the
answer is held against these alone, which has to flag it, and its document is added, which has to clear it again.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from tests.benchmarks.contradictions import Judged
from watchline.detectors.grounding.tables import document_units
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.encoder import Encoder, Vectors
from watchline.detectors.thresholds import Thresholds
from watchline.detectors.training.harm.corpora import read

SEED = 3
MOST = 50  # passages
_UNITS = 4  # of a passage

Row = Mapping[str, Any]


def passages(sources: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Source and text: some four sentences each, and records whole."""
    for source in sources:
        text = source["context"]
        found = document_units("document:0", text)
        if source["task"] == "data2txt":
            yield source["source_id"], text
            continue
        for first in range(0, len(found), _UNITS):
            yield source["source_id"], text[found[first].start : found[min(first + _UNITS, len(found)) - 1].end]


def vectors(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The mean vector of the units of each text."""
    means = np.stack(
        [encoder.encode([unit.embedded for unit in document_units("document:0", text)]).mean(0) for text in texts]
    )
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))


def line(name: str, alone: Numbers, among: Numbers, foreign: Numbers, wrong: Numbers, full: Numbers) -> str:
    """What the table says of some answers; `full` marks those that got all 50."""
    threshold = Thresholds().of("groundedness", "unsupported").threshold
    moved, flagged = np.abs(among - alone), foreign >= threshold
    cleared = flagged & (alone < threshold)  # what is flagged with its own document alone stays so
    return (
        f"| {name} | {len(alone)} | {(moved <= 0.02).mean():.3f} | {np.quantile(moved, 0.99):.3f} "
        f"| {((alone >= threshold) != (among >= threshold)).mean():.4f} "
        f"| {roc_auc_score(wrong[full], alone[full]):.3f} | {roc_auc_score(wrong[full], among[full]):.3f} "
        f"| {flagged.mean():.3f} | {(among[cleared] < threshold).mean():.3f} |"
    )


def main() -> None:
    answers = read(Path(os.environ["WATCHLINE_BENCHMARK_DATA"]), "groundedness/ragtruth")
    dice = random.Random(SEED)
    sources = {row["source_id"]: row for row in answers}
    found = list(passages(list(sources.values())))
    of_source = np.array([source for source, _ in found])
    encoder = Encoder()
    known = vectors(encoder, [text for _, text in found])
    own = dict(zip(sources, vectors(encoder, [row["context"] for row in sources.values()]), strict=True))
    chosen = dice.sample(answers, min(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, len(answers)))
    counts = [dice.choice([MOST, dice.randint(1, MOST)]) for _ in chosen]
    added: list[list[str]] = []
    for row, count in zip(chosen, counts, strict=True):
        others = np.flatnonzero(of_source != row["source_id"])
        by_nearness = others[np.argsort(-(known[others] @ own[row["source_id"]]))]
        near = list(by_nearness[: count // 2])
        far = dice.sample(list(by_nearness[count // 2 :]), count - len(near))
        added.append([found[place][1] for place in dice.sample(near + far, count)])
    judged = Judged()

    def scores(documents: Sequence[Sequence[str]]) -> Numbers:
        rows = [
            {"input": row["question"], "documents": texts, "output": row["response"]}
            for row, texts in zip(chosen, documents, strict=True)
        ]
        return judged.scores(rows)

    alone = scores([[row["context"]] for row in chosen])
    among = scores([[row["context"], *others] for row, others in zip(chosen, added, strict=True)])
    foreign = scores(added)
    there = ~np.isnan(alone)
    wrong, tasks = np.array([bool(row["labels"]) for row in chosen]), np.array([row["task"] for row in chosen])
    full = np.array(counts) == MOST
    print(f"{there.sum()} answers of {len({row['source_id'] for row in chosen})} sources, 1 to {MOST} passages added\n")
    print(
        "| task | answers | moved by at most .02 | moved, 99 % | flips | AUROC alone | AUROC among 50 "
        "| flagged without its document | cleared by it |\n|---|---|---|---|---|---|---|---|---|"
    )
    for task in (*sorted(set(tasks)), "all"):
        ours = there & (tasks == task if task != "all" else True)
        print(line(task, *(each[ours] for each in (alone, among, foreign, wrong, full))))


if __name__ == "__main__":
    main()
