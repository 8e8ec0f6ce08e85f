"""The statements that bring the columns of a migrated database to `schemas/columns.py`."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from watchline.schemas.columns import TABLES, Column
from watchline.schemas.migrate import FOLDER, migrate


def statements(client: Any, database: str) -> list[str]:
    """An ALTER TABLE for each column that the database lacks or has otherwise; none where both are the same.

    What it has beyond the table is left alone: taking a column away is a decision, not a slip.
    """
    existing = {
        (table, name): tuple(rest)
        for table, name, *rest in client.query(
            "SELECT table, name, type, comment, compression_codec FROM system.columns WHERE database = {name:String}",
            parameters={"name": database},
        ).result_rows
    }
    changes = []
    for table, columns in TABLES.items():
        for column in columns:
            there = existing.get((table, column.name))
            if there != (column.type, column.comment, f"CODEC({column.codec})" if column.codec else ""):
                how = "ADD COLUMN IF NOT EXISTS" if there is None else "MODIFY COLUMN"
                changes.append(f"ALTER TABLE {table} {how} {_definition(column)};")
    return changes


def write(name: str, folder: Path = FOLDER) -> Path | None:
    """Writes the next numbered migration, to be read before it is committed; None where nothing is lacking.

    Raises ValueError for a name that is no file name. Needs the embedded engine.
    """
    import clickhouse_connect

    if not re.fullmatch("[a-z0-9_]+", name):
        raise ValueError(f"--migration {name!r}: lower-case letters, digits and underscores only")
    with tempfile.TemporaryDirectory() as data:
        client = clickhouse_connect.get_client(interface="chdb", path=data)
        migrate(client, "columns")
        changes = statements(client, "columns")
        client.close()
    if not changes:
        return None
    last = max(int(path.name[:3]) for path in folder.glob("[0-9]*.sql"))
    path = folder / f"{last + 1:03}_{name}.sql"
    path.write_text("\n".join(changes) + "\n", encoding="utf-8")
    return path


def _definition(column: Column) -> str:
    parts = [column.name, column.type]
    if column.comment:
        parts.append("COMMENT '{}'".format(column.comment.replace("\\", "\\\\").replace("'", "''")))
    if column.codec:
        parts.append(f"CODEC({column.codec})")
    return " ".join(parts)
