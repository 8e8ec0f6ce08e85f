"""What is never a person's name: shipped phrases, and a user's own."""

# ruff: noqa: RUF001 (people write both apostrophes)

from __future__ import annotations

from itertools import chain

import pytest

from watchline.detectors.pii.entities import Entity
from watchline.detectors.pii.no_names import NoNames, listed
from watchline.detectors.pii.redaction import FEW_VALUES, redact_text
from watchline.detectors.pii.redactor import Redactor

SHIPPED = sorted(set(chain.from_iterable(listed().values())))


@pytest.fixture(scope="module")
def shipped() -> NoNames:
    return NoNames.shipped()


@pytest.mark.parametrize("write", [str, str.upper, str.lower], ids=["as it is", "upper", "lower"])
def test_each_phrase_in_any_case(shipped: NoNames, write: type[str]) -> None:
    for phrase in SHIPPED:
        text = f"Is {write(phrase)} here?"
        assert shipped.has(text, 3, 3 + len(phrase)), phrase


def test_a_word_within_another_is_none(shipped: NoNames) -> None:
    for phrase in filter(str.isalpha, SHIPPED):
        assert not shipped.has(f"x{phrase}", 1, 1 + len(phrase)), phrase
        assert not shipped.has(f"{phrase}x", 0, len(phrase)), phrase


@pytest.mark.parametrize(
    ("text", "find", "is_none"),
    [
        ("Goldman Sachs called", "Goldman Sachs", True),
        ("Goldman Sachs called", "Goldman", True),  # half of it alone is the brand, too
        ("Ruth Goldman called", "Ruth Goldman", False),
        ("Goldman called", "Goldman", False),
        ("Ruth Visa called", "Ruth Visa", False),
        ("by Visa’s rules", "Visa’s", True),
        ("Kotlin Django", "Kotlin Django", True),
        ("Ralph Lauren-Meyer", "Ralph Lauren-Meyer", False),
    ],
)
def test_every_word_must_be_of_a_phrase(shipped: NoNames, text: str, find: str, is_none: bool) -> None:
    start = text.index(find)
    assert shipped.has(text, start, start + len(find)) is is_none


def test_a_long_text_is_read_around_the_find(shipped: NoNames) -> None:
    text = "Jamie saw " * 20_000 + "Mastercard " + "and Jamie " * 20_000
    assert shipped.has(text, 200_000, 200_010)
    assert not shipped.has(text, 0, 5)


@pytest.mark.parametrize("others", [0, FEW_VALUES], ids=["few values", "many values"])
def test_words_of_a_name_are_not_replaced_within_a_phrase(others: int) -> None:
    many = " ".join(f"mail{number}@example.com" for number in range(others))
    text = f"Ruth Goldman of Goldman Sachs: Goldman pays. {many}"
    entities = [Entity(0, 12, "PERSON", 0.9)]
    for number in range(others):
        start = text.index(f"mail{number}@")
        entities.append(Entity(start, start + len(f"mail{number}@example.com"), "EMAIL_ADDRESS", 0.9))
    assert redact_text(text, entities).startswith("[PERSON_1] of Goldman Sachs: [PERSON_1] pays.")


def test_phrases_of_ones_own() -> None:
    text = "I am Maria Lopez, and our robot is called Tomasz Zielinski."
    assert Redactor().redact_text(text) == "I am [PERSON_1], and our robot is called [PERSON_2]."
    redactor = Redactor(no_names=["tomasz zielinski"])
    assert redactor.redact_text(text) == "I am [PERSON_1], and our robot is called Tomasz Zielinski."
