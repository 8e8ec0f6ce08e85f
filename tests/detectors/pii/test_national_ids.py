"""Numbers of people, cars and telephones: those that are found alone, those that need a word, and what is none."""

from __future__ import annotations

import random
import re
from importlib import import_module

import pytest

from tests.detectors.pii import generated_ids
from watchline.detectors.languages.english import ENGLISH
from watchline.detectors.pii import national_ids


def found(text: str) -> list[tuple[str, str]]:
    entities = {(entity.start, entity.end, entity.type) for entity in national_ids.find(text)}
    return [(type_, text[start:end]) for start, end, type_ in sorted(entities)]


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        # Found wherever they stand.
        ("Bianchi (BNCMRC75D12F205U) signed", "NATIONAL_ID", "BNCMRC75D12F205U"),
        ("rows: T0123456G, x", "NATIONAL_ID", "T0123456G"),
        ("cliente 529.982.247-25 ativo", "NATIONAL_ID", "529.982.247-25"),
        ("ref QQ123456C ", None, ""),
        ("ref AB 12 34 56 C", "NATIONAL_ID", "AB 12 34 56 C"),
        ("he gave 12345678Z there", "NATIONAL_ID", "12345678Z"),
        ("he gave 12345678A there", None, ""),
        ("11010519491231002X", "NATIONAL_ID", "11010519491231002X"),
        ("car 1M8GDM9AXKP042788", "VIN", "1M8GDM9AXKP042788"),
        ("car 1M8GDM9A1KP042788", None, ""),
        # By a word.
        ("my pesel is 44051401359", "NATIONAL_ID", "44051401359"),
        ("44051401359 rows", None, ""),
        ("Sozialversicherungsnummer: 12 190367 K 001", "NATIONAL_ID", "12 190367 K 001"),
        ("SIN 046 454 286", "NATIONAL_ID", "046 454 286"),
        ("the sin of 123 456 789 people", None, ""),
        ("Tax ID 912701234", "NATIONAL_ID", "912701234"),
        ("my national ID number is 3320 118", "NATIONAL_ID", "3320 118"),
        ("codice fiscale: rssmra85t10a562s", "NATIONAL_ID", "rssmra85t10a562s"),
        ("Social Security number on file: 1 85 05 78 006 084 91", "NATIONAL_ID", "1 85 05 78 006 084 91"),
        ("Aadhaar\n2345 6789 0124", "NATIONAL_ID", "2345 6789 0124"),
        ("VIN: WVWZZZ1JZXW000001", "VIN", "WVWZZZ1JZXW000001"),
        ("imei=356938035643809", "IMEI", "356938035643809"),
        ("Our plate was WAB 123, honest", "LICENSE_PLATE", "WAB 123"),
        ("number plate ab12cde", "LICENSE_PLATE", "ab12cde"),
        ("Immatriculation : AA-229-AA", "LICENSE_PLATE", "AA-229-AA"),
        ("matrícula 1234 BCD", "LICENSE_PLATE", "1234 BCD"),
        ("licence of MORGA753116SM9IJ", "US_DRIVER_LICENSE", "MORGA753116SM9IJ"),
        ("DL# D1234567 (Ohio)", "US_DRIVER_LICENSE", "D1234567"),
        ("driver's license: S123-456-78-901-0", "US_DRIVER_LICENSE", "S123-456-78-901-0"),
        ("her driver's license is A1234 56789 01234", "US_DRIVER_LICENSE", "A1234 56789 01234"),
        ("Führerschein B072RRE2I55", "US_DRIVER_LICENSE", "B072RRE2I55"),
        ("driving license since 2010, at 16", None, ""),
        ("?dl=0&v=123456", None, ""),
        # A word that means other things too.
        ("registration number 20240115", None, ""),
        ("Registration 14 May is open", None, ""),
        ("a plate of 12 oysters", None, ""),
        ("reg AB12 CDE", "LICENSE_PLATE", "AB12 CDE"),
    ],
)
def test_numbers_by_form_and_by_word(text: str, type_: str | None, value: str) -> None:
    assert found(text) == ([(type_, value)] if type_ else [])


def test_words_and_forms_belong_together() -> None:
    assert ENGLISH.personal.foreign_ids.keys() == national_ids._FORMS.keys() >= national_ids._ALONE.keys()
    for kind in national_ids._FORMS:
        if "." in kind:
            assert import_module(f"stdnum.{kind}").is_valid("") is False


def test_digits_alone_are_none() -> None:
    """Random digits, with no word before them: those of Chinese and French numbers have a date and two more digits."""
    draw = random.Random(5)
    texts = ["".join(draw.choices("0123456789", k=draw.randint(7, 18))) for _ in range(20_000)]
    assert sum(bool(found(text)) for text in texts) <= 10


@pytest.mark.slow
def test_numbers_of_each_kind_are_found_in_sentences_and_records() -> None:
    """Five of each; the figures of the model card are those of 50."""
    outcomes = generated_ids.missed(random.Random(3), 5)
    assert len({kind for kind, _ in outcomes}) >= 40
    every = [is_missed for each in outcomes.values() for is_missed in each]
    assert sum(every) <= 0.02 * len(every)


def test_numbers_of_orders_are_none() -> None:
    """A date and a running number: the form of Nordic identifiers, which need their word."""
    draw = random.Random(8)
    texts = [
        f"order {draw.randint(1, 28):02}{draw.randint(1, 12):02}26-{draw.randint(0, 9999):04}" for _ in range(5000)
    ]
    assert not [text for text in texts if found(text)]


@pytest.mark.parametrize("template", ['{{"{0}":"{1}"}}', "{0}={1}&x=1", "<a>{0}: {1}</a>", "{0} | {1}", "- {0}: {1}"])
def test_words_are_read_as_fields(template: str) -> None:
    for word, value in [("codice_fiscale", "RSSMRA85T10A562S"), ("pesel", "44051401359"), ("license-plate", "7ABC123")]:
        assert value in re.sub(r"\s", "", " ".join(value for _, value in found(template.format(word, value))))
