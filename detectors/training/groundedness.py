"""Trains the weights of `watchline.detectors.groundedness`.

    python -m watchline.detectors.training.groundedness --data DIR

Two logistic regressions for each kind of documents (prose, records): one over a sentence's features, one over the
pooled log-odds of an answer's sentences, fitted on log-odds that came out of fold. Folds are by source, so that neither
a document nor a question stands on both sides. Besides whole answers there are one- and two-sentence cuts of them (so
that short answers are judged as well as long ones) and supported answers beside another source's documents. BEGIN and
FaithDial are measured only: trained on, they cost RAGTruth questions .04 of AUROC, as do sentences of the documents
with a number changed or denied.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from watchline.detectors.base import Embeddings, weights_folder
from watchline.detectors.calibration import Logistic, Numbers, sigmoid
from watchline.detectors.encoder import Embedded, Encoder
from watchline.detectors.evidence import NAMES
from watchline.detectors.groundedness import KINDS, Work, claim_features, pooled, read
from watchline.detectors.training.fitting import (
    balanced_threshold,
    best_f1,
    figures,
    fit,
    interval,
    out_of_fold,
    platt,
    scaling,
)

SEED = 20
_C = 0.1
_FOREIGN_WEIGHT = 0.3
_FALSE_ALARMS = 0.005  # the share of supported answers that reach the alert threshold


@dataclass(frozen=True, slots=True)
class Example:
    """An answer with its documents, and which of its claims the documents don't support."""

    task: str  # qa, summary, data2txt; dialogue (BEGIN, FaithDial), which is measured and not trained on
    source: str
    form: str  # whole, cut, foreign (beside another source's documents)
    work: Work
    claims: tuple[bool, ...]
    unsupported: bool
    characters: int
    matrix: Numbers


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def examples(data: Path) -> list[Example]:
    """All examples, without their features."""
    folder, dice = data / "groundedness", random.Random(SEED)  # noqa: S311 - a draw, not a secret
    out: list[Example] = []
    ragtruth = list(rows(folder / "ragtruth.jsonl.gz"))
    for row in ragtruth:
        spans = [(label["start"], label["end"]) for label in row["labels"]]
        whole = _example(row["task"], row["source_id"], row["context"], row["question"], row["response"], spans)
        out.append(whole)
        count = len(whole.work.claims)
        for size in (1, 2):
            if count > size:
                out.append(_cut(whole, dice.randrange(count - size + 1), size))
        others = [each for each in ragtruth if each["task"] == row["task"] and each["source_id"] != row["source_id"]]
        if not spans and dice.random() < 0.25:
            foreign = dice.choice(others)
            everything = [(0, len(row["response"]))]
            made = _example(
                row["task"], foreign["source_id"], foreign["context"], row["question"], row["response"], everything
            )
            out.append(replace(made, form="foreign"))
    for knowledge, said, answer, label in _dialogues(folder):
        spans = [(0, len(answer))] if label else []
        out.append(_example("dialogue", knowledge[:200], knowledge, said, answer, spans))
    return [each for each in out if each.work.claims]


def _dialogues(folder: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Knowledge, what was said before, the answer, whether it is unsupported. Generic answers are left out."""
    for path in sorted(folder.glob("begin_*")):
        for row in rows(path):
            if row["begin_label"] != "Generic" and row.get("knowledge"):
                yield row["knowledge"], row["message"], row["response"], row["begin_label"] != "Fully attributable"
    for path in sorted(folder.glob("faithdial_*")):
        for row in rows(path):
            label = str(row.get("begin_label") or row.get("BEGIN") or "").lower()
            answer = next((row[key] for key in ("response", "ctrl", "doha", "gpt2") if row.get(key)), None)
            knowledge = row.get("knowledge") or row.get("evidence")
            if answer and knowledge and ("entail" in label or "halluc" in label):
                yield knowledge, row["history"] or "", answer, "halluc" in label


def _example(
    task: str, source: str, context: str, question: str, answer: str, spans: Sequence[tuple[int, int]]
) -> Example:
    work = read([("document:0", context)], [question], [("output:0", answer)])
    # A sentence is unsupported when a marked span, or ten characters of it, lie within it.
    claims = tuple(
        any(min(end, claim.end) - max(start, claim.start) >= min(10, end - start) for start, end in spans)
        for claim in work.claims
    )
    return Example(task, source, "whole", work, claims, bool(spans), len(answer), np.empty(0))


def _cut(whole: Example, first: int, size: int) -> Example:
    claims = whole.work.claims[first : first + size]
    marks = whole.claims[first : first + size]
    length = sum(claim.end - claim.start for claim in claims)
    return replace(
        whole,
        form="cut",
        work=replace(whole.work, claims=claims),
        claims=marks,
        unsupported=any(marks),
        characters=length,
    )


def with_features(some: Sequence[Example], embeddings: Embeddings) -> list[Example]:
    """The examples with a row of features for each claim."""
    return [replace(each, matrix=claim_features(each.work, embeddings)[0]) for each in some]


@dataclass(frozen=True, slots=True)
class Judge:
    """What the detector needs for one kind of documents."""

    sentence: Logistic
    answer: Logistic
    marked_from: float

    def scores(self, some: Sequence[Example]) -> Numbers:
        return self.answer.probability(np.array([pooled(self.sentence.log_odds(each.matrix)) for each in some]))


def train(some: Sequence[Example]) -> Judge:
    """Fits the judge of one kind of documents."""
    matrix, labels = np.concatenate([each.matrix for each in some]), np.concatenate([each.claims for each in some])
    places = np.repeat(np.arange(len(some)), [len(each.claims) for each in some])
    weights = np.array([_FOREIGN_WEIGHT if each.form == "foreign" else 1.0 for each in some])
    sources = np.array([each.source for each in some])
    odds = out_of_fold(matrix, labels, sources[places], _C, weights[places])
    # Whole answers alone say how often a sentence is unsupported; the other forms are there to learn from.
    natural = np.array([each.form == "whole" for each in some])[places]
    sentence = platt(fit(matrix, labels, _C, weights[places]), odds[natural], labels[natural])
    slope, offset = scaling(odds[natural], labels[natural])
    odds = odds * slope + offset
    marked_from = best_f1(labels[natural], sigmoid(odds[natural]))

    pools = np.array([pooled(odds[places == place]) for place in range(len(some))])
    unsupported = np.array([each.unsupported for each in some])
    real = np.array([each.form != "foreign" for each in some])
    answer_odds = out_of_fold(pools, unsupported, sources, _C, weights)
    answer = platt(fit(pools, unsupported, _C, weights), answer_odds[real], unsupported[real])
    return Judge(sentence, answer, marked_from)


def cross_validated(some: Sequence[Example]) -> Numbers:
    """The score of each example by a judge of its kind that saw none of its source; dialogues by that of all others."""
    scores = np.empty(len(some))
    for kind in KINDS:
        places = np.array([place for place, each in enumerate(some) if each.work.kind == kind])
        ours = np.array([place for place in places if some[place].task != "dialogue"])
        sources = [some[place].source for place in ours]
        for seen, held_out in GroupKFold(5).split(ours, groups=sources):
            scores[ours[held_out]] = train([some[p] for p in ours[seen]]).scores([some[p] for p in ours[held_out]])
        rest = np.setdiff1d(places, ours)
        if len(rest):
            scores[rest] = train([some[p] for p in ours]).scores([some[p] for p in rest])
    return scores


def thresholds(some: Sequence[Example], scores: Numbers) -> tuple[float, float]:
    """`threshold`, at the best balanced accuracy over tasks, whole answers and cuts; `alert_threshold`."""
    real = np.array([each.form != "foreign" and each.task != "dialogue" for each in some])
    labels = np.array([each.unsupported for each in some])
    # Each task counts the same, and within it supported and unsupported answers do.
    cells = [(each.task, each.form, each.unsupported) for each in some]
    size = Counter(cell for cell, is_real in zip(cells, real, strict=True) if is_real)
    weights = np.array([1.0 / size[cell] if is_real else 0.0 for cell, is_real in zip(cells, real, strict=True)])
    balanced = balanced_threshold(labels[real], scores[real], weights[real])
    return balanced, float(np.quantile(scores[real & ~labels], 1 - _FALSE_ALARMS))


def table(some: Sequence[Example], scores: Numbers, threshold: float, alert: float) -> str:
    """The figures in Markdown, a line for each task and form, beside length alone and word overlap alone."""
    lines = [
        "| task | answers | n | unsupported | AUROC (95 %) | length alone | overlap alone | balanced accuracy | F1 "
        "| precision | recall | recall at alert | ECE |",
        "|---" * 13 + "|",
    ]
    labels = np.array([each.unsupported for each in some])
    length = np.array([each.characters for each in some])
    overlap = -np.array([each.matrix[:, NAMES.index("overlap_all")].mean() for each in some])
    groups = {task: (task,) for task in ("qa", "summary", "data2txt", "dialogue")}
    for name, tasks in {**groups, "three tasks": ("qa", "summary", "data2txt")}.items():
        for form in ("whole", "cut"):
            rows_ = np.array([each.task in tasks and each.form == form for each in some])
            if not rows_.any():
                continue
            found = figures(labels[rows_], scores[rows_], threshold)
            sources = np.array([each.source for each in some])[rows_]
            low, high = interval(labels[rows_], scores[rows_], sources, SEED)
            others = [roc_auc_score(labels[rows_], other[rows_]) for other in (length, overlap)]
            lines.append(
                f"| {name} | {form} | {found['n']} | {found['positive']:.2f} "
                f"| {found['auroc']:.3f} ({low:.2f}-{high:.2f}) "
                f"| {others[0]:.3f} | {others[1]:.3f} | {found['balanced_accuracy']:.3f} | {found['f1']:.3f} "
                f"| {found['precision']:.2f} | {found['recall']:.2f} | {(scores[rows_ & labels] >= alert).mean():.2f} "
                f"| {found['ece']:.3f} |"
            )
    for task in ("qa", "summary", "data2txt"):
        own = np.array([each.task == task and each.form == "whole" and not each.unsupported for each in some])
        foreign = np.array([each.task == task and each.form == "foreign" for each in some])
        both = own | foreign
        lines.append(f"\n{task}: supported answers against such beside another source's documents: AUROC ")
        lines[-1] += f"{roc_auc_score(foreign[both], scores[both]):.3f}"
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with groundedness/ragtruth.jsonl.gz and others"
    )
    parser.add_argument("--out", type=Path, default=weights_folder("groundedness"))
    arguments = parser.parse_args()
    some = examples(arguments.data)
    works = [each.work for each in some]
    texts = [text for work in works for text in (u.embedded for u in work.context.units)]
    texts += [claim.text for work in works for claim in work.claims]
    print(f"{len(some)} examples, {len(set(texts))} texts to embed")
    some = with_features(some, Embedded(Encoder(), texts))
    arguments.out.mkdir(parents=True, exist_ok=True)
    save(some, arguments.out)


def save(some: Sequence[Example], folder: Path) -> None:
    """Cross-validates, trains on everything, writes weights and prints what the model card says."""
    scores = cross_validated(some)
    threshold, alert = thresholds(some, scores)
    print(table(some, scores, threshold, alert))
    print(f"threshold = {threshold:.3f}\nalert_threshold = {alert:.3f}")
    tensors: dict[str, NDArray[np.float32]] = {}
    for kind in KINDS:
        judge = train([each for each in some if each.work.kind == kind and each.task != "dialogue"])
        tensors.update(judge.sentence.tensors(f"{kind}.sentence."))
        tensors.update(judge.answer.tensors(f"{kind}.answer."))
        tensors[f"{kind}.marked_from"] = np.array([judge.marked_from], dtype=np.float32)
    save_file(tensors, folder / "model.safetensors")


if __name__ == "__main__":
    main()
