"""Runs one checked SELECT for people, with limits on time, memory and rows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from watchline.schemas.errors import TransientError
from watchline.streams.query.noting import Note, noting
from watchline.streams.query.policy import QueryError, check, has_limits
from watchline.streams.query.reader import MAX_RESULT_BYTES, MAX_ROWS, MAX_SECONDS

_UNKNOWN_DATABASE, _UNKNOWN_TABLE, _TIMEOUT, _MEMORY, _TOO_MUCH, _NO_PARAMETER = 81, 60, 159, 241, 396, 456


class TooMuchError(QueryError):
    """The result is larger than a reader may have at once."""


@dataclass(frozen=True, slots=True)
class Result:
    """Columns and rows. Values are what JSON can hold: times as ISO 8601 in UTC, ids as text, tuples as lists."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def by_column(self) -> list[dict[str, Any]]:
        """Each row as a dict.

        >>> Result(["app", "events"], [["shop", 3]]).by_column
        [{'app': 'shop', 'events': 3}]
        """
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Queries:
    """Where SQL goes: a client from `reader`, its database, and who is told of what people read."""

    client: Any
    database: str
    note: Note | None = None

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Runs one SELECT over the views. Raises what `run` raises."""
        return run(self.client, sql, parameters, database=self.database, note=self.note)


# A moment in seconds or milliseconds, as macros write it.
_TIME = re.compile(r"(?<=\btoDateTime\()\d+(?=\))|(?<=\bfromUnixTimestamp64Milli\()\d+(?=\))")


def run(
    client: Any,
    sql: str,
    parameters: Mapping[str, str] | None = None,
    *,
    database: str | None = None,
    note: Note | None = None,
) -> Result:
    """Checks and runs one SELECT on a client from `reader`. Blocking.

    ClickHouse parses the statement and writes it anew, that text is checked, and that text runs: what the check saw
    is what is executed, inside another SELECT where the engine would not limit the result. Raises QueryError,
    TransientError where the store went away, and what `note` raises, who is told how it ended.
    """
    with noting(note, sql) as running:
        limited = running.checked = checked(client, sql, database=database)
        result = _query(client, limited, parameters)
        running.rows = len(result.result_rows)
        if running.rows > MAX_ROWS:  # ClickHouse counts by block, and not what one arrayJoin makes of a block
            raise _too_much()
        columns = list(result.column_names)
        if not columns:  # chDB names no columns where there are no rows
            described = _query(client, f"DESCRIBE ({limited})", parameters)
            columns = [row[0] for row in described.result_rows]
    return Result(columns, [[plain(value) for value in row] for row in result.result_rows])


def checked(client: Any, sql: str, *, database: str | None = None) -> str:
    """The statement as ClickHouse writes it anew, checked, and so that the engine limits its result."""
    if "\0" in sql:
        raise QueryError("this SQL has a NUL byte in it")
    written_anew = _query(client, "SELECT formatQuery({sql:String})", {"sql": sql}).result_rows
    if not written_anew:
        raise TransientError("ClickHouse gave an empty answer; is it ClickHouse at WATCHLINE_CLICKHOUSE_URL?")
    canonical: str = written_anew[0][0]
    named_at_will = "`" in canonical  # a name may hold what looks like a time
    limited = _is_limited(canonical if named_at_will else _TIME.sub("0", canonical), database)
    return canonical if limited else f"SELECT * FROM ({canonical})"  # noqa: S608


@lru_cache(maxsize=1024)
def _is_limited(statement: str, database: str | None) -> bool:
    """Checks a statement, once whatever the times in it: boards and rules ask the same each minute."""
    check(statement, database=database)
    return has_limits(statement)


def raw(client: Any, statement: str, parameters: Mapping[str, Any], form: str) -> bytes:
    """What a statement from `checked` gives, in one of ClickHouse's formats. Raises what `run` raises."""
    with _told():
        return bytes(client.raw_query(statement, parameters=dict(parameters) or None, fmt=form))


def plain(value: Any) -> Any:
    """A value of ClickHouse as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime):
        # Without a zone they are UTC.
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _query(client: Any, sql: str, parameters: Mapping[str, str] | None) -> Any:
    # Without a placeholder the client would take the parameters for Python's % formatting.
    used = dict(parameters or {}) if re.search(r"\{\w+:", sql) else None
    with _told():
        result = client.query(sql, parameters=used)
        _ = result.result_rows  # read only now: an answer may break off, or end in an error
        return result


@contextmanager
def _told() -> Iterator[None]:
    """Says what the client raises in this module's words."""
    from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

    try:
        yield
    except ClickHouseError as error:
        if isinstance(error, OperationalError) and error.code is None and "DB::Exception" not in str(error):
            raise TransientError("ClickHouse broke off the connection, or is not reachable; try again") from error
        raise _explained(error) from None
    except OSError as error:
        raise TransientError(f"ClickHouse is not reachable: {type(error).__name__}") from error


def _explained(error: Any) -> QueryError:
    code = getattr(error, "code", None)
    if code == _TIMEOUT:
        return QueryError(f"stopped after {MAX_SECONDS} s: narrow it by time, or read fewer columns")
    if code == _TOO_MUCH:
        return _too_much()
    if code == _MEMORY:
        return QueryError("needs more memory than a reader may take: narrow it by time, or read fewer columns")
    text = re.sub(r"^.*?DB::Exception: ", "", str(error), flags=re.S)
    text = re.sub(r"(: )?In scope SELECT formatQuery.*$", "", text, flags=re.S)
    text = re.sub(r"(?<!\s)\s*+\(for url [^()]*\)", "", text)
    text = re.sub(r"(?<!\s)\s*+(?:\(version [^()]*+(?:\([^()]*+\))?[^()]*+\)|\([A-Z_]+\)\s*+$)", "", text).strip(" \n.")
    if code == _NO_PARAMETER:
        text += "; give it with --param NAME=VALUE"
    if code == _UNKNOWN_TABLE:
        text += "; run `watchline migrate` if the database is of an older version"
    return QueryError(text)


def _too_much() -> TooMuchError:
    return TooMuchError(
        f"more than {MAX_ROWS:,} rows or {MAX_RESULT_BYTES >> 20} MiB: add LIMIT, narrow it by time, read fewer columns"
    )
