"""Converts the arguments of `emit` and `feedback` to record fields; an error about a value names the argument."""

from __future__ import annotations

import hashlib
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, get_args
from uuid import UUID, uuid5

from watchline.schemas.columns import FEEDBACK, INTERACTION, Column, Text
from watchline.schemas.errors import WatchlineError
from watchline.schemas.records import Document, Source, ToolCall
from watchline.streams.producer import messages
from watchline.streams.producer.messages import text
from watchline.streams.producer.plain import has_fields, plain
from watchline.streams.producer.prompt import AGE, Prompt
from watchline.streams.producer.reading import NotAllowedError, as_text
from watchline.streams.producer.signals import from_signal
from watchline.streams.producer.usage import token_counts

T = TypeVar("T")

SOURCES: tuple[str, ...] = get_args(Source)

UNKNOWN = "unknown"  # in the place of a type: no argument has this name
_OWN = ("unreadable", "score")  # fields that no app fills
_LONGEST_NAME = 64  # characters
_READABLE = "a value that can be read"
_IF_MISSING = "if missing: "  # before a field that another argument may fill
_NAMES = UUID("a7c9e9a5-0b0e-5d0e-9a55-5c1b4c1f6a10")  # of ids that are no UUIDs
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES = "a datetime, ISO 8601, or a number of seconds, milli-, micro- or nanoseconds since 1970"
_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (9e18, 1e-3))  # numbers below are seconds, milliseconds and so on
_THUMBS = {"up": 1, "thumbs_up": 1, "thumbs up": 1, "down": -1, "thumbs_down": -1, "thumbs down": -1}
_SCALE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)")
_CONTENTS = ("content", "page_content", "pageContent", "text", "body", "passage", "snippet", "chunk", "contents")
_IDENTITIES = ("id", "id_", "node_id", "doc_id", "document_id", "url", "uri")
_SCORES = ("score", "relevance_score", "relevanceScore", "similarity")
_PROMPTS = (("name", "prompt_name", "id", "prompt_id"), ("version", "prompt_version", "commit", "commit_hash"))


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


def fields(arguments: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """The fields of an Interaction or of a Feedback that the given arguments name; those that are None are left out.

    Copies every list and dict. Takes as long as the app's objects take to become text. An argument that can't be read
    costs itself: it is named in the field `unreadable`, with its type. One that has no reader becomes an attribute of
    its name, and is named there too.

    Parameters
    ----------
    arguments : mapping
    strict : bool
        Raises for what would be named there.

    Raises
    ------
    ArgumentError
        Where `strict` says so, for the first.

    Examples
    --------
    >>> fields({"model": "m", "cost": float("nan"), "release": 7})
    {'request_model': 'm', 'attributes': {'release': '7'}, 'unreadable': {'cost': 'float', 'release': 'unknown'}}
    """
    by_field: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    for argument, value in arguments.items():
        if value is None and argument != "input":
            continue
        try:
            found = _read(argument, value, unreadable)
        except NotAllowedError as error:
            if strict:
                raise ArgumentError(argument, str(error)) from None
            unreadable[argument] = type(value).__name__
            continue
        except BaseException as error:  # from objects of the app; its text may quote the value
            if from_signal(error):
                raise
            if strict:
                raise ArgumentError(argument, f"a value that can be read, which gave {type(error).__name__}") from None
            unreadable[argument] = type(error).__name__
            continue
        _merge(by_field, found)
    if strict and unreadable:
        argument = next(iter(unreadable))
        raise ArgumentError(argument, "an argument that emit has" if unreadable[argument] == UNKNOWN else _READABLE)
    return {**by_field, "unreadable": unreadable} if unreadable else by_field


def completed(
    by_field: Mapping[str, Any], unreadable: Mapping[str, str], pseudonym: Callable[[str], str | None]
) -> dict[str, Any]:
    """What `fields` gave, with a pseudonym for the person and with what could not even be copied."""
    whole = {**by_field, "unreadable": {**unreadable, **by_field.get("unreadable", {})}}
    return {**whole, "subject": pseudonym(whole["subject"])} if "subject" in whole else whole


def _read(argument: str, value: Any, unreadable: dict[str, str]) -> dict[str, Any]:
    """The fields that an argument fills; what of it can't be read goes into `unreadable`."""
    if argument in _IN_PARTS:
        return _IN_PARTS[argument](value, unreadable)
    if argument not in _READERS:
        unreadable[argument[:_LONGEST_NAME]] = UNKNOWN
        return {"attributes": {argument: as_text(value)}}
    field, read = _READERS[argument]
    found = read(value)
    return {field: found} if field else found


def _merge(by_field: dict[str, Any], found: Mapping[str, Any]) -> None:
    """Adds fields: to lists and maps of the same name, and otherwise what isn't there yet or was said outright."""
    for name, value in found.items():
        if name.startswith(_IF_MISSING):
            by_field.setdefault(name.removeprefix(_IF_MISSING), value)
        elif isinstance(value, dict) and name in by_field:
            by_field[name] = {**by_field[name], **value}
        elif isinstance(value, tuple) and name in by_field:
            by_field[name] = _together(by_field[name], value)
        else:
            by_field[name] = value


def _together(first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
    """Both lists, what stands in both once; of a call of a tool that does, by its id, the one with its result."""
    by_id: dict[str, ToolCall] = {}
    for item in (*first, *second):
        if isinstance(item, ToolCall) and item.id and (item.id not in by_id or by_id[item.id].result is None):
            by_id[item.id] = item
    both = (*first, *second)
    return tuple(dict.fromkeys(by_id[item.id] if isinstance(item, ToolCall) and item.id else item for item in both))


def field_of(argument: str) -> str:
    """The field that an argument becomes; the argument's own name where it becomes several."""
    if argument not in ARGUMENTS:
        return "attributes"
    field, _ = _READERS.get(argument, (argument, None))
    return _FILLS.get(argument, field or argument)


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
    value = plain(value)
    if isinstance(value, list | Mapping | bool | bytes | bytearray | type) or callable(value):
        raise NotAllowedError("text")
    return as_text(value)


def _identity(value: Any) -> str:
    """A UUID as it is; any other name as the UUID that is always its."""
    try:
        return str(value if isinstance(value, UUID) else UUID(value))
    except (ValueError, TypeError, AttributeError):
        name = _name(value)
    if not name:
        raise NotAllowedError("a UUID, or a name")
    return str(uuid5(_NAMES, name))


def _number(value: Any) -> float:
    """A number of any kind (int, Decimal, numpy's, text) as a float, a timedelta in seconds; NaN where it is none."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    try:
        value = plain(value)
        return math.nan if isinstance(value, bool) else float(value)
    except Exception:
        return math.nan


def _amount(value: Any) -> float:
    number = _number(value)
    if not 0 <= number < math.inf:
        raise NotAllowedError("a finite number, 0 or more")
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if not (0 <= number < 1 << 63 and number.is_integer()):
        raise NotAllowedError("a whole number, 0 or more")
    value = plain(value)
    return value if isinstance(value, int) else int(number)


def _truth(value: Any) -> bool:
    value = plain(value)
    if not isinstance(value, bool):
        raise NotAllowedError("True or False")
    return value


def _source(value: Any) -> str:
    name = _name(value).strip().lower()
    if name not in SOURCES:
        raise NotAllowedError(f"one of {', '.join(SOURCES)}")
    return name


def _rating(value: Any) -> dict[str, Any]:
    """Thumbs as -1, 0, 1; any other number as the score that `scale` makes of it."""
    value = plain(value)
    if isinstance(value, bool):
        value = 1 if value else -1
    if isinstance(value, str) and value.strip().lower() in _THUMBS:
        value = _THUMBS[value.strip().lower()]
    number = _number(value)
    if not math.isfinite(number) or abs(number) >= 1 << 31:
        raise NotAllowedError("a number, True or False")
    return {"rating": int(number)} if number.is_integer() else {"score": number}


def _scale(value: Any) -> str:
    text = "..".join(map(as_text, value)) if isinstance(value, list | tuple) else as_text(value)
    if text != "thumbs" and not _SCALE.fullmatch(text):
        raise NotAllowedError("thumbs, or the least and the most as 1..5")
    return text


def scored(feedback: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a feedback with its score: where on its scale the rating is, from 0 to 1.

    Examples
    --------
    >>> scored({"rating": 4, "scale": "1..5"})
    {'rating': 4, 'scale': '1..5', 'score': 0.75}
    >>> scored({"rating": -1})
    {'rating': -1, 'score': 0.0}
    """
    given = feedback.get("score", feedback.get("rating"))
    if given is None:
        return dict(feedback)
    scale = feedback.get("scale") or ("thumbs" if "rating" in feedback and given in (-1, 0, 1) else "0..1")
    match = _SCALE.fullmatch("-1..1" if scale == "thumbs" else scale)
    low, high = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if not low <= given <= high or low == high:
        return {name: value for name, value in feedback.items() if name != "score"}
    return {**feedback, "score": (given - low) / (high - low)}


def _time(value: Any) -> int:
    """Microseconds since 1970-01-01 UTC. Seconds, milliseconds, microseconds or nanoseconds by how large they are.

    A date and time without a zone is the local one.
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text)
        except ValueError:
            try:
                value = datetime.fromisoformat(text)
            except ValueError:
                raise NotAllowedError(_TIMES) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - as any without a zone
    if isinstance(value, datetime):
        return round((value.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1))
    number = _number(value)
    micros = next((number * factor for most, factor in _UNITS if abs(number) < most), math.nan)
    if not math.isfinite(micros):
        raise NotAllowedError(_TIMES)
    return round(micros)


def _texts(value: Any) -> dict[str, str]:
    value = plain(value)
    if not isinstance(value, Mapping):
        raise NotAllowedError("a dict")
    return {key: as_text(item) for key, item in value.items() if item is not None}


def _list(value: Any) -> list[Any]:
    """A list, what else can be iterated over, or one alone."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable) or has_fields(type(value)):
        return [value]
    return list(value)


def _documents(value: Any, unreadable: dict[str, str]) -> dict[str, Any]:
    return {"documents": _items("documents", value, lambda item: _document(item, unreadable), unreadable)}


def _tool_calls(value: Any, unreadable: dict[str, str]) -> dict[str, Any]:
    return {"tool_calls": _items("tool_calls", value, messages.tool_call, unreadable)}


def _items(argument: str, value: Any, read: Callable[[Any], T], unreadable: dict[str, str]) -> tuple[T, ...]:
    """What can be read of a list."""
    items = []
    for item in _list(value):
        if item is None:
            continue
        try:
            items.append(read(item))
        except NotAllowedError:
            unreadable[argument] = type(item).__name__
        except BaseException as error:
            if from_signal(error):
                raise
            unreadable[argument] = type(error).__name__
    return tuple(items)


def _document(value: Any, unreadable: dict[str, str]) -> Document:
    """A text, or an object with one under any of the usual names, its id and its score."""
    value, score = _scored(plain(value))
    if isinstance(value, Mapping):
        for key in ("node", "document"):  # LlamaIndex's and OpenInference's, with the score beside it
            if isinstance(value.get(key), Mapping):
                value = {**value, **value[key]}
        value = {key.removeprefix("document."): item for key, item in value.items()}
        content, identity = (_first(value, keys) for keys in (_CONTENTS, _IDENTITIES))
        given = next((value[key] for key in _SCORES if value.get(key) is not None), score)
        number = _number(given) if given is not None else None
        if number is not None and not math.isfinite(number):
            unreadable["documents.score"] = type(given).__name__
        if content is None and "content" not in value:
            content = value
        return Document(
            text(content, "user") if content else "",
            None if identity is None else as_text(identity),
            number if number is not None and math.isfinite(number) else None,
        )
    return Document(as_text(value), None, score)


def _first(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if value.get(key) not in (None, "")), None)


def _scored(value: Any) -> tuple[Any, float | None]:
    """LangChain's pairs of a document and its score, taken apart."""
    if isinstance(value, list) and len(value) == 2 and math.isfinite(score := _number(value[1])):
        return value[0], score
    return value, None


def _input(value: Any) -> dict[str, Any]:
    if value is None:
        raise NotAllowedError("text or messages, not None")
    read = messages.read(value, "user")
    read.finish_reasons.clear()  # of answers before: LangChain's messages have theirs with them
    return _sides(read, "input")


def _output(value: Any) -> dict[str, Any]:
    read = messages.read(value, "assistant")
    found, response = _sides(read, "output"), read.response
    with suppress(NotAllowedError):
        usage = token_counts(response["usage"]) if "usage" in response else {}
        found |= {f"{_IF_MISSING}{name}": count for name, count in usage.items()}
    for name, field in (("model", "response_model"), ("id", "response_id"), ("system_fingerprint",) * 2):
        if isinstance(response.get(name), str):
            found[f"{_IF_MISSING}{field}"] = response[name]
    return found


def _sides(read: messages.Conversation, side: str) -> dict[str, Any]:
    lists: dict[str, Sequence[Any]] = {
        f"{side}_messages": read.messages,
        f"{side}_parts": read.parts,
        "tool_calls": read.tool_calls,
        "documents": read.documents,
        "finish_reasons": read.finish_reasons,
    }
    return {name: tuple(items) for name, items in lists.items() if items}


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


def _prompt(value: Any) -> dict[str, Any]:
    """What `Producer.prompt` gave, `name@version`, a name alone, or an object with a name and a version."""
    if isinstance(value, Prompt):
        named = {"prompt_name": value.name, "prompt_version": value.version, "prompt_hash": value.content_hash}
        return {**named, "attributes": {AGE: f"{value.age_s:.0f}"}} if value.stale else named
    value = plain(value)
    if isinstance(value, Mapping):
        name, version = (next((value[key] for key in keys if value.get(key)), None) for keys in _PROMPTS)
        if name is None:
            raise NotAllowedError("name@version, or an object with a name and a version")
        return {"prompt_name": as_text(name), **({} if version is None else {"prompt_version": as_text(version)})}
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
        return _whole
    if not isinstance(column.text, Text):
        return None
    if column.type.startswith("Map("):
        return _texts
    if column.type.startswith("Array("):
        return lambda value: tuple(as_text(item) for item in _list(value) if item is not None)
    return text if column.text.kind == "prose" else _name


# The readers that give a dict fill several fields. An argument that isn't here is read by what its field's column is.
_READERS: Mapping[str, tuple[str, Callable[..., Any]]] = {
    **{
        column.name: (column.name, read)
        for column in (*INTERACTION, *FEEDBACK)
        if column.name not in _OWN and (read := _reader(column))
    },
    "cancelled": ("cancelled", _truth),
    "comment": ("comment", as_text),
    "error": ("", _error),
    "event_id": ("event_id", _identity),
    "input": ("", _input),
    "metadata": ("attributes", _texts),
    "model": ("request_model", _name),
    "output": ("", _output),
    "parameters": ("request_parameters", _texts),
    "prompt": ("", _prompt),
    "prompt_template": ("prompt_hash", lambda value: _hash(as_text(value))),
    "rating": ("", _rating),
    "scale": ("scale", _scale),
    "session_id": ("conversation_id", _name),
    "source": ("source", _source),
    "system": ("system_instructions", text),
    "tags": ("", lambda value: {"attributes": {"tags": as_text(value)}}),
    "time": ("time", _time),
    "user_id": ("subject", _name),
}
# Of which a part can be read where another can't.
_IN_PARTS: Mapping[str, Callable[[Any, dict[str, str]], dict[str, Any]]] = {
    "documents": _documents,
    "tool_calls": _tool_calls,
    "usage": token_counts,
}
_FILLS = {"input": "input_messages", "output": "output_messages"}
ARGUMENTS = frozenset([*_READERS, *_IN_PARTS])
