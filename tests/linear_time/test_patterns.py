"""No regular expression of the package takes more than linear time, whatever it is given."""

from __future__ import annotations

import re

import pytest

from tests.linear_time.cost import FLOOR_S, KIB, exponent, reading, seconds
from tests.linear_time.hostile_texts import Hostile, hostile_texts
from tests.linear_time.patterns import Regex, find
from watchline.detectors.grounding import structured
from watchline.detectors.pii import redaction, secrets, structure
from watchline.detectors.runtime import text

# What is made for a value: with one value for each kind.
MADE = {
    "watchline.detectors.pii.redaction._everywhere": [
        redaction._everywhere("PERSON", "jane doe"),
        redaction._everywhere("PERSON", "aa aa aa"),
        redaction._everywhere("PHONE_NUMBER", "1111111111"),
        redaction._everywhere("EMAIL_ADDRESS", "aa@aa.aa"),
    ],
    "watchline.detectors.pii.redaction._alone": [redaction._alone("jane")],
    "watchline.detectors.pii.secrets._forms": [form.pattern for form in secrets._forms()],
    "watchline.detectors.grounding.structured._reading": [
        structured._reading(["outdoor", "seating"]),
        structured._reading(["a", "a", "a", "a"]),
    ],
    "watchline.detectors.pii.structure._table_cell": [structure._table_cell(sign) for sign in "\t|,"],
    "watchline.schemas.validation._storable": [re.compile("[0-9a-f]{32}")],
}
# What only ever sees so many characters, by the constant that cuts its text.
BOUNDED = {"watchline.detectors.runtime.text:_LAST_WORD": text._LOOK_BACK}
MOST = 1.1  # the power of a text's length that reading it may take


@pytest.fixture(scope="module")
def regexes() -> list[Regex]:
    found, made = find()
    assert made == MADE.keys()
    assert {regex.where for regex in found} > BOUNDED.keys()
    found += [Regex(where, pattern, frozenset(["finditer"])) for where in MADE for pattern in MADE[where]]
    return [regex for regex in found if regex.where not in BOUNDED]


@pytest.mark.slow
def test_no_pattern_takes_quadratic_time(regexes: list[Regex]) -> None:
    """Each repetition of each pattern, with texts from 1 to 16 KiB."""
    slow: dict[str, tuple[Hostile, float]] = {}
    for regex in regexes:
        read = reading(regex)
        for hostile in hostile_texts(regex.pattern):
            if hostile.after not in ("", "/"):  # the slow test tries all
                continue
            first = seconds(read, hostile.text(KIB))
            if first > FLOOR_S / 8 and seconds(read, hostile.text(4 * KIB)) > 8 * first:
                grown = exponent(read, hostile, (KIB, 4 * KIB, 16 * KIB), most=1.5)
                if grown > 1.5:
                    slow[regex.where] = hostile, grown
                    break
    assert not slow


@pytest.mark.slow
def test_every_pattern_takes_linear_time(regexes: list[Regex]) -> None:
    """The two texts of 4 KiB that take each pattern longest, at up to 256 KiB."""
    slow: dict[str, tuple[Hostile, float]] = {}
    for regex in regexes:
        read = reading(regex)
        costs = {hostile: seconds(read, hostile.text(4 * KIB)) for hostile in hostile_texts(regex.pattern)}
        for hostile in sorted(costs, key=lambda hostile: -costs[hostile])[:2]:
            grown = exponent(read, hostile, (16 * KIB, 64 * KIB, 256 * KIB), most=MOST)
            if grown > MOST:
                slow[regex.where] = hostile, grown
    assert not slow


def test_what_is_bounded_takes_no_time(regexes: list[Regex]) -> None:
    found, _ = find()
    for regex in found:
        if regex.where in BOUNDED:
            texts = [hostile.text(BOUNDED[regex.where]) for hostile in hostile_texts(regex.pattern)]
            assert max(seconds(reading(regex), text, times=3) for text in texts) < FLOOR_S, regex.where
