"""Records with personal data in them, in the formats that apps, tools and people write; where it stands is known.

Each is written by a real serialiser, its keys in a style drawn by chance, beside what is nobody's: orders, prices,
versions, ids. `KEPT_OUT` are formats that no rule may be made with; they are measured when all is done.
"""

from __future__ import annotations

import csv
import html
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import yaml

from tests.personal_data.values import (
    BENIGN_FIELDS,
    BENIGN_SENTENCES,
    FIELDS,
    SENTENCES,
    Values,
)

_NAMED = (("first_name", "last_name"), ("given_name", "surname"), ("forename", "family_name"))  # a person's two fields
_MANY = {"CSV", "CSV quoted", "TSV", "SQL", "Markdown table", "psql"}  # rows of one kind below one head


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, in code points of the text; `kind` is a label, or what nobody's value is."""

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Record:
    """A text in a format, the personal data in it, and what is nobody's, both in order."""

    text: str
    format: str
    planted: tuple[Place, ...]
    benign: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    value: Any
    kind: str
    is_planted: bool


_Rows = Sequence[Sequence[_Field]]


def records(values: Values, formats: Sequence[str], number: int, labels: Sequence[str]) -> Iterator[Record]:
    """So many records of each format, one after the other.

    Parameters
    ----------
    values
    formats
        Of `FORMATS` and `KEPT_OUT`.
    number
    labels
        Of what is planted; half of all records have a person besides. None: nobody's values only.
    """
    for index in range(number):
        for form in formats:  # a list is of one label: of each in turn
            yield record(values, form, [labels[index % len(labels)]] if form == "list" else labels)


def record(values: Values, form: str, labels: Sequence[str]) -> Record:
    """A record of a format with one to four of the labels, if there are any."""
    r = values.chance
    if form in ("prose", "chat"):
        return _sentences(values, form, _chosen(r, labels))
    if form == "list":
        label, key = _label_and_key(r, labels)
        rows = [[_Field(key, values.of(label, key), label, True)] for _ in range(r.randint(2, 4))]
    else:
        keys = _keys(r, labels)
        style = r.choice(_STYLES)
        rows = [
            [_field(values, style(key), kind, planted) for key, kind, planted in keys]
            for _ in range(r.randint(2, 4) if form in _MANY else r.randint(1, 2))
        ]
        rows = [_two_names(values, row, style) for row in rows]
    write, written = ({**FORMATS, **KEPT_OUT})[form]
    return _located(form, write(rows), rows, written)


def _chosen(r: random.Random, labels: Sequence[str]) -> list[str]:
    if not labels:
        return []
    chosen = r.sample(labels, min(r.randint(1, 3), len(labels)))
    return chosen if "PERSON" in chosen or "PERSON" not in labels or r.random() < 0.5 else ["PERSON", *chosen]


def _label_and_key(r: random.Random, labels: Sequence[str]) -> tuple[str, str]:
    label = r.choice(labels)
    return label, r.choice(FIELDS[label])


def _keys(r: random.Random, labels: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Keys, what they hold and whether it is somebody's: all different, in an order drawn by chance."""
    keys = {r.choice(FIELDS[label]): (label, True) for label in _chosen(r, labels)}
    for kind in r.sample(sorted(BENIGN_FIELDS), r.randint(2, 4)):
        keys.setdefault(r.choice(BENIGN_FIELDS[kind]), (kind, False))
    columns = [(key, *held) for key, held in keys.items()]
    r.shuffle(columns)
    if "PERSON" in labels and r.random() < 0.2:  # a person in two fields, which `_two_names` fills
        first, last = r.choice(_NAMED)
        columns[:0] = [(first, "PERSON", True), (last, "PERSON", True)]
    return columns


def _field(values: Values, key: str, kind: str, is_planted: bool) -> _Field:
    value = values.of(kind, key) if is_planted else values.benign(kind)
    if is_planted and re.fullmatch("[1-9][0-9]*", str(value)) and values.chance.random() < 0.3:
        value = int(value)
    return _Field(key, value, kind, is_planted)


def _two_names(values: Values, row: list[_Field], style: Callable[[str], str]) -> list[_Field]:
    keys = [field.key for field in row[:2]]
    if tuple(keys) not in [tuple(map(style, pair)) for pair in _NAMED]:
        return row
    parts = values.name_parts()
    return [_Field(key, part, "PERSON", True) for key, part in zip(keys, parts, strict=True)] + row[2:]


_STYLES: tuple[Callable[[str], str], ...] = (
    str,
    str,
    lambda key: key.title().replace("_", "")[:1].lower() + key.title().replace("_", "")[1:],
    lambda key: key.title().replace("_", ""),
    lambda key: key.replace("_", "-"),
    str.upper,
)


def _sentences(values: Values, form: str, labels: Sequence[str]) -> Record:
    r = values.chance
    sentences = [(r.choice(SENTENCES[label]), label) for label in labels]
    said = [(sentence, values.of(label, sentence), label, True) for sentence, label in sentences]
    for kind in r.sample(sorted(BENIGN_SENTENCES), r.randint(1, 3)):
        said.append((r.choice(BENIGN_SENTENCES[kind]), str(values.benign(kind)), kind, False))
    r.shuffle(said)
    text, places = "", []
    for number, (sentence, value, kind, is_planted) in enumerate(said):
        before, _, after = sentence.partition("{}")
        gap = f"\n{('user', 'assistant')[number % 2]}: " if form == "chat" else " "
        text += (gap if number else gap.lstrip() if form == "chat" else "") + before
        places.append((Place(len(text), len(text) + len(value), kind, value), is_planted))
        text += value + after
    return Record(
        text, form, *(tuple(place for place, planted in places if planted is which) for which in (True, False))
    )


def _located(form: str, text: str, rows: _Rows, written: Callable[[Any], str]) -> Record:
    """Finds the values again in what was written of them, one after the other."""
    planted: list[Place] = []
    benign: list[Place] = []
    done = 0
    for field in (field for row in rows for field in row):
        said = written(field.value)
        start = text.index(said, done)
        done = start + len(said)
        (planted if field.is_planted else benign).append(Place(start, done, field.kind, str(field.value)))
    return Record(text, form, tuple(planted), tuple(benign))


def _objects(rows: _Rows) -> Any:
    objects = [{field.key: field.value for field in row} for row in rows]
    return objects if len(objects) > 1 else objects[0]


def _nested(rows: _Rows) -> Any:
    return {"ok": True, "result": {"items": _objects(rows)}}


def _json(value: Any, *, ascii_only: bool = False) -> str:
    text = json.dumps(value, ensure_ascii=ascii_only)
    return text[1:-1] if isinstance(value, str) else text


def _csv(rows: _Rows, **options: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", **options)
    writer.writerow([field.key for field in rows[0]])
    writer.writerows([[field.value for field in row] for row in rows])
    return out.getvalue()


def _doubled(value: Any) -> str:
    return str(value).replace('"', '""')


def _sql_literal(value: Any) -> str:
    return f"'{_sql(value)}'" if isinstance(value, str) else str(value)


def _sql(value: Any) -> str:
    return str(value).replace("'", "''")


def _insert(rows: _Rows) -> str:
    columns = ", ".join(field.key.replace("-", "_") for field in rows[0])
    tuples = ", ".join(f"({', '.join(_sql_literal(field.value) for field in row)})" for row in rows)
    return f"INSERT INTO customers ({columns}) VALUES {tuples};"


def _xml(rows: _Rows) -> str:
    root = ElementTree.Element("records")
    for row in rows:
        one = ElementTree.SubElement(root, "record")
        for field in row:
            ElementTree.SubElement(one, field.key).text = str(field.value)
    return ElementTree.tostring(root, encoding="unicode")


def _html(rows: _Rows) -> str:
    lines = [f"<tr><th>{html.escape(field.key)}</th><td>{html.escape(str(field.value))}</td></tr>"
             for row in rows for field in row]  # fmt: skip
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _yaml(value: Any) -> str:
    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=10**6)
    return text.removesuffix("\n...\n")


def _yaml_scalar(value: Any) -> str:
    text = _yaml(value)
    return text[1:-1] if text[:1] in ("'", '"') else text


def _table(rows: _Rows, edge: str, cross: str) -> str:
    lines = [[field.key for field in rows[0]], *([_cell(field.value) for field in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    rule = cross.join("-" * (width + 2) for width in widths)
    return "\n".join(
        [f"{edge} {padded[0]} {edge}", f"{edge}{rule}{edge}", *(f"{edge} {line} {edge}" for line in padded[1:])]
    )


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


def _log(rows: _Rows) -> str:
    lines = []
    for number, row in enumerate(rows):
        pairs = [
            f'{field.key}="{field.value}"' if " " in str(field.value) else f"{field.key}={field.value}" for field in row
        ]
        lines.append(f"2026-03-0{number + 1}T10:00:0{number}Z INFO app.service: request done {' '.join(pairs)}")
    return "\n".join(lines)


def _lines(rows: _Rows, line: str) -> str:
    return "\n\n".join("\n".join(line.format(field.key, field.value) for field in row) for row in rows)


# By name, how rows are written, and how a value in them is.
FORMATS: dict[str, tuple[Callable[[_Rows], str], Callable[[Any], str]]] = {
    "prose": (str, str),  # `_sentences` writes these two
    "chat": (str, str),
    "form": (lambda rows: _lines(rows, "{}: {}"), str),
    "JSON compact": (
        lambda rows: json.dumps(_objects(rows), separators=(",", ":")),
        lambda value: _json(value, ascii_only=True),
    ),
    "JSON spaced": (lambda rows: json.dumps(_nested(rows), indent=2, ensure_ascii=False), _json),
    "JSON in JSON": (
        lambda rows: json.dumps({"status": 200, "body": json.dumps(_objects(rows))}),
        lambda value: _json(_json(value, ascii_only=True)),
    ),
    "CSV": (_csv, _doubled),
    "CSV quoted": (lambda rows: _csv(rows, quoting=csv.QUOTE_ALL), _doubled),
    "TSV": (lambda rows: _csv(rows, delimiter="\t"), _doubled),
    "XML": (_xml, lambda value: escape(str(value))),
    "HTML": (_html, lambda value: html.escape(str(value))),
    "SQL": (_insert, _sql),
    "YAML": (lambda rows: _yaml(_nested(rows)), _yaml_scalar),
    "query string": (
        lambda rows: "\n".join(
            f"GET /api/v2/search?{urlencode([(field.key, field.value) for field in row])} HTTP/1.1" for row in rows
        ),
        lambda value: quote_plus(str(value)),
    ),
    "Markdown table": (lambda rows: _table(rows, "|", "|"), _cell),
    "Markdown list": (lambda rows: _lines(rows, "- **{}:** {}"), str),
    "log": (_log, str),
    "list": (
        lambda rows: f"{rows[0][0].key} = {[row[0].value for row in rows]!r}",
        lambda value: repr(value).strip("'\""),
    ),
}
KEPT_OUT: dict[str, tuple[Callable[[_Rows], str], Callable[[Any], str]]] = {
    "properties": (lambda rows: _lines(rows, "customer.{} = {}"), str),
    "psql": (lambda rows: _table(rows, "", "+"), _cell),
    "Python": (
        lambda rows: f"rows = {_objects(rows)!r}",
        lambda value: repr(value)[1:-1] if isinstance(value, str) else str(value),
    ),
}
