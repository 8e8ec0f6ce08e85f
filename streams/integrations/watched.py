"""Has the calls of a library's methods watched: what they are given and give back is for the app as without."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any

from watchline.streams.integrations import proxies
from watchline.streams.integrations.proxies import Piece
from watchline.streams.producer.observe import Call
from watchline.streams.producer.producer import Producer

Request = Callable[[Mapping[str, Any]], dict[str, Any]]
OWN = "watchline"  # the keyword under which a call says more of itself
_READ_BY_HELPER = "_raw_stream"  # the stream that a helper reads, in all releases so far
_MARK = "is_watched_by_watchline"  # of a method: watched twice, a call would be two events


def watch(owner: Any, name: str, producer: Producer, request: Request, piece: Piece, about: Mapping[str, Any]) -> None:
    """Puts a watched method in the place of one of an object's, unless there is one already.

    Parameters
    ----------
    owner, name
        The object and its method, which may be a coroutine function.
    producer : Producer
    request
        The keywords of a call to arguments of `Producer.observe`.
    piece
        Takes one piece of a stream.
    about
        Arguments of `Producer.emit` that hold for all calls; those under the keyword `watchline` of one call win.
    """
    method, calls = getattr(owner, name), _Calls(producer, request, piece, about)
    if hasattr(method, _MARK):
        return

    @wraps(method)
    def watched(*args: Any, **given: Any) -> Any:
        call = calls.begun(given)
        with _failing(call):
            response = method(*args, **given)
        return calls.ended(call, given, response)

    @wraps(method)
    async def watched_async(*args: Any, **given: Any) -> Any:
        call = calls.begun(given)
        with _failing(call):
            response = await method(*args, **given)
        return calls.ended(call, given, response)

    _put(owner, name, watched_async if inspect.iscoroutinefunction(inspect.unwrap(method)) else watched)


def watch_manager(
    owner: Any, name: str, producer: Producer, request: Request, piece: Piece, about: Mapping[str, Any]
) -> None:
    """As `watch`, for a method that gives a context manager, whose block is one call.

    What the block is given, a helper, reads a stream, whose pieces are kept.
    """
    method, calls = getattr(owner, name), _Calls(producer, request, piece, about)
    if hasattr(method, _MARK):
        return

    @wraps(method)
    def watched(*args: Any, **given: Any) -> Any:
        own = given.pop(OWN, None)
        manager = method(*args, **given)
        return (_AsyncManager if hasattr(manager, "__aenter__") else _Manager)(manager, calls, {**given, OWN: own})

    _put(owner, name, watched)


class OwnClient:
    """What a client that is watched from the beginning has before the library's class: `_watch` is the module's."""

    _watch: Callable[..., Any]

    def __init__(self, *args: Any, producer: Producer, about: Mapping[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._own = {"producer": producer, "about": about}
        self._watch(self, producer, **(about or {}))

    def copy(self, *, _extra_kwargs: Mapping[str, Any] = {}, **settings: Any) -> Any:
        return super().copy(_extra_kwargs={**self._own, **_extra_kwargs}, **settings)  # type: ignore[misc]


def said(value: Any) -> Any:
    """None in the place of a library's own signs for a parameter that isn't given."""
    return None if type(value).__name__ in ("NotGiven", "Omit") else value


def watch_copies(client: Any, again: Callable[[Any], Any]) -> None:
    """Has the copies of a client watched too, which a library makes for other settings."""
    method = client.copy

    @wraps(method)
    def copy(*args: Any, **settings: Any) -> Any:
        return again(method(*args, **settings))

    for name in ("copy", "with_options"):
        setattr(client, name, copy)


def _put(owner: Any, name: str, watched: Any) -> None:
    setattr(watched, _MARK, True)
    setattr(owner, name, watched)


class _Calls:
    """How the calls of a method become events."""

    def __init__(self, producer: Producer, request: Request, piece: Piece, about: Mapping[str, Any]) -> None:
        self._producer, self._request, self._piece, self._about = producer, request, piece, about

    def begun(self, given: dict[str, Any]) -> Call:
        more = given.pop(OWN, None) or {}
        if not isinstance(more, Mapping):
            more = {OWN: more}  # kept as an attribute, and named as unknown
        try:
            asked = self._request(given)
        except Exception:  # of a form of a later release: the app's call goes on
            asked = {}
        return self._producer.observe(**{**self._about, **asked, **more}).__enter__()

    def ended(self, call: Call, given: Mapping[str, Any], response: Any) -> Any:
        """The response, which stands for itself until it is all there."""
        is_stream = bool(given.get("stream"))
        if hasattr(response, "http_response") and hasattr(response, "parse"):  # a raw one
            if is_stream or not response.http_response.is_closed:
                is_async = inspect.iscoroutinefunction(response.parse)
                return proxies.unread(response, call, self._piece, is_async=is_async, is_stream=is_stream)
            call.output = proxies.body(response)
        elif is_stream:
            return self.streamed(call, response)
        else:
            call.output = response
        call.__exit__(None, None, None)
        return response

    def streamed(self, call: Call, stream: Any) -> Any:
        return proxies.stream(stream, call, self._piece)


@contextmanager
def _failing(call: Call) -> Iterator[None]:
    """Ends a call by an error, which goes on to the app."""
    try:
        yield
    except BaseException as error:
        call.__exit__(type(error), error, error.__traceback__)
        raise


class _OfBlock:
    """Stands for a context manager of the library's."""

    def __init__(self, manager: Any, calls: _Calls, given: dict[str, Any]) -> None:
        self._manager, self._calls, self._given = manager, calls, given
        self._stream: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._manager, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._manager)

    def _watched(self, call: Call, helper: Any) -> Any:
        if (stream := getattr(helper, _READ_BY_HELPER, None)) is not None:
            self._stream = self._calls.streamed(call, stream)
            setattr(helper, _READ_BY_HELPER, self._stream)
        else:  # of a later release
            call.__exit__(None, None, None)
        return helper

    def _ended(self, error: BaseException | None) -> None:
        if self._stream is not None:
            self._stream.end_call(error)


class _Manager(_OfBlock):
    def __enter__(self) -> Any:
        call = self._calls.begun(self._given)
        with _failing(call):
            helper = self._manager.__enter__()
        return self._watched(call, helper)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> Any:
        self._ended(error)
        return self._manager.__exit__(kind, error, trace)


class _AsyncManager(_OfBlock):
    async def __aenter__(self) -> Any:
        call = self._calls.begun(self._given)
        with _failing(call):
            helper = await self._manager.__aenter__()
        return self._watched(call, helper)

    async def __aexit__(self, kind: Any, error: BaseException | None, trace: Any) -> Any:
        self._ended(error)
        return await self._manager.__aexit__(kind, error, trace)
