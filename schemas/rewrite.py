"""Moves the rows of a table into one of another engine or key, where ALTER TABLE can't change it."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)

SUFFIX = "_next"


def rewrite_tables(client: Any) -> None:
    """Gives each table T the form of the table `T_next` that a migration made, and the rows that it had.

    The two change their names first, so that nothing is inserted into the old one any more. Then the rows move, a day
    at a time and from the last month back: a month is dropped from the old table once it is in the new one, so that
    the disk holds no more than one of them twice. What is stopped begins again with the month that it was in: rows
    that come again have the same version, made of their `stored_at`, and count once.
    """
    names = client.query(
        "SELECT name FROM system.tables WHERE database = {database:String} AND endsWith(name, {suffix:String})",
        parameters={"database": client.database, "suffix": SUFFIX},
    ).result_rows
    for (name,) in sorted(names):
        _rewrite(client, name.removesuffix(SUFFIX), name)


def shorten_subjects(client: Any) -> None:
    """Makes `subject` a column that is written and not stored, where a migration has added what it is stored as.

    The rows that are there are split first, which rewrites these two columns alone. What is stopped begins again with
    that; once the column is EPHEMERAL there is nothing to do, and no text any more that could be split.
    """
    stored = client.query(
        "SELECT table FROM system.columns WHERE database = {database:String} AND name = 'subject' "
        "AND default_kind != 'EPHEMERAL' AND table IN (SELECT table FROM system.columns "
        "WHERE database = {database:String} AND name = 'subject_hash') ORDER BY table",
        parameters={"database": client.database},
    ).result_rows
    for (table,) in stored:
        log.info("%s: splitting subjects", table)
        client.command(
            f"ALTER TABLE {table} MATERIALIZE COLUMN subject_key, MATERIALIZE COLUMN subject_hash, "
            "MATERIALIZE INDEX by_subject SETTINGS mutations_sync = 2"
        )
        client.command(f"ALTER TABLE {table} MODIFY COLUMN subject String EPHEMERAL")


def _rewrite(client: Any, table: str, old: str) -> None:
    if "(version)" not in _engine(client, table):
        client.command(f"EXCHANGE TABLES {table} AND {old}")
    columns = ", ".join(row[0] for row in client.query(f"DESCRIBE TABLE {old}").result_rows if row[2] != "MATERIALIZED")
    of_all = f"SELECT DISTINCT _partition_id FROM {old} ORDER BY 1 DESC"  # noqa: S608
    while months := client.query(of_all).result_rows:
        month = months[0][0]
        of_month = f"FROM {old} FINAL WHERE _partition_id = '{month}'"
        for day, rows in client.query(f"SELECT toDate(time) AS day, count() {of_month} GROUP BY day").result_rows:
            log.info("%s: rewriting %d rows of %s", table, rows, day)
            client.command(
                f"INSERT INTO {table} ({columns}, version) "
                f"SELECT {columns}, bitNot(dateTime64ToSnowflakeID(stored_at)) {of_month} AND toDate(time) = '{day}' "
                "SETTINGS insert_allow_materialized_columns = 1"
            )
        client.command(f"ALTER TABLE {old} DROP PARTITION ID '{month}' SETTINGS max_partition_size_to_drop = 0")
    client.command(f"DROP TABLE {old}")


def _engine(client: Any, table: str) -> str:
    ((engine,),) = client.query(
        "SELECT engine_full FROM system.tables WHERE database = {database:String} AND name = {table:String}",
        parameters={"database": client.database, "table": table},
    ).result_rows
    return str(engine)
