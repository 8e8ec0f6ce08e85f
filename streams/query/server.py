"""SQL over the running worker's Unix socket: chDB lets one process open its folder, and that is the worker.

One POST for one query, JSON both ways. Only the worker's own user can reach the socket.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from watchline.schemas.errors import ConfigurationError, FatalError
from watchline.streams.query.client import QueryClient
from watchline.streams.query.policy import QueryError
from watchline.streams.query.run import reader, run
from watchline.streams.settings import Settings

MAX_PATH_BYTES = 107  # of the kernel


class QueryServer:
    """Answers SQL on `settings.query_socket`, one query after the other, in a thread with a client of its own.

    Raises FatalError where another worker answers there.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.query_socket
        _refuse_second(self._path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="query")
        self._socket: socket.socket | None = None
        self._client: Any = None

    async def start(self) -> None:
        """Opens the store and starts answering in the running event loop.

        Raises what `store.connect` raises, FatalError where another worker answers there, ConfigurationError where
        the path is too long for a socket.
        """
        from aiohttp import web

        application = web.Application()
        application.router.add_post("/", self._answer)
        runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await runner.setup()
        # Opened now and held: chDB keeps other processes out of the folder only while somebody has it open.
        self._client = await asyncio.get_running_loop().run_in_executor(self._thread, reader, self._settings)
        self._socket = _listen(self._path)
        await web.SockSite(runner, self._socket).start()

    def close(self) -> None:
        """Stops answering and closes the client. Safe where it never started."""
        if self._socket is not None:
            self._path.unlink(missing_ok=True)
            self._socket.close()
            self._socket = None
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _answer(self, request: Any) -> Any:
        from aiohttp import web

        try:
            asked = json.loads(await request.text())
            sql, parameters = str(asked["sql"]), {str(k): str(v) for k, v in (asked["parameters"] or {}).items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return web.json_response({"error": "want JSON: {sql, parameters}"}, status=400)
        loop = asyncio.get_running_loop()
        try:
            # Rows are many: they become text in the thread too.
            return web.Response(
                text=await loop.run_in_executor(self._thread, self._run, sql, parameters),
                content_type="application/json",
            )
        except QueryError as error:
            return web.json_response({"error": str(error)}, status=400)
        except Exception as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=500)

    def _run(self, sql: str, parameters: Mapping[str, str]) -> str:
        result = run(self._client, sql, parameters, database=self._settings.clickhouse_database)
        return json.dumps({"columns": result.columns, "rows": result.rows})


def _listen(path: Path) -> socket.socket:
    """A listening socket that only its owner can reach, from the first moment."""
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ConfigurationError(
            f"WATCHLINE_DATA_DIR: {path} is too long for a socket (at most {MAX_PATH_BYTES} bytes); "
            "a relative path will do"
        )
    _refuse_second(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of a worker that was killed
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    finally:
        os.umask(before)
    return listening


def _refuse_second(path: Path) -> None:
    if QueryClient.answers(path):
        raise FatalError(f"another worker answers at {path}: stop it first, or set another WATCHLINE_DATA_DIR")
