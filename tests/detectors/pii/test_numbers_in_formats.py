"""Kinds of numbers in each format, made by chance: of 50, 49 are found; of 50 that are nobody's, one at most."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_plus

import pytest

from tests.detectors.pii import generated_numbers
from watchline.detectors.pii.detector import PersonalData
from watchline.detectors.pii.recogniser import Recogniser, TaggedSpan

pytestmark = pytest.mark.slow
EACH = 50


class Nameless(Recogniser):
    """Finds no names: what is found is found by pattern."""

    def __init__(self) -> None: ...

    def find(self, texts: Sequence[str]) -> Iterator[list[TaggedSpan]]:
        return ([] for _ in texts)


@pytest.fixture(scope="module")
def finder() -> PersonalData:
    return PersonalData(recogniser=Nameless())


def found(finder: PersonalData, text: str) -> list[str]:
    return [unquote_plus(text[entity.start : entity.end]) for entity in finder.find([text], [True])[0]]


def said(value: str) -> str:
    return "".join(filter(str.isalnum, value))


@pytest.mark.parametrize("format_", generated_numbers.FORMATS)
@pytest.mark.parametrize("kind", generated_numbers.KINDS)
def test_found_in_every_format(finder: PersonalData, kind: str, format_: str) -> None:
    r = random.Random(f"{kind} {format_}")
    rows = [generated_numbers.row(r, kind, format_) for _ in range(EACH)]
    missed = [text for text, value in rows if said(value) not in map(said, found(finder, text))]
    assert len(missed) <= 0.02 * EACH, missed[:5]


@pytest.mark.parametrize("kind", generated_numbers.NONE)
def test_nobodys_numbers_stay(finder: PersonalData, kind: str) -> None:
    r = random.Random(kind)
    texts = [generated_numbers.NONE[kind](r) for _ in range(EACH)]
    wrong = [(text, taken) for text in texts if (taken := found(finder, text))]
    assert len(wrong) <= 0.02 * EACH, wrong[:5]


def test_cards_are_found_torn_apart(finder: PersonalData) -> None:
    r = random.Random(1)
    for form in ("Card {} please", "<p>{}</p>", "pay with {}", "1\t{}\tx"):
        for _ in range(EACH):
            text = form.format(generated_numbers.torn_card(r))
            assert [entity.type for entity in finder.find([text], [True])[0]] == ["CREDIT_CARD"], text


def test_cards_are_found_glued_to_anything(finder: PersonalData) -> None:
    r = random.Random(2)
    make = generated_numbers.card("4###############", "51##############", "37#############")
    for glue in generated_numbers.GLUES:
        for _ in range(EACH):
            value = make(r)
            text = f"a row{glue}{value} there"
            assert (value in found(finder, text)) == (glue != " x"), text  # one letter is no word


def test_a_mistyped_card_is_found_where_a_word_announces_it(finder: PersonalData) -> None:
    r = random.Random(3)
    for _ in range(4 * EACH):
        text = generated_numbers.mistyped_card(r)
        assert [entity.type for entity in finder.find([text], [True])[0]] == ["CREDIT_CARD"], text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jo.winter@\nexample.org, thanks", ["jo.winter@\nexample.org"]),
        ("mail admin@[198.51.100.7]", ["admin@[198.51.100.7]"]),
        ("mail jo@xn--bcher-kva.xn--p1ai or jö@straße.example", ["jo@xn--bcher-kva.xn--p1ai", "jö@straße.example"]),
        ("x @\ny.T and a@\nb.shape", []),
        ("the visitor 203.0.113.9 and 10.0.0.7/24", ["203.0.113.9", "10.0.0.7"]),
        ("Nagle 1.7.3.5, the client 5.9.12.7", ["5.9.12.7"]),
        ("2024-11-03 415-555-0123 212-555-0199", ["415-555-0123", "212-555-0199"]),
        ("Phone:\n(71) 4233-6306", ["(71) 4233-6306"]),
        ("9761 9808 office", ["9761 9808"]),
        ("call about order 4829301745", []),
        ("my order is late, call 4829301745", ["4829301745"]),
        ('{"type":"phone","value":"5551234567"}', ["5551234567"]),
        ("the sum y + 87654321, x[1] + 12345678", []),
        ("GB82WEST12345698765432 DE89370400440532013000", ["GB82WEST12345698765432", "DE89370400440532013000"]),
    ],
)
def test_by_example(finder: PersonalData, text: str, expected: list[str]) -> None:
    assert [text[entity.start : entity.end] for entity in finder.find([text], [True])[0]] == expected
