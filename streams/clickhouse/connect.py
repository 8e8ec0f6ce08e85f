"""Connects to ClickHouse: a server by http(s), or the store process of an embedded store by its socket."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.streams.clickhouse import unix_socket
from watchline.streams.security import tls
from watchline.streams.settings import Settings

UNKNOWN_DATABASE = 81  # ClickHouse's code
CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 65.0  # of one request where nothing else is said, after Snuba's


def connect(settings: Settings, *, database: str | None = None, timeout_s: float = REQUEST_TIMEOUT_S) -> Any:
    """A clickhouse-connect client on the settings' database (`database=""`: on none).

    Clients are not shared by threads. An embedded store's process is started by `embedded.store`. Raises
    TransientError where the store can't be reached, ConfigurationError where a login or the database is missing, or
    the server's certificate is refused.
    """
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import ClickHouseError

    _add_checksums()
    _do_without_pandas()
    database = settings.clickhouse_database if database is None else database
    where, way = _embedded(settings) if settings.embedded_store else _server(settings)
    try:
        return clickhouse_connect.get_client(
            **way,
            database=database or None,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=timeout_s,
        )
    except ClickHouseError as error:
        if getattr(error, "code", None) in (192, 193, 194, 516):
            raise ConfigurationError(f"{where} refuses the login; see WATCHLINE_CLICKHOUSE_URL, _PASSWORD") from None
        if getattr(error, "code", None) == UNKNOWN_DATABASE:
            raise ConfigurationError(f"ClickHouse has no database {database}: run `watchline migrate` first") from error
        if refusal := tls.refusal(error):
            setting = "URL" if tls.is_for_another_host(refusal) else "CA_FILE"
            raise ConfigurationError(
                f"{where} has an untrusted certificate: {refusal.verify_message}; see WATCHLINE_CLICKHOUSE_{setting}"
            ) from None
        raise TransientError(f"{where} is not reachable: {type(error).__name__}") from error


@cache
def _add_checksums() -> None:
    """Has the client's LZ4 carry checksums, which ClickHouse looks at: over http nothing else sees a flipped bit.

    A compressor's class takes the place of the one that had its tag before.
    """
    from clickhouse_connect.driver import compression
    from lz4.frame import LZ4FrameCompressor

    class Checked(compression.Lz4Compressor, tag="lz4", thread_safe=False):  # type: ignore[misc, call-arg]
        def __init__(self) -> None:
            self.comp = LZ4FrameCompressor(block_checksum=True)


@cache
def _do_without_pandas() -> None:
    """Has the client think that pandas isn't installed: it would load it to see that an insert is no DataFrame."""
    from clickhouse_connect.driver import options

    options.pd = options.pd_time_test = None


def _server(settings: Settings) -> tuple[str, dict[str, Any]]:
    url = urlsplit(settings.clickhouse_url)
    return f"ClickHouse at {url.hostname}:{url.port or 8123}", {
        "host": url.hostname or "localhost",
        "port": url.port or (8443 if url.scheme == "https" else 8123),
        "secure": url.scheme == "https",
        "username": unquote(url.username or "default"),
        "password": settings.clickhouse_password.get_secret_value() or unquote(url.password or ""),
        "compress": "lz4",
        "ca_cert": str(settings.clickhouse_ca_file) if settings.clickhouse_ca_file else None,
    }


def _embedded(settings: Settings) -> tuple[str, dict[str, Any]]:
    path = settings.store_socket
    return f"the embedded store at {path}", {"pool_mgr": unix_socket.pool_manager(path), "compress": False}
