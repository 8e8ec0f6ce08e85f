"""Stereotypes and derogation about a social group, in what the user writes and in what the model answers."""

from __future__ import annotations

from collections.abc import Iterator

from watchline.detectors.base import NotApplicable
from watchline.detectors.declarations import BIAS
from watchline.detectors.harm.groups import mentions, mentions_group
from watchline.detectors.harm.windowed import WINDOW, TextField, Window, WindowedDetector, asked_and_answered
from watchline.detectors.runtime.text import windows
from watchline.schemas.records import Interaction


class Bias(WindowedDetector):
    """The probability that the text generalises about a group or belittles one.

    A finding's evidence is the words that name the group. Only windows that mention a group are judged; where none
    does, the detector doesn't apply ("mentions no group"), which costs nothing and keeps rates per prompt version about
    the answers that could be biased. A group that the word list lacks is therefore missed. Unequal treatment across
    answers is no matter of one text and not judged here.

    Trained on RedditBias (Barikeri et al. 2021), CrowS-Pairs (Nangia et al. 2020), ToxiGen's seeds (Hartvigsen et al.
    2022) and others, with neutral mentions from BOLD (Dhamala et al. 2021) and BBQ (Parrish et al. 2022): see the card.
    """

    name, labels = BIAS.name, BIAS.labels
    VERSION = "2"

    def text_fields(self, interaction: Interaction) -> Iterator[TextField]:
        return asked_and_answered(interaction, self.labels)

    def cut(self, text_field: TextField, plain: str) -> list[tuple[int, int]]:
        return [(start, end) for start, end in windows(plain, WINDOW) if mentions_group(plain[start:end])]

    def about(self, window: Window) -> list[tuple[int, int]]:
        return mentions(window.text)

    def nothing_found(self) -> NotApplicable | None:
        return NotApplicable("mentions no group")
