"""Events as messages: each is one that trainers take, or is left out with its reason; no instruction goes missing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.streams.export.conftest import Store, event
from tests.streams.export.openai_rules import faults
from watchline.streams.export import chat
from watchline.streams.export.chat import SkippedError
from watchline.streams.producer import messages as read

Parts = list[tuple[int, str, str, str, str]]
ASKED, ANSWERED = [("user", "Open?")], [("assistant", "Until 6.")]
CALL = ("hours", '{"day": "Monday"}', "", "c1")


def row(**fields: Any) -> dict[str, Any]:
    """As `v_interactions` has it."""
    names = {
        "input_messages": ("role", "content"),
        "output_messages": ("role", "content"),
        "input_parts": ("message", "type", "content", "name", "id"),
        "output_parts": ("message", "type", "content", "name", "id"),
        "tool_calls": ("name", "arguments", "result", "id"),
    }
    found: dict[str, Any] = {"system_instructions": "", "error_type": "", "cancelled": False, "truncated": {}}
    given = {"input_messages": ASKED, "output_messages": ANSWERED, **fields}
    found |= {
        name: [dict(zip(keys, each, strict=True)) for each in given.get(name, ())] for name, keys in names.items()
    }
    return found | {name: value for name, value in fields.items() if name not in names}


def taken(**fields: Any) -> list[dict[str, Any]]:
    said, _ = chat.messages(row(**fields), openai=True)
    assert faults({"messages": said}) == []
    return said


def roles(said: list[dict[str, Any]]) -> list[str]:
    return [message["role"] for message in said]


def test_a_developer_message_is_the_system_message() -> None:
    asked = [("developer", "Never say the price."), *ASKED]
    said, changed = chat.messages(row(input_messages=asked))
    assert said[0] == {"role": "system", "content": "Never say the price."}
    assert changed == {chat.DEVELOPER}
    said, changed = chat.messages(row(input_messages=asked, system_instructions="Be kind."))
    assert said[0] == {"role": "system", "content": "Be kind.\n\nNever say the price."}
    assert changed == {chat.DEVELOPER, chat.JOINED}
    said, changed = chat.messages(row(input_messages=[("system", "Be kind."), *ASKED], system_instructions="Be kind."))
    assert (said[0]["content"], changed) == ("Be kind.", set())


def test_calls_and_results_of_earlier_turns() -> None:
    parts: Parts = [(1, "tool_call", '{"day": "Monday"}', "hours", "c1"), (2, "tool_call_response", "", "hours", "c1")]
    said = taken(input_messages=[*ASKED, ("assistant", ""), ("tool", "9 to 6")], input_parts=parts)
    assert roles(said) == ["user", "assistant", "tool", "assistant"]
    function = {"name": "hours", "arguments": '{"day": "Monday"}'}
    assert said[1] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    assert said[2] == {"role": "tool", "tool_call_id": "c1", "content": "9 to 6"}


def test_a_call_without_an_id_gets_one() -> None:
    parts: Parts = [
        (1, "tool_call", "{}", "hours", ""),
        (1, "tool_call", "{}", "prices", ""),
        (2, "tool_call_response", "", "prices", ""),
        (3, "tool_call_response", "", "hours", ""),
    ]
    said = taken(input_messages=[*ASKED, ("assistant", ""), ("tool", "12"), ("tool", "9 to 6")], input_parts=parts)
    assert [message.get("tool_call_id") for message in said] == [None, None, "call_1_1", "call_1_0", None]


def test_a_call_may_be_the_answer() -> None:
    parts: Parts = [(0, "tool_call", "", "hours", "c1")]
    assert roles(taken(output_messages=[("assistant", "")], output_parts=parts, tool_calls=[CALL])) == [
        "user",
        "assistant",
    ]
    assert roles(taken(output_messages=[], tool_calls=[CALL])) == ["user", "assistant"]


def test_what_the_tools_gave_stands_before_the_answer() -> None:
    call = (*CALL[:2], "9 to 6", "c1")
    wanted = ["user", "assistant", "tool", "assistant"]
    assert roles(taken(tool_calls=[call])) == wanted
    parts: Parts = [(0, "tool_call", "", "hours", "c1")]
    assert roles(taken(output_messages=[("assistant", ""), *ANSWERED], output_parts=parts, tool_calls=[call])) == wanted


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"input_messages": [*ASKED, *ANSWERED]}, "two turns of the role assistant in a row"),
        ({"output_messages": [*ANSWERED, *ANSWERED]}, "two turns of the role assistant in a row"),
        ({"input_messages": [*ASKED, *ASKED]}, "two turns of the role user in a row"),
        ({"output_messages": []}, "the last turn is not the assistant's"),
        ({"output_messages": [("assistant", " \n")]}, "an empty message of the role assistant"),
        ({"input_messages": [("user", "")]}, "an empty message of the role user"),
        ({"input_messages": []}, "the first turn is the assistant's"),
        ({"input_messages": [*ANSWERED, *ASKED]}, "the first turn is the assistant's"),
        ({"input_messages": [*ASKED, ("system", "now")]}, "a system message after the first turn"),
        ({"input_messages": [*ASKED, ("critic", "bad")]}, "a role that no trainer knows"),
        ({"output_messages": [("user", "Open?")]}, "a message of the role user in the answer"),
        ({"input_messages": [*ASKED, ("tool", "9")]}, "a tool's result without its call"),
        ({"input_parts": [(0, "media", "{}", "image/png", "")]}, "a part of the type media: text"),
        ({"output_parts": [(0, "code", "x", "", "")]}, "a part of the type code: text"),
        ({"tool_calls": [("hours", "Monday", "", "c1")]}, "arguments of a tool that are no JSON object"),
        ({"tool_calls": [("hours", "[1]", "", "c1")]}, "arguments of a tool that are no JSON object"),
        ({"tool_calls": [("", "{}", "", "c1")]}, "a call of a tool without its name"),
        ({"tool_calls": [("opening hours", "{}", "", "c1")]}, "a tool's name that OpenAI doesn't take"),
        ({"tool_calls": [(*CALL[:2], "9", "c1"), ("b", "{}", "", "c2")]}, "a call of a tool without its result"),
        ({"tool_calls": [CALL, CALL]}, "two calls of tools with one id"),
        (
            {"tool_calls": [(*CALL[:2], "9", "c1")], "output_parts": [(0, "tool_call", "", "hours", "c1")]},
            "the last turn is not the assistant's",
        ),
        (
            {"input_messages": [*ASKED, ("assistant", "")], "input_parts": [(1, "tool_call", "{}", "hours", "c1")]},
            "a call of a tool without its result",
        ),
        ({"error_type": "Timeout"}, "the call failed"),
        ({"cancelled": True}, "the answer was cancelled"),
        ({"truncated": {"input": 9}}, "the producer has cut it"),
    ],
)
def test_what_a_trainer_would_refuse_is_left_out_with_its_reason(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(SkippedError, match=reason.replace("(", ".")):
        chat.messages(row(**fields), openai=True)


def test_reasoning_is_left_out_and_said() -> None:
    said, changed = chat.messages(row(output_parts=[(0, "reasoning", "hm", "", "")]))
    assert (roles(said), changed) == (["user", "assistant"], {chat.REASONING})


def test_what_the_producer_reads_comes_out_again() -> None:
    """A conversation in OpenAI's form, through the reader that apps use."""
    function = {"name": "hours", "arguments": '{"day": "Monday"}'}
    call = {"id": "c1", "type": "function", "function": function}
    conversation = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Open on Monday?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "9 to 6"},
    ]
    given, answered = read.read(conversation, "user"), read.read("Until 6.", "assistant")

    def plain(parts: Any) -> Parts:
        return [(part.message, part.type, part.content, part.name or "", part.id or "") for part in parts]

    said = taken(
        input_messages=[(message.role, message.content) for message in given.messages],
        input_parts=plain(given.parts),
        output_messages=[(message.role, message.content) for message in answered.messages],
        output_parts=plain(answered.parts),
    )
    assert said == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Open on Monday?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "9 to 6"},
        {"role": "assistant", "content": "Until 6."},
    ]


def test_every_line_of_an_export_is_taken_and_every_other_row_is_listed(store: Store) -> None:
    store.insert(
        event(0),
        event(1, output_messages=[]),
        event(2, input_messages=[("developer", "Be brief."), ("user", "Open?")]),
        event(3, input_messages=[("user", "a"), ("assistant", "b")]),
    )
    for form in ("chat", "openai"):
        export = store.export(form)
        assert [faults(line) for line in export.lines()] == [[], []]
        assert len(export.skipped()) == 2
        assert export.manifest["changed"] == {chat.DEVELOPER: 1}
        assert "Be brief." in json.dumps(export.lines())


def test_a_name_that_openai_refuses_is_for_others(store: Store) -> None:
    store.insert(event(0, tool_calls=[("opening hours", "{}", "9 to 6", "c1")]))
    assert store.export("chat").manifest["rows"] == 1
    assert store.export("openai").manifest["skipped"] == {"a tool's name that OpenAI doesn't take": 1}
