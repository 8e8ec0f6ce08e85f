"""Groundedness by a Hugging Face model: sentences against passages by a cross-encoder, or token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from watchline.detectors.base import Embeddings, Evaluation, NotApplicable
from watchline.detectors.grounding import groundedness
from watchline.detectors.grounding.evidence import Unit, most_alike, units
from watchline.detectors.grounding.question import question
from watchline.detectors.huggingface.classifier import Classifier
from watchline.detectors.huggingface.pretrained import CHARS, Pretrained, grouped, share_read
from watchline.detectors.runtime.calibration import Numbers
from watchline.detectors.runtime.text import sentences, windows
from watchline.schemas.records import Evidence, Interaction, Span

MAX_PAIRS = 100  # of one interaction; on a CPU a model of BERT base's size reads a few a second


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's claims, the pieces of it that the model reads, and the passages that each is held against."""

    claims: tuple[groundedness.Claim, ...]
    pieces: tuple[tuple[str, int, str], ...]  # field, start, text
    passages: tuple[tuple[Unit, ...], ...]
    asked: str
    scored_fraction: float


class Entailment(Pretrained[Answer]):
    """Groundedness by a cross-encoder, an NLI model for one: a passage is its first text, a sentence its second.

    A sentence is as unsupported as by the passage that supports it best, the answer as its worst sentence (SummaC's
    zero-shot form, Laban et al. 2022).
    """

    VERSION = "1"

    def prepare(self, interaction: Interaction) -> Answer | NotApplicable:
        prepared: groundedness.GroundednessInput | NotApplicable = self._shipped.prepare(interaction)
        if isinstance(prepared, NotApplicable):
            return prepared
        claims = prepared.claims
        pieces = [(claim.field, claim.start, claim.text) for claim in claims]
        read = prepared.scored_fraction * share_read(interaction, prepared.units)
        return _answer(self._classifier, claims, pieces, prepared.units, "", read)

    def evaluate(self, batch: Sequence[Answer], embeddings: Embeddings) -> Sequence[Evaluation]:
        pairs = [
            (_joined(run), text) for prepared in batch for _, _, text in prepared.pieces for run in prepared.passages
        ]
        scores = iter(self._classifier.scores([first for first, _ in pairs], [second for _, second in pairs])[:, 0])
        return [
            self._evaluation(prepared, np.array([[next(scores) for _ in prepared.passages] for _ in prepared.pieces]))
            for prepared in batch
        ]

    def _evaluation(self, prepared: Answer, chances: Numbers) -> Evaluation:
        """From the probabilities that a passage doesn't support a claim: (claims, passages)."""
        spans: list[Span] = []
        evidence: list[Evidence] = []
        for claim, row in zip(prepared.claims, chances, strict=True):
            chance = float(row.min())
            if chance >= self._marked_from[0]:
                evidence += _evidence(len(spans), _nearest(prepared.passages, row, claim.text), 1.0 - chance)
                spans.append(Span(claim.field, claim.start, claim.end, self.labels[0], chance))
        score = float(chances.min(axis=1).max()) if len(chances) else 0.0
        return Evaluation({self.labels[0]: score}, tuple(spans), tuple(evidence), prepared.scored_fraction)


class Tokens(Pretrained[Answer]):
    """Groundedness by a token classifier over documents, question and answer, in the form of LettuceDetect's training.

    Kovács and Recski 2025. The answer is as unsupported as its worst token, in what claims something; spans are runs of
    tokens. Where the documents don't fit into one window, a token is as unsupported as in the window where it is least.
    """

    VERSION = "1"

    def prepare(self, interaction: Interaction) -> Answer | NotApplicable:
        prepared: groundedness.GroundednessInput | NotApplicable = self._shipped.prepare(interaction)
        if isinstance(prepared, NotApplicable):
            return prepared
        room = self._classifier.max_tokens * CHARS // 2
        pieces = [
            (f"output:{place}", start, message.content[start:end])
            for place, message in enumerate(interaction.output_messages)
            for start, end in windows(message.content, room)
            if any(claim.field == f"output:{place}" and start <= claim.start < end for claim in prepared.claims)
        ]
        documents = [
            Unit(field, start, end, text[start:end])
            for field, text in groundedness.sources(interaction)
            for start, end in windows(text, room)
        ]
        return _answer(
            self._classifier, prepared.claims, pieces, documents, question(interaction), prepared.scored_fraction
        )

    def evaluate(self, batch: Sequence[Answer], embeddings: Embeddings) -> Sequence[Evaluation]:
        pairs = [
            (_prompt(prepared.asked, run), text)
            for prepared in batch
            for _, _, text in prepared.pieces
            for run in prepared.passages
        ]  # fmt: skip
        tokens = iter(self._classifier.token_scores([first for first, _ in pairs], [second for _, second in pairs]))
        return [self._evaluation(prepared, tokens) for prepared in batch]

    def _evaluation(self, prepared: Answer, tokens: Iterator[tuple[list[tuple[int, int]], Numbers]]) -> Evaluation:
        spans: list[Span] = []
        evidence: list[Evidence] = []
        score = 0.0
        passages = [tuple(_sentences(run)) for run in prepared.passages]
        for field, start, _ in prepared.pieces:
            read = [next(tokens) for _ in passages]
            offsets = [(start + first, start + last) for first, last in read[0][0]]
            chances = np.stack([labels[:, 0] for _, labels in read])  # (passages, tokens)
            for claim in prepared.claims:
                inside = [
                    place
                    for place, (first, last) in enumerate(offsets)
                    if field == claim.field and first < min(last, claim.end) and last > claim.start
                ]
                if not inside:  # another piece's, or beyond what fits
                    continue
                of_claim = chances[:, inside]
                score = max(score, float(of_claim.min(axis=0).max()))
                if claim_spans := list(self._spans(claim, [offsets[place] for place in inside], of_claim.min(axis=0))):
                    nearest = _nearest(passages, of_claim.max(axis=1), claim.text)
                    for span in claim_spans:
                        evidence += _evidence(len(spans), nearest, 1.0 - span.score)
                        spans.append(span)
        return Evaluation({self.labels[0]: score}, tuple(spans), tuple(evidence), prepared.scored_fraction)

    def _spans(self, claim: groundedness.Claim, offsets: Sequence[tuple[int, int]], chances: Numbers) -> Iterator[Span]:
        """Runs of tokens at or above the threshold, without the blanks that some tokenizers count to a token."""
        for marked, run in groupby(range(len(offsets)), lambda place: bool(chances[place] >= self._marked_from[0])):
            places = list(run)
            start, end = max(offsets[places[0]][0], claim.start), min(offsets[places[-1]][1], claim.end)
            text = claim.text[start - claim.start : end - claim.start]
            start += len(text) - len(text.lstrip())
            if marked and start < end:
                yield Span(claim.field, start, end, self.labels[0], float(chances[places].max()))


def _answer(
    classifier: Classifier,
    claims: Sequence[groundedness.Claim],
    pieces: Sequence[tuple[str, int, str]],
    documents: Sequence[Unit],
    asked: str,
    scored_fraction: float,
) -> Answer:
    """Cuts pieces to what fits, packs documents into passages, and counts what is left out of either."""
    read = classifier.fit([text for _, _, text in pieces])
    longest = max(map(len, read), default=0)
    room = max(classifier.max_tokens * CHARS - longest - len(asked), classifier.max_tokens)
    runs = [tuple(documents[run]) for run in grouped([unit.embedded for unit in documents], room)] or [()]
    nearest = most_alike(
        [Unit("", place, place, _joined(run)) for place, run in enumerate(runs)],
        " ".join(claim.text for claim in claims),
        max(MAX_PAIRS // max(len(pieces), 1), 1),
    )
    passages = [runs[passage.start] for passage in nearest]
    share = sum(len(_joined(run)) for run in passages) / max(sum(len(_joined(run)) for run in runs), 1)
    share *= sum(map(len, read)) / max(sum(len(text) for _, _, text in pieces), 1) if pieces else 1.0
    return Answer(
        tuple(claims),
        tuple((field, start, text) for (field, start, _), text in zip(pieces, read, strict=True)),
        tuple(passages),
        asked,
        scored_fraction * share,
    )


def _prompt(asked: str, run: Sequence[Unit]) -> str:
    """Documents and question in the words of LettuceDetect's training, which are RAGTruth's."""
    documents = [_joined(list(group)) for _, group in groupby(run, lambda unit: unit.field)]
    passages = "\n".join(f"passage {number}: {text}" for number, text in enumerate(documents, 1))
    if not asked:
        return f"Summarize the following text:\n{passages}\noutput:"
    return (
        f"Briefly answer the following question:\n{asked}\nBear in mind that your response should be strictly based on "
        f"the following {len(documents)} passages:\n{passages}\nIn case the passages do not contain the necessary "
        'information to answer the question, please reply with: "Unable to answer based on given passages."\noutput:'
    )


def _nearest(passages: Sequence[Sequence[Unit]], chances: Numbers, claim: str) -> list[Unit]:
    """Of the passages that support a claim best the unit that shares most words with it; none where there is none.

    Rounded, so that the last bits of a probability, which depend on the batch, don't decide.
    """
    rounded = np.round(chances, 3)
    best = [unit for run, chance in zip(passages, rounded, strict=True) if chance == rounded.min() for unit in run]
    return most_alike(best, claim, 1)


def _evidence(span: int, nearest: Sequence[Unit], score: float) -> list[Evidence]:
    return [Evidence(span, unit.field, unit.start, unit.end, score) for unit in nearest]


def _sentences(run: Sequence[Unit]) -> Iterator[Unit]:
    for long in run:
        for unit in units(long.field, long.embedded, sentences(long.embedded)):
            yield Unit(unit.field, long.start + unit.start, long.start + unit.end, unit.embedded)


def _joined(run: Sequence[Unit]) -> str:
    return " ".join(unit.embedded for unit in run)
