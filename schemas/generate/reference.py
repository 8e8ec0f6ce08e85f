"""The text of `schemas/REFERENCE.md`: every record with its fields, every view and table with its columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from watchline.schemas.columns import FROM_APPS, RECORDS, TABLES, Column, Text
from watchline.schemas.generate.records import Declared, python_type
from watchline.schemas.views import views

_HEAD = """# Records and tables

Made from the Avro schemas in `avro/`, `columns.py` and `views.py` by `make generate`: change these, never this file.

A new field takes three edits: its lines in `avro/`, its line in `columns.py`, and its argument of `Producer.emit`. Then
`python -m watchline.schemas.generate --migration NAME` writes the rest, the next migration included, and `make
generate` also a sample of bytes, by which later versions are tried.

## Records

What travels through Kafka, in Avro. A field without a default must be given. Where a record becomes a row, `column` is
its type in ClickHouse, in which an empty string stands for null. `text` is the rule for the strings of an app's
record, which [README.md](README.md#what-may-be-stored-of-each-string) explains; the keys of a map of strings are
identifiers.
"""
_VIEWS = """## Views

What readers read; `watchline schema VIEW` shows the same. Every row has a `time`: of a moment that, of what sums up
many the beginning of its hour. A filter on it limits what is read.
"""
_TABLES = """## Tables

Read the views, which are exact, rather than these. Each table has also `stored_at`, the time by the server's
clock.
"""
_HEADS = ("column", "type", "what it is")


def source(declared: Mapping[str, Declared]) -> str:
    """The document for these schemas, by name."""
    parts = [_HEAD]
    for name, schema in sorted(declared.items()):
        parts.append(f"### {name}\n\n{schema['doc']}\n")
        if schema["type"] == "enum":
            parts.append(", ".join(f"`{symbol}`" for symbol in schema["symbols"]) + ".\n")
        else:
            parts.append(_fields(schema))
    parts.append(_VIEWS)
    for name, view in views().items():
        rows = [_column(column) for column in view.columns]
        parts.append(f"### {name}\n\nOne row for {view.one_row_for}.\n\n{_table(_HEADS, rows)}")
    parts.append(_TABLES)
    for name, columns in sorted(TABLES.items()):
        parts.append(f"### {name}\n\n{_columns(columns)}")
    return "\n".join(parts)


def _fields(declared: Declared) -> str:
    columns = {column.name: column for column in RECORDS.get(declared["name"], ())}
    heads = ["field", "type", "default", *(["column"] if columns else []), "what it is"]
    texts = declared["name"] in FROM_APPS
    rows = []
    for item in declared["fields"]:
        default = f"`{json.dumps(item['default'])}`" if "default" in item else ""
        row = [f"`{item['name']}`", f"`{python_type(item['type'])}`", default]
        if columns:
            row.append(f"`{columns[item['name']].type}`")
        row.append(item["doc"])
        if texts:
            row.append(", ".join(_kinds(columns[item["name"]].text)))
        rows.append(row)
    return _table([*heads, *(["text"] if texts else [])], rows)


def _columns(columns: Sequence[Column]) -> str:
    record = next((name for name, own in RECORDS.items() if all(column in columns for column in own)), None)
    if record is None:
        return _table(_HEADS, [_column(column) for column in columns])
    others = [_column(column) for column in columns if column not in RECORDS[record]]
    text = f"The fields of [{record}](#{record.lower()})"
    return f"{text}, and:\n\n{_table(_HEADS, others)}" if others else f"{text}.\n"


def _column(column: Column) -> list[str]:
    return [f"`{column.name}`", f"`{column.type}`", column.comment]


def _kinds(text: Text | Mapping[str, Text] | None) -> Iterator[str]:
    if isinstance(text, Mapping):
        for name, field_text in text.items():
            yield f"{name}: {field_text.kind}"
    elif text is not None:
        yield text.kind


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
