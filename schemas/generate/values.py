"""The source of `schemas/values.py`: for each record that becomes a row, the function that gives its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from watchline.schemas.columns import FROM_APPS, RECORDS, Column, Text
from watchline.schemas.generate.records import Declared, references

_HEAD = '''"""The values of a record's columns, in the order of `columns.py`.

Made from it and from the schemas in `avro/` by `make generate`: change these, never this file.
An empty string stands for null: a NULL costs a column and says no more.
"""

from __future__ import annotations

from typing import Any

from watchline.schemas.records import {names}
'''


def source(declared: Mapping[str, Declared], tables: Mapping[str, tuple[Column, ...]] = RECORDS) -> str:
    """The module for these schemas, by name. Raises ValueError, which names the field, where `tables` lacks a fact."""
    parts = [_HEAD.replace("{names}", ", ".join(sorted(tables)))]
    for record, columns in tables.items():
        fields = {item["name"]: item["type"] for item in declared[record]["fields"]}
        if wrong := sorted(fields.keys() ^ {column.name for column in columns}):
            raise ValueError(f"{record}.{wrong[0]}: a field and no column, or the reverse; see schemas/columns.py")
        lines = [f"        {_value(record, column, fields[column.name], declared)}," for column in columns]
        if record in FROM_APPS:
            for column in columns:
                _check_texts(f"{record}.{column.name}", fields[column.name], column.text, declared)
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", record).lower()
        parts.append(f"\ndef {name}(record: {record}) -> list[Any]:")
        parts.append(f'    """Of `{record}`."""\n    return [\n' + "\n".join(lines) + "\n    ]\n")
    return "\n".join(parts)


def _value(record: str, column: Column, kind: Any, declared: Mapping[str, Declared]) -> str:
    value = f"record.{column.name}"
    if isinstance(kind, dict) and (inner := _record_in(kind, declared)):
        if kind["type"] != "array":
            raise ValueError(f"{record}.{column.name}: records stand in rows only as an array of them")
        names = re.findall(r"(?:Tuple\(|, )(\w+) ", column.type)
        if names != [item["name"] for item in inner["fields"]]:
            raise ValueError(f"{record}.{column.name}: {column.type} lacks fields of {inner['name']}, or their order")
        variable = re.findall("[A-Z][a-z]+", inner["name"])[-1].lower()  # of ToolCall: call
        values = ", ".join(f"{variable}.{item['name']}{_empty(item['type'])}" for item in inner["fields"])
        return f"[({values}) for {variable} in {value}]"
    if isinstance(kind, list) and "string" not in kind and not column.type.startswith("Nullable("):
        raise ValueError(f"{record}.{column.name}: null in the schema, so Nullable(...) in schemas/columns.py")
    return value + ("" if column.type.startswith("Nullable(") else _empty(kind))


def _empty(kind: Any) -> str:
    return ' or ""' if isinstance(kind, list) and "string" in kind else ""


def _record_in(kind: Any, declared: Mapping[str, Declared]) -> Declared | None:
    names = [name for name in references(kind) if declared[name]["type"] == "record"]
    return declared[names[0]] if names else None


def _check_texts(
    place: str, kind: Any, text: Text | Mapping[str, Text] | None, declared: Mapping[str, Declared]
) -> None:
    """Checks that every string has a declared kind of text: one that is forgotten could be stored as it came."""
    inner = _record_in(kind, declared)
    if inner is not None:
        marks = text if isinstance(text, Mapping) else {}
        for item in inner["fields"]:
            _check_texts(f"{place}.{item['name']}", item["type"], marks.get(item["name"]), declared)
    elif "string" in _scalars(kind) and not isinstance(text, Text):
        raise ValueError(f"{place}: a string without text=Text(...) in schemas/columns.py, which says how to redact it")


def _scalars(kind: Any) -> Iterator[str]:
    if isinstance(kind, str):
        yield kind
    elif isinstance(kind, list):
        for option in kind:
            yield from _scalars(option)
    else:
        if kind["type"] == "map":
            yield "string"  # its keys
        for key in ("items", "values") if kind["type"] in ("array", "map") else ("type",):
            yield from _scalars(kind[key])
