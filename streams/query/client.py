"""Asks the worker that has the embedded store open, over its Unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watchline.schemas.errors import TransientError
from watchline.streams.query.policy import QueryError
from watchline.streams.query.run import MAX_SECONDS, Result

ANSWER_TIMEOUT_S = 3 * MAX_SECONDS  # queries wait for one another


@dataclass(frozen=True, slots=True)
class QueryClient:
    """A client of the worker that answers SQL on a Unix socket."""

    path: Path

    @staticmethod
    def answers(path: Path) -> bool:
        """Whether a worker answers on this socket."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                return probe.connect_ex(os.fspath(path)) == 0
            except OSError:  # the path is too long for a socket
                return False

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Runs one SELECT over the views in the worker. Raises QueryError, TransientError where it is gone or busy."""
        connection = _UnixConnection(self.path)
        try:
            connection.request("POST", "/", json.dumps({"sql": sql, "parameters": dict(parameters or {})}))
            response = connection.getresponse()
            answer = json.loads(response.read())
        except TimeoutError:
            raise TransientError(f"the worker gave no answer for {ANSWER_TIMEOUT_S} s; try again") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransientError(f"the worker broke off the connection: {type(error).__name__}; try again") from error
        finally:
            connection.close()
        if response.status != 200:
            raise QueryError(answer["error"])
        return Result(answer["columns"], answer["rows"])


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))
