"""Trains the weights of `watchline.detectors.grounding.relevance`.

    python -m watchline.detectors.training.grounding.relevance --data DIR

Questions with their own answers (RAGTruth questions, HaluEval) and documents (RAGTruth; HaluEval's answers, read as
documents) against the answers and documents of the most similar other question, and of any other. Pairs of questions
that are each other's negatives fall into one fold.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

from watchline.detectors.base import Embeddings
from watchline.detectors.evaluation.metrics import Labels
from watchline.detectors.grounding.relevance import features, read
from watchline.detectors.runtime.calibration import Logistic, Numbers, sigmoid
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.training.fitting import (
    balanced_threshold,
    figures,
    fit,
    interval,
    out_of_fold,
    platt,
    scaling,
)
from watchline.detectors.training.harm.corpora import read as rows

SEED = 21
_PAIRS = 200  # of questions from HaluEval, each with the most similar other one
_SAME = 0.9  # cosine from which two questions ask the same
_C = 1.0
_FALSE_ALARMS = 0.005


@dataclass(frozen=True, slots=True)
class Item:
    """A question with a text that is about it."""

    asked: str
    text: str
    group: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a text: its own, or another's."""

    asked: str
    passages: tuple[str, ...]
    kind: str  # own, similar, any
    group: str


def items(data: Path, encoder: Encoder) -> tuple[list[Item], list[Item]]:
    """Questions with answers, questions with documents; of HaluEval those that come in pairs of similar questions."""
    dice = random.Random(SEED)  # noqa: S311 - a draw, not a secret
    ragtruth = [row for row in rows(data, "groundedness/ragtruth") if row["task"] == "qa"]
    answers = [Item(row["question"], row["response"], row["source_id"]) for row in ragtruth if not row["labels"]]
    documents = [
        Item(asked, text, group)
        for asked, (text, group) in {row["question"]: (row["context"], row["source_id"]) for row in ragtruth}.items()
    ]
    chat = [row for row in rows(data, "groundedness/halueval_general") if row["hallucination"] == "no"]
    chat = [row for row in chat if 15 <= len(row["user_query"]) <= 300 and 30 <= len(row["chatgpt_response"]) <= 1500]
    chat = dice.sample(chat, min(len(chat), 1200))
    vectors = encoder.encode([row["user_query"] for row in chat])
    alike = vectors @ vectors.T
    alike[alike > _SAME] = -1
    taken: set[int] = set()
    for place in np.argsort(-alike.max(axis=1), kind="stable"):
        other = int(np.argmax(alike[place]))
        if len(taken) < 2 * _PAIRS and place not in taken and other not in taken and place != other:
            taken |= {int(place), other}
            for row in (chat[place], chat[other]):
                item = Item(row["user_query"], row["chatgpt_response"], f"chat {place}")
                answers.append(item)
                documents.append(item)
    return answers, documents


def pairs(some: Sequence[Item], encoder: Encoder) -> list[Pair]:
    """Each item as it is, with the text of the most similar other question, and with that of any other."""
    dice = random.Random(SEED)  # noqa: S311
    vectors = encoder.encode([item.asked for item in some])
    alike = vectors @ vectors.T
    alike[alike > _SAME] = -1
    out: list[Pair] = []
    for place, item in enumerate(some):
        similar = some[int(np.argmax(alike[place]))]
        other = dice.choice([candidate for candidate in some if candidate.group != item.group])
        for kind, source in (("own", item), ("similar", similar), ("any", other)):
            prepared = read(item.asked, source.text, [])
            if prepared.answer:
                out.append(Pair(item.asked, prepared.answer, kind, item.group))
                # Short answers are answers too.
                if kind != "any" and len(prepared.answer) > 2:
                    out.append(Pair(item.asked, prepared.answer[:1], kind, item.group))
    return out


def matrix(some: Sequence[Pair], embeddings: Embeddings) -> Numbers:
    """The features of each pair."""
    return np.array([features(p.asked, embeddings[[p.asked]][0], p.passages, embeddings[p.passages]) for p in some])


def train(name: str, some: Sequence[Pair], feature_rows: Numbers) -> Logistic:
    """Fits one label and prints its figures, out of fold, beside cosine and TF-IDF."""
    labels: Labels = np.array([pair.kind != "own" for pair in some])
    groups = np.array([pair.group for pair in some])
    odds = out_of_fold(feature_rows, labels, groups, _C)
    slope, offset = scaling(odds, labels)
    scores = sigmoid(odds * slope + offset)
    tfidf = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    texts = tfidf.fit_transform([*(pair.asked for pair in some), *(" ".join(pair.passages) for pair in some)])
    word_cosine = np.asarray(texts[: len(some)].multiply(texts[len(some) :]).sum(axis=1)).ravel()
    kinds = np.array([pair.kind for pair in some])
    # The most similar other question is there to learn from; in production an answer that misses misses by more.
    likely = np.array([pair.kind != "similar" for pair in some])
    threshold = balanced_threshold(labels[likely], scores[likely])
    alert = float(np.quantile(scores[~labels], 1 - _FALSE_ALARMS))
    print(f"\n[{name}] threshold {threshold:.3f}, alert_threshold {alert:.3f}\n")
    print(
        "| against the texts of | n | AUROC (95 %) | TF-IDF | cosine | balanced accuracy | F1 | recall at alert | ECE |"
    )
    print("|---" * 9 + "|")
    chat = np.char.startswith(groups, "chat")
    for against, rows_ in (
        ("the most similar other", kinds != "any"),
        ("the same, RAGTruth alone", (kinds != "any") & ~chat),
        ("the same, HaluEval alone", (kinds != "any") & chat),
        ("any other", kinds != "similar"),
        ("both", np.ones(len(some), dtype=bool)),
    ):
        got = figures(labels[rows_], scores[rows_], threshold)
        low, high = interval(labels[rows_], scores[rows_], groups[rows_], SEED)
        others = [roc_auc_score(labels[rows_], -baseline[rows_]) for baseline in (word_cosine, feature_rows[:, 0])]
        print(
            f"| {against} | {got['n']} | {got['auroc']:.3f} ({low:.2f}-{high:.2f}) | {others[0]:.3f} | {others[1]:.3f} "
            f"| {got['balanced_accuracy']:.3f} | {got['f1']:.3f} | {(scores[rows_ & labels] >= alert).mean():.2f} "
            f"| {got['ece']:.3f} |"
        )
    return platt(fit(feature_rows, labels, _C), odds, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with groundedness/*.jsonl.gz")
    parser.add_argument("--out", type=Path, default=weights_folder("relevance"))
    arguments = parser.parse_args()
    encoder = Encoder()
    answers, documents = items(arguments.data, encoder)
    judged = {"answer_irrelevant": pairs(answers, encoder), "context_irrelevant": pairs(documents, encoder)}
    texts = [text for some in judged.values() for pair in some for text in (pair.asked, *pair.passages)]
    print(f"{len(set(texts))} texts to embed")
    embeddings = Embedded(encoder, texts)
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, some in judged.items():
        tensors.update(train(name, some, matrix(some, embeddings)).tensors(f"{name}."))
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.out / "model.safetensors")


if __name__ == "__main__":
    main()
