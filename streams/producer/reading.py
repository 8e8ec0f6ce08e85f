"""Messages as apps have them (text, OpenTelemetry parts, the chat form of the providers) to `Message` records.

Text parts are joined by newlines; any other part is kept as JSON without its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchline.schemas.records import Message


class NotAllowedError(ValueError):
    """A value is not what is allowed; its text says what is, and never quotes the value."""


Content = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]

_LONGEST_ROLE = 64  # characters
_BYTES = ("data", "file_data")  # where the providers put base64: images, audio, files


def messages(value: Content, role: str) -> tuple[Message, ...]:
    """The messages in `value`; a plain text is one message of `role`. Else NotAllowedError."""
    if isinstance(value, str):
        return (Message(role, value),)
    items: Iterable[Any] = (value,) if isinstance(value, Mapping) else value
    if not isinstance(items, Iterable) or isinstance(items, bytes | bytearray):
        raise NotAllowedError("text, or messages with role and content or parts")
    return tuple(_message(item, role) for item in items)


def text_of(parts: Any) -> str:
    """The text of a message's content: text, or a sequence of parts. Else NotAllowedError."""
    if parts is None:
        return ""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, Mapping):
        return _part(parts)
    if isinstance(parts, list | tuple):
        return "\n".join(_part(part) for part in parts)
    raise NotAllowedError("text, or a list of parts, in each message")


def as_text(value: Any) -> str:
    """Text as it is, anything else as JSON. Raises what `json` raises."""
    if isinstance(value, str):
        return str.__str__(value)  # the value of an enum of texts, not its name
    return json.dumps(value, ensure_ascii=False, default=str)


def _message(item: Any, role: str) -> Message:
    if isinstance(item, str):
        return Message(role, item)
    if not isinstance(item, Mapping):
        raise NotAllowedError("text, or messages with role and content or parts")
    role = as_text(item.get("role") or role)[:_LONGEST_ROLE].encode("utf-8", "replace").decode()
    content = text_of(item["parts"] if "parts" in item else item.get("content"))
    if item.get("tool_calls"):
        content = "\n".join(filter(None, (content, as_text(item["tool_calls"]))))
    return Message(role, content)


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise NotAllowedError("parts that are text or have a type")
    kind = part.get("type", "text")
    if kind in ("text", "input_text", "output_text"):
        return text_of(part["content"] if "content" in part else part.get("text"))
    if kind == "blob":
        part = {key: value for key, value in part.items() if key != "content"}
    elif kind not in ("tool_call", "tool_call_response"):  # whose `data` is what the app gave or got
        part = _without_bytes(part)
    return as_text(part)


def _without_bytes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_bytes(item) for key, item in value.items() if key not in _BYTES}
    if isinstance(value, list | tuple):
        return [_without_bytes(item) for item in value]
    if isinstance(value, str) and value.startswith("data:"):
        return value.partition(",")[0]
    return None if isinstance(value, bytes | bytearray | memoryview) else value
