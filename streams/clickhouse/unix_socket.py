"""HTTP over a Unix socket, for urllib3, which clickhouse-connect asks."""

from __future__ import annotations

import os
import socket
import struct
import sys
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
                _check_owner(connection)
            except OSError as error:
                connection.close()
                raise NewConnectionError(self, f"{path}: {error.strerror or error}") from error
            return connection

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    manager = PoolManager()
    manager.pool_classes_by_scheme = {"http": Pool}
    return manager


def _check_owner(connection: socket.socket) -> None:
    """Raises PermissionError where another user answers, who would get what is stored. Root may ask anybody's store."""
    if sys.platform != "linux" or os.geteuid() == 0:
        return
    _, owner, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    if owner not in (0, os.geteuid()):
        raise PermissionError(0, f"user {owner} answers there, not this one")
