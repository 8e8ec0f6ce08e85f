"""What stands for a stream or a raw response of a library's on its way to the app, until the call has ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchline.streams.producer.observe import Call

Piece = Callable[[Call, Any], None]


class _Proxy:
    """Like the library's object in all, also for `isinstance`. The event is emitted when the call ends."""

    def __init__(self, inner: Any, call: Call, piece: Piece) -> None:
        self._inner, self._call, self._piece = inner, call, piece
        self._is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._inner)

    def end_call(self, error: BaseException | None = None) -> None:
        """Emits the event, once."""
        if self._is_over:
            return
        self._is_over = True
        if isinstance(error, StopIteration | StopAsyncIteration):
            self._call.streams(False)
            error = None
        self._call.__exit__(type(error) if error else None, error, None)

    def __del__(self) -> None:
        self.end_call()


class _Pieces(_Proxy):
    """A stream, whose pieces are kept on their way."""

    def __init__(self, inner: Any, call: Call, piece: Piece) -> None:
        super().__init__(inner, call, piece)
        call.streams(True)

    def _keep(self, piece: Any) -> Any:
        self._call.chunk(piece)
        try:
            self._piece(self._call, piece)
        except Exception:  # of a form of a later release: the app's stream goes on
            self._call.keep(piece)
        return piece


class _Stream(_Pieces):
    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> Any:
        try:
            return self._keep(next(self._inner))
        except BaseException as error:
            self.end_call(error)
            raise

    def __enter__(self) -> _Stream:
        self._inner.__enter__()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.end_call(error)
        self._inner.__exit__(kind, error, trace)

    def close(self) -> None:
        """Closes the library's stream."""
        self.end_call()
        self._inner.close()


class _AsyncStream(_Pieces):
    def __aiter__(self) -> _AsyncStream:
        return self

    async def __anext__(self) -> Any:
        try:
            return self._keep(await self._inner.__anext__())
        except BaseException as error:
            self.end_call(error)
            raise

    async def __aenter__(self) -> _AsyncStream:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self.end_call(error)
        await self._inner.__aexit__(kind, error, trace)

    async def close(self) -> None:
        """Closes the library's stream."""
        self.end_call()
        await self._inner.close()


class _Unread(_Proxy):
    """A raw response whose body the app has still to read. What it reads as bytes or lines, the event lacks."""

    def __init__(self, inner: Any, call: Call, piece: Piece, *, is_stream: bool) -> None:
        super().__init__(inner, call, piece)
        self._is_stream = is_stream
        self._stream: Any = None

    def _parsed(self, parsed: Any) -> Any:
        if not self._is_stream:
            self.end_call()
            return parsed
        if self._stream is None:
            self._stream = stream(parsed, self._call, self._piece)
            self._is_over = True  # the stream ends the call
        return self._stream

    def _closed(self) -> None:
        if self._stream is not None:
            self._stream.end_call()
        self.end_call()

    def end_call(self, error: BaseException | None = None) -> None:
        if not (self._is_over or self._is_stream):
            self._call.output = body(self._inner)
        super().end_call(error)


class _Response(_Unread):
    def parse(self, **to: Any) -> Any:
        """What the library makes of the body."""
        try:
            return self._parsed(self._inner.parse(**to))
        except BaseException as error:
            self.end_call(error)
            raise

    def close(self) -> None:
        """Closes the library's response."""
        self._closed()
        self._inner.close()


class _AsyncResponse(_Unread):
    async def parse(self, **to: Any) -> Any:
        """What the library makes of the body."""
        try:
            return self._parsed(await self._inner.parse(**to))
        except BaseException as error:
            self.end_call(error)
            raise

    async def close(self) -> None:
        """Closes the library's response."""
        self._closed()
        await self._inner.close()


def stream(inner: Any, call: Call, piece: Piece) -> Any:
    """Stands for a stream; `piece` takes each of its pieces."""
    return (_AsyncStream if hasattr(inner, "__aiter__") else _Stream)(inner, call, piece)


def unread(inner: Any, call: Call, piece: Piece, *, is_async: bool, is_stream: bool) -> Any:
    """Stands for a raw response, of which the app makes a stream or a whole answer."""
    return (_AsyncResponse if is_async else _Response)(inner, call, piece, is_stream=is_stream)


def body(response: Any) -> Any:
    """What a raw response says, where it was read; the library's way to parse it is left to the app."""
    try:
        return response.http_response.json()
    except Exception:  # not read, or no JSON
        return None
