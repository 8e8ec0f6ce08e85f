"""Converts the arguments of `emit` and `feedback` to record fields; an error about a value names the argument."""

from __future__ import annotations

import hashlib
import math
import operator
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from watchline.schemas.columns import FEEDBACK, INTERACTION, Column, Text
from watchline.schemas.errors import WatchlineError
from watchline.schemas.records import Document, ToolCall
from watchline.schemas.validation import DAY, YEAR_2000
from watchline.streams.producer.reading import NotAllowedError, as_text, messages, text_of
from watchline.streams.producer.signals import from_signal

T = TypeVar("T")

NO_INPUT = "text or messages, not None"

# Names of token counts: ours, then deprecated ones and those of providers.
_USAGE = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_input_tokens",
    "cache_write_input_tokens": "cache_write_input_tokens",
    "reasoning_output_tokens": "reasoning_output_tokens",
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "cache_creation_input_tokens": "cache_write_input_tokens",
}


class ArgumentError(WatchlineError, ValueError):
    """An argument has a value that can't be stored. Names the argument and what is allowed, never the value.

    Attributes
    ----------
    argument : str

    Examples
    --------
    >>> str(ArgumentError("rating", "-1, 0 or 1"))
    'rating: -1, 0 or 1'
    """

    def __init__(self, argument: str, allowed: str) -> None:
        super().__init__(f"{argument}: {allowed}")
        self.argument = argument


def fields(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an Interaction or of a Feedback that the given arguments name; those that are None are left out.

    Copies every list and dict. Takes as long as the app's objects take to become text. Raises ArgumentError.
    """
    if arguments.get("input", "") is None:
        raise ArgumentError("input", NO_INPUT)
    by_field: dict[str, Any] = {}
    for argument, value in arguments.items():
        if value is None:
            continue
        try:
            field, read = _READERS[argument]
            result = read(value)
        except NotAllowedError as error:
            raise ArgumentError(argument, str(error)) from None
        except BaseException as error:  # from objects of the app; its text may quote the value
            if from_signal(error):
                raise
            raise ArgumentError(argument, f"a value that can be read, which gave {type(error).__name__}") from None
        if field:
            by_field[field] = result
        else:
            by_field.update(result)
    return by_field


def field_of(argument: str) -> str:
    """The field that an argument becomes; the argument's own name where it becomes several."""
    return _READERS[argument][0] or argument


def current_span() -> dict[str, str]:
    """Trace and span id of the app's current OpenTelemetry span, where the app has loaded that library."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    try:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    except BaseException as error:
        if from_signal(error):
            raise
        return {}  # half imported, or another library of that name: the event counts for more than its trace
    return {}


def _name(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    raise NotAllowedError("text")


def _identity(value: Any) -> str:
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise NotAllowedError("a UUID") from None


def _number(value: Any) -> float:
    """A number of any kind (int, Decimal, numpy's) as a float; NaN where it is none."""
    try:
        return math.nan if isinstance(value, str | bytes | bool) else float(value)
    except Exception:
        return math.nan


def _amount(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < math.inf:
        raise NotAllowedError("a finite number, 0 or more")
    return number


def _whole(value: Any, least: int, bits: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or not least <= operator.index(value) < 1 << bits:
        raise NotAllowedError("a whole number" + ("" if least else ", 0 or more"))
    return operator.index(value)


def _time(value: Any) -> int:
    """Microseconds since 1970-01-01 UTC, within what the worker takes."""
    if isinstance(value, datetime):
        value = None if value.tzinfo is None else value.timestamp()
    micros = _number(value) * 1_000_000
    if not math.isfinite(micros):
        raise NotAllowedError("a datetime with a time zone, or seconds since 1970")
    if not YEAR_2000 <= micros <= time.time_ns() // 1000 + DAY:
        raise NotAllowedError("from 2000 on and no more than a day ahead")
    return round(micros)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise NotAllowedError("a dict")
    return {as_text(key): as_text(item) for key, item in value.items() if item is not None}


def _items(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def read_items(value: Any) -> tuple[T, ...]:
        if isinstance(value, str | Mapping):  # one is a list of one
            value = (value,)
        if not isinstance(value, Iterable):
            raise NotAllowedError("a list")
        return tuple([read(item) for item in value if item is not None])

    return read_items


def _document(value: Any) -> Document:
    if isinstance(value, str):
        return Document(value)
    if not isinstance(value, Mapping) or "content" not in value:
        raise NotAllowedError("texts, or dicts with content and, where known, id and score")
    identity, score = value.get("id"), value.get("score")
    if score is not None and not math.isfinite(score := _number(score)):
        raise NotAllowedError("each score a finite number")
    return Document(text_of(value["content"]), None if identity is None else _name(identity), score)


def _tool_call(value: Any) -> ToolCall:
    if isinstance(value, Mapping) and isinstance(value.get("function"), Mapping):  # the form of OpenAI's answers
        value = {**value, **value["function"]}
    if not isinstance(value, Mapping) or not value.get("name"):
        raise NotAllowedError("dicts with name and, where known, arguments, result and id")
    identity, result = value.get("id"), value.get("result", value.get("response"))
    return ToolCall(
        name=as_text(value["name"]),
        arguments=as_text(value.get("arguments") or ""),
        result=None if result is None else as_text(result),
        id=None if identity is None else _name(identity),
    )


def _usage(value: Any) -> dict[str, int]:
    """The counts that we know; what else a provider's usage holds (totals, details) is left out."""
    if not isinstance(value, Mapping):
        raise NotAllowedError("a dict of token counts")
    counts: dict[str, int] = {}
    for name, field in _USAGE.items():
        count = value.get(name)
        if count is not None and field not in counts:
            counts[field] = _whole(count, 0, 63)
    return counts


def _error(value: Any) -> dict[str, str]:
    if value == "":
        return {}
    if not isinstance(value, BaseException):
        # What OpenTelemetry's error.type says where there is no type.
        return {"error_type": "_OTHER", "error_message": as_text(value)}
    kind = type(value)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(value)
    except Exception:
        message = BaseException.__str__(value)  # an event with an error counts for more than that error's own text
    return {"error_type": name, "error_message": message}


def _prompt(value: Any) -> dict[str, str]:
    """`name@version`, or a name alone."""
    name, _, version = _name(value).rpartition("@")
    return {"prompt_name": name, "prompt_version": version} if name else {"prompt_name": version}


@lru_cache(64)  # an app has few templates, and each call gives one of them
def _hash(template: str) -> str:
    return hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()


def _reader(column: Column) -> Callable[[Any], Any] | None:
    """What reads an argument that is named after its field; None for a kind of field that no argument is like."""
    if column.type == "Nullable(Float64)":
        return _amount
    if column.type == "Nullable(UInt64)":
        return lambda value: _whole(value, 0, 63)
    if not isinstance(column.text, Text):
        return None
    if column.type.startswith("Map("):
        return _texts
    if column.type.startswith("Array("):
        return _items(as_text)
    return text_of if column.text.kind == "prose" else _name


# The readers that give a dict fill several fields. An argument that isn't here is read by what its field's column is.
_READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    **{column.name: (column.name, read) for column in (*INTERACTION, *FEEDBACK) if (read := _reader(column))},
    "documents": ("documents", _items(_document)),
    "error": ("", _error),
    "event_id": ("event_id", _identity),
    "input": ("input_messages", lambda value: messages(value, "user")),
    "model": ("request_model", _name),
    "output": ("output_messages", lambda value: messages(value, "assistant")),
    "parameters": ("request_parameters", _texts),
    "prompt": ("", _prompt),
    "prompt_template": ("prompt_hash", lambda value: _hash(as_text(value))),
    "rating": ("rating", lambda value: _whole(value, -(1 << 31), 31)),
    "system": ("system_instructions", text_of),
    "time": ("time", _time),
    "tool_calls": ("tool_calls", _items(_tool_call)),
    "usage": ("", _usage),
}
ARGUMENTS = frozenset(_READERS)
