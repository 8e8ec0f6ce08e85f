"""Whether the answer is about the question, and whether the documents are: cosines and shared words, calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
from safetensors.numpy import load_file

from watchline.detectors.base import TOOL_CALL, Detector, Embeddings, Evaluation, NotApplicable, Vectors
from watchline.detectors.declarations import RELEVANCE
from watchline.detectors.grounding.claims import claims_something, refers, refuses
from watchline.detectors.grounding.evidence import Unit, most_alike
from watchline.detectors.grounding.question import about_documents, question
from watchline.detectors.grounding.tables import document_units
from watchline.detectors.runtime.calibration import Logistic
from watchline.detectors.runtime.text import another_language, longest_text, sentences, unreadable
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.runtime.words import Words, words
from watchline.schemas.records import Interaction

MAX_SENTENCES = 30


@dataclass(frozen=True, slots=True)
class RelevanceInput:
    asked: str
    answer: tuple[str, ...]  # its sentences, claims only
    units: tuple[Unit, ...]  # of the documents
    about_documents: bool  # the question asks for something to be done with them
    scored_fraction: float


class Relevance(Detector[RelevanceInput]):
    """The probabilities that the answer doesn't answer the question, and that the documents have nothing to say to it.

    Not applicable without a question or an answer, where one of them or any document can't be read, and to a step,
    which calls a tool. What claims nothing (a refusal and whom to ask instead, a question back, a courtesy, a block of
    code) is not irrelevant: `answer_irrelevant` is 0. Without documents, and where the question asks for something to
    be done with them ("Summarise this article"), `context_irrelevant` is 0; in the latter case the answer is held
    against the documents instead. At most 30 sentences of the answer are read, and the 200 passages that share most
    words with the question.
    """

    name, labels = RELEVANCE.name, RELEVANCE.labels
    VERSION = "2"

    def __init__(self) -> None:
        tensors = load_file(weights_folder(self.name) / "model.safetensors")
        self._answer = Logistic.load(tensors, "answer_irrelevant.")
        self._context = Logistic.load(tensors, "context_irrelevant.")

    def prepare(self, interaction: Interaction) -> RelevanceInput | NotApplicable:
        if interaction.is_step:
            return TOOL_CALL
        asked = question(interaction)
        if not asked:
            return NotApplicable("no input")
        if not interaction.output.strip():
            return NotApplicable("no output")
        longest = longest_text(interaction)
        documents = [document.content for document in interaction.documents]
        if reason := unreadable(interaction.output, longest) or unreadable(asked, longest):
            return NotApplicable(reason)
        if reason := another_language(documents, longest):
            return NotApplicable(reason)
        return read(asked, interaction.output, documents)

    def texts(self, prepared: RelevanceInput) -> Sequence[str]:
        return [prepared.asked, *prepared.answer, *(unit.embedded for unit in prepared.units)]

    def evaluate(self, batch: Sequence[RelevanceInput], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [self._evaluate(prepared, embeddings) for prepared in batch]

    def _evaluate(self, prepared: RelevanceInput, embeddings: Embeddings) -> Evaluation:
        answer = context = 0.0
        passages = [unit.embedded for unit in prepared.units]
        asked, target = embeddings[[prepared.asked]][0], prepared.asked
        if prepared.about_documents:
            asked, target = _sum(embeddings[passages]), " ".join(passages)
        if prepared.answer:
            row = features(target, asked, prepared.answer, embeddings[prepared.answer])
            answer = float(self._answer.probability([row])[0])
        if prepared.units and not prepared.about_documents:
            documents = [
                [unit.embedded for unit in group] for _, group in groupby(prepared.units, lambda unit: unit.field)
            ]
            # One document that is about the question is enough.
            rows = [features(target, asked, document, embeddings[document]) for document in documents]
            context = float(self._context.probability(rows).min())
        return Evaluation(
            {"answer_irrelevant": answer, "context_irrelevant": context}, scored_fraction=prepared.scored_fraction
        )


def read(asked: str, output: str, documents: Sequence[str]) -> RelevanceInput:
    """Takes question, answer and documents apart."""
    offsets = sentences(output)
    answer = [output[start:end] for start, end in offsets[:MAX_SENTENCES]]
    length = sum(end - start for start, end in offsets)
    known = [unit for n, text in enumerate(documents) for unit in document_units(f"document:{n}", text)]
    refused = any(refuses(text) for text in answer)
    return RelevanceInput(
        asked,
        tuple(text for text in answer if claims_something(text) and not (refused and refers(text))),
        tuple(most_alike(known, asked)),
        bool(known) and about_documents(asked),
        sum(map(len, answer)) / max(length, 1),
    )


NAMES = (
    "cosine",  # of the question to the whole text
    "cosine_best",  # to its nearest passage
    "cosine_first",  # to its first passage
    "covered",  # share of the question's content words that stand in the text
    "covered_best",  # in the passage that has most of them
    "pairs",  # share of its content word pairs that do
    "echo",  # share of the text's content words that stand in the question
    "length_asked",  # log(1 + content words)
    "length",
)


def features(target: str, asked: Vectors, passages: Sequence[str], vectors: Vectors) -> list[float]:
    """The numbers that `NAMES` lists, for a text held against what was asked.

    Parameters
    ----------
    target
        What was asked.
    asked : (384,)
        Its embedding.
    passages
        The text, in parts.
    vectors : (len(passages), 384)
        Their embeddings, rows of length 1.
    """
    wanted = words(target)
    passage_words = [words(text) for text in passages]
    content = frozenset(stem for passage in passage_words for stem in passage.content)
    pairs = frozenset(pair for passage in passage_words for pair in pairwise(passage.content))
    cosines = vectors @ asked
    covered = _share(wanted.content, content)
    return [
        float(_sum(vectors) @ asked),
        float(cosines.max()),
        float(cosines[0]),
        covered,
        max(_share(wanted.content, frozenset(passage.content)) for passage in passage_words),
        _share(list(pairwise(wanted.content)), pairs) if len(wanted.content) > 1 else covered,
        _share([stem for passage in passage_words for stem in passage.content], frozenset(wanted.content)),
        float(np.log1p(len(wanted.content))),
        float(np.log1p(_count(passage_words))),
    ]


def _sum(vectors: Vectors) -> Vectors:
    total = vectors.sum(axis=0, dtype=np.float64)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), dtype=np.float32)


def _share(items: Sequence[object], within: frozenset[object]) -> float:
    return float(np.mean([item in within for item in items])) if items else 0.0


def _count(passage_words: Sequence[Words]) -> int:
    return sum(len(passage.content) for passage in passage_words)
