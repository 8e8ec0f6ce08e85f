"""A client of the store that can't write and has limits on time, memory and rows. Without the parser of `policy`."""

from __future__ import annotations

from typing import Any

from watchline.streams.clickhouse.connect import connect
from watchline.streams.settings import Settings

MAX_SECONDS = 30
MAX_ROWS = 100_000
MAX_RESULT_BYTES = 64 * 2**20
MAX_MEMORY_BYTES = 4 * 2**30
LIMITS = {
    "max_execution_time": MAX_SECONDS,
    "max_result_rows": MAX_ROWS,
    "max_result_bytes": MAX_RESULT_BYTES,
    "result_overflow_mode": "throw",
    "function_range_max_elements_in_block": MAX_RESULT_BYTES // 8,
    "max_memory_usage": MAX_MEMORY_BYTES,
}


def reader(settings: Settings) -> Any:
    """A client that can't write and has the limits of this module. Raises what `connect` raises."""
    client = connect(settings)
    try:
        restrict(client)
    except BaseException:
        client.close()
        raise
    return client


def restrict(client: Any) -> None:
    """Sets the limits, then makes the client read-only: after that nothing can be set any more."""
    from clickhouse_connect.driver.exceptions import ProgrammingError

    # A name of WITH means the same in every part of a UNION: the check counts on it.
    for name, value in {**LIMITS, "enable_global_with_statement": 1, "readonly": 1}.items():
        try:
            client.set_client_setting(name, value)
        except ProgrammingError:
            # A server's user that is read-only already: the limits are its administrator's.
            if str(client.server_settings["readonly"].value) != "1":
                raise
