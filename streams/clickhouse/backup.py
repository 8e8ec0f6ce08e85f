"""Backup and restore of the database by ClickHouse's own BACKUP and RESTORE: parts are copied as they are.

The same statements for a server and for the embedded store. A backup is consistent for each table at a moment of its
own while a worker writes; what comes later is still in Kafka, and an event that comes again is stored once.
"""

from __future__ import annotations

from typing import Any

from watchline.schemas.errors import ConfigurationError, FatalError

REQUEST_TIMEOUT_S = 24 * 3600.0  # of a client for these: each statement is one request


def rows(client: Any, database: str) -> dict[str, int]:
    """The rows of each table, without views."""
    tables = client.query(
        # Without those that a rollup's refresh is about to swap in or has swapped out.
        "SELECT name FROM system.tables WHERE database = {database:String} AND engine LIKE '%MergeTree' "
        "AND match(name, '^[a-z]') ORDER BY name",
        {"database": database},
    )
    count = "SELECT count() FROM {d:Identifier}.{t:Identifier}"
    return {name: _one(client, count, d=database, t=name) for (name,) in tables.result_rows}


def back_up(client: Any, database: str, place: str) -> None:
    """Writes a backup of a database, tables and views, while others read and write.

    Parameters
    ----------
    client : clickhouse_connect client, with a timeout of `REQUEST_TIMEOUT_S`
    place : str
        Of an embedded store an absolute path, of a server one below its `backups.allowed_path`: a folder, or a file
        that ends with `.tar`.

    Raises
    ------
    ConfigurationError
        There is no such database, or already something at the place.
    FatalError
        ClickHouse could not write it; nothing is left of it.
    """
    _run(client, f"BACKUP DATABASE `{database}` TO File({_quoted(place)})", place)


def restore(client: Any, database: str, place: str) -> dict[str, int]:
    """Restores a backup into a database without tables, and reads all of it against its checksums.

    Parameters
    ----------
    client, place : as `back_up` takes them

    Returns
    -------
    The rows of each table.

    Raises
    ------
    ConfigurationError
        The database has tables, or there is no complete backup at the place. Nothing was changed.
    FatalError
        The backup is damaged. What was restored of it is removed again.
    """
    if _one(client, "SELECT count() FROM system.tables WHERE database = {d:String}", d=database):
        raise ConfigurationError(
            f"database {database} has tables; a backup is restored into an empty one only: stop the worker, and move "
            "its data folder away or drop the database"
        )
    try:
        _run(client, f"RESTORE DATABASE `{database}` FROM File({_quoted(place)})", place)
        for table in rows(client, database):
            _check(client, database, table, place)
        _refresh(client, database)
        return rows(client, database)
    except BaseException:
        remove(client, database)
        raise


def _check(client: Any, database: str, table: str, place: str) -> None:
    """RESTORE looks at the sizes of the files alone; this reads them."""
    statement = f"CHECK TABLE `{database}`.`{table}`"
    settings = {"check_query_single_value_result": 0}
    checked = client.raw_query(statement, settings=settings, fmt="TabSeparated").decode()
    for part, passed, message in (line.split("\t") for line in checked.splitlines()):
        if passed != "1":
            raise FatalError(f"the backup at {place} is damaged: table {table}, part {part}: {_reason(message)}")


def _refresh(client: Any, database: str) -> None:
    """Rollups anew: their first refresh began while the tables were still empty."""
    rollups = client.query(
        "SELECT name FROM system.tables WHERE database = {d:String} AND engine = 'MaterializedView' "
        "AND endsWith(name, '_hourly_refresh')",
        {"d": database},
    )
    for (name,) in rollups.result_rows:
        for what in ("REFRESH", "WAIT"):  # WAIT fails where the refresh did
            client.command(f"SYSTEM {what} VIEW `{database}`.`{name}`")


def _run(client: Any, statement: str, place: str) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        client.command(statement)
    except DatabaseError as error:
        what, reason = statement.split()[0], _reason(str(error))
        if error.code in (81, 598, 599):  # UNKNOWN_DATABASE, BACKUP_ALREADY_EXISTS, BACKUP_NOT_FOUND
            raise ConfigurationError(f"{what} at {place}: {reason}") from None
        raise FatalError(f"{what} at {place} failed: {reason}") from None


def remove(client: Any, database: str) -> None:
    """Drops all tables and views of a database."""
    tables = client.query("SELECT name FROM system.tables WHERE database = {d:String}", {"d": database})
    for (name,) in tables.result_rows:
        client.command(f"DROP TABLE IF EXISTS `{database}`.`{name}` SYNC")


def _one(client: Any, sql: str, **parameters: str) -> int:
    return int(client.query(sql, parameters).result_rows[0][0])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _reason(text: str) -> str:
    """ClickHouse's own words, without code, trace and the list of columns."""
    return text.partition("DB::")[2].partition("Exception: ")[2].partition("\n")[0][:300] or text[:300]
