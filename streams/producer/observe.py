"""Times one call of a model, in a `with` or an `async with` block, and emits it when the block ends."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, TypeVar, overload

from watchline.schemas.properties import TOOL_CALL
from watchline.streams.ids import uuid7
from watchline.streams.producer import messages
from watchline.streams.producer.arguments import ArgumentError
from watchline.streams.producer.snapshot import MAX_ENTRIES

T = TypeVar("T")

# How a task, a greenlet and a person at the keyboard stop what they no longer wait for. By name: nothing is imported
# for an app that does not use it.
_CANCELS = frozenset(
    [
        *(("asyncio", "CancelledError"), ("trio", "Cancelled"), ("greenlet", "GreenletExit")),
        *(("gevent", "GreenletExit"), ("builtins", "KeyboardInterrupt")),
    ]
)

_ANNOUNCEMENTS = ("message_start", "response.created", "response.in_progress")  # Anthropic's, OpenAI's


class Call:
    """One call under way: every argument of `emit` is an attribute, to be read and set until the block ends.

    `latency_s` becomes the time of the block, `time_to_first_chunk_s` that until the first `chunk()`, `error` the
    exception that ended the block, `output` what went through `stream`; what the app sets itself stays. Use it once, in
    one task or thread. A name that `emit` doesn't know becomes an attribute of the event.
    """

    def __init__(self, emit: Callable[..., str], arguments: dict[str, Any]) -> None:
        known = {"input", "model", *(emit.__kwdefaults__ or ())}
        arguments = {"input": None, "model": None, "event_id": uuid7(), **arguments}
        vars(self).update(_emit=emit, _known=known, _arguments=arguments, _started=time.perf_counter())
        vars(self).update(_pieces=[], _is_open=False)

    def chunk(self, piece: Any = None) -> None:
        """Notes that a piece of the answer has come; only the first counts, and none that only announces an answer."""
        if "time_to_first_chunk_s" not in self._arguments and getattr(piece, "type", None) not in _ANNOUNCEMENTS:
            self._arguments["time_to_first_chunk_s"] = time.perf_counter() - self._started

    @overload
    def stream(self, chunks: AsyncIterable[T]) -> AsyncIterator[T]: ...

    @overload
    def stream(self, chunks: Iterable[T]) -> Iterator[T]: ...

    def stream(self, chunks: Any) -> Any:
        """Passes the pieces of an answer on and keeps them: texts, or the objects of a provider's library.

        Where it isn't read to its end, the call is `cancelled`, with the text so far.
        """
        return self._passed_async(chunks) if hasattr(type(chunks), "__aiter__") else self._passed(chunks)

    def _passed(self, chunks: Iterable[T]) -> Iterator[T]:
        self.streams(True)
        for chunk in chunks:
            self.keep(chunk)
            yield chunk
        self.streams(False)

    async def _passed_async(self, chunks: AsyncIterable[T]) -> AsyncIterator[T]:
        self.streams(True)
        async for chunk in chunks:
            self.keep(chunk)
            yield chunk
        self.streams(False)

    def keep(self, chunk: Any) -> None:
        """Keeps a piece of the answer, as `stream` does: for who passes the pieces on himself."""
        self.chunk(chunk)
        self._pieces.append(chunk)

    def streams(self, is_open: bool) -> None:
        """Notes that a stream has begun or was read to its end: one that is open when the block ends is cancelled."""
        vars(self)["_is_open"] = is_open

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not (name in self._known or name in self._arguments):
            raise AttributeError(f"a call has no {name!r}")
        return self._arguments.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._arguments[name] = value

    def __enter__(self) -> Call:
        vars(self)["_started"] = time.perf_counter()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._arguments.setdefault("latency_s", time.perf_counter() - self._started)
        if self._pieces:
            self._arguments.setdefault("output", _whole(self._pieces))
        if _is_cancel(error) or (self._is_open and (error is None or isinstance(error, GeneratorExit))):
            self._arguments.setdefault("cancelled", not self._has_finished())
        elif error is not None and not _is_control_flow(error):
            self._arguments.setdefault("error", error)
        try:
            self._emit(**self._arguments)
        except ArgumentError:  # of a strict producer; the app's own error is the one to see
            if error is None:
                raise

    def _has_finished(self) -> bool:
        """Whether the model had said all: the last pieces say why it ended. That a tool is called doesn't say it."""
        try:
            reasons = messages.read(self._pieces[-2:], "assistant").finish_reasons
            return any(reason != TOOL_CALL for reason in reasons)
        except Exception:  # of the app's objects
            return False

    async def __aenter__(self) -> Call:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def _whole(pieces: list[Any]) -> Any:
    """Their text; of objects a list of lists, none of them so long that `emit` would cut it."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    return [pieces[first : first + MAX_ENTRIES] for first in range(0, len(pieces), MAX_ENTRIES)]


def _is_cancel(error: BaseException | None) -> bool:
    return any((kind.__module__.partition(".")[0], kind.__name__) in _CANCELS for kind in type(error).__mro__)


def _is_control_flow(error: BaseException) -> bool:
    """A generator that is closed, a process that ends as it should."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and error.code in (0, None))
