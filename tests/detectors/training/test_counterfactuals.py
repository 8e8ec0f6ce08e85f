"""The same text about another group, and the audit that is made of such texts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from watchline.detectors.base import Detector, Embeddings, Evaluation
from watchline.detectors.training.harm import audit, counterfactuals, group_texts
from watchline.schemas.records import Interaction


@pytest.mark.parametrize(
    ("text", "group", "other", "swapped"),
    [
        ("Muslims pray, says a Muslim.", "muslim", "jewish", "Jews pray, says a Jew."),
        ("Women and their daughters", "female", "male", "Men and their sons"),
        ("Black people and white walls", "black", "asian", "Asian people and white walls"),
        ("the gay couple", "gay", "straight", "the straight couple"),
        ("China and the Chinese", "chinese", "polish", "Poland and the Poles"),
    ],
)
def test_the_terms_of_a_group_are_swapped(text: str, group: str, other: str, swapped: str) -> None:
    assert group in counterfactuals.groups(text)
    assert dict(counterfactuals.swapped(text, group))[other] == swapped


@pytest.mark.parametrize("text", ["a black car", "a straight line", "asian food is what I like", "Hello there"])
def test_what_names_no_group_is_left_alone(text: str) -> None:
    assert counterfactuals.groups(text) == {}
    assert list(counterfactuals.swapped(text, "black")) == []


def test_a_term_without_counterpart_gives_no_text() -> None:
    assert "blind" not in counterfactuals.groups("The window has blinds.")
    assert dict(counterfactuals.swapped("transgender rights", "trans")).keys() == {
        "gay",
        "straight",
        "lesbian",
        "bisexual",
    }
    assert list(counterfactuals.swapped("the blacks", "black")) != []


class Grumpy(Detector[str]):
    """Flags whatever names Poles, and every "vermin"."""

    name = "bias"
    labels = ("stereotype",)
    VERSION = "1"

    def prepare(self, interaction: Interaction) -> str:
        return interaction.input

    def evaluate(self, batch: Sequence[str], embeddings: Embeddings) -> Sequence[Evaluation]:
        return [Evaluation({"stereotype": float("polish" in text.lower() or "vermin" in text)}) for text in batch]


@pytest.mark.slow
def test_the_audit_tells_rates_by_group() -> None:
    found = audit.rates(Grumpy(), {"stereotype": 0.5})
    assert found.keys() == counterfactuals.GROUPS.keys()
    assert found["polish"] == (1.0, 1.0)
    vermin = sum("vermin" in line for line in audit.HATEFUL.splitlines()) / len(audit.HATEFUL.strip().splitlines())
    assert found["blind"] == (0.0, pytest.approx(vermin))
    assert "| highest less lowest | 1.000 | " in audit.table(found)


def test_the_audit_asks_what_training_does_not_teach() -> None:
    taught = {
        line
        for text in (group_texts.HARMLESS, group_texts.BELITTLING, group_texts.THREATENING)
        for line in text.splitlines()
    }
    assert not {line for line in (audit.HARMLESS + audit.HATEFUL).splitlines() if line} & taught


def test_articles_agree() -> None:
    assert group_texts.sentence("A {a} nurse met a {a} man.", "american") == "An american nurse met an american man."
    assert group_texts.sentence("{p} eat bread.", "polish") == "Polish people eat bread."
