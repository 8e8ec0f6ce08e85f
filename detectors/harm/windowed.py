"""Detectors that read a text window by window, each window by n-grams and the multitask model, and report the worst.

What toxicity, bias and injection have in common; they differ in what they read and what they were taught.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from watchline.detectors.base import Detector, Embeddings, Evaluation, NotApplicable
from watchline.detectors.harm.blend import Blend, Numbers
from watchline.detectors.harm.deobfuscation import deobfuscate
from watchline.detectors.runtime.mapped_text import MappedText
from watchline.detectors.runtime.plan import Passes
from watchline.detectors.runtime.text import NO_TEXT, english_parts, longest_text, unreadable, windows
from watchline.detectors.runtime.weights import weights_folder
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Evidence, Interaction, Span

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.harm.multitask import TextOutputs

WINDOW = 300  # characters: a post, two or three sentences
MAX_CHARS = 60_000  # of one interaction; n-grams read about 1 MB a second


@dataclass(frozen=True, slots=True)
class TextField:
    """A text of the interaction that the detector reads, and the labels that it can have."""

    field: str
    text: str
    labels: Sequence[str]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text that the detector reads.

    Attributes
    ----------
    text_field : TextField
    plain : MappedText
        All of the text, without disguise.
    offset : int
        Where in it the window begins.
    text : str
        The window, without disguise.
    ngram_scores : (models,)
        Of the blend.
    suspicion : float
        Log-odds by the n-grams.
    """

    text_field: TextField
    plain: MappedText
    offset: int
    text: str
    ngram_scores: Numbers
    suspicion: float

    def original(self, start: int = 0, end: int | None = None) -> tuple[int, int]:
        """Where `text[start:end]` stands in the text as it is."""
        return self.plain.original(self.offset + start, self.offset + (len(self.text) if end is None else end))

    def span(self, label: str, score: float, start: int = 0, end: int | None = None) -> Span:
        """`text[start:end]`, or all of it, as a finding's span."""
        return Span(self.text_field.field, *self.original(start, end), label, score)


@dataclass(frozen=True, slots=True)
class WindowedInput:
    windows: tuple[Window, ...]
    scored_fraction: float


class WindowedDetector(Detector[WindowedInput]):
    """A label's score is the highest of any window that the label is about, 0 where there is none.

    Text that can't be read (another language) and text beyond the limits lowers `scored_fraction`; where nothing can
    be read the detector doesn't apply. Of a text in another language the English parts are read: what stands around
    an attack doesn't hide it. Of more than `max_windows` windows those are judged that the n-grams, which read all of
    them, find most suspicious: padding hides little. What they find clearly harmless the multitask model doesn't read.
    Spans are of the windows at or above the shipped threshold.

    Attributes
    ----------
    max_windows : int
        How many of an interaction the multitask model reads at most.
    hinted_from : float
        A window that isn't flagged may have spans from this probability on, of its likeliest label: what raised it.
    """

    shared_weights = ("multitask",)
    max_windows: ClassVar[int] = 16
    hinted_from: ClassVar[float] = math.inf

    def __init__(self) -> None:
        self._blend = Blend(weights_folder(self.name) / "model.safetensors", self.labels)
        thresholds = Thresholds()
        self._marked_from = [thresholds.of(self.name, label).threshold for label in self.labels]

    @property
    def passes(self) -> Mapping[str, Passes]:
        from watchline.detectors.harm import multitask

        return {"multitask": multitask.shipped().passes}

    @abstractmethod
    def text_fields(self, interaction: Interaction) -> Iterator[TextField]:
        """The texts that the detector reads."""

    def cut(self, text_field: TextField, plain: str) -> list[tuple[int, int]]:
        """Start and end of the windows worth judging, in the text without disguise."""
        return windows(plain, WINDOW)

    def nothing_found(self) -> NotApplicable | None:
        """What to say of readable text of which `cut` leaves nothing; None: that it is fine."""
        return None

    def prepare(self, interaction: Interaction) -> WindowedInput | NotApplicable:
        candidates: list[Window] = []
        total = unread = 0
        reasons = []
        longest = longest_text(interaction)
        for text_field in self.text_fields(interaction):
            room = max(0, MAX_CHARS - total)
            total += len(text_field.text)
            plain = deobfuscate(text_field.text[:room])
            unread += max(0, len(text_field.text) - room)
            parts = [(0, len(plain.text))]
            if reason := unreadable(plain.text or text_field.text, longest):
                reasons.append(reason)
                parts = english_parts(plain.text)
                read = sum(end - start for start, end in (plain.original(*part) for part in parts))
                unread += min(room, len(text_field.text)) - read
            candidates += self._windows(text_field, plain, parts)
        if not candidates:
            if total > unread and (result := self.nothing_found()):
                return result
            return NotApplicable(next((reason for reason in reasons if reason != NO_TEXT), NO_TEXT))
        kept = self._most_suspicious(candidates)
        unread += _length(candidates) - _length(kept)
        return WindowedInput(tuple(kept), 1.0 - unread / total)

    def evaluate(self, batch: Sequence[WindowedInput], embeddings: Embeddings) -> Sequence[Evaluation]:
        from watchline.detectors.harm import multitask  # loads torch

        doubtful = [window.text for prepared in batch for window in prepared.windows if not self._clear(window)]
        rows = iter(multitask.shipped().judge(doubtful, embeddings))
        clear = multitask.TextOutputs(self._blend.clear_outputs, np.empty(0, np.float32), ())
        return [
            self._evaluate(prepared, [clear if self._clear(window) else next(rows) for window in prepared.windows])
            for prepared in batch
        ]

    def spans(self, window: Window, judged: TextOutputs, label: str, chance: float) -> list[Span]:
        """What to mark of a window that has the label, or might have it: by default all of it if it is flagged."""
        flagged = chance >= self._marked_from[self.labels.index(label)]
        return [window.span(label, chance)] if flagged else []

    def about(self, window: Window) -> list[tuple[int, int]]:
        """Start and end of the words of a window that has a label which say what it is about: a finding's evidence."""
        return []

    def _evaluate(self, prepared: WindowedInput, judged: Sequence[TextOutputs]) -> Evaluation:
        chances = self._blend.probabilities(
            np.stack([window.ngram_scores for window in prepared.windows]), np.stack([text.outputs for text in judged])
        )
        scores, marked = worst(prepared, self.labels, chances, self._marked_from, self.hinted_from)
        spans: list[Span] = []
        evidence: list[Evidence] = []
        for row, label, chance in marked:
            window = prepared.windows[row]
            window_spans = self.spans(window, judged[row], label, chance)
            if window_spans:
                places = (window.original(*place) for place in self.about(window))
                evidence += [Evidence(len(spans), window.text_field.field, *place, 1.0) for place in places]
            spans += window_spans
        return Evaluation(scores, tuple(spans), tuple(evidence), prepared.scored_fraction)

    def _windows(self, text_field: TextField, plain: MappedText, parts: Sequence[tuple[int, int]]) -> list[Window]:
        pieces = [
            (first + start, piece)
            for first, last in parts
            for start, end in self.cut(text_field, plain.text[first:last])
            if (piece := plain.text[first + start : first + end])
        ]
        if not pieces:
            return []
        scores = np.stack([self._blend.ngram_scores(piece) for _, piece in pieces])
        suspicion = self._blend.suspicion(scores).tolist()
        return [
            Window(text_field, plain, start, piece, row, log_odds)
            for (start, piece), row, log_odds in zip(pieces, scores, suspicion, strict=True)
        ]

    def _clear(self, window: Window) -> bool:
        return window.suspicion < self._blend.clear_below

    def _most_suspicious(self, candidates: list[Window]) -> list[Window]:
        if len(candidates) <= self.max_windows:
            return candidates
        order = sorted(range(len(candidates)), key=lambda index: -candidates[index].suspicion)
        return [candidates[index] for index in sorted(order[: self.max_windows])]


Marked = list[tuple[int, str, float]]  # row of a window, label, probability


def worst(
    prepared: WindowedInput,
    labels: Sequence[str],
    chances: Numbers,
    marked_from: Sequence[float],
    hinted_from: float = math.inf,
) -> tuple[dict[str, float], Marked]:
    """The highest probability of each label over all windows, and which windows to mark for which label.

    Parameters
    ----------
    chances : (windows, labels)
        Probabilities.
    marked_from
        For each label the probability from which on a window is marked.
    hinted_from
        Where a window isn't marked for any label, it is for its likeliest one from this probability on.
    """
    scores = dict.fromkeys(labels, 0.0)
    marked = []
    for row, window in enumerate(prepared.windows):
        judgements = [
            (row, label, chance, bound)
            for label, chance, bound in zip(labels, chances[row].tolist(), marked_from, strict=True)
            if label in window.text_field.labels
        ]
        for _, label, chance, _ in judgements:
            scores[label] = max(scores[label], chance)
        likeliest = max(judgements, key=lambda judgement: judgement[2])
        flagged = [judgement[:3] for judgement in judgements if judgement[2] >= judgement[3]]
        marked += flagged or ([likeliest[:3]] if likeliest[2] >= hinted_from else [])
    return scores, marked


def _length(chosen: Sequence[Window]) -> int:
    return sum(end - start for start, end in (window.original() for window in chosen))


def asked_and_answered(interaction: Interaction, labels: Sequence[str]) -> Iterator[TextField]:
    """The user's last message and all that the model answered: earlier messages were judged in their own turn."""
    place = interaction.asked
    if place is not None:
        yield TextField(f"input:{place}", interaction.input_messages[place].content, labels)
    for index, message in enumerate(interaction.output_messages):
        yield TextField(f"output:{index}", message.content, labels)
