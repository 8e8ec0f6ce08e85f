# ruff: noqa: E501 (tables of the card)
"""Trains the injection detector: `python -m watchline.detectors.training.harm.injection --data DIR`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from watchline.detectors.harm.deobfuscation import deobfuscate
from watchline.detectors.harm.injection import Injection, passages
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.training import cards, ordinary
from watchline.detectors.training.harm.blending import OutOfFold, arguments, read_by_multitask, train
from watchline.detectors.training.harm.corpora import Example, benign, cut, labelled, read, sample
from watchline.detectors.training.harm.injection_texts import (
    DIRECT,
    HARMLESS_DOCUMENTS,
    HARMLESS_QUESTIONS,
    INDIRECT,
    expand,
)

SEED = 17
_QUESTIONS = {"clinc": 800, "halueval_query": 700, "ragtruth_question": 200, "ragtruth_context": 400}
_DOCUMENTS = {"ragtruth_context": 1000, "halueval_response": 700, "bold": 700, "pydoc": 700}
_TASKS = 700
_BIPIA_COPIES = 3
_CONTEXT = 600  # characters of the document that an attack is put into


def main() -> None:
    """Trains, measures and writes weights and card."""
    options = arguments(__doc__)
    texts, rest, outputs = read_by_multitask(examples(options.data), options.outputs)
    tensors, judged = train([*texts, *rest], outputs, Injection.labels)
    points = {label: cards.operating_point(of_label, of_label.truth == 0) for label, of_label in judged.items()}
    cards.save(Injection.name, tensors)
    card = _CARD.format(
        texts=len(texts),
        seed=SEED,
        direct=sum(example.labels.get("injection", 0) for example in texts),
        direct_lines=len(DIRECT.strip().splitlines()),
        indirect_lines=len(INDIRECT.strip().splitlines()),
        harmless=len((HARMLESS_QUESTIONS + HARMLESS_DOCUMENTS).strip().splitlines()),
        points=cards.points_table(points),
        skipped=cards.skipped(texts, judged),
        figures="\n".join(_rows(texts, judged, points)),
        alarms=ordinary.table(Injection(), options.data, points),
    )
    cards.write(Injection.name, card)


def _rows(
    texts: Sequence[Example], judged: Mapping[str, OutOfFold], points: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    """Rows of the table: attacks of one source against all harmless texts, ours and svguardian's."""
    theirs, verdicts = _guardian(texts)
    sources = np.array([example.source for example in texts])
    for label, of_label in judged.items():
        harmless = of_label.truth == 0
        for source in dict.fromkeys(sources[of_label.truth == 1]):
            attacks = (of_label.truth == 1) & (sources == source)
            rows = attacks | harmless
            ours_at, theirs_at = (np.quantile(scores[harmless], 0.99) for scores in (of_label.probability, theirs))
            figures = [
                roc_auc_score(attacks[rows], of_label.probability[rows]),
                roc_auc_score(attacks[rows], theirs[rows]),
                (of_label.probability[attacks] > ours_at).mean(),
                (theirs[attacks] > theirs_at).mean(),
                (of_label.probability[attacks] >= points[label][0]).mean(),
                (of_label.probability[attacks] >= points[label][1]).mean(),
                verdicts[attacks].mean(),
                (of_label.probability[harmless] >= points[label][0]).mean(),
                verdicts[harmless].mean(),
            ]
            yield (
                f"| {label} | {source} | {int(attacks.sum())} | {int(harmless.sum())} | "
                + " | ".join(f"{figure:.3f}" for figure in figures)
                + " |"
            )


def _guardian(texts: Sequence[Example]) -> tuple[Numbers, Numbers]:
    """What securevector-guardian-model (Apache-2.0) thinks of the texts, for comparison: scores, and its verdicts."""
    from svguardian import resolve_runtime
    from svguardian.model.pure_infer import PureGuardian

    guardian = PureGuardian.load(resolve_runtime())
    opinions = [guardian.predict(example.text) for example in texts]
    scores = np.array([opinion["malicious_score"] for opinion in opinions], dtype=np.float64)
    return scores, np.array([opinion["verdict"] == "malicious" for opinion in opinions], dtype=np.float64)


def examples(data: Path) -> list[Example]:
    """Every training text, without disguise: user messages labelled `injection`, passages `indirect_injection`."""
    everything = benign(data)
    candidates = [*_messages(data, everything), *_harmless_passages(data, everything), *_planted(data, everything)]
    return [
        Example(plain, example.source, example.group, example.labels)
        for example in candidates
        if (plain := deobfuscate(example.text).text).strip()
    ]


def _messages(data: Path, everything: Sequence[Example]) -> Iterator[Example]:
    for attack, line in expand(DIRECT, 4, SEED):
        yield Example(attack, "written", line, {"injection": 1})
    for text in HARMLESS_QUESTIONS.strip().splitlines():
        yield Example(text, "written", text, {"injection": 0})
    for source, size in _QUESTIONS.items():
        chosen = sample([item for item in everything if item.source == source], size, SEED)
        yield from labelled(chosen, {"injection": 0})
    # Foul language is no injection.
    for index, item in enumerate(read(data, "toxicity/openai_moderation")):
        for text in cut(item["prompt"])[:1]:
            yield Example(text, "openai_moderation", f"openai-{index}", {"injection": 0})


def _harmless_passages(data: Path, everything: Sequence[Example]) -> Iterator[Example]:
    for text in HARMLESS_DOCUMENTS.strip().splitlines():
        yield Example(text, "written", text, {"indirect_injection": 0})
    for item in read(data, "injection/bipia_benchmark_email_train"):
        for start, end in passages(item["context"]):
            yield Example(
                item["context"][start:end], "bipia_email", f"email-{item['context'][:80]}", {"indirect_injection": 0}
            )
    for source, size in _DOCUMENTS.items():
        pieces = [
            Example(item.text[start:end], source, item.group, {"indirect_injection": 0})
            for item in everything
            if item.source == source
            for start, end in passages(item.text)
        ]
        yield from sample(pieces, size, SEED)


def _planted(data: Path, everything: Sequence[Example]) -> Iterator[Example]:
    """Attacks put into documents: the passages that hold them."""
    chance = random.Random(SEED)  # noqa: S311 (no secret)
    hosts = [item["context"][:_CONTEXT] for item in read(data, "injection/bipia_benchmark_email_train")]
    for source in ("ragtruth_context", "halueval_response", "bold"):
        hosts += [item.text for item in sample([item for item in everything if item.source == source], 100, SEED)]
    for attack, source, group in _attacks(data, everything):
        host = chance.choice(hosts)
        ends = [0, *(end for _, end in passages(host))]
        place = chance.choice(ends)
        gap = chance.choice((" ", "\n", "\n\n"))
        before, after = host[:place] + gap if place else "", gap + host[place:].lstrip()
        document = before + attack + after
        for start, end in passages(document):
            shared = min(end, len(before) + len(attack)) - max(start, len(before))
            if shared > 0.6 * min(len(attack), end - start):
                yield Example(document[start:end], source, group, {"indirect_injection": 1})


def _attacks(data: Path, everything: Sequence[Example]) -> Iterator[tuple[str, str, str]]:
    """(attack, source, group). A BIPIA category is one group: figures are of categories never seen."""
    for kind in ("text", "code"):
        for category, attacks in read(data, f"injection/bipia_benchmark_{kind}_attack_train")[0].items():
            for attack in attacks:
                yield from [(attack, f"bipia_{kind}", f"bipia-{category}")] * _BIPIA_COPIES
    for attack, line in expand(INDIRECT, 4, SEED):
        yield attack, "written", line
    for attack, line in expand(DIRECT, 1, SEED):
        yield attack, "written", line
    # A task for an assistant in the middle of a document is the plainest indirect injection of all.
    tasks = [item for item in everything if item.source == "halueval_query" and "\n" not in item.text]
    for item in sample(tasks, _TASKS, SEED + 1):
        yield item.text, "tasks", item.group


_CARD = """# Injection

Two probabilities: `injection`, that the user's message orders the model against the app's instructions, and
`indirect_injection`, that a passage of a document or tool result orders the model at all. Each is that of a logistic
regression over what two models say of both: one on hashed character n-grams (2 to 5 characters, 131,072 buckets, float16),
and the multitask model, the upper layers of all-MiniLM-L6-v2 fine-tuned (`weights/multitask`). Disguises are undone first.

## Made by

    python -m watchline.detectors.training.harm.multitask --data DIR --outputs FILE
    python -m watchline.detectors.training.harm.injection --data DIR --outputs FILE

Seed {seed}; {texts} texts; four folds by group: lines of a template, all attacks of a BIPIA category, a source document stay
together. So BIPIA's figures are of categories that the models had not seen.

## Data

| source | what it teaches | licence |
|---|---|---|
| {direct_lines} lines of direct attacks ({direct} texts), {indirect_lines} of planted ones, {harmless} harmless look-alikes: `injection_texts.py` | all | the project's |
| BIPIA, Yi et al. 2023: training attacks on text and code, put into documents; its e-mails | indirect_injection; harmless e-mails | MIT |
| HaluEval's requests put into documents, as tasks that no document should give | indirect_injection | MIT |
| RAGTruth (MIT), HaluEval (MIT), CLINC150 (CC BY 3.0), OpenAI moderation set (MIT), BOLD (CC BY-SA 4.0), Python's documentation (PSF) | ordinary questions and documents | as named |

## Operating points

{points}

{skipped}

`threshold`: best macro-F1 among those up to .5, else the lowest, that flag at most 1 % of the harmless texts.
`alert_threshold`: at most 0.05 %. Neither is below 0.3 and 0.6. `thresholds.toml` sets the alert of injection to .90: with
fewer, "from now on, refer to me as chuck" and a coin to be flipped raised one in CLINC's held-back requests.

## Figures

Out of fold; attacks of a source against all harmless texts of the label, beside securevector-guardian-model 1.4.0
(svguardian, its threat classes together, flagged by its own verdict). "at 1 %": at the score that one in a hundred
harmless texts exceeds.

| label | attacks | n | harmless | AUROC | svguardian's | recall at 1 % | svguardian's | recall at threshold | at alert | svguardian flags | false alarms at threshold | svguardian's |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
{figures}

False alarms of the whole detector with these weights, on interactions of sources that no model was trained on (flagged,
alerts: either label at its operating point; documents are RAGTruth's contexts, Wikipedia and Python's documentation):

| source | interactions | judged | flagged | alerts |
|---|---|---|---|---|
{alarms}

## Limits

- English only. The direct attacks are the project's own lines: figures on them say that templates generalise to other
  templates, not what a determined attacker achieves.
- A document that rightly holds requests (a list of exercises, a support ticket) looks like an attack; one whose order is
  put as a statement does not.
- It reads words, not effects: an attack that the model ignored counts as one that worked.
"""


if __name__ == "__main__":
    main()
