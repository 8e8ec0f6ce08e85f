"""Toxic language in what the user writes and the model answers: hate, threats, sex, self-harm, insults, sexism."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from watchline.detectors.declarations import TOXICITY
from watchline.detectors.harm.windowed import TextField, Window, WindowedDetector, asked_and_answered
from watchline.schemas.records import Interaction, Span

if TYPE_CHECKING:  # loads torch
    from watchline.detectors.harm.multitask import TextOutputs

MARKED_FROM = (
    -0.5
)  # log-odds of a word; the best mean character F1 of the posts of Toxic Spans: weights/multitask/card.md
_JOINED = 1  # characters between two marks that are one
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


class Toxicity(WindowedDetector):
    """Six probabilities: hate (against a group), violence (threats, incitement), sexual, self_harm, insult, sexism.

    Not applicable without text in English. Trained on posts, so surest there; a label says how a text sounds to the
    annotators of its sources (Davidson et al. 2017; Kirk et al. 2022, 2023; de Gibert et al. 2018; Pavlopoulos et al.
    2021; Markov et al. 2023; Hartvigsen et al. 2022): see the model card for figures, labels with few examples, limits.
    """

    name, labels = TOXICITY.name, TOXICITY.labels
    VERSION = "2"
    hinted_from: ClassVar[float] = 0.05

    def spans(self, window: Window, judged: TextOutputs, label: str, chance: float) -> list[Span]:
        """The words that are toxic; where none is, the whole window if it is flagged."""
        words = [window.span(label, chance, *place) for place in marked(window.text, judged)]
        return words or super().spans(window, judged, label, chance)

    def text_fields(self, interaction: Interaction) -> Iterator[TextField]:
        return asked_and_answered(interaction, self.labels)


def marked(text: str, judged: TextOutputs, marked_from: float = MARKED_FROM) -> list[tuple[int, int]]:
    """Start and end of the toxic words of a text, as the mean log-odds of their tokens tell; neighbours are one."""
    marks: list[tuple[int, int]] = []
    offsets, odds = list(judged.offsets)[1:-1], judged.tokens[1:-1].tolist()
    token = 0
    for start, end in (match.span() for match in _WORD.finditer(text)):
        while token < len(offsets) and offsets[token][1] <= start:
            token += 1
        own = token
        while own < len(offsets) and offsets[own][0] < end:
            own += 1
        if own > token and sum(odds[token:own]) >= marked_from * (own - token):
            begun = marks.pop()[0] if marks and start - marks[-1][1] <= _JOINED else start
            marks.append((begun, end))
    return marks
