"""Records to train the recogniser of names on: what the serialisers write, and what is marked in it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest

from watchline.detectors.pii.decoding import read
from watchline.detectors.pii.structure import normal_form
from watchline.detectors.training.pii import look_alikes
from watchline.detectors.training.pii.marked import Example
from watchline.detectors.training.pii.records import WRITERS, Records, as_read, unsigned

pytest.importorskip("faker")

from watchline.detectors.training.pii.values import Values

NUMBER = 100


@pytest.fixture(scope="module")
def records() -> Records:
    return Records(Values(3), ["Call {full} now."], ["Nobody is in."])


@pytest.mark.parametrize("writer", list(WRITERS))
def test_what_is_marked_is_the_same_in_the_form_that_is_read(records: Records, writer: str) -> None:
    marked = 0
    for _ in range(NUMBER):
        example = records.draw(WRITERS[writer])
        form = as_read(example)
        assert form.text == normal_form(read(example.text).text).text
        assert [type_ for *_, type_ in form.spans] == [type_ for *_, type_ in example.spans]
        for (start, end, _), (first, last, _) in zip(example.spans, form.spans, strict=True):
            assert re.findall(r"\w+", form.text[first:last]) == re.findall(r"\w+", read(example.text[start:end]).text)
        marked += len(form.spans)
    assert marked > NUMBER


@pytest.mark.parametrize("writer", list(WRITERS))
def test_no_private_sign_is_left(records: Records, writer: str) -> None:
    for _ in range(NUMBER):
        text = records.draw(WRITERS[writer]).text
        assert not re.search("[\ue000-\ue010]|%EE%80|\\\\ue0", text, re.IGNORECASE)


def test_texts_are_of_their_format(records: Records) -> None:
    for text in _texts(records, "JSON compact", "JSON spaced"):
        json.loads(text)
    for text in _texts(records, "XML"):
        ElementTree.fromstring(f"<all>{text}</all>")
    for text in _texts(records, "query string"):
        assert all(key for key, _ in parse_qsl(text, strict_parsing=True))
    for text in _texts(records, "CSV"):
        sign = max("\t;,", key=text.partition("\n")[0].count)
        assert len({*map(len, csv.reader(io.StringIO(text), delimiter=sign))}) == 1


def _texts(records: Records, *writers: str) -> Iterator[str]:
    for writer in writers:
        for _ in range(NUMBER):
            yield records.draw(WRITERS[writer]).text


@pytest.mark.parametrize("begin", ["\ue000", "%EE%80%80", "\\ue000"])
@pytest.mark.parametrize("end", ["\ue010", "%EE%80%90", "\\ue010"])
def test_signs_are_taken_out(begin: str, end: str) -> None:
    assert unsigned(f'{{"a": "{begin}Jane Roe{end}"}}') == Example('{"a": "Jane Roe"}', ((7, 15, "PERSON"),))


def test_what_is_held_out_is_never_drawn() -> None:
    for kept in (False, True):
        values = Values(5, kept=kept)
        for slot in ("last", "brand", "software", "team", "dish", "place"):
            assert {look_alikes.is_kept(values.of(slot)) for _ in range(NUMBER)} == {kept}


def test_a_part_of_each_list_is_held_out() -> None:
    for kind in ("brand", "software", "team", "holiday", "place", "dish", "work", "phrase"):
        share = len(look_alikes.of_kind(kind, kept=True)) / len(
            look_alikes.of_kind(kind) + look_alikes.of_kind(kind, kept=True)
        )
        assert 0.1 < share < 0.45, kind
