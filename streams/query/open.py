"""Opens the store for reading."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from watchline.schemas.errors import ConfigurationError
from watchline.streams.clickhouse.connect import UNKNOWN_DATABASE
from watchline.streams.embedded import store
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings


@contextmanager
def open_queries(settings: Settings) -> Iterator[Queries]:
    """Queries on the store; an embedded one is started where it doesn't run.

    Raises ConfigurationError where there is no data yet, and what `connect` and `store.running` raise.
    """
    nothing = ConfigurationError(
        f"no data yet in {settings.data_dir}; run `watchline demo` or `watchline up`, or set WATCHLINE_DATA_DIR"
        if settings.embedded_store
        else f"ClickHouse has no database {settings.clickhouse_database}: run `watchline migrate` first"
    )
    if settings.embedded_store and not (settings.data_dir / "clickhouse").is_dir():
        raise nothing
    with store.running(settings):
        try:
            client = reader(settings)
        except Exception as error:
            if UNKNOWN_DATABASE in (getattr(error, "code", None), getattr(error.__cause__, "code", None)):
                raise nothing from None
            raise
        with closing(client):
            yield Queries(client, settings.clickhouse_database)
