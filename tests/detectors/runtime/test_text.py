# ruff: noqa: RUF001

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.detectors.runtime.text import MAX_SENTENCE, sentences, unreadable, windows


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith paid $3.50, e.g. in Bonn. He left.", ["Dr. Smith paid $3.50, e.g. in Bonn.", "He left."]),
        ("It is 3.11.4 by J. R. Doe. Yes.", ["It is 3.11.4 by J. R. Doe.", "Yes."]),
        ("Call `dict.keys()`. `x` is a view.", ["Call `dict.keys()`.", "`x` is a view."]),
        ("She said “Stop.” Then left.", ["She said “Stop.”", "Then left."]),
        (
            "Steps:\n1. Open it.\n2. Close it. Done.\n- a\n- b",
            ["Steps:", "1. Open it.", "2. Close it.", "Done.", "- a", "- b"],
        ),
        ("# Title\nText under it", ["# Title", "Text under it"]),
        ("A. B\n```\nx = 1. Y\nz\n```\nAfter.", ["A. B", "```\nx = 1. Y\nz\n```", "After."]),
        ("これは。それは。", ["これは。", "それは。"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_line_broken_for_its_length_goes_on() -> None:
    wrapped = "The value of an object that can change is called a mutable\none, as the reference says. Next."
    assert split(wrapped) == [wrapped[:-6], "Next."]


@pytest.mark.parametrize(
    "text", ["x" * 5000, "word " * 2000, "a\n" * 3000, "." * 3000, "```" + "y " * 3000, "\x00\ud800. A"]
)
def test_sentences_are_bounded_ordered_and_lose_nothing_but_blanks(text: str) -> None:
    spans = sentences(text)
    assert all(0 < end - start <= MAX_SENTENCE for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert "".join("".join(split(text)).split()) == "".join(text.split())


def test_windows_hold_whole_sentences() -> None:
    text = "One two three. " * 20
    runs = windows(text, 50)
    assert all(end - start <= 50 for start, end in runs)
    assert all(text[start:end].startswith("One") and text[start:end].endswith("three.") for start, end in runs)
    assert windows(text, 5) == sentences(text)  # each longer than a window: alone


@given(st.text(alphabet="ab. \n!`-\u2003", max_size=60))
def test_a_text_that_fits_is_one_window_from_its_first_sentence_to_its_last(text: str) -> None:
    found = sentences(text)
    assert windows(text, 60) == ([(found[0][0], found[-1][1])] if found else [])


@pytest.mark.parametrize("text", ["", "   ", "\n", "…!?", "🙂🙂"])
def test_no_text(text: str) -> None:
    assert unreadable(text) == "no text"


@pytest.mark.parametrize(
    "text",
    [
        "Какая столица Франции?",
        "什么是字典？",
        "ما هي عاصمة فرنسا؟",
        "¿Cuál es la capital de Francia y por qué es tan grande?",
        "Wie ist das Wetter heute, und was soll ich anziehen, wenn es nicht regnet?",
        "Mikä on Suomen pääkaupunki ja kuinka monta ihmistä siellä asuu tällä hetkellä kun talvi on pitkä ja kylmä "
        "eikä aurinko paista juuri lainkaan missään päin maata vaikka kevät tulee",
    ],
)
def test_another_language(text: str) -> None:
    assert unreadable(text) == "language not supported"


@pytest.mark.parametrize(
    "text",
    [
        "What is a dict?",
        "42",
        "Paris",
        "[PERSON_1]",
        "def f(x):\n    return x + 1\n" * 30,
        '{"name": "Example Grill", "stars": 4.5, "hours": {"Monday": "9-17"}}',
        "The café's naïve déjà-vu résumé is fine, and so is señor Doe, who lives in Zürich.",
    ],
)
def test_readable(text: str) -> None:
    assert unreadable(text) is None
