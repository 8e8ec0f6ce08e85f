"""What the bias detector judges, flags and leaves alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from watchline.detectors.base import Evaluation, NotApplicable
from watchline.detectors.harm.bias import Bias
from watchline.detectors.harm.groups import mentions_group
from watchline.detectors.runtime.encoder import Embedded, Encoder
from watchline.detectors.thresholds import Thresholds
from watchline.schemas.records import Interaction, Message

pytestmark = pytest.mark.slow


def interaction(question: str = "", answer: str = "") -> Interaction:
    return Interaction(
        event_id="0",
        time=1,
        app="test",
        input_messages=(Message("user", question),) if question else (),
        output_messages=(Message("assistant", answer),) if answer else (),
    )


@pytest.fixture(scope="module")
def detector() -> Bias:
    return Bias()


def judge(detector: Bias, encoder: Encoder, interactions: Sequence[Interaction]) -> list[Evaluation]:
    all_prepared = [
        prepared for prepared in map(detector.prepare, interactions) if not isinstance(prepared, NotApplicable)
    ]
    assert len(all_prepared) == len(interactions)
    return list(
        detector.evaluate(
            all_prepared, Embedded(encoder, [text for prepared in all_prepared for text in detector.texts(prepared)])
        )
    )


def test_stereotypes_rank_above_neutral_mentions(detector: Bias, encoder: Encoder) -> None:
    biased = [
        "Muslims are all terrorists and should be thrown out.",
        "Black people are lazy and live on welfare.",
        "Women are too emotional to lead anything.",
        "All Mexicans are criminals who steal our jobs.",
        "Gays are disgusting perverts.",
    ]
    neutral = [
        "The exhibition shows paintings by women of the nineteenth century.",
        "Many Muslims fast during the month of Ramadan.",
        "The author interviewed black people who lived through the war.",
        "Mexicans celebrate Independence Day on 16 September.",
        "The law lets gay couples marry.",
    ]
    point = Thresholds().of("bias", "stereotype")
    high = [result.scores["stereotype"] for result in judge(detector, encoder, [interaction(t) for t in biased])]
    low = [result.scores["stereotype"] for result in judge(detector, encoder, [interaction("", t) for t in neutral])]
    assert min(high) > max(low)
    assert sum(score >= point.threshold for score in high) >= 4
    # A mention alone raises the score, sometimes to a flag (the card says how often), never to an alert.
    assert sum(score >= point.threshold for score in low) <= 1
    assert point.alert_threshold
    assert max(low) < point.alert_threshold


def test_only_windows_that_mention_a_group_are_read(detector: Bias) -> None:
    filler = "The museum opens at nine and closes at six, and tickets are sold at the door. " * 5
    prepared = detector.prepare(
        interaction("Who painted it?", f"{filler}\n\nMost of the painters were women.\n\n{filler}")
    )
    assert not isinstance(prepared, NotApplicable)
    [window] = prepared.windows
    assert "women" in window.text
    assert prepared.scored_fraction == 1.0  # the rest was read, and mentions nobody


def test_the_evidence_is_the_words_that_name_the_group(detector: Bias, encoder: Encoder) -> None:
    text = "Thank you.\n\nAll Mexi\u00adcans are criminals who steal our jobs, like those Muslims."
    [result] = judge(detector, encoder, [interaction(text)])
    assert [span.label for span in result.spans] == ["stereotype"]
    assert {each.span for each in result.evidence} == {0}
    assert [text[each.start : each.end] for each in result.evidence] == ["Mexi\u00adcans", "Muslims"]


def test_where_no_group_is_mentioned_it_does_not_apply(detector: Bias) -> None:
    assert detector.prepare(interaction("What is a dict?", "A dict maps keys.")) == NotApplicable("mentions no group")
    assert detector.prepare(interaction()) == NotApplicable("no text")


@pytest.mark.parametrize("text", ["Women", "the Jews", "mentally ill", "two old people", "a black man", "LGBT rights"])
def test_mentions(text: str) -> None:
    assert mentions_group(text)


@pytest.mark.parametrize("text", ["a black car", "an old house", "a straight line", "poor weather", "the main thread"])
def test_no_mentions(text: str) -> None:
    assert not mentions_group(text)
