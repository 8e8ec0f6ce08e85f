"""The generator of personal data: every label in every format, each value where it is said to stand, none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html import unescape
from urllib.parse import unquote_plus

import pytest

from tests.personal_data.records import FORMATS, KEPT_OUT, Record, records
from tests.personal_data.values import DEVELOPMENT, FIELDS, HELD_OUT, SENTENCES, Values
from watchline.detectors.declarations import PII
from watchline.detectors.pii.entities import LEFT_IN_PLACE
from watchline.detectors.pii.leaks import LABEL as LEAK
from watchline.schemas.checksums import luhn, mod_97

ALL = [*FORMATS, *KEPT_OUT]


@pytest.fixture(scope="module")
def rows() -> list[Record]:
    return list(records(Values(1, HELD_OUT), ALL, 150, list(FIELDS)))


def test_every_label_stands_in_every_format(rows: list[Record]) -> None:
    assert set(PII.labels) - LEFT_IN_PLACE - {LEAK} <= set(FIELDS) == set(SENTENCES)
    seen = Counter((row.format, place.kind) for row in rows for place in row.planted)
    assert not [(form, label) for form in ALL for label in FIELDS if not seen[form, label]]


@pytest.mark.parametrize("form", ["prose", "CSV", "HTML", "query string", "JSON compact"])
def test_a_value_stands_where_it_is_said_to(rows: list[Record], form: str) -> None:
    read: dict[str, Callable[[str], str]] = {
        "HTML": unescape,
        "query string": unquote_plus,
        "JSON compact": lambda text: text.encode().decode("unicode_escape"),
    }
    for row in rows:
        if row.format == form:
            for place in row.planted:
                assert read.get(form, str)(row.text[place.start : place.end]) == place.value
            ends = [at for place in row.planted for at in (place.start, place.end)]
            assert ends == sorted(ends)


def test_no_value_comes_twice(rows: list[Record]) -> None:
    values = Counter(place.value for row in rows for place in row.planted if place.kind != "PERSON")
    assert max(values.values()) == 1


def test_surnames_are_held_out() -> None:
    drawn = []
    for part in (DEVELOPMENT, HELD_OUT):
        values = Values(2, part)
        drawn.append({values.of("PERSON").partition(" ")[2] for _ in range(2000)})
    assert all(len(names) > 150 for names in drawn) and not drawn[0] & drawn[1]


def test_numbers_have_their_check_digits() -> None:
    values = Values(3, HELD_OUT)
    for _ in range(50):
        assert luhn("".join(filter(str.isdigit, values.of("CREDIT_CARD")))) and luhn(values.of("IMEI"))
        assert mod_97(values.of("IBAN_CODE").replace(" ", ""))
