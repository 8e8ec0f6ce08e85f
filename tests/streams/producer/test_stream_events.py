"""A stream of Anthropic's is the event that its whole message is, as far as it has come."""

from __future__ import annotations

from typing import Any

import pytest

from watchline.schemas.records import Part, ToolCall
from watchline.streams.producer.arguments import fields

BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "Seven and five.", "signature": "c2ln"},
    {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "total"}},
    {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result", "title": "T"}]},
    {"type": "text", "text": "The total is 12.", "citations": [{"type": "char_location", "cited_text": "12"}]},
    {"type": "text", "text": "Shall I add it?"},
    {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 2, "b": "drei"}},
    {"type": "tool_use", "id": "t2", "name": "now", "input": {}},
]
WHOLE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": BLOCKS,
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 9, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 40},
}
NAMES = {"text": "text_delta", "thinking": "thinking_delta", "signature": "signature_delta"}
ARGUMENTS = ["", '{"a": 2, ', '"b": "dr', 'ei"}']


def deltas(block: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {"type": NAMES[name], name: block[name][place : place + 4]}
        for name in NAMES
        for place in range(0, len(block.get(name, "")), 4)
    ]
    found += [{"type": "citations_delta", "citation": each} for each in block.get("citations", ())]
    if block.get("id") == "t1":
        found += [{"type": "input_json_delta", "partial_json": piece} for piece in ARGUMENTS]
    if block.get("id") == "s1":
        found += [{"type": "input_json_delta", "partial_json": '{"query": "total"}'}]
    return found


def events(helper: bool = False) -> list[dict[str, Any]]:
    """The stream of `WHOLE`; `helper`: with what the library's helper says beside it."""
    start = {**WHOLE, "content": [], "stop_reason": None, "usage": {**WHOLE["usage"], "output_tokens": 1}}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(BLOCKS):
        empty = {"text": "", "thinking": "", "signature": "", "input": {}, "citations": None}
        begun = {name: empty.get(name, item) for name, item in block.items()}
        found.append({"type": "content_block_start", "index": index, "content_block": begun})
        for delta in deltas(block):
            found.append({"type": "content_block_delta", "index": index, "delta": delta})
            if helper and delta["type"] == "text_delta":
                found.append({"type": "text", "text": delta["text"], "snapshot": "The"})
        found.append({"type": "content_block_stop", "index": index, **({"content_block": block} if helper else {})})
    usage = {"output_tokens": 40, "input_tokens": None}
    found.append({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage})
    return [*found, {"type": "message_stop", **({"message": WHOLE} if helper else {})}]


def read(output: Any) -> dict[str, Any]:
    return fields({"input": "How much?", "output": output})


@pytest.mark.parametrize("helper", [False, True])
def test_the_pieces_are_the_whole(helper: bool) -> None:
    whole = read(WHOLE)
    assert whole["tool_calls"][1] == ToolCall("add", '{"a": 2, "b": "drei"}', None, "t1")
    assert (whole["input_tokens"], whole["output_tokens"]) == (114, 40)
    pieces = events(helper)
    assert read(pieces) == read([pieces[:9], pieces[9:]]) == whole


def test_as_far_as_it_has_come() -> None:
    pieces = events()
    begun = next(at for at, event in enumerate(pieces) if event.get("delta", {}).get("partial_json") == ARGUMENTS[2])
    found = read(pieces[: begun + 1])
    assert found["tool_calls"][1] == ToolCall("add", '{"a": 2, "b": "dr', None, "t1")
    assert found["input_tokens"] == 114 and found["response_id"] == "msg_1"
    text = next(at for at, event in enumerate(pieces) if event.get("delta", {}).get("text") == "tota")
    assert [message.content for message in read(pieces[: text + 1])["output_messages"]] == ["The tota"]


def test_what_comes_after_a_beginning_that_is_missing() -> None:
    found = read([{"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas(BLOCKS[0])])
    assert found["output_parts"] == (Part(0, "reasoning", "Seven and five."),)


def test_two_streams_are_two_messages() -> None:
    found = read([*events(), *events()])
    assert len(found["output_messages"]) == 2
    assert {message.content for message in found["output_messages"]} == {"The total is 12.\nShall I add it?"}
