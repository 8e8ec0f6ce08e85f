"""A TCP proxy on loopback that delays, cuts and corrupts what goes through it."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

from watchline.streams.embedded.broker import free_port

CHUNK = 2**14  # bytes


class Proxy:
    """Leads from a port of its own to another on loopback, while this is entered.

    What is set holds for open connections too.

    Parameters
    ----------
    target : int
        The port to lead to.
    port : int, optional
        Its own port; by default one that is free.

    Attributes
    ----------
    address : str
        HOST:PORT where it listens.
    delay_s : float
        How long each chunk of up to `CHUNK` bytes waits, each way.
    flips, flips_back : float
        How likely one bit of a chunk is flipped: of what the client sends, and of what it gets. 0 to 1.
    flipped : int
        Bits so far.
    """

    def __init__(self, target: int, *, port: int | None = None) -> None:
        self._target, self._port = target, port or free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._random = random.Random(1)
        self.delay_s = self.flips = self.flips_back = 0.0
        self.flipped = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._listening: Future[asyncio.Event] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._listen()), name="proxy", daemon=True)

    def cut(self) -> None:
        """Ends every connection, in the middle of whatever it carries."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    def __enter__(self) -> Self:
        self._thread.start()
        self._left = self._listening.result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._left.set)
        self._thread.join(10)

    async def _listen(self) -> None:
        self._loop, left = asyncio.get_running_loop(), asyncio.Event()
        await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._listening.set_result(left)
        await left.wait()
        while self._open:
            self._cut()
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            reader_back, writer_there = await asyncio.open_connection("127.0.0.1", self._target)
            both = {writer, writer_there}
            self._open |= both
            try:
                await asyncio.gather(
                    self._carry(reader, writer_there, is_answer=False),
                    self._carry(reader_back, writer, is_answer=True),
                )
            finally:
                self._open -= both
                for each in both:
                    each.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with suppress(OSError):
            while data := bytearray(await reader.read(CHUNK)):
                await asyncio.sleep(self.delay_s)
                if self._random.random() < (self.flips_back if is_answer else self.flips):
                    data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
                    self.flipped += 1
                writer.write(data)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()
