import random

import pytest

from watchline.detectors.runtime.words import words
from watchline.detectors.training.grounding.number_formats import in_words, reformatted


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("$1,200", {"1200 dollars", "1,200 dollars", "USD 1200", "USD 1,200", "1200 USD", "1,200 USD"}),
        ("$18 million", {"18 million dollars", "USD 18 million", "18 million USD"}),
        ("24.00 EUR", {"\u20ac24"}),
        ("9.50 dollars", {"$9.50"}),
        ("12%", {"12 percent", "12 per cent"}),
        ("12 percent", {"12%"}),
        ("5 PM", {"17:00"}),
        ("9:30 a.m.", {"9:30"}),
        ("17:30", {"5:30 PM", "5:30 pm", "5:30 p.m."}),
        ("1.5 million", {"1,500,000"}),
        ("41,000", {"41000", "41 thousand"}),
        ("3 June", {"June 3", "June 3rd"}),
        ("June 12th", {"12 June"}),
        ("twenty-four", {"24"}),
        ("Six", {"6"}),
        ("40", {"forty"}),
    ],
)
def test_a_number_says_the_same_in_other_formats(text: str, formats: set[str]) -> None:
    sentence = "About {}, they said."
    found = {reformatted(sentence.format(text), random.Random(seed)) for seed in range(60)}
    assert found == {sentence.format(each) for each in formats}


@pytest.mark.parametrize(
    "text",
    ["Version 1.2.3 came in 2023.", "Part A-101 is one of them.", "The score was 3:2, then 25:61.", "No number."],
)
def test_what_has_no_other_format_stays(text: str) -> None:
    assert reformatted(text, random.Random(1)) == text


def test_numbers_in_words_are_read_back() -> None:
    for number in range(2, 100):
        assert words(in_words(number)).numbers == {str(number)}
