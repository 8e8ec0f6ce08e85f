"""Rows of a table on their way into ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from watchline.schemas.columns import TABLES


class Row(NamedTuple):
    """One row.

    values : in the order of the table's columns
    key : what tells the row from others, and from the same one with other content: repeated inserts are known by it
    time : microseconds; its month is the row's partition. 0 where the table has none
    """

    values: Sequence[Any]
    key: str
    time: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table, and its columns."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Row]

    @classmethod
    def of(cls, name: str, rows: Sequence[Row]) -> Self:
        """Rows of one of the tables in `schemas.columns`; their values stand in its order."""
        return cls(name, _COLUMNS[name], rows)


_COLUMNS = {name: tuple(column.name for column in columns) for name, columns in TABLES.items()}
