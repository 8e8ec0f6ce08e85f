"""The events in which Anthropic streams a message, put together to the message that they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from watchline.streams.producer.parts import SEALED

_OF_TYPE = {
    "message_start": "message",
    "content_block_start": "content_block",
    "content_block_delta": "delta",
    "message_delta": "delta",
}
_OVER = frozenset(("content_block_stop", "message_stop"))
# What the library's helper for streams says beside them, again.
_REPEATED = frozenset(("text", "thinking", "input_json", "citation", "signature"))
_FIELDS = {"partial_json": "input"}  # of a block, by the name that its pieces have, where that is another
_TYPES = {"thinking": "thinking", "input": "tool_use"}  # of a block whose beginning is missing, by its field


class StreamedMessage:
    """A message that comes in events.

    Examples
    --------
    >>> streamed = StreamedMessage()
    >>> for piece in ("The total ", "is 12."):
    ...     streamed.takes({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
    True
    True
    >>> streamed.whole()
    {'role': 'assistant', 'stop_reason': None, 'content': [{'type': 'text', 'text': 'The total is 12.'}]}
    """

    def __init__(self) -> None:
        self._message: dict[str, Any] = {}
        self._blocks: dict[Any, dict[str, Any]] = {}
        self._pieces: dict[tuple[Any, str], list[str]] = {}  # by block and field

    def takes(self, event: Mapping[str, Any]) -> bool:
        """Adds an event, or says that it is none."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return False
        said = event.get(_OF_TYPE.get(kind, ""))
        if not isinstance(said, Mapping):
            return kind in _OVER or (bool(self._message) and kind in _REPEATED)
        if kind == "message_start":
            self._message = dict(said)
        elif kind == "message_delta":
            usage, counts = self._message.get("usage"), event.get("usage")
            self._message |= _given(said)
            if isinstance(counts, Mapping):  # of the whole so far; what isn't said again stays
                self._message["usage"] = {**_given(usage if isinstance(usage, Mapping) else {}), **_given(counts)}
        elif kind == "content_block_start":
            self._blocks[event.get("index")] = dict(said)
        else:
            self._add(event.get("index"), said)
        return True

    def _add(self, index: Any, delta: Mapping[str, Any]) -> None:
        for name, item in delta.items():
            field = _FIELDS.get(name, name)
            if name == "type" or name in SEALED:
                continue
            block = self._blocks.setdefault(index, {"type": _TYPES.get(field, "text")})
            if isinstance(item, str):
                self._pieces.setdefault((index, field), []).append(item)
            elif name == "citation":
                block["citations"] = [*(block.get("citations") or ()), item]

    def whole(self) -> dict[str, Any]:
        """The message, as far as it has come."""
        blocks = {index: dict(block) for index, block in self._blocks.items()}
        for (index, field), pieces in self._pieces.items():
            before = blocks[index].get(field)
            text = "".join([before if isinstance(before, str) else "", *pieces])
            if text or field != "input":
                blocks[index][field] = _read(text) if field == "input" else text
        return {"role": "assistant", "stop_reason": None, **self._message, "content": list(blocks.values())}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in fields.items() if item is not None}


def _read(text: str) -> Any:
    """The arguments of a call; their text where they were not said to the end."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
