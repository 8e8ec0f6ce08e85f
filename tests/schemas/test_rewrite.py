"""Tables of an earlier version are rewritten whole, wherever that is stopped and whatever is inserted meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.schemas.test_columns import made
from tests.schemas.test_view_totals import found
from tests.schemas.test_views import scored
from watchline.schemas import migrate as migrations
from watchline.schemas.migrate import FOLDER, migrate, statements
from watchline.streams.clickhouse import rows
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Table

pytestmark = pytest.mark.slow

REWRITTEN = (
    "interactions",
    "findings",
    "feedback",
    "signals",
    "dead_letters",
    "offset_gaps",
    "producer_reports",
    "canaries",
)
MONTHS = 3


class StoppedError(Exception):
    """The migration was killed."""


class Stopping:
    """A client whose process is killed before a statement, or after it where `late`."""

    def __init__(self, client: Any, after: int, *, late: bool) -> None:
        self._client, self._left, self._late = client, after, late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "database":
            setattr(self._client, name, value)
        else:
            super().__setattr__(name, value)

    def command(self, statement: str, *arguments: Any, **options: Any) -> Any:
        self._left -= 1
        if self._left < 0 and not self._late:
            raise StoppedError(statement)
        done = self._client.command(statement, *arguments, **options)
        if self._left < 0:
            raise StoppedError(statement)
        return done


def earlier(client: Any, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A database as the version before left it, with rows of three months, delivered twice with other values."""
    for path in sorted(FOLDER.glob("00[1-6]_*.sql")):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "views.sql").write_text("", encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "FOLDER", folder)
        migrate(client, client.test_database)
    there = {row[0] for row in client.query("SHOW TABLES").result_rows}
    for table in made().values():
        if table.name in there:
            insert(client, table)
    for name in REWRITTEN:
        client.command(f"SYSTEM STOP MERGES {name}")
        month = "" if name == "canaries" else "time + toIntervalMonth({0} % 3) AS time, "  # old ones are deleted
        for number in range(2 * MONTHS):
            changes = (month + "stored_at - toIntervalHour({0}) AS stored_at").format(number)
            client.command(f"INSERT INTO {name} SELECT * REPLACE ({changes}) FROM {name} LIMIT 1")


def insert(client: Any, table: Table) -> None:
    """The columns that the version before had."""
    there = {row[0] for row in client.query(f"DESCRIBE {table.name}").result_rows}
    names = [name for name in table.columns if name in there]
    places = [table.columns.index(name) for name in names]
    rows = [row._replace(values=[row.values[place] for place in places]) for row in table.rows]
    assert Sink(lambda: client, 5).write(Table(table.name, names, rows)) == []


def columns(client: Any) -> dict[str, str]:
    """Of each table: later migrations add some."""
    return {
        name: ", ".join(row[0] for row in client.query(f"DESCRIBE {name}").result_rows if row[2] != "MATERIALIZED")
        for name in REWRITTEN
    }


def content(client: Any, of: dict[str, str]) -> dict[str, Any]:
    """The rows of each table; the subjects as they were given."""
    given = "if(empty(subject_hash), subject_key, concat(subject_key, ':', lower(hex(subject_hash)))) AS subject"
    split = {row[0] for row in found(client, _SPLIT)}
    return {
        name: found(
            client,
            f"SELECT {of[name].replace(' subject,', f' {given},') if name in split else of[name]} "
            f"FROM {name} FINAL ORDER BY ALL",
        )
        for name in REWRITTEN
    }


_SPLIT = "SELECT table FROM system.columns WHERE database = currentDatabase() AND default_kind = 'EPHEMERAL'"


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["before a statement", "after a statement"])
def test_stopped_at_any_statement_and_run_again_it_gives_the_same(
    clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, late: bool
) -> None:
    client = clickhouse("stopped", migrated=False)
    earlier(client, monkeypatch, tmp_path)
    of = columns(client)
    before = content(client, of)
    assert all(before.values()) and len(before["findings"]) > MONTHS
    stops = 0
    while True:
        try:
            migrate(Stopping(client, stops, late=late), client.test_database)
            break
        except StoppedError:
            stops += 1
    assert stops > len(statements(FOLDER / "007_first_stored_wins.sql"))
    assert content(client, of) == before
    assert found(
        client, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%next'"
    ) == [(0,)]
    assert found(client, "SELECT count() FROM contents FINAL") == [
        (len(before["interactions"]) + len(before["findings"]),)
    ]


def test_what_a_worker_inserts_meanwhile_stays(
    clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = clickhouse("meanwhile", migrated=False)
    earlier(client, monkeypatch, tmp_path)
    events = len(found(client, "SELECT * FROM interactions FINAL"))

    class Working(Stopping):
        def command(self, statement: str, *arguments: Any, **options: Any) -> Any:
            if "_next" in statement:
                numbers.append(100 + len(numbers))
                for table in (
                    rows.findings_table([scored(numbers[-1])])[0],
                    rows.interactions_table([scored(numbers[-1])]),
                ):
                    insert(client, table)
            return self._client.command(statement, *arguments, **options)

    numbers: list[int] = []
    migrate(Working(client, 0, late=False), client.test_database)
    assert len(numbers) > 10
    assert found(client, "SELECT uniqExact(event_id, time) FROM interactions FINAL") == [(events + len(numbers),)]
    assert found(client, "SELECT count() FROM findings WHERE event_id IN (SELECT event_id FROM interactions)") == [
        (len(found(client, "SELECT * FROM findings")),)
    ]


def test_what_was_stored_before_the_rewrite_stays_first(
    clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client = clickhouse("older", migrated=False)
    earlier(client, monkeypatch, tmp_path)
    of = columns(client)
    before = content(client, of)
    migrate(client, client.test_database)
    client.command("INSERT INTO findings SELECT * REPLACE (0.01 AS score, now64(3) AS stored_at) FROM findings")
    assert content(client, of) == before
