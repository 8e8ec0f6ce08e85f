"""`@producer.watch()`: each call of a function is an event, with what it was given and what it gave back."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from watchline.streams.producer.observe import Call

if TYPE_CHECKING:
    from watchline.streams.producer.producer import Producer

F = TypeVar("F", bound=Callable[..., Any])

# Parameters that are taken for the input, the first that a function has.
_INPUTS = ("input", "messages", "question", "query", "prompt", "text", "message", "request")


def watched(producer: Producer, function: F, about: dict[str, Any]) -> F:
    """The function, whose calls are observed; for generators and coroutine functions too.

    The input is the parameter named `input`, `messages`, `question`, `query`, `prompt`, `text`, `message` or `request`,
    else the only one, else all of them by name. A parameter `model` is the model.
    """
    signature = inspect.signature(function)

    def begun(args: tuple[Any, ...], given: dict[str, Any]) -> Call:
        try:
            named = signature.bind(*args, **given)
        except TypeError:  # the function itself says what is wrong
            return producer.observe(**about)
        named.apply_defaults()
        values = {name: value for name, value in named.arguments.items() if name not in ("self", "cls")}
        model = {"model": values.pop("model")} if "model" in values else {}
        name = next((name for name in _INPUTS if name in values), next(iter(values)) if len(values) == 1 else None)
        return producer.observe(**{"input": values[name] if name else values, **model, **about})

    if inspect.isasyncgenfunction(function):

        @wraps(function)
        async def streamed_later(*args: Any, **given: Any) -> AsyncIterator[Any]:
            async with begun(args, given) as call:
                async for piece in call.stream(function(*args, **given)):
                    yield piece

        return streamed_later  # type: ignore[return-value]
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def later(*args: Any, **given: Any) -> Any:
            async with begun(args, given) as call:
                call.output = result = await function(*args, **given)
                return result

        return later  # type: ignore[return-value]
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def streamed(*args: Any, **given: Any) -> Iterator[Any]:
            with begun(args, given) as call:
                yield from call.stream(function(*args, **given))

        return streamed  # type: ignore[return-value]

    @wraps(function)
    def at_once(*args: Any, **given: Any) -> Any:
        with begun(args, given) as call:
            call.output = result = function(*args, **given)
            return result

    return at_once  # type: ignore[return-value]
