"""HTTP over a Unix socket, for urllib3, which clickhouse-connect asks."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError


def pool_manager(path: Path) -> PoolManager:
    """A pool manager whose connections all lead to a socket, whatever host a URL names."""

    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = socket.socket(socket.AF_UNIX)
            timeout: Any = self.timeout
            connection.settimeout(timeout)
            try:
                connection.connect(os.fspath(path))
            except OSError as error:
                connection.close()
                raise NewConnectionError(self, f"{path}: {error.strerror or error}") from error
            return connection

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    manager = PoolManager()
    manager.pool_classes_by_scheme = {"http": Pool}
    return manager
