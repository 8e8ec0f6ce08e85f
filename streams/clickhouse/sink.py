"""Inserts rows into ClickHouse: by column, with retries, and without duplicates."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import uuid4

from watchline.schemas.errors import FatalError, TransientError
from watchline.schemas.validation import DAY
from watchline.streams.clickhouse.tables import Table
from watchline.streams.retry import retry

log = logging.getLogger(__name__)

# Codes that may pass by themselves (timeouts, memory, too many parts, ...), after clickhouse-kafka-connect's list;
# 618: what came is damaged (LZ4_DECODER_FAILED).
# 252 is also "too many partitions in one insert", which never passes: hence the split at MAX_PARTITIONS.
RETRYABLE_CODES = frozenset({3, 107, 159, 164, 202, 203, 209, 210, 241, 242, 252, 285, 319, 425, 618, 999})
NOT_ENOUGH_SPACE = 243
MAX_PARTITIONS = 50
MAX_ROWS = 100_000
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that ClickHouse or its client will never take: its index in the table and the class of the error."""

    index: int
    reason: str


class Sink:
    """Writes rows; `write` returns when ClickHouse has them. One thread uses it at a time.

    Parameters
    ----------
    connect : makes a client; called again after a broken connection
    timeout_s : how long transient failures are retried before TransientError is raised
    on_attempt : told of each attempt, with None where the store answered, else the code of a failure that may pass
    anew : stores rows again of which the server remembers that it has stored them: one and the same insert only once
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        timeout_s: float,
        pause: Callable[[float], None] = time.sleep,
        on_attempt: Callable[[str | None], None] = lambda code: None,
        *,
        anew: bool = False,
    ) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._pause = pause
        self._on_attempt = on_attempt
        self._salt = uuid4().hex if anew else ""
        self.stopping: Callable[[], bool] = lambda: False  # then nothing is tried again
        self._client: Any = None
        self._contexts: dict[str, Any] = {}

    def write(self, table: Table) -> list[Rejected]:
        """Inserts all rows, or all but those that can never be stored, which it returns.

        Raises TransientError after `timeout_s` of failures that might have passed, FatalError on those that can't
        pass and are not a row's fault (no such table, no right to insert).
        """
        rejected: list[Rejected] = []
        for part in _parts(table):
            rejected += self._write_part(table, part)
        return rejected

    def ping(self) -> None:
        """Connects, which asks the store for its version. Raises what `connect` raises."""
        if self._client is None:
            self._client = self._connect()

    def close(self) -> None:
        """Closes the client. It is made again when needed."""
        if self._client is not None:
            self._client.close()
        self._client = None
        self._contexts.clear()

    def _write_part(self, table: Table, part: Sequence[int]) -> list[Rejected]:
        """Inserts some rows; where the data is refused, halves them until the bad ones stand alone."""
        try:
            self._insert(table, part)
            return []
        except _DataRefusedError as error:
            if len(part) == 1:
                return [Rejected(part[0], error.reason)]
            middle = len(part) // 2
            return self._write_part(table, part[:middle]) + self._write_part(table, part[middle:])

    def _insert(self, table: Table, part: Sequence[int]) -> None:
        rows = [table.rows[row] for row in part]
        columns = [*map(list, zip(*(row.values for row in rows), strict=True))]
        token = deduplication_token(table.name + self._salt, [row.key for row in rows])
        name = table.name

        def attempt() -> None:
            try:
                self._try_insert(table, columns, token)
            except TransientError as error:
                self._on_attempt(str(getattr(error.__cause__, "code", None) or "none"))
                raise
            self._on_attempt(None)

        def again(error: BaseException) -> None:  # tenacity keeps it in a cycle: it may not hold the table
            log.warning("insert into %s failed, trying again: %s", name, error)
            self.close()

        try:
            retry(
                attempt,
                timeout_s=self._timeout_s,
                longest_pause_s=LONGEST_PAUSE_S,
                again=again,
                stopping=lambda: self.stopping(),
                pause=self._pause,
            )
        finally:
            columns.clear()  # the client keeps the list

    def _try_insert(self, table: Table, columns: list[list[Any]], token: str) -> None:
        from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError

        try:
            context = self._context(table)
            context.data = columns
            # What hangs on the table is fed again by a repeated insert: the one before may have died in between.
            context.settings = {
                "insert_deduplication_token": token,
                "async_insert": 0,
                "deduplicate_blocks_in_dependent_materialized_views": 1,
            }
            answer = self._client.insert(context=context)
            if not any(answer.summary.values()):
                # A server gives each insert an id and a summary. A proxy's page with status 200 has none.
                raise TransientError("the answer is not ClickHouse's: see WATCHLINE_CLICKHOUSE_URL, or a proxy's page")
        except (DataError, ProgrammingError, ValueError, TypeError, OverflowError, AttributeError) as error:
            # The client's own conversion, before any byte is accepted.
            self._contexts.pop(table.name, None)
            raise _DataRefusedError(type(error).__name__) from error
        except ClickHouseError as error:
            code = getattr(error, "code", None)
            if code is None or code in RETRYABLE_CODES:
                raise TransientError(f"{type(error).__name__} code {code}") from error
            if code in _DATA_CODES:
                raise _DataRefusedError(f"ClickHouse code {code}") from error
            if code == NOT_ENOUGH_SPACE or "No space left" in str(error):
                raise FatalError(f"no space left on the disk for {table.name}: make room and start again") from error
            raise FatalError(f"ClickHouse refuses inserts into {table.name}: code {code}") from error
        except OSError as error:
            raise TransientError(type(error).__name__) from error

    def _context(self, table: Table) -> Any:
        """How the table takes rows. What goes wrong here is no row's fault."""
        from clickhouse_connect.driver.exceptions import ProgrammingError

        if self._client is None:
            self._client = self._connect()
        if table.name not in self._contexts:
            try:
                self._contexts[table.name] = self._client.create_insert_context(
                    table.name, column_names=list(table.columns), column_oriented=True
                )
            except ProgrammingError as error:
                raise FatalError(
                    f"ClickHouse's table {table.name} lacks columns of this version: run `watchline migrate`"
                ) from error
            except (ValueError, TypeError, LookupError) as error:  # the answer was damaged on its way
                raise TransientError(f"an answer that cannot be read: {type(error).__name__}") from error
        return self._contexts[table.name]


class _DataRefusedError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# Cannot parse, type mismatch, incorrect data, value out of range, constraint violated, text too long and the like.
_DATA_CODES = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 441, 469, 691})


def deduplication_token(table: str, keys: Sequence[str]) -> str:
    """A name for a set of rows, whatever their order: what ClickHouse knows a repeated insert by.

    Made of row keys, never of Kafka coordinates alone: these come again after a topic is made anew, and ClickHouse
    would drop the new rows silently.
    """
    digest = hashlib.sha256(table.encode())
    for key in sorted(keys):
        digest.update(b"\0" + key.encode())
    return digest.hexdigest()


def _parts(table: Table) -> list[list[int]]:
    """Row numbers, cut so that no insert spans more than MAX_PARTITIONS months or MAX_ROWS rows."""
    by_month: dict[str, list[int]] = {}
    for index, row in enumerate(table.rows):
        by_month.setdefault(_month(row.time // DAY), []).append(index)
    parts: list[list[int]] = []
    months = list(by_month.values())
    for first in range(0, len(months), MAX_PARTITIONS):
        rows = [index for month in months[first : first + MAX_PARTITIONS] for index in month]
        parts += [rows[start : start + MAX_ROWS] for start in range(0, len(rows), MAX_ROWS)]
    return parts


@lru_cache(1000)
def _month(day: int) -> str:
    return f"{datetime.fromtimestamp(day * 86_400, UTC):%Y%m}"
