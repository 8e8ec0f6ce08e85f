"""The files of an export: JSON lines, CSV and Parquet, the same bytes for the same rows."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from watchline.schemas.columns import Column

Row = Mapping[str, Any]
ROW_GROUP = 1_000  # rows of Parquet: by what is in the file alone, whatever the pages that were read
_RUN = re.compile(r"[=+\-@'\t\r\n＝＋－＠]|\\N\Z")  # noqa: RUF001 - a spreadsheet runs the wide ones too


class File(ABC):
    """A file that rows are added to; `rows` counts them."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0

    def add(self, row: Row) -> int:
        """Adds a row. Returns its number, from 1; of JSON lines also its line."""
        self._add(row)
        self.rows += 1
        return self.rows

    @abstractmethod
    def _add(self, row: Row) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Writes what is left."""


class Lines(File):
    """JSON lines: ASCII, so that no reader breaks a line where Unicode has another kind of line end."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = path.open("xb")

    def _add(self, row: Row) -> None:
        self._file.write(line(row))

    def close(self) -> None:
        """Ends it."""
        self._file.close()


class Csv(File):
    r"""CSV with CRLF (RFC 4180). NULL is \N without quotes, a text stands in quotes; what is no text is JSON.

    A text that a spreadsheet would run, or that is \N itself, begins with a ': take one off to have what was there.
    """

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        super().__init__(path)
        self._names = [column.name for column in columns]
        self._file = path.open("xb")
        self._file.write(f"{','.join(map(cell, self._names))}\r\n".encode())

    def _add(self, row: Row) -> None:
        self._file.write(f"{','.join(cell(row[name]) for name in self._names)}\r\n".encode())

    def close(self) -> None:
        """Ends it."""
        self._file.close()


class Parquet(File):
    """Parquet, of columns with the types that ClickHouse has. Raises ModuleNotFoundError where pyarrow is missing."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        import pyarrow
        from pyarrow import parquet

        super().__init__(path)
        self._arrow = pyarrow
        self._types = {column.name: arrow_type(column.type) for column in columns}
        self._schema = pyarrow.schema([*self._types.items()])
        self._writer = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[Row] = []

    def _add(self, row: Row) -> None:
        self._waiting.append(row)
        if len(self._waiting) == ROW_GROUP:
            self._write()

    def _write(self) -> None:
        columns = [
            self._arrow.array([_plain(row[name], kind) for row in self._waiting], kind)
            for name, kind in self._types.items()
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        self._waiting.clear()

    def close(self) -> None:
        """Writes the last rows."""
        try:
            if self._waiting:
                self._write()
        finally:
            self._writer.close()


def line(row: Row) -> bytes:
    """A row as a line of JSON.

    >>> line({"text": "a\u2028b"})
    b'{"text": "a\\\\u2028b"}\\n'
    """
    return json.dumps(row, allow_nan=False).encode() + b"\n"


def cell(value: Any) -> str:
    r"""A value in a CSV.

    >>> cell(None), cell(""), cell("=1+1"), cell(-1), cell(["a"])
    ('\\N', '""', '"\'=1+1"', '-1', '"[""a""]"')
    """
    if value is None:
        return r"\N"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _RUN.match(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'


def arrow_type(type_: str) -> Any:
    """What Parquet has for a type of ClickHouse's; of what isn't a number, a time, a list or the like a text.

    >>> str(arrow_type("Array(Tuple(content String, score Nullable(Float64)))"))
    'list<item: struct<content: string, score: double>>'
    """
    import pyarrow

    name, _, inner = type_.partition("(")
    inside = _arguments(inner.removesuffix(")"))
    match name:
        case "Nullable" | "LowCardinality":
            return arrow_type(inside[0])
        case "Array":
            return pyarrow.list_(arrow_type(inside[0]))
        case "Map":
            return pyarrow.map_(*map(arrow_type, inside))
        case "Tuple":
            return pyarrow.struct(
                [(field, arrow_type(kind)) for field, kind in (each.split(" ", 1) for each in inside)]
            )
        case "DateTime64":
            return pyarrow.timestamp({"3": "ms", "6": "us"}[inside[0]], tz="UTC")
        case "Bool":
            return pyarrow.bool_()
        case _ if re.fullmatch(r"U?Int(8|16|32|64)|Float(32|64)", name):
            return getattr(pyarrow, name.lower())()
        case _:
            return pyarrow.string()


def _arguments(text: str) -> list[str]:
    """What stands between the commas that are in no inner brackets."""
    found, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return [each.strip() for each in found]


def _plain(value: Any, kind: Any) -> Any:
    """A value as pyarrow takes it for a type."""
    if value is None:
        return None
    match str(kind).partition("<")[0].partition("[")[0]:
        case "timestamp":
            return datetime.fromisoformat(value)
        case "float" | "double":
            return float(value)  # `Queries` gives those that are not finite as text
        case "map":
            return [*value.items()]
        case _:
            return value
