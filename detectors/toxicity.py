"""Toxic language in what the user writes and the model answers: hate, threats, sex, self-harm, insults, sexism."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from watchline.detectors.text import runs
from watchline.detectors.windowed import Reading, Window, WindowedDetector, asked_and_answered
from watchline.schemas.records import Interaction, Span

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.tower import Judged

MARKED_FROM = -0.5  # log-odds of a token; the best mean character F1 of the posts of Toxic Spans: weights/tower/card.md
JOINED = 1  # characters between two marks that are one


class Toxicity(WindowedDetector):
    """Six probabilities: hate (against a group), violence (threats, incitement), sexual, self_harm, insult, sexism.

    Not applicable without text in English. Trained on posts, so surest there; a label says how a text sounds to the
    annotators of its sources (Davidson et al. 2017; Kirk et al. 2022, 2023; de Gibert et al. 2018; Pavlopoulos et al.
    2021; Markov et al. 2023; Hartvigsen et al. 2022): see the model card for figures, labels with few examples, limits.
    """

    name = "toxicity"
    labels = ("hate", "violence", "sexual", "self_harm", "insult", "sexism")

    def spans(self, window: Window, judged: Judged, label: str, chance: float) -> list[Span]:
        """The words that are toxic; the whole window where none is."""
        marked = runs(judged.tokens, judged.offsets, MARKED_FROM, JOINED)
        return [window.span(label, chance, start, end) for start, end in marked] or [window.span(label, chance)]

    def readings(self, interaction: Interaction) -> Iterator[Reading]:
        return asked_and_answered(interaction, self.labels)
