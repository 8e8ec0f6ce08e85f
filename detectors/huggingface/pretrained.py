"""Models from Hugging Face in the place of shipped weights: same names and labels, same reading, another judge.

The shipped detector still says what is read, in which pieces, and when it doesn't apply, so that findings mean what
they meant. Which probability is worth a flag with this model is for `watchline evaluate` to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.grounding import relevance
from watchline.detectors.grounding.evidence import MAX_UNITS, Unit
from watchline.detectors.grounding.groundedness import sources
from watchline.detectors.harm import windowed
from watchline.detectors.huggingface.classifier import Classifier
from watchline.detectors.runtime.plan import Passes
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction

Prepared = TypeVar("Prepared")

CHARS = 3  # of a token, at least, in ordinary English; what is denser is read in more windows


class Pretrained(Detector[Prepared]):
    """What they have in common. Asks for no embeddings."""

    uses_encoder: ClassVar[bool] = False

    def __init__(self, shipped: Detector[Any], classifier: Classifier, thresholds: Thresholds) -> None:
        self.name = shipped.name
        self.labels = shipped.labels
        self._shipped = shipped
        self._classifier = classifier
        self._marked_from = [thresholds.of(self.name, label).threshold for label in self.labels]

    @property
    def other_models(self) -> tuple[str, ...]:
        return self._shipped.VERSION, self._classifier.version  # the shipped one says what is read

    @property
    def passes(self) -> Mapping[str, Passes]:
        return {f"{self.name}, own model": self._classifier.passes}


class Windows(Pretrained[windowed.WindowedInput]):
    """Toxicity, bias, injection by a text classifier: the windows that the shipped n-grams find most suspicious."""

    VERSION = "1"

    def prepare(self, interaction: Interaction) -> windowed.WindowedInput | NotApplicable:
        prepared: windowed.WindowedInput | NotApplicable = self._shipped.prepare(interaction)
        return prepared

    def evaluate(self, batch: Sequence[windowed.WindowedInput], embeddings: Embeddings) -> Sequence[Evaluation]:
        rows = iter(self._classifier.scores([window.text for prepared in batch for window in prepared.windows]))
        out = []
        for prepared in batch:
            chances = np.array([next(rows) for _ in prepared.windows])
            scores, marked = windowed.worst(prepared, self.labels, chances, self._marked_from)
            spans = tuple(prepared.windows[row].span(label, chance) for row, label, chance in marked)
            out.append(Evaluation(scores, spans, scored_fraction=prepared.scored_fraction))
        return out


@dataclass(frozen=True, slots=True)
class Pairs:
    """Question and text pairs, each with the label that it is about."""

    pairs: tuple[tuple[str, str, str], ...]  # label, first, second
    scored_fraction: float


class Relevance(Pretrained[Pairs]):
    """Relevance by a cross-encoder that is given the question first, a reranker for one.

    Answer and documents are as irrelevant as their most relevant piece. Which questions are about the documents
    themselves, and what claims nothing, is as the shipped detector has it.
    """

    VERSION = "1"

    def prepare(self, interaction: Interaction) -> Pairs | NotApplicable:
        prepared: relevance.RelevanceInput | NotApplicable = self._shipped.prepare(interaction)
        if isinstance(prepared, NotApplicable):
            return prepared
        passages = [unit.embedded for unit in prepared.units]
        asked = " ".join(passages) if prepared.about_documents else prepared.asked
        room = self._classifier.max_tokens * CHARS // 2
        answer = [" ".join(prepared.answer[run]) for run in grouped(prepared.answer, room)]
        context = [] if prepared.about_documents else [" ".join(passages[run]) for run in grouped(passages, room)]
        read = self._classifier.fit(answer + context)
        labels = [self.labels[0]] * len(answer) + [self.labels[1]] * len(context)
        share = sum(map(len, read)) / max(sum(map(len, answer + context)), 1) if read else 1.0
        return Pairs(
            tuple((label, asked, text) for label, text in zip(labels, read, strict=True)),
            prepared.scored_fraction * share * share_read(interaction, prepared.units),
        )

    def evaluate(self, batch: Sequence[Pairs], embeddings: Embeddings) -> Sequence[Evaluation]:
        pairs = [pair for prepared in batch for pair in prepared.pairs]
        scores = iter(self._classifier.scores([first for _, first, _ in pairs], [second for *_, second in pairs]))
        out = []
        for prepared in batch:
            chances: dict[str, list[float]] = {label: [] for label in self.labels}
            for label, _, _ in prepared.pairs:
                chances[label].append(float(next(scores)[self.labels.index(label)]))
            least = {label: min(of_label, default=0.0) for label, of_label in chances.items()}
            out.append(Evaluation(least, scored_fraction=prepared.scored_fraction))
        return out


def grouped(pieces: Sequence[str], room: int) -> list[slice]:
    """Neighbours that together have at most `room` characters; what is longer stands alone."""
    runs: list[slice] = []
    size = 0
    for place, text in enumerate(pieces):
        size += len(text)
        if runs and size <= room:
            runs[-1] = slice(runs[-1].start, place + 1)
        else:
            runs.append(slice(place, place + 1))
            size = len(text)
    return runs


def share_read(interaction: Interaction, kept: Sequence[Unit]) -> float:
    """How much of the documents the shipped detector has kept."""
    if len(kept) < MAX_UNITS:
        return 1.0
    length = sum(len(text) for _, text in sources(interaction))
    return min(sum(unit.end - unit.start for unit in kept) / max(length, 1), 1.0)
