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
    with_settled,
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
    kind: str = ""
    pairs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    settled: Numbers = field(default_factory=lambda: np.empty(0))
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
        others = [
            other for other in ragtruth if other["task"] == row["task"] and other["source_id"] != row["source_id"]
        ]
        if not spans and dice.random() < 0.25:
            foreign = dice.choice(others)
            everything = [(0, len(row["response"]), NEUTRAL)]
            made = _example(
                row["task"], foreign["source_id"], foreign["context"], row["question"], row["response"], everything
            )
            out.append(replace(made, form="foreign"))
    out += _made([example for example in ragtruth if example["task"] != "data2txt"], dice)
    for knowledge, said, answer, label in dialogues(data):
        everything = [(0, len(answer), NEUTRAL)] if label else []
        out.append(_example("dialogue", knowledge[:200], knowledge, said, answer, everything))
    return [example for example in out if example.prepared.claims]


def _made(ragtruth: Sequence[Mapping[str, Any]], dice: random.Random) -> Iterator[Example]:
    sources = list({row["source_id"]: row for row in ragtruth}.values())
    documents, sentences = perturbations.parsed(row["context"] for row in sources)
    for row, document in zip(sources, documents, strict=True):
        changes = [
            change for _, change in perturbations.made(document, sentences, dice) if "\n" not in change.text.strip()
        ]
        for change in dice.sample(changes, min(len(changes), _MADE)):
            spans = [(*span, change.label) for span in change.spans]
            example = _example(row["task"], row["source_id"], row["context"], row["question"], change.text, spans)
            yield replace(example, form="made", model=change.way)


def dialogues(data: Path) -> Iterator[tuple[str, str, str, bool]]:
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
    prepared = replace(whole.prepared, claims=claims, quotations=whole.prepared.quotations[first : first + size])
    return replace(whole, form="cut", prepared=prepared, faults=faults, unsupported=any(faults), characters=length)


def with_evidence(answers: Sequence[Example], embeddings: Embeddings) -> list[Example]:
    """The examples with what the first tier sees, and with the pairs that the second reads."""
    out = []
    for example in answers:
        features = claim_features(example.prepared, embeddings)
        out.append(
            replace(
                example,
                kind=features.kind,
                tiers={"evidence": features.matrix},
                pairs=features.pairs,
                settled=features.settled,
            )
        )
    return out


def with_verified(
    answers: Sequence[Example], encoder: Encoder, entailment: Mapping[str, Tensor]
) -> tuple[list[Example], Aligner]:
    """The examples with what the second tier sees, by a verifier that saw nothing of their source; and the verifier of
    all sources, by which dialogues are read."""
    states = States(
        encoder, (text for example in answers for sentence, against in example.pairs for text in (sentence, *against))
    )
    trained_on = [example for example in answers if example.form != "cut" and example.task != "dialogue"]
    seen: dict[tuple[str, Any], list[float]] = {}

    def read_by(model: Aligner, those: Sequence[Example]) -> None:
        pairs = list(dict.fromkeys((example.source, pair) for example in those for pair in example.pairs))
        outputs = judged(model, [Item(sentence, against, 0) for _, (sentence, against) in pairs], states)
        seen.update(zip(pairs, map(verifier.features, outputs), strict=True))

    sources = [example.source for example in trained_on]
    for fold, (kept, left_out) in enumerate(GroupKFold(_FOLDS).split(sources, groups=sources)):
        print(f"verifier, fold {fold + 1} of {_FOLDS}")
        model = _verifier([trained_on[place] for place in kept], states, encoder, entailment)
        unseen = {sources[place] for place in left_out}
        read_by(model, [example for example in answers if example.task != "dialogue" and example.source in unseen])
    print("verifier, all sources")
    model = _verifier(trained_on, states, encoder, entailment)
    read_by(model, [example for example in answers if example.task == "dialogue"])
    return [
        replace(
            example,
            tiers={
                **example.tiers,
                "verified": np.hstack(
                    [example.tiers["evidence"], [seen[example.source, pair] for pair in example.pairs]]
                ),
            },
        )
        for example in answers
    ], model


def _verifier(
    answers: Sequence[Example], states: States, encoder: Encoder, entailment: Mapping[str, Tensor]
) -> Aligner:
    dice = random.Random(SEED)  # noqa: S311
    items: list[Item] = []
    for example in answers:
        for (sentence, against), faults in zip(example.pairs, example.faults, strict=True):
            if faults or example.form == "made" or dice.randrange(_ONE_SUPPORTED_OF) == 0:
                label = max((label for *_, label in faults), default=ENTAILMENT)
                items.append(Item(sentence, against, label, [(start, end) for start, end, _ in faults], example.weight))
    model = Aligner.load(entailment, encoder.device).float()
    return fit_aligner(model, items, states, epochs=_EPOCHS, rate=_RATE, seed=SEED)


def train(answers: Sequence[Example], kind: str, tier: str) -> Judge:
    """Fits the judge of a kind of documents: sentences of other kinds may be there to learn from, answers aren't."""
    answers = [example for example in answers if example.form != "made"]
    matrix = np.concatenate([example.tiers[tier] for example in answers])
    contradicted = np.zeros(len(matrix))
    if tier == "verified":
        matrix, contradicted = matrix[:, :-1], matrix[:, -1]
    labels = np.concatenate([example.claims for example in answers])
    places = np.repeat(np.arange(len(answers)), [len(example.claims) for example in answers])
    weights = np.array([example.weight for example in answers])
    sources = np.array([example.source for example in answers])
    odds = out_of_fold(matrix, labels, sources[places], _C, weights[places])
    # Whole answers alone say how often a sentence is unsupported; the other forms are there to learn from.
    natural = np.array([example.form == "whole" for example in answers])[places]
    sentence = platt(fit(matrix, labels, _C, weights[places]), odds[natural], labels[natural])
    slope, offset = scaling(odds[natural], labels[natural])
    odds = odds * slope + offset + _CONTRADICTED_WEIGHT * contradicted
    settled = np.concatenate([example.settled for example in answers])
    odds = with_settled(odds, settled)
    if tier == "verified":
        sentence = replace(
            sentence,
            weights=np.append(sentence.weights, _CONTRADICTED_WEIGHT),
            mean=np.append(sentence.mean, 0.0),
            scale=np.append(sentence.scale, 1.0),
        )
    marked_from = best_f1(labels[natural], sigmoid(odds[natural]))

    pools = np.array([pooled(odds[places == place]) for place in range(len(answers))])
    unsupported = np.array([example.unsupported for example in answers])
    real = np.array([example.is_real for example in answers])
    own = np.array([example.kind == kind for example in answers])
    pools, unsupported, real = pools[own], unsupported[own], real[own]
    answer_odds = out_of_fold(pools, unsupported, sources[own], _C, weights[own])
    answer = platt(fit(pools, unsupported, _C, weights[own]), answer_odds[real], unsupported[real])
    return Judge(sentence, answer, marked_from)


def cross_validated(answers: Sequence[Example], tier: str) -> Numbers:
    """The score of each example by a judge of its kind that saw none of its source; dialogues by that of all others."""
    scores = np.empty(len(answers))
    for kind in KINDS:
        ours = _of_kinds(answers, kind)
        sources = [answers[place].source for place in ours]
        for seen, held_out in GroupKFold(5).split(ours, groups=sources):
            judge = train([answers[place] for place in ours[seen]], kind, tier)
            for place in ours[held_out]:
                if answers[place].kind == kind:
                    scores[place] = judge.judge(answers[place].tiers[tier], answers[place].settled).score
        judge = train([answers[place] for place in ours], kind, tier)
        for place, example in enumerate(answers):
            if example.kind == kind and example.task == "dialogue":
                scores[place] = judge.judge(example.tiers[tier], example.settled).score
    return scores


def _of_kinds(answers: Sequence[Example], kind: str) -> NDArray[np.intp]:
    """The places of the examples whose sentences the judge of a kind learns from."""
    return np.array(
        [
            place
            for place, example in enumerate(answers)
            if example.kind in _LEARNS_FROM[kind] and example.task != "dialogue"
        ]
    )


def thresholds(answers: Sequence[Example], scores: Numbers) -> tuple[float, float]:
    """`threshold`, at the best balanced accuracy of whole answers over tasks; `alert_threshold`, cuts too."""
    labels = np.array([example.unsupported for example in answers])
    # Each task counts the same, and within it supported and unsupported answers do.
    cells = [(example.task, example.form, example.unsupported) for example in answers]
    size = Counter(cells)
    ours = np.array([example.form == "whole" and example.task != "dialogue" for example in answers])
    weights = np.array([1.0 / size[cell] for cell in cells])
    balanced = balanced_threshold(labels[ours], scores[ours], weights[ours])
    benign = np.array(
        [example.is_real and example.task != "dialogue" and not example.unsupported for example in answers]
    )
    return balanced, float(np.quantile(scores[benign], 1 - _FALSE_ALARMS))


def table(answers: Sequence[Example], scores: Numbers, threshold: float, alert: float) -> str:
    """The figures in Markdown, a line for each task and form, beside length alone and word overlap alone."""
    lines = [
        "| task | answers | n | unsupported | AUROC (95 %) | length alone | overlap alone | balanced accuracy | F1 "
        "| precision | recall | recall at alert | ECE |",
        "|---" * 13 + "|",
    ]
    labels = np.array([example.unsupported for example in answers])
    length = np.array([example.characters for example in answers])
    overlap = -np.array([example.tiers["evidence"][:, NAMES.index("overlap_all")].mean() for example in answers])
    groups = {task: (task,) for task in ("qa", "summary", "data2txt", "dialogue")}
    for name, tasks in {**groups, "three tasks": ("qa", "summary", "data2txt")}.items():
        for form in ("whole", "cut", "made"):
            rows_ = np.array([example.task in tasks and example.form == form for example in answers])
            if not rows_.any():
                continue
            measured = figures(labels[rows_], scores[rows_], threshold)
            sources = np.array([example.source for example in answers])[rows_]
            low, high = interval(labels[rows_], scores[rows_], sources, SEED)
            others = [roc_auc_score(labels[rows_], other[rows_]) for other in (length, overlap)]
            lines.append(
                f"| {name} | {form} | {measured['n']} | {measured['positive']:.2f} "
                f"| {measured['auroc']:.3f} ({low:.2f}-{high:.2f}) "
                f"| {others[0]:.3f} | {others[1]:.3f} | {measured['balanced_accuracy']:.3f} | {measured['f1']:.3f} "
                f"| {measured['precision']:.2f} | {measured['recall']:.2f} "
                f"| {(scores[rows_ & labels] >= alert).mean():.2f} "
                f"| {measured['ece']:.3f} |"
            )
    for task in ("qa", "summary", "data2txt"):
        own = np.array(
            [example.task == task and example.form == "whole" and not example.unsupported for example in answers]
        )
        foreign = np.array([example.task == task and example.form == "foreign" for example in answers])
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
    answers = examples(arguments.data)
    texts = [text for example in answers for text in (unit.embedded for unit in example.prepared.units)]
    texts += [claim.text for example in answers for claim in example.prepared.claims]
    print(f"{len(answers)} examples, {len(set(texts))} texts to embed")
    encoder = Encoder()
    answers = with_evidence(answers, Embedded(encoder, texts))
    answers, model = with_verified(answers, encoder, load_file(arguments.entailment))
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: tensor.half().cpu() for name, tensor in model.state_dict().items()},
        arguments.out / "verifier.safetensors",
    )
    save(answers, arguments.out)


def save(answers: Sequence[Example], folder: Path) -> None:
    """Cross-validates, trains on everything, writes weights and prints what the model card says."""
    first, second = (cross_validated(answers, tier) for tier in TIERS)
    threshold, alert = thresholds(answers, second)
    for name, scores in (("First tier", first), ("Verified, as shipped", second)):
        print(f"\n{name}:\n\n{table(answers, scores, threshold, alert)}")
    print(f"\nthreshold = {threshold:.3f}\nalert_threshold = {alert:.3f}")
    tensors: dict[str, NDArray[np.float32]] = {}
    for kind in KINDS:
        for tier in TIERS:
            ours = [answers[place] for place in _of_kinds(answers, kind)]
            tensors.update(train(ours, kind, tier).tensors(f"{kind}.{tier}."))
    numpy.save_file(tensors, folder / "model.safetensors")


if __name__ == "__main__":
    main()
