"""Detectors that read a text window by window, each window by n-grams and embedding, and report the worst.

What toxicity, bias and injection have in common; they differ in what they read and what they were taught.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable, weights_folder
from watchline.detectors.blend import Blend, Numbers
from watchline.detectors.deobfuscation import deobfuscate
from watchline.detectors.text import NO_TEXT, unreadable, windows
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction, Span

WINDOW = 300  # characters: a post, two or three sentences
MAX_CHARS = 60_000  # of one interaction; n-grams read about 1 MB a second


@dataclass(frozen=True, slots=True)
class Reading:
    """A text of the interaction that the detector reads, and the labels that it can have."""

    field: str
    text: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a reading: `text` is how it reads without disguise, the offsets are those of the text as it is."""

    reading: Reading
    start: int
    end: int
    text: str
    ngram_scores: Numbers


@dataclass(frozen=True, slots=True)
class Work:
    windows: tuple[Window, ...]
    scored_fraction: float


class WindowedDetector(Detector[Work]):
    """A label's score is the highest of any window that the label is about, 0 where there is none.

    Text that can't be read (another language) and text beyond the limits lowers `scored_fraction`; where nothing can
    be read the detector doesn't apply. Of more than `max_windows` windows those are judged that the n-grams, which read
    all of them, find most suspicious: padding hides little. Spans are the windows at or above the shipped threshold.

    Attributes
    ----------
    max_windows : int
        How many of an interaction are embedded at most.
    """

    max_windows: ClassVar[int] = 16

    def __init__(self) -> None:
        self._blend = Blend(weights_folder(self.name) / "model.safetensors", self.labels)
        thresholds = Thresholds()
        self._marked_from = [thresholds.of(self.name, label).threshold for label in self.labels]

    @abstractmethod
    def readings(self, interaction: Interaction) -> Iterator[Reading]:
        """The texts that the detector reads."""

    def cut(self, reading: Reading, plain: str) -> list[tuple[int, int]]:
        """Start and end of the windows worth judging in the reading's text without disguise."""
        return windows(plain, WINDOW)

    def nothing_found(self) -> NotApplicable | None:
        """What to say of readable text of which `cut` leaves nothing; None: that it is fine."""
        return None

    def prepare(self, interaction: Interaction) -> Work | NotApplicable:
        found: list[Window] = []
        total = unread = 0
        reasons = []
        for reading in self.readings(interaction):
            room = max(0, MAX_CHARS - total)
            total += len(reading.text)
            if reason := unreadable(reading.text):
                reasons.append(reason)
                unread += len(reading.text)
            else:
                unread += max(0, len(reading.text) - room)
                found += self._windows(reading, reading.text[:room])
        if not found:
            if total > unread and (result := self.nothing_found()):
                return result
            return NotApplicable(next((reason for reason in reasons if reason != NO_TEXT), NO_TEXT))
        kept = self._most_suspicious(found)
        unread += sum(each.end - each.start for each in found) - sum(each.end - each.start for each in kept)
        return Work(tuple(kept), 1.0 - unread / total)

    def texts(self, work: Work) -> Sequence[str]:
        return [window.text for window in work.windows]

    def evaluate(self, batch: Sequence[Work], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [self._evaluate(work, embeddings) for work in batch]

    def _evaluate(self, work: Work, embeddings: Embeddings) -> Evaluation:
        chances = self._blend.probabilities(
            np.stack([window.ngram_scores for window in work.windows]), embeddings[self.texts(work)]
        )
        return evaluation(work, self.labels, chances, self._marked_from)

    def _windows(self, reading: Reading, text: str) -> list[Window]:
        plain = deobfuscate(text)
        return [
            Window(reading, *plain.original(start, end), piece, self._blend.ngram_scores(piece))
            for start, end in self.cut(reading, plain.text)
            if (piece := plain.text[start:end])
        ]

    def _most_suspicious(self, found: list[Window]) -> list[Window]:
        if len(found) <= self.max_windows:
            return found
        suspicion = self._blend.suspicion(np.stack([window.ngram_scores for window in found]))
        kept = sorted(np.argsort(-suspicion, kind="stable")[: self.max_windows].tolist())
        return [found[index] for index in kept]


def evaluation(work: Work, labels: Sequence[str], chances: Numbers, marked_from: Sequence[float]) -> Evaluation:
    """The highest of each label, and the windows at or above `marked_from`; chances are (windows, labels)."""
    scores = dict.fromkeys(labels, 0.0)
    spans = []
    for window, row in zip(work.windows, chances, strict=True):
        for label, chance, bound in zip(labels, row.tolist(), marked_from, strict=True):
            if label in window.reading.labels:
                scores[label] = max(scores[label], chance)
                if chance >= bound:
                    spans.append(Span(window.reading.field, window.start, window.end, label, chance))
    return Evaluation(scores, tuple(spans), scored_fraction=work.scored_fraction)


def asked_and_answered(interaction: Interaction, labels: Sequence[str]) -> Iterator[Reading]:
    """The user's last message and all that the model answered: earlier messages were judged in their own turn."""
    place = last_question(interaction)
    if place is not None:
        yield Reading(f"input:{place}", interaction.input_messages[place].content, labels)
    for index, message in enumerate(interaction.output_messages):
        yield Reading(f"output:{index}", message.content, labels)


def last_question(interaction: Interaction) -> int | None:
    """Which of the input messages is `Interaction.input`."""
    messages = interaction.input_messages
    asked = [index for index, message in enumerate(messages) if message.role == "user"]
    return asked[-1] if asked else len(messages) - 1 if messages else None
