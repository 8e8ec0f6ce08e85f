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
    "HTML list": lambda record: (
        "<dl>" + "".join(f"<dt>{key}</dt><dd>{html.escape(record[key])}</dd>" for key in record) + "</dl>"
    ),
    "HTML rows": lambda record: (
        "<table>\n"
        + "\n".join(f"<tr><th>{key}</th><td>{html.escape(record[key])}</td></tr>" for key in record)
        + "\n</table>"
    ),
    "HTML table": lambda record: (
        "<table>"
        + "".join(
            "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row) + "</tr>"
            for tag, row in (("th", record.keys()), ("td", record.values()))
        )
        + "</table>"
    ),
    "Markdown list": lambda record: "\n".join(f"- **{key}:** {value}" for key, value in record.items()),
    "Markdown paragraphs": lambda record: "\n\n".join(f"**{key}**: {value}" for key, value in record.items()),
    "lists": lambda record: "\n".join(f"{key} = [{value!r}]" for key, value in record.items()),
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


def test_rows_of_html_below_a_header_may_begin_with_a_name_of_their_own() -> None:
    rows = (("Name", "City"), ("Jane Doe", "Oslo"), ("Jim Roe", "Rome"))
    table = "".join(f"<tr><th>{first}</th><td>{second}</td></tr>" for first, second in rows[1:])
    form = normal_form(f"<table><tr><th>Name</th><th>City</th></tr>{table}</table>").text
    assert form.splitlines()[2:] == ["name: Jane Doe", "city: Oslo", "name: Jim Roe", "city: Rome"]


def test_every_value_of_a_list_has_its_name() -> None:
    assert normal_form("born = ['07/01/1960', \"10/23/2004\"]").text == "born: 07/01/1960\nborn: 10/23/2004"


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


@pytest.mark.parametrize(
    "inner", [format_ for format_ in FORMATS if format_ not in ("JSON in JSON", "Markdown paragraphs")]
)
@pytest.mark.parametrize("outer", ["JSON", "compact JSON", "XML"])
def test_a_record_within_a_value_has_the_same_form(inner: str, outer: str) -> None:
    record = {"id": "7", "payload": FORMATS[inner]({**RECORD, "note": "rang twice"}), "ok": "yes"}
    form = normal_form(read(FORMATS[outer](record)).text).text.replace("''", "'")
    for line in ("id: 7", *FORM.replace("rang, twice", "rang twice").splitlines(), "ok: yes"):
        assert any(each.rstrip(" ,") == line for each in form.splitlines()), form
