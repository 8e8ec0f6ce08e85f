"""Times one call of a model, in a `with` or an `async with` block, and emits it when the block ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from watchline.streams.ids import uuid7
from watchline.streams.producer.arguments import ArgumentError


class Call:
    """One call under way: every argument of `emit` is an attribute, to be read and set until the block ends.

    `latency_s` becomes the time of the block, `time_to_first_chunk_s` that until the first `chunk()`, `error` the
    exception that ended the block; what the app sets itself stays. Use it once, in one task or thread. Only a name
    that `emit` doesn't know raises: TypeError as a keyword, AttributeError as an attribute.
    """

    def __init__(self, emit: Callable[..., str], arguments: dict[str, Any]) -> None:
        known = {"input", "model", *(emit.__kwdefaults__ or ())}
        for name in arguments.keys() - known:
            raise TypeError(f"observe() got an unexpected keyword argument {name!r}")
        arguments = {"input": None, "model": None, "event_id": uuid7(), **arguments}
        vars(self).update(_emit=emit, _known=known, _arguments=arguments, _started=time.perf_counter())

    def chunk(self) -> None:
        """Notes that a piece of the answer has come; only the first counts."""
        if "time_to_first_chunk_s" not in self._arguments:
            self._arguments["time_to_first_chunk_s"] = time.perf_counter() - self._started

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._known:
            raise AttributeError(f"a call has no {name!r}")
        return self._arguments.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._known:
            raise AttributeError(f"a call has no {name!r}")
        self._arguments[name] = value

    def __enter__(self) -> Call:
        vars(self)["_started"] = time.perf_counter()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._arguments.setdefault("latency_s", time.perf_counter() - self._started)
        if error is not None:
            self._arguments.setdefault("error", error)
        try:
            self._emit(**self._arguments)
        except ArgumentError:  # of a strict producer; the app's own error is the one to see
            if error is None:
                raise

    async def __aenter__(self) -> Call:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)
