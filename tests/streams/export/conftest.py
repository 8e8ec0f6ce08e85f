"""A store with conversations, and its exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from watchline.streams.export import dataset
from watchline.streams.export.consent import Consent
from watchline.streams.export.selection import Selection
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

TIME = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
AGREED = Consent("training", "yes")
NAMES = UUID(int=1)


def event(number: int, **fields: Any) -> dict[str, Any]:
    """A row of interactions of somebody who has agreed: one question and its answer."""
    return {
        "event_id": uuid5(NAMES, str(number)),
        "time": TIME + timedelta(seconds=number),
        "app": "shop",
        "environment": "prod",
        "source": "production",
        "conversation_id": f"talk-{number // 3}",
        "subject": f"00112233:{number:064x}",
        "attributes": {"training": "yes"},
        "input_messages": [("user", f"question {number}")],
        "output_messages": [("assistant", f"answer {number}")],
        **fields,
    }


class Store:
    """A database of its own, and what is exported of it."""

    def __init__(self, clickhouse: Callable[..., Any], client: Any, folder: Path) -> None:
        self._clickhouse, self._folder, self._exports = clickhouse, folder, 0
        self.client = client

    def insert(self, *rows: Mapping[str, Any], table: str = "interactions") -> None:
        """Rows, each with its own columns."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        assert all(row.keys() == {*names} for row in rows), "rows of one insert have the same columns"
        self.client.insert(
            table,
            [[row[name] for name in names] for row in rows],
            column_names=names,
            database=self.client.test_database,
        )

    def queries(self, **settings: Any) -> Queries:
        """What reads it."""
        reader = self._clickhouse(migrated=False)
        reader.command(f"USE {self.client.test_database}")
        for name, value in settings.items():
            reader.set_client_setting(name, value)
        restrict(reader)
        return Queries(reader, self.client.test_database)

    def export(self, form: dataset.Format = "chat", *, threads: int = 1, **wanted: Any) -> Export:
        """A new export of two days."""
        self._exports += 1
        folder = self._folder / f"export-{self._exports}"
        selection = {name: wanted.pop(name) for name in ("app", "prompt", "first", "end") if name in wanted}
        around = {"first": TIME - timedelta(days=1), "end": TIME + timedelta(days=1), **selection}
        made = dataset.Wanted(selection=Selection(**around), format=form, **{"consent": AGREED, **wanted})
        queries = self.queries(max_threads=threads)
        with closing(queries.client):
            manifest = dataset.write(queries, folder, made, "UTC", lambda made, sha256: None)
        return Export(folder, manifest)


class Export:
    """A folder and its manifest."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest

    def lines(self, name: str = "data.jsonl") -> list[dict[str, Any]]:
        """The lines of a file."""
        return [json.loads(line) for line in (self.folder / name).read_bytes().splitlines()]

    def skipped(self) -> dict[str, str]:
        """By event why it was left out."""
        return {row["event_id"]: row["reason"] for row in self.lines("skipped.jsonl")}

    def bytes(self) -> dict[str, bytes]:
        """Of every file."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture(scope="session")
def database(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("export")


@pytest.fixture
def store(clickhouse: Callable[..., Any], database: Any, tmp_path: Path) -> Store:
    """Empty: making tables anew takes longer than what most tests do."""
    for table in ("interactions", "findings", "feedback", "retention"):
        database.command(f"TRUNCATE TABLE {database.test_database}.{table}")
    (tmp_path / "exports").mkdir()
    return Store(clickhouse, database, tmp_path / "exports")
