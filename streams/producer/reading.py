"""Any value of an app's as text: a text as it is, a single value as its own text, lists and maps as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchline.streams.producer.media import SHORTEST, decoded, described, without_bytes
from watchline.streams.producer.plain import plain

LONG = 1_024  # characters that no text has without a sign beside those of base64


class NotAllowedError(ValueError):
    """A value is not what is allowed; its text says what is, and never quotes the value."""


def as_text(value: Any) -> str:
    """The text of a value, without the bytes in it. Raises what the app's own objects raise.

    Examples
    --------
    >>> as_text("hi"), as_text(1.5), as_text({"a": [1, True]}), as_text(b"hi")
    ('hi', '1.5', '{"a": [1, true]}', 'hi')
    """
    return written(value if isinstance(value, str) else plain(value))


def written(value: Any) -> str:
    """The text of a value that `plain` has made."""
    if isinstance(value, str):
        return without_bytes(str.__str__(value))  # the value of an enum of texts, not its name
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of_bytes(bytes(value))
    if isinstance(value, bool | Mapping | list) or value is None:
        return json.dumps(_ready(value), ensure_ascii=False, default=str)
    return without_bytes(str(value))


def _ready(value: Any, key: str = "") -> Any:
    """What `json` can write, with bytes described wherever they stand."""
    if isinstance(value, Mapping):
        return {name: _ready(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_ready(item, key) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of_bytes(bytes(value))
    if isinstance(value, str):
        if len(value) >= (SHORTEST if key in _OF_BYTES else LONG) and (data := decoded(value)) is not None:
            return described(data)
        return without_bytes(value)
    return value


def _text_of_bytes(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return described(data)
    return without_bytes(text) if text.isprintable() or "\n" in text else described(data)


# Where the providers put base64: images, audio, files.
_OF_BYTES = ("data", "file_data", "b64_json", "bytes", "base64", "image", "audio")
