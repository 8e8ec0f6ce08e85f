"""No regular expression of the package takes more than linear time, whatever it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import ceil

import pytest

from tests.linear_time.cost import FLOOR_S, KIB, exponent, reading, seconds
from tests.linear_time.hostile_texts import Hostile, hostile_texts
from tests.linear_time.patterns import Regex, find
from watchline.detectors.grounding import structured
from watchline.detectors.pii import national_ids, redaction, secrets, structure
from watchline.detectors.runtime import text


def one_of_each_shape(forms: Mapping[str, str]) -> list[str]:
    """Of forms that differ in their counts and letters alone, the first."""
    shapes = {
        re.sub(r"\\?[A-Za-z]|\[[^\]]*\]", "c", re.sub(r"\d+", "0", form)): kind
        for kind, form in reversed(forms.items())
    }
    return list(shapes.values())


# What is made for a value: with one value for each kind.
MADE = {
    "watchline.detectors.pii.national_ids._pattern": [
        national_ids._pattern(kind) for kind in one_of_each_shape(national_ids._FORMS)
    ],
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
    "watchline.dashboards.check._beyond_the_watermark": [re.compile(r"\bv_findings\b")],
    # Of whoever makes a silence: one as people write them. Its length is bounded, and that of the labels it reads.
    "watchline.dashboards.engine.silences.make": [re.compile("gpt-.*|shop", re.DOTALL)],
    "watchline.dashboards.engine.silences.matches": [re.compile("gpt-.*|shop", re.DOTALL)],
    "watchline.schemas.validation._storable": [re.compile("[0-9a-f]{32}")],
}
# What only ever sees so many characters, by the constant that cuts its text.
BOUNDED = {"watchline.detectors.runtime.text:_LAST_WORD": text._LOOK_BACK}
TEXTS = 200  # of a pattern, evenly taken: alternatives of one kind by the hundred tell no more
MOST = 1.3  # the power of a text's length that reading it may take: two are what is looked for


@pytest.fixture(scope="module")
def regexes() -> list[Regex]:
    found, made = find()
    assert made == MADE.keys()
    assert {regex.where for regex in found} > BOUNDED.keys()
    found += [Regex(where, pattern, frozenset(["finditer"])) for where in MADE for pattern in MADE[where]]
    return [regex for regex in found if regex.where not in BOUNDED]


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_every_pattern_takes_linear_time(regexes: list[Regex]) -> None:
    """The two texts of 2 KiB that take each pattern longest, of `TEXTS` at most, at up to 128 KiB."""
    slow: dict[str, tuple[Hostile, float]] = {}
    for regex in regexes:
        read = reading(regex)
        texts = list(hostile_texts(regex.pattern))
        costs = {hostile: seconds(read, hostile.text(2 * KIB)) for hostile in texts[:: ceil(len(texts) / TEXTS)]}
        for hostile in sorted(costs, key=lambda hostile: -costs[hostile])[:2]:
            grown = exponent(read, hostile, (16 * KIB, 128 * KIB), most=MOST)
            if grown > MOST:
                slow[regex.where] = hostile, grown
    assert not slow


def test_what_is_bounded_takes_no_time(regexes: list[Regex]) -> None:
    found, _ = find()
    for regex in found:
        if regex.where in BOUNDED:
            texts = [hostile.text(BOUNDED[regex.where]) for hostile in hostile_texts(regex.pattern)]
            assert max(seconds(reading(regex), text, times=3) for text in texts) < FLOOR_S, regex.where
