from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.migrate import FOLDER, migrate, statements


def test_twice_is_once(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("migrate", migrated=False)
    known = [path.stem for path in sorted(FOLDER.glob("[0-9]*.sql"))]
    assert migrate(client, client.test_database) == known
    assert migrate(client, client.test_database) == []


def test_the_databases_of_tests_are_like_migrated_ones(clickhouse: Callable[..., Any]) -> None:
    """They are made from the last form of the tables, which takes a quarter of the time."""
    copied, migrated = clickhouse("copied"), clickhouse("migrated", migrated=False)
    migrate(migrated, migrated.test_database)
    rows = "SELECT name FROM migrations ORDER BY name"
    assert copied.query(rows).result_rows == migrated.query(rows).result_rows
    tables, expected = (
        {
            name: query.replace(client.test_database, "database")
            for name, query in client.query(
                "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
                " AND match(name, '^[a-z]')"  # not of a refresh on its way
            ).result_rows
        }
        for client in (copied, migrated)
    )
    assert tables == expected and len(tables) > 40
    assert migrate(copied, copied.test_database) == []


def test_a_crash_half_way_is_mended(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("half", migrated=False)
    first = sorted(FOLDER.glob("[0-9]*.sql"))[0]
    client.command(f"CREATE DATABASE {client.test_database}")
    client.command(f"USE {client.test_database}")
    for statement in statements(first)[:2]:
        client.command(statement)
    assert first.stem in migrate(client, client.test_database)


def test_a_newer_database_is_refused(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("newer")
    client.insert("migrations", [["999_later"]], column_names=["name"])
    with pytest.raises(ConfigurationError, match="999_later"):
        migrate(client, client.test_database)


def test_a_database_name_is_no_sql(clickhouse: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="letters, digits"):
        migrate(clickhouse("name", migrated=False), "x; DROP DATABASE y")


def test_coverage_has_the_promised_columns(clickhouse: Callable[..., Any]) -> None:
    rows = clickhouse("coverage").query("DESCRIBE v_coverage").result_rows
    promised = ["detector", "events", "planned", "evaluated", "not_applicable", "failed", "missing"]
    assert [row[0] for row in rows if row[0] in promised] == promised
