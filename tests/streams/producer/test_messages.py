"""Inputs and outputs in the forms of providers and frameworks: nothing says which, and no text is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.schemas.records import Document, Interaction, Message, Part, ToolCall
from watchline.streams.producer import arguments
from watchline.streams.producer.messages import read, text
from watchline.streams.producer.snapshot import Snapshot

IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def event(**given: Any) -> Interaction:
    """As `emit` reads it."""
    snapshot = Snapshot(given)
    assert not snapshot.cut
    return Interaction(event_id="1", time=0, app="shop", **arguments.fields(snapshot.arguments, strict=True))


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")


class Text(pydantic.BaseModel):
    type: str = "text"
    text: str


@dataclass
class Chat:
    role: str
    content: list[Any] = field(default_factory=list)


QUESTIONS = {
    "text": "How?",
    "one message": {"role": "user", "content": "How?"},
    "OpenTelemetry's parts": [{"role": "user", "parts": [{"type": "text", "content": "How?"}]}],
    "OpenTelemetry's attribute": '[{"role": "user", "parts": [{"type": "text", "content": "How?"}]}]',
    "chat": [{"role": "system", "content": "Short."}, {"role": "user", "content": [{"type": "text", "text": "How?"}]}],
    "responses": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How?"}]}],
    "a request": {"model": "m", "system": "Short.", "messages": [{"role": "user", "content": "How?"}], "max_tokens": 9},
    "a request of responses": {"model": "m", "instructions": "Short.", "input": "How?"},
    "parts without a message": [{"type": "text", "text": "How?"}],
    "Gemini": [{"role": "user", "parts": [{"text": "How?"}]}],
    "a request of Gemini": {"contents": [{"role": "user", "parts": [{"text": "How?"}]}]},
    "Bedrock": [{"role": "user", "content": [{"text": "How?"}]}],
    "LangChain's objects": [Model(type="system", content="Short."), Model(type="human", content="How?")],
    "LangChain's tuples": [("system", "Short."), ("human", "How?")],
    "LangChain's dumps": [
        {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "How?"}}
    ],
    "LangChain's dicts": [{"type": "human", "data": {"content": "How?", "additional_kwargs": {}}}],
    "LlamaIndex": [{"role": "user", "additional_kwargs": {}, "blocks": [{"block_type": "text", "text": "How?"}]}],
    "OpenInference": [{"message.role": "user", "message.content": "How?"}],
    "OpenInference's contents": [
        {
            "message.role": "user",
            "message.contents": [{"message_content.type": "text", "message_content.text": "How?"}],
        }
    ],
    "Cohere": [{"role": "USER", "message": "How?"}],
    "Vercel": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "How?"}]}],
    "a dataclass": Chat("user", [Text(text="How?")]),
    "an export": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["How?"]}},
}


@pytest.mark.parametrize("form", QUESTIONS)
def test_a_question_in_every_form(form: str) -> None:
    interaction = event(input=QUESTIONS[form])
    assert interaction.input == "How?" and interaction.input_messages[-1] == Message("user", "How?")
    assert interaction.input_parts == ()


ANSWERS = {
    "text": "So.",
    "a message": Model(role="assistant", content="So.", refusal=None, tool_calls=None),
    "blocks": [{"type": "text", "text": "So.", "citations": None, "parsed_output": {"so": 1}}],
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "So."}, "finish_reason": "stop"}],
    "a response of chat": {
        "id": "r1",
        "object": "chat.completion",
        "model": "m-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "So."}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    },
    "a response's pieces": [
        {"id": "r1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "S"}}]},
        {"id": "r1", "choices": [{"index": 0, "delta": {"content": "o."}, "finish_reason": None}]},
    ],
    "a completion": {"id": "r1", "choices": [{"index": 0, "text": "So.", "finish_reason": "stop"}]},
    "a response of responses": {
        "id": "r1",
        "object": "response",
        "output": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "So.", "annotations": []}],
            }
        ],
    },
    "Anthropic": {
        "id": "r1",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "So."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 4},
    },
    "Gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "So."}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7},
    },
    "Bedrock": {"output": {"message": {"role": "assistant", "content": [{"text": "So."}]}}, "stopReason": "end_turn"},
    "Cohere": {
        "id": "r1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "So."}]},
    },
    "Ollama": {"model": "m", "message": {"role": "assistant", "content": "So."}, "done": True, "done_reason": "stop"},
    "Ollama's generate": {"model": "m", "response": "So.", "done": True},
    "Vercel": {"text": "So.", "finishReason": "stop", "toolCalls": []},
    "LiteLLM": {
        "choices": [{"message": {"content": "So.", "provider_specific_fields": {"refusal": None}, "role": "assistant"}}]
    },
    "LangChain": Model(type="ai", content="So.", tool_calls=[], response_metadata={"finish_reason": "stop"}),
    "LangChain's result": {"generations": [[{"text": "So.", "message": {"type": "ai", "content": "So."}}]]},
    "LangGraph's state": {"messages": [{"type": "human", "content": "How?"}, {"type": "ai", "content": "So."}]},
    "LlamaIndex": {"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": "So."}]}, "raw": None},
    "Hugging Face": [{"generated_text": "So."}],
    "a refusal": [{"role": "assistant", "content": None, "refusal": "So."}],
    "an audio's transcript": {"role": "assistant", "content": None, "audio": {"id": "a", "transcript": "So."}},
    "the model's own role": [{"role": "model", "content": "So."}],
}


@pytest.mark.parametrize("form", ANSWERS)
def test_an_answer_in_every_form(form: str) -> None:
    interaction = event(input="How?", output=ANSWERS[form])
    assert (interaction.output, interaction.is_step) == ("So.", False)
    assert {message.role for message in interaction.output_messages} == {"assistant"}
    assert interaction.tool_calls == () and not interaction.output_parts


@pytest.mark.parametrize("form", ["a response of chat", "Anthropic", "Gemini"])
def test_a_whole_response_says_more(form: str) -> None:
    interaction = event(input="How?", output=ANSWERS[form])
    assert (interaction.input_tokens, interaction.output_tokens) == (3, 4)
    assert interaction.finish_reasons[0] in ("stop", "end_turn", "STOP")
    said = event(input="How?", output=ANSWERS[form], usage={"input_tokens": 9}, response_id="mine")
    assert (said.input_tokens, said.response_id) == (9, "mine")


CALLS = {
    "chat": [
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "find", "arguments": '{"id": 7}'}}]}
    ],
    "a legacy call": [{"role": "assistant", "function_call": {"name": "find", "arguments": '{"id": 7}'}}],
    "responses": [{"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"id": 7}'}],
    "Anthropic": [{"type": "tool_use", "id": "c1", "name": "find", "input": {"id": 7}}],
    "Gemini": [{"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"id": 7}}}]}],
    "Bedrock": [
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c1", "name": "find", "input": {"id": 7}}}]}
    ],
    "OpenTelemetry": [{"role": "assistant", "parts": [{"type": "tool_call", "name": "find", "arguments": {"id": 7}}]}],
    "LangChain": Model(type="ai", content="", tool_calls=[{"name": "find", "args": {"id": 7}, "id": "c1"}]),
    "LangChain's chunk": Model(
        type="AIMessageChunk",
        content="",
        tool_calls=[{"name": "find", "args": {"id": 7}, "id": "c1"}],
        tool_call_chunks=[{"name": "find", "args": '{"id": 7}', "id": "c1", "index": 0}],
        chunk_position="last",
    ),
    "LangChain's invalid ones": Model(
        type="ai", content="", invalid_tool_calls=[{"name": "find", "args": '{"id": 7}', "id": "c1", "error": None}]
    ),
    "LangChain with both": Model(
        type="ai",
        content=[{"type": "tool_use", "id": "c1", "name": "find", "input": {"id": 7}}],
        tool_calls=[{"name": "find", "args": {"id": 7}, "id": "c1"}],
    ),
    "Vercel": [{"role": "assistant", "content": [{"type": "tool-call", "toolName": "find", "input": {"id": 7}}]}],
    "OpenInference": [
        {
            "message.role": "assistant",
            "message.tool_calls": [
                {"tool_call.function.name": "find", "tool_call.function.arguments": '{"id": 7}'},
            ],
        }
    ],
}


ADD = {"name": "add", "args": {"a": 2, "b": 3}, "id": "c1"}


@pytest.mark.parametrize("form", CALLS)
def test_an_output_that_calls_a_tool_is_a_step(form: str) -> None:
    interaction = event(input="How?", output=CALLS[form])
    (call,) = interaction.tool_calls
    assert (call.name, json.loads(call.arguments), call.result) == ("find", {"id": 7}, None)
    assert interaction.output == "" and interaction.is_step
    assert [part.type for part in interaction.output_parts] == ["tool_call"]


RESULTS = {
    "chat": {"role": "tool", "tool_call_id": "c1", "content": "15 degrees"},
    "a legacy call": {"role": "function", "name": "weather", "content": "15 degrees"},
    "responses": {"type": "function_call_output", "call_id": "c1", "output": "15 degrees"},
    "Anthropic": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "15 degrees"}]},
    "Anthropic's blocks": {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "15 degrees"}]},
        ],
    },
    "Gemini": {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": "15 degrees"}}]},
    "Bedrock": {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "15 degrees"}], "status": "success"}}],
    },
    "OpenTelemetry": {
        "role": "tool",
        "parts": [{"type": "tool_call_response", "id": "c1", "response": "15 degrees"}],
    },
    "LangChain": Model(type="tool", content="15 degrees", tool_call_id="c1", status="success"),
    "Vercel": {
        "role": "tool",
        "content": [
            {
                "type": "tool-result",
                "toolCallId": "c1",
                "toolName": "weather",
                "output": {"type": "text", "value": "15 degrees"},
            }
        ],
    },
}


@pytest.mark.parametrize("form", RESULTS)
def test_what_a_tool_gave_is_no_question(form: str) -> None:
    interaction = event(input=[{"role": "user", "content": "Weather in Paris?"}, RESULTS[form]])
    assert interaction.input == "Weather in Paris?"
    assert interaction.input_messages[1:] == (Message("tool", "15 degrees"),)
    assert [part.type for part in interaction.input_parts] == ["tool_call_response"]


@pytest.mark.parametrize("form", RESULTS)
def test_within_an_output_it_is_the_result_of_its_call(form: str) -> None:
    called = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "weather", "arguments": "{}"}}]}
    said = {"role": "assistant", "content": "Fifteen."}
    interaction = event(input="Weather?", output=[called, RESULTS[form], said])
    assert interaction.tool_calls == (ToolCall("weather", "{}", "15 degrees", "c1"),)
    assert (interaction.output, interaction.is_step) == ("Fifteen.", False)


def test_an_answer_with_the_calls_before_it_is_no_step() -> None:
    state = [
        {"type": "human", "content": "Add."},
        {"type": "ai", "content": "", "tool_calls": [{"name": "add", "args": {"a": 2}, "id": "c1"}]},
        {"type": "tool", "content": "5", "tool_call_id": "c1", "name": "add"},
        {"type": "ai", "content": "It is 5."},
    ]
    searched = [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"title": "T"}]},
        {"type": "text", "text": "It is 5."},
    ]
    for output, name in (({"messages": state}, "add"), (searched, "web_search")):
        interaction = event(input="Add.", output=output)
        assert (interaction.output, interaction.is_step) == ("It is 5.", False)
        assert [call.name for call in interaction.tool_calls] == [name] and interaction.tool_calls[0].result


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "reasoning", "content": "Hm."},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"text": "Hm.", "thought": True},
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    ],
)
def test_reasoning_is_no_answer(part: dict[str, Any]) -> None:
    interaction = event(
        input="How?", output=[{"role": "assistant", "content": [part, {"type": "text", "text": "So."}]}]
    )
    assert interaction.output == "So." and interaction.output_parts == (Part(0, "reasoning", "Hm."),)
    beside = event(input="How?", output={"role": "assistant", "content": "So.", "reasoning_content": "Hm."})
    assert beside.output_parts == (Part(0, "reasoning", "Hm."),)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
        {"type": "input_image", "image_url": f"data:image/png;base64,{IMAGE}"},
        {"inlineData": {"mimeType": "image/png", "data": IMAGE}},
        {"image": {"format": "png", "source": {"bytes": b"\x89PNG\r\n\x1a\n"}}},
        {"type": "blob", "mime_type": "image/png", "data": IMAGE, "modality": "image"},
        {"type": "input_audio", "input_audio": {"data": IMAGE, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{IMAGE}", "filename": "a.pdf"}},
    ],
)
def test_media_are_described_without_their_bytes(part: dict[str, Any]) -> None:
    interaction = event(input=[{"role": "user", "content": [{"type": "text", "text": "See?"}, part]}])
    (media,) = interaction.input_parts
    assert interaction.input == "See?" and media.type == "media"
    assert IMAGE not in media.content and "bytes, sha256 " in media.content


def test_bytes_within_other_texts_are_described_too() -> None:
    interaction = event(
        input=f"What is data:image/png;base64,{IMAGE} here?",
        tool_calls=[{"name": "screenshot", "result": {"type": "image", "data": f"data:image/png;base64,{IMAGE}"}}],
        attributes={"thumbnail": b"\x89PNG\r\n\x1a\n"},
    )
    everything = [interaction.input, interaction.tool_calls[0].result or "", interaction.attributes["thumbnail"]]
    assert all("bytes, sha256 " in text and IMAGE not in text for text in everything)
    assert interaction.input.startswith("What is [image/png, ") and interaction.input.endswith("] here?")


def test_a_document_in_a_message_is_a_document() -> None:
    block = {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "Twelve."},
        "title": "T",
    }
    found = {"type": "search_result", "source": "https://a.example", "content": [{"type": "text", "text": "Ten."}]}
    interaction = event(
        input=[{"role": "user", "content": [block, found, {"type": "text", "text": "How much?"}]}], documents=["One."]
    )
    assert interaction.input == "How much?"
    assert interaction.documents == (Document("T\nTwelve."), Document("Ten.", "https://a.example"), Document("One."))


def test_an_answer_in_a_form_of_the_app_s_own_is_its_json() -> None:
    assert (
        event(input="x", output={"answer": "12 euros", "confidence": 0.9}).output
        == '{"answer": "12 euros", "confidence": 0.9}'
    )
    assert event(input="x", output=Model(answer="12 euros")).output == '{"answer": "12 euros"}'
    assert event(input=7, output=["a", "b"]).output == "a\nb"


def test_langchain_s_answers_before_are_no_reason_why_this_one_ended() -> None:
    asked = [
        Model(type="human", content="Add."),
        Model(type="ai", content="", tool_calls=[ADD], response_metadata={"finish_reason": "tool_calls"}),
        Model(type="tool", content="5", tool_call_id="c1"),
    ]
    about = {"stopReason": "end_turn", "model": "m-1", "id": "r-1", "system_fingerprint": "fp"}
    usage = {"input_tokens": 3, "output_tokens": 2}
    answer = Model(type="ai", content="It is 5.", id="lc_run--1-0", response_metadata=about, usage_metadata=usage)
    interaction = event(input=asked, output=[answer])
    assert (interaction.finish_reasons, interaction.is_step) == (("end_turn",), False)
    said = (interaction.response_model, interaction.response_id, interaction.system_fingerprint)
    assert said == ("m-1", "r-1", "fp") and interaction.output_tokens == 2
    about.pop("id")
    assert event(input=asked, output=[answer]).response_id is None  # LangChain's id is none of a provider


@pytest.mark.parametrize(
    ("kind", "role"),
    [("SystemMessage", "system"), ("ToolMessage", "tool"), ("AIMessageChunk", "assistant"), ("HumanMessage", "user")],
)
def test_langchain_s_dumps_name_their_classes(kind: str, role: str) -> None:
    dump = {"lc": 1, "type": "constructor", "id": ["langchain", "schema", kind], "kwargs": {"content": "So."}}
    assert event(input=[dump]).input_messages == (Message(role, "So."),)


def test_instructions_in_blocks_are_one_text() -> None:
    assert text(
        [{"type": "text", "text": "Be short.", "cache_control": {"type": "ephemeral"}}, {"text": "Be kind."}]
    ) == ("Be short.\nBe kind.")


def test_a_name_of_the_app_s_own_stays_a_role() -> None:
    assert event(input=[{"role": "critic", "content": "x"}]).input_messages == (Message("critic", "x"),)


def test_a_call_s_arguments_and_result_stay() -> None:
    assert read(
        [{"type": "mcp_call", "id": "m1", "name": "find", "arguments": "{}", "output": "5"}], "assistant"
    ).tool_calls == [ToolCall("find", "{}", "5", "m1")]


# --- nothing is lost

words = st.text("abcdefghij", min_size=13, max_size=13)
plain = st.fixed_dictionaries({"type": st.sampled_from(["text", "output_text", "input_text"]), "text": words})
calls = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "name": words, "input": st.dictionaries(words, words, min_size=1, max_size=2)}
)
thoughts = st.fixed_dictionaries({"type": st.just("thinking"), "thinking": words})
gemini = st.fixed_dictionaries(
    {"functionCall": st.fixed_dictionaries({"name": words, "args": st.dictionaries(words, words)})}
)
unknown = st.recursive(
    words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
unknown_parts = st.fixed_dictionaries({"type": words, "of_this": unknown}, optional={"more": unknown})
results = st.fixed_dictionaries(
    {"type": st.just("tool_result"), "tool_use_id": words, "content": words | st.lists(plain, min_size=1, max_size=2)}
)
extra = st.fixed_dictionaries(
    {"type": st.just("text"), "text": words, "citations": st.lists(st.dictionaries(words, words))}
)
parts = st.lists(plain | calls | thoughts | gemini | unknown_parts | results | extra | words, min_size=1, max_size=5)
messages = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool", "model", "critic"]), "content": parts | words}
)


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in strings(item)]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


@given(given=st.lists(messages, min_size=1, max_size=4) | parts | unknown, side=st.sampled_from(["input", "output"]))
def test_no_text_is_lost_in_any_nesting(given: Any, side: str) -> None:
    interaction = event(**{"input": "x", side: given})
    stored = json.dumps(
        [
            [
                (message.role, message.content)
                for message in (*interaction.input_messages, *interaction.output_messages)
            ],
            [
                (part.type, part.content, part.name, part.id)
                for part in (*interaction.input_parts, *interaction.output_parts)
            ],
            [(call.name, call.arguments, call.result, call.id) for call in interaction.tool_calls],
            [(document.content, document.id) for document in interaction.documents],
        ]
    )
    lost = [word for word in strings(given) if len(word) == 13 and word not in stored]
    assert not lost


def test_what_litellm_repeats_of_reasoning_is_kept_once() -> None:
    thought = [{"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}]
    message = {"role": "assistant", "content": "So.", "reasoning_content": "Hm.", "thinking_blocks": thought}
    more = {"thinking_blocks": thought, "reasoning_content": "Hm.", "citations": None}
    interaction = event(output={"choices": [{"message": {**message, "provider_specific_fields": more}}]})
    assert interaction.output_parts == (Part(0, "reasoning", "Hm."),)


def test_what_llamaindex_has_of_the_provider_is_read_beside_its_own() -> None:
    raw = {"id": "r1", "model": "m-1", "choices": [{"message": {"content": "So."}, "finish_reason": "length"}]}
    call = {"block_type": "tool_call", "tool_call_id": "c1", "tool_name": "find", "tool_kwargs": {"id": 7}}
    text = {"block_type": "text", "text": "So."}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    interaction = event(
        output={"message": {"role": "assistant", "blocks": [text, call]}, "raw": {**raw, "usage": usage}, "delta": None}
    )
    assert (interaction.output, interaction.response_model, interaction.response_id) == ("So.", "m-1", "r1")
    assert (interaction.input_tokens, interaction.output_tokens, interaction.finish_reasons[0]) == (3, 4, "length")
    assert interaction.tool_calls == (ToolCall("find", '{"id": 7}', None, "c1"),)
