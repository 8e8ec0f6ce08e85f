"""Opens the store for reading: through the worker that has the embedded store open, or directly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from watchline.schemas.errors import ConfigurationError, FatalError
from watchline.streams.clickhouse.connect import UNKNOWN_DATABASE
from watchline.streams.query.client import QueryClient
from watchline.streams.query.run import Queries, Result, reader, run
from watchline.streams.settings import Settings


@contextmanager
def open_queries(settings: Settings) -> Iterator[Queries]:
    """The running worker where one has the embedded store open, else the store itself.

    Raises ConfigurationError where there is no data yet, and what `connect` raises.
    """
    nothing = ConfigurationError(
        f"no data yet in {settings.data_dir}; run `watchline demo` or `watchline up`, or set WATCHLINE_DATA_DIR"
        if settings.embedded_store
        else f"ClickHouse has no database {settings.clickhouse_database}: run `watchline migrate` first"
    )
    if settings.embedded_store:
        if QueryClient.answers(settings.query_socket):
            yield QueryClient(settings.query_socket)
            return
        if not (settings.data_dir / "clickhouse").is_dir():
            raise nothing
    try:
        client = reader(settings)
    except FatalError as error:
        if isinstance(error, ConfigurationError):
            raise
        raise FatalError(f"{error}. A worker that has just started answers in a few seconds") from None
    except Exception as error:
        if UNKNOWN_DATABASE in (getattr(error, "code", None), getattr(error.__cause__, "code", None)):
            raise nothing from None
        raise
    try:
        yield _Direct(client, settings.clickhouse_database)
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class _Direct:
    client: Any
    database: str

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        return run(self.client, sql, parameters, database=self.database)
