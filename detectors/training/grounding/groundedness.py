"""Trains the weights of `watchline.detectors.grounding.groundedness`.

    python -m watchline.detectors.training.grounding.groundedness --data DIR --entailment FILE

FILE is what `training.entailment` wrote. First the verifier goes on from it with the sentences of RAGTruth, each beside
its nearest passages: three times without a third of the sources, and once with all. So the regressions learn from what
it says of sources that it never saw. Then for each kind of documents and each tier two logistic regressions: one over a
sentence's features, one over the pooled log-odds of an answer's sentences, fitted on log-odds that came out of fold.
Folds are by source, so that neither a document nor a question stands on both sides. Besides whole answers there are
one- and two-sentence cuts of them (so that short answers are judged as well as long ones), supported answers beside
another source's documents, and, for the verifier alone, sentences made from the documents' by `perturbations`: the
regressions lost .01 to .04 of AUROC on RAGTruth by them, as they did by BEGIN and FaithDial, which are measured only.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from torch import Tensor

from watchline.detectors.base import Embeddings
from watchline.detectors.grounding import verifier
from watchline.detectors.grounding.alignment import Aligner
from watchline.detectors.grounding.evidence import NAMES
from watchline.detectors.grounding.groundedness import (
    KINDS,
    TIERS,
    GroundednessInput,
    Judge,
    claim_features,
    pooled,
    read,
)
from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.runtime.calibration import Numbers, sigmoid
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.runtime.weights import weights_folder
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
from watchline.detectors.training.grounding import perturbations
from watchline.detectors.training.grounding.aligning import Item, States, fit_aligner, judged
from watchline.detectors.training.harm.corpora import read as rows

Fault = tuple[int, int, int]

SEED = 20
_C = 0.03
_WEIGHT = {"foreign": 0.3, "made": 0.3}  # in what is fitted, by form, where not 1
_MADE = 8  # sentences from each source's documents
# Sentences about prose are few, and alike whatever was asked; what an answer's are worth is weighed kind by kind.
_LEARNS_FROM = {"question": ("question", "summary"), "summary": ("question", "summary"), "record": ("record",)}
# RAGTruth's documents are hardly ever contradicted clearly (one sentence of a thousand), so no weight can be learnt
# from it: 3 is enough to flag most of the made sentences that deny what a document says.
_CONTRADICTED_WEIGHT = 3.0
_FOLDS = 3  # of the verifier: each takes minutes
_EPOCHS = 2
_RATE = 5e-4
_ONE_SUPPORTED_OF = 3  # sentences that are supported are many, and much alike to the verifier
_FALSE_ALARMS = 0.005  # the share of supported answers that reach the alert threshold


@dataclass(frozen=True, slots=True)
class Example:
    """An answer with its documents, and which of its claims the documents don't support.

    Attributes
    ----------
    task : str
        qa, summary, data2txt; dialogue (BEGIN, FaithDial), which is measured and not trained on.
    form : str
        whole, cut, foreign (beside another source's documents), made (a sentence made from one of the documents').
    faults : tuple
        For each claim what is wrong in it: (start, end, class of `verifier`), empty where it is supported.
    tiers : mapping of str to (claims, features)
        What each tier sees, once it is known.
    """

    task: str
    source: str
    form: str
    model: str
    prepared: GroundednessInput
    faults: tuple[tuple[Fault, ...], ...]
    unsupported: bool
    characters: int
    pairs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tiers: Mapping[str, Numbers] = field(default_factory=dict)

    @property
    def claims(self) -> tuple[bool, ...]:
        """Which claims are unsupported."""
        return tuple(map(bool, self.faults))

    @property
    def is_real(self) -> bool:
        """Whether a model wrote it for its documents."""
        return self.form in ("whole", "cut")

    @property
    def weight(self) -> float:
        """In what is fitted."""
        return _WEIGHT.get(self.form, 1.0)


def examples(data: Path) -> list[Example]:
    """All examples, without their features."""
    dice = random.Random(SEED)  # noqa: S311 - a draw, not a secret
    out: list[Example] = []
    ragtruth = rows(data, "groundedness/ragtruth")
    for row in ragtruth:
        spans = [
            (label["start"], label["end"], CONTRADICTION if "Conflict" in label["label_type"] else NEUTRAL)
            for label in row["labels"]
        ]
        whole = _example(row["task"], row["source_id"], row["context"], row["question"], row["response"], spans)
        whole = replace(whole, model=row["model"])
        out.append(whole)
        count = len(whole.prepared.claims)
        for size in (1, 2):
            if count > size:
                out.append(_cut(whole, dice.randrange(count - size + 1), size))
        others = [each for each in ragtruth if each["task"] == row["task"] and each["source_id"] != row["source_id"]]
        if not spans and dice.random() < 0.25:
            foreign = dice.choice(others)
            everything = [(0, len(row["response"]), NEUTRAL)]
            made = _example(
                row["task"], foreign["source_id"], foreign["context"], row["question"], row["response"], everything
            )
            out.append(replace(made, form="foreign"))
    out += _made([each for each in ragtruth if each["task"] != "data2txt"], dice)
    for knowledge, said, answer, label in _dialogues(data):
        everything = [(0, len(answer), NEUTRAL)] if label else []
        out.append(_example("dialogue", knowledge[:200], knowledge, said, answer, everything))
    return [each for each in out if each.prepared.claims]


def _made(ragtruth: Sequence[Mapping[str, Any]], dice: random.Random) -> Iterator[Example]:
    sources = list({row["source_id"]: row for row in ragtruth}.values())
    documents, sentences = perturbations.parsed(row["context"] for row in sources)
    for row, document in zip(sources, documents, strict=True):
        found = [each for _, each in perturbations.made(document, sentences, dice) if "\n" not in each.text.strip()]
        for each in dice.sample(found, min(len(found), _MADE)):
            spans = [(*span, each.label) for span in each.spans]
            example = _example(row["task"], row["source_id"], row["context"], row["question"], each.text, spans)
            yield replace(example, form="made", model=each.way)


def _dialogues(data: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Knowledge, what was said before, the answer, whether it is unsupported. Generic answers are left out."""
    for path in sorted(data.glob("groundedness/begin_*")):
        for row in rows(data, f"groundedness/{path.name.partition('.')[0]}"):
            if row["begin_label"] != "Generic" and row.get("knowledge"):
                yield row["knowledge"], row["message"], row["response"], row["begin_label"] != "Fully attributable"
    for path in sorted(data.glob("groundedness/faithdial_*")):
        for row in rows(data, f"groundedness/{path.name.partition('.')[0]}"):
            label = str(row.get("begin_label") or row.get("BEGIN") or "").lower()
            answer = next((row[key] for key in ("response", "ctrl", "doha", "gpt2") if row.get(key)), None)
            knowledge = row.get("knowledge") or row.get("evidence")
            if answer and knowledge and ("entail" in label or "halluc" in label):
                yield knowledge, row["history"] or "", answer, "halluc" in label


def _example(task: str, source: str, context: str, question: str, answer: str, spans: Sequence[Fault]) -> Example:
    prepared = read([("document:0", context)], [question], [("output:0", answer)], question)
    # A sentence is unsupported when a marked span, or ten characters of it, lie within it.
    faults = tuple(
        tuple(
            (max(start, claim.start) - claim.start, min(end, claim.end) - claim.start, label)
            for start, end, label in spans
            if min(end, claim.end) - max(start, claim.start) >= min(10, end - start)
        )
        for claim in prepared.claims
    )
    return Example(task, source, "whole", "", prepared, faults, bool(spans), len(answer))


def _cut(whole: Example, first: int, size: int) -> Example:
    claims = whole.prepared.claims[first : first + size]
    faults = whole.faults[first : first + size]
    length = sum(claim.end - claim.start for claim in claims)
    prepared = replace(whole.prepared, claims=claims)
    return replace(whole, form="cut", prepared=prepared, faults=faults, unsupported=any(faults), characters=length)


def with_evidence(some: Sequence[Example], embeddings: Embeddings) -> list[Example]:
    """The examples with what the first tier sees, and with the pairs that the second reads."""
    out = []
    for each in some:
        found = claim_features(each.prepared, embeddings)
        out.append(replace(each, tiers={"evidence": found.matrix}, pairs=found.pairs))
    return out


def with_verified(
    some: Sequence[Example], encoder: Encoder, entailment: Mapping[str, Tensor]
) -> tuple[list[Example], Aligner]:
    """The examples with what the second tier sees, by a verifier that saw nothing of their source; and the verifier of
    all sources, by which dialogues are read."""
    states = States(
        encoder, (text for each in some for sentence, against in each.pairs for text in (sentence, *against))
    )
    trained_on = [each for each in some if each.form != "cut" and each.task != "dialogue"]
    seen: dict[tuple[str, Any], list[float]] = {}

    def read_by(model: Aligner, those: Sequence[Example]) -> None:
        pairs = list(dict.fromkeys((each.source, pair) for each in those for pair in each.pairs))
        found = judged(model, [Item(sentence, against, 0) for _, (sentence, against) in pairs], states)
        seen.update(zip(pairs, map(verifier.features, found), strict=True))

    sources = [each.source for each in trained_on]
    for fold, (kept, left_out) in enumerate(GroupKFold(_FOLDS).split(sources, groups=sources)):
        print(f"verifier, fold {fold + 1} of {_FOLDS}")
        model = _verifier([trained_on[place] for place in kept], states, encoder, entailment)
        unseen = {sources[place] for place in left_out}
        read_by(model, [each for each in some if each.task != "dialogue" and each.source in unseen])
    print("verifier, all sources")
    model = _verifier(trained_on, states, encoder, entailment)
    read_by(model, [each for each in some if each.task == "dialogue"])
    return [
        replace(
            each,
            tiers={
                **each.tiers,
                "verified": np.hstack([each.tiers["evidence"], [seen[each.source, pair] for pair in each.pairs]]),
            },
        )
        for each in some
    ], model


def _verifier(some: Sequence[Example], states: States, encoder: Encoder, entailment: Mapping[str, Tensor]) -> Aligner:
    dice = random.Random(SEED)  # noqa: S311
    items: list[Item] = []
    for each in some:
        for (sentence, against), faults in zip(each.pairs, each.faults, strict=True):
            if faults or each.form == "made" or dice.randrange(_ONE_SUPPORTED_OF) == 0:
                label = max((label for *_, label in faults), default=ENTAILMENT)
                items.append(Item(sentence, against, label, [(start, end) for start, end, _ in faults], each.weight))
    model = Aligner.load(entailment, encoder.device).float()
    return fit_aligner(model, items, states, epochs=_EPOCHS, rate=_RATE, seed=SEED)


def train(some: Sequence[Example], kind: str, tier: str) -> Judge:
    """Fits the judge of a kind of documents: sentences of other kinds may be there to learn from, answers aren't."""
    some = [each for each in some if each.form != "made"]
    matrix = np.concatenate([each.tiers[tier] for each in some])
    contradicted = np.zeros(len(matrix))
    if tier == "verified":
        matrix, contradicted = matrix[:, :-1], matrix[:, -1]
    labels = np.concatenate([each.claims for each in some])
    places = np.repeat(np.arange(len(some)), [len(each.claims) for each in some])
    weights = np.array([each.weight for each in some])
    sources = np.array([each.source for each in some])
    odds = out_of_fold(matrix, labels, sources[places], _C, weights[places])
    # Whole answers alone say how often a sentence is unsupported; the other forms are there to learn from.
    natural = np.array([each.form == "whole" for each in some])[places]
    sentence = platt(fit(matrix, labels, _C, weights[places]), odds[natural], labels[natural])
    slope, offset = scaling(odds[natural], labels[natural])
    odds = odds * slope + offset + _CONTRADICTED_WEIGHT * contradicted
    if tier == "verified":
        sentence = replace(
            sentence,
            weights=np.append(sentence.weights, _CONTRADICTED_WEIGHT),
            mean=np.append(sentence.mean, 0.0),
            scale=np.append(sentence.scale, 1.0),
        )
    marked_from = best_f1(labels[natural], sigmoid(odds[natural]))

    pools = np.array([pooled(odds[places == place]) for place in range(len(some))])
    unsupported = np.array([each.unsupported for each in some])
    real = np.array([each.is_real for each in some])
    own = np.array([each.prepared.kind == kind for each in some])
    pools, unsupported, real = pools[own], unsupported[own], real[own]
    answer_odds = out_of_fold(pools, unsupported, sources[own], _C, weights[own])
    answer = platt(fit(pools, unsupported, _C, weights[own]), answer_odds[real], unsupported[real])
    return Judge(sentence, answer, marked_from)


def cross_validated(some: Sequence[Example], tier: str) -> Numbers:
    """The score of each example by a judge of its kind that saw none of its source; dialogues by that of all others."""
    scores = np.empty(len(some))
    for kind in KINDS:
        ours = _of_kinds(some, kind)
        sources = [some[place].source for place in ours]
        for seen, held_out in GroupKFold(5).split(ours, groups=sources):
            judge = train([some[place] for place in ours[seen]], kind, tier)
            for place in ours[held_out]:
                if some[place].prepared.kind == kind:
                    scores[place] = judge.judge(some[place].tiers[tier]).score
        judge = train([some[place] for place in ours], kind, tier)
        for place, each in enumerate(some):
            if each.prepared.kind == kind and each.task == "dialogue":
                scores[place] = judge.judge(each.tiers[tier]).score
    return scores


def _of_kinds(some: Sequence[Example], kind: str) -> NDArray[np.intp]:
    """The places of the examples whose sentences the judge of a kind learns from."""
    return np.array(
        [
            place
            for place, each in enumerate(some)
            if each.prepared.kind in _LEARNS_FROM[kind] and each.task != "dialogue"
        ]
    )


def thresholds(some: Sequence[Example], scores: Numbers) -> tuple[float, float]:
    """`threshold`, at the best balanced accuracy of whole answers over tasks; `alert_threshold`, cuts too."""
    labels = np.array([each.unsupported for each in some])
    # Each task counts the same, and within it supported and unsupported answers do.
    cells = [(each.task, each.form, each.unsupported) for each in some]
    size = Counter(cells)
    ours = np.array([each.form == "whole" and each.task != "dialogue" for each in some])
    weights = np.array([1.0 / size[cell] for cell in cells])
    balanced = balanced_threshold(labels[ours], scores[ours], weights[ours])
    benign = np.array([each.is_real and each.task != "dialogue" and not each.unsupported for each in some])
    return balanced, float(np.quantile(scores[benign], 1 - _FALSE_ALARMS))


def table(some: Sequence[Example], scores: Numbers, threshold: float, alert: float) -> str:
    """The figures in Markdown, a line for each task and form, beside length alone and word overlap alone."""
    lines = [
        "| task | answers | n | unsupported | AUROC (95 %) | length alone | overlap alone | balanced accuracy | F1 "
        "| precision | recall | recall at alert | ECE |",
        "|---" * 13 + "|",
    ]
    labels = np.array([each.unsupported for each in some])
    length = np.array([each.characters for each in some])
    overlap = -np.array([each.tiers["evidence"][:, NAMES.index("overlap_all")].mean() for each in some])
    groups = {task: (task,) for task in ("qa", "summary", "data2txt", "dialogue")}
    for name, tasks in {**groups, "three tasks": ("qa", "summary", "data2txt")}.items():
        for form in ("whole", "cut", "made"):
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
    parser.add_argument("--entailment", type=Path, required=True, help="what training.entailment wrote")
    parser.add_argument("--out", type=Path, default=weights_folder("groundedness"))
    arguments = parser.parse_args()
    some = examples(arguments.data)
    texts = [text for each in some for text in (unit.embedded for unit in each.prepared.context.units)]
    texts += [claim.text for each in some for claim in each.prepared.claims]
    print(f"{len(some)} examples, {len(set(texts))} texts to embed")
    encoder = Encoder()
    some = with_evidence(some, Embedded(encoder, texts))
    some, model = with_verified(some, encoder, load_file(arguments.entailment))
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: each.half().cpu() for name, each in model.state_dict().items()}, arguments.out / "verifier.safetensors"
    )
    save(some, arguments.out)


def save(some: Sequence[Example], folder: Path) -> None:
    """Cross-validates, trains on everything, writes weights and prints what the model card says."""
    first, second = (cross_validated(some, tier) for tier in TIERS)
    threshold, alert = thresholds(some, second)
    for name, scores in (("First tier", first), ("Verified, as shipped", second)):
        print(f"\n{name}:\n\n{table(some, scores, threshold, alert)}")
    print(f"\nthreshold = {threshold:.3f}\nalert_threshold = {alert:.3f}")
    tensors: dict[str, NDArray[np.float32]] = {}
    for kind in KINDS:
        for tier in TIERS:
            ours = [some[place] for place in _of_kinds(some, kind)]
            tensors.update(train(ours, kind, tier).tensors(f"{kind}.{tier}."))
    numpy.save_file(tensors, folder / "model.safetensors")


if __name__ == "__main__":
    main()
