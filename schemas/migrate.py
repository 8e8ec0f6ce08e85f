"""Brings a ClickHouse database to the schema of this version: numbered migrations once, views every time."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError
from watchline.schemas.rewrite import rewrite_tables, shorten_subjects

FOLDER = Path(__file__).parent / "clickhouse"


def migrate(client: Any, database: str) -> list[str]:
    """Creates the database where it is missing and applies what it lacks. Safe to run twice, and again after a crash.

    Parameters
    ----------
    client : clickhouse_connect client, of a server or of chDB; its database is this one afterwards

    Returns
    -------
    The names of the migrations that were applied now.

    Raises ConfigurationError when the database was migrated by a newer version.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", database):
        raise ConfigurationError(f"database name {database!r}: letters, digits and underscores only")
    client.command(f"CREATE DATABASE IF NOT EXISTS {database} ENGINE = Atomic")
    client.command(
        f"CREATE TABLE IF NOT EXISTS {database}.migrations (name String, applied_at DateTime DEFAULT now()) "
        "ENGINE = ReplacingMergeTree ORDER BY name"
    )
    done = {row[0] for row in client.query(f"SELECT name FROM {database}.migrations").result_rows}  # noqa: S608
    known = {path.stem: path for path in sorted(FOLDER.glob("[0-9]*.sql"))}
    if newer := sorted(done - set(known)):
        raise ConfigurationError(f"database {database} has migrations of a newer Watchline: {', '.join(newer)}")
    client.database = database  # not USE: over HTTP each statement stands alone
    applied = []
    for name, path in known.items():
        if name not in done:
            _run(client, path)
            rewrite_tables(client)
            shorten_subjects(client)
            client.command("INSERT INTO migrations (name) VALUES ({name:String})", parameters={"name": name})
            applied.append(name)
    _run(client, FOLDER / "views.sql")
    return applied


def statements(path: Path) -> list[str]:
    """The statements of an SQL file; a statement ends with a semicolon at the end of a line."""
    parts = re.split(r";[ \t]*(?:\n|$)", path.read_text(encoding="utf-8"))
    return [part for part in parts if re.sub(r"--[^\n]*", "", part).strip()]


def _run(client: Any, path: Path) -> None:
    for statement in statements(path):
        client.command(statement)
