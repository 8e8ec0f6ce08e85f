"""Connects to ClickHouse: a server by http(s), or chDB embedded in the data folder."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from watchline.schemas.errors import ConfigurationError, FatalError, TransientError
from watchline.schemas.extras import how_to_install
from watchline.streams.security import tls
from watchline.streams.settings import Settings

UNKNOWN_DATABASE = 81  # ClickHouse's code
CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 65.0  # of one request, after Snuba's


def connect(settings: Settings, *, database: str | None = None) -> Any:
    """A clickhouse-connect client on the settings' database (`database=""`: on none).

    Clients are not shared by threads. Raises TransientError where a server can't be reached, FatalError where another
    process holds the embedded folder, ConfigurationError where a login, the database or an extra is missing, or the
    server's certificate is refused.
    """
    import clickhouse_connect
    from clickhouse_connect.driver.exceptions import ClickHouseError

    database = settings.clickhouse_database if database is None else database
    if settings.embedded_store:
        return _connect_embedded(settings, database)
    url = urlsplit(settings.clickhouse_url)
    try:
        return clickhouse_connect.get_client(
            host=url.hostname or "localhost",
            port=url.port or (8443 if url.scheme == "https" else 8123),
            secure=url.scheme == "https",
            username=unquote(url.username or "default"),
            password=settings.clickhouse_password.get_secret_value() or unquote(url.password or ""),
            database=database or None,
            ca_cert=str(settings.clickhouse_ca_file) if settings.clickhouse_ca_file else None,
            autogenerate_session_id=False,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=REQUEST_TIMEOUT_S,
        )
    except ClickHouseError as error:
        where = f"ClickHouse at {url.hostname}:{url.port or 8123}"
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


def _connect_embedded(settings: Settings, database: str) -> Any:
    import clickhouse_connect

    folder = settings.data_dir.absolute() / "clickhouse"
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        client = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    except ImportError:
        raise ConfigurationError(
            f"the embedded store needs the extra `embedded`; {how_to_install('embedded')}"
        ) from None
    except Exception as error:
        raise FatalError(
            f"cannot open the embedded store in {folder}: another process (a worker, `watchline sql`) has it open, "
            "or it is damaged"
        ) from error
    if database:
        client.command(f"USE {database}")
    return client
