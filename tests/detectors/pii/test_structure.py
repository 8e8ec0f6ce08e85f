"""Records of any format in one form."""

from __future__ import annotations

import csv
import html
import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from random import Random
from urllib.parse import urlencode

import pytest

from watchline.detectors.pii.decoding import read
from watchline.detectors.pii.structure import cells, normal_form, words

RECORD = {"orderId": "A-17", "customer_name": "Ana O'Neill", "city": "Oslo", "note": "rang, twice"}
FORM = "order id: A-17\ncustomer name: Ana O'Neill\ncity: Oslo\nnote: rang, twice"


def csv_of(record: dict[str, str], delimiter: str = ",") -> str:
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter)
    writer.writerows([record.keys(), record.values()])
    return table.getvalue()


def xml_of(record: dict[str, str]) -> str:
    root = ElementTree.Element("row")
    for key, value in record.items():
        ElementTree.SubElement(root, key).text = value
    return ElementTree.tostring(root, encoding="unicode")


def sql_of(record: dict[str, str]) -> str:
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in record.values())
    return f"INSERT INTO orders ({', '.join(record)}) VALUES ({values});"


FORMATS: dict[str, Callable[[dict[str, str]], str]] = {
    "JSON": json.dumps,
    "compact JSON": lambda record: json.dumps(record, separators=(",", ":")),
    "indented JSON": lambda record: json.dumps(record, indent=2),
    "JSON in JSON": lambda record: json.dumps({"payload": json.dumps(record)}),
    "Python": repr,
    "CSV": csv_of,
    "TSV": lambda record: csv_of(record, "\t"),
    "XML": xml_of,
    "attributes": lambda record: "<row " + " ".join(f'{key}="{html.escape(record[key])}"' for key in record) + "/>",
    "SQL": sql_of,
    "query string": urlencode,
    "YAML": lambda record: "\n".join(f"{key}: {value}" for key, value in record.items()),
    "logfmt": lambda record: " ".join(f"{key}={json.dumps(value)}" for key, value in record.items()),
    "Markdown": lambda record: "\n".join(
        f"| {' | '.join(row)} |" for row in (record.keys(), ["---"] * len(record), record.values())
    ),
}


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_has_the_same_form(format_: str) -> None:
    form = normal_form(read(FORMATS[format_](RECORD)).text).text
    lines = [line for line in form.replace("''", "'").splitlines() if ": " in line and "INSERT" not in line]
    assert "\n".join(lines) == FORM


@pytest.mark.parametrize("format_", FORMATS)
def test_every_cell_is_found_where_it_stands_in_the_text(format_: str) -> None:
    text = FORMATS[format_](RECORD)
    meant = read(text)
    form = normal_form(meant.text)
    for value in ("A-17", "Oslo"):
        place = form.text.index(value)
        (stretch,) = form.originals(place, place + len(value))
        start, end = meant.original(*stretch)
        assert text[start:end] == value


def test_sentences_and_code_stay_as_they_are() -> None:
    for text in (
        "It was good, however, and nice, I think.\nBut then, she said, we left, alas.",
        "Note: call back at 5. It's 3:1 for us; if x = y, so be it.",
        "for x in range(1, 2, 3):\n    foo(a, b, c)\n    bar(d, e, f)",
    ):
        assert normal_form(text).text == text


def test_a_sentence_around_a_record_is_kept() -> None:
    form = normal_form('I found this: {"name":"Jane Doe"} and nothing else.\nThanks, Bob').text
    assert form.splitlines() == ["I found this:", "name: Jane Doe", "and nothing else.", "Thanks, Bob"]


def test_a_cut_record_is_read_as_far_as_it_goes() -> None:
    text = json.dumps([RECORD, RECORD], separators=(",", ":"))
    for length in range(len(text)):
        for cell in cells(text[:length]):
            assert 0 <= cell.first <= cell.start < cell.end <= length


def test_cells_are_in_order_and_apart_whatever_the_text() -> None:
    chance = Random(5)
    pieces = [
        '"',
        "'",
        ":",
        ",",
        "{",
        "}",
        "[",
        "]",
        "<b>",
        "</b>",
        "=",
        "&",
        "\n",
        " ",
        "|",
        "\t",
        ";",
        "VALUES (",
        ")",
        "a",
        "key",
        "7",
    ]
    for _ in range(3000):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 60)))
        done = 0
        for cell in cells(text):
            assert done <= cell.first <= cell.start < cell.end <= len(text), text
            done = cell.end
        form = normal_form(text)
        assert form.offsets is None or len(form.offsets) == len(form.text)
        origins = [place for place in form.offsets or () if place >= 0]
        assert origins == sorted(set(origins)), text


def test_a_key_in_words() -> None:
    assert [words(key) for key in ("customerFirstName", "SSN_last4", "x-request-id", "cust.fname")] == [
        "customer first name",
        "ssn last 4",
        "x request id",
        "cust fname",
    ]
