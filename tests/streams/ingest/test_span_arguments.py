"""What of a span becomes which argument; nothing else of it is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchline.schemas.records import Interaction, Message
from watchline.streams.ingest.span import KINDS, MODEL, OTHER, Span, SpanEvent
from watchline.streams.ingest.span_arguments import (
    CANCELS,
    DOCUMENTS,
    LEFT_OUT,
    MAPPED,
    MORE_PARAMETERS,
    OF_RESOURCE,
    PARAMETERS,
    PARAMETERS_IN_JSON,
    USAGE,
    VARIABLES,
    VARIABLES_IN_JSON,
    arguments,
    documents,
    tool_call,
)
from watchline.streams.ingest.span_messages import INPUT, INPUT_EVENTS, OUTPUT, OUTPUT_EVENTS
from watchline.streams.ingest.trace import read
from watchline.streams.producer.arguments import fields

IDS = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}


def span(attributes: dict[str, Any] | None = None, *events: SpanEvent, **more: Any) -> Span:
    return Span(**{**IDS, "attributes": attributes or {}, "events": events, **more})


def event(found: Span) -> Interaction:
    """The event of a span, by the producer's own reading."""
    return Interaction(**{"app": "a", "time": 1, **fields(arguments(found))})


def texts(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in messages]


@pytest.mark.parametrize(("argument", "name"), [(argument, name) for argument in MAPPED for name in MAPPED[argument]])
def test_every_mapped_attribute_becomes_its_argument_and_nothing_else(argument: str, name: str) -> None:
    value: Any = {"cost": 0.5, "time_to_first_chunk_s": 0.5}.get(argument, "said")
    found = arguments(span({name: value}))
    assert found[argument] == ([value] if argument == "finish_reasons" else value)
    assert "attributes" not in found
    fields(found)


@pytest.mark.parametrize(
    "argument", [argument for argument, names in MAPPED.items() if len(names) > 1 and argument != "operation"]
)
def test_the_first_name_counts_and_what_says_otherwise_is_kept(argument: str) -> None:
    first, second, *_ = MAPPED[argument]
    found = arguments(span({second: "other", first: "said"}))
    assert found[argument] in ("said", ["said"]) and found["attributes"] == {second: "other"}


@pytest.mark.parametrize("name", USAGE)
def test_every_count_is_read(name: str) -> None:
    found = arguments(span({name: 7}))
    assert "attributes" not in found
    assert 7 in fields(found).values() or "total" in name


@pytest.mark.parametrize("argument", OF_RESOURCE)
def test_the_resource_says_whose_it_is(argument: str) -> None:
    for name in OF_RESOURCE[argument]:
        assert arguments(span(resource={name: "said"}))[argument] == "said"


def test_a_service_that_nobody_named_is_none() -> None:
    assert "app" not in arguments(span(resource={"service.name": "unknown_service:python"}))


@pytest.mark.parametrize("name", [*(f"{prefix}seed" for prefix in PARAMETERS), *MORE_PARAMETERS])
def test_parameters(name: str) -> None:
    found = arguments(span({name: 7, **dict.fromkeys(PARAMETERS_IN_JSON, '{"top_p": 0.9}')}))
    assert found["parameters"] == {"top_p": 0.9, name.rpartition(".")[2] if name in MORE_PARAMETERS else "seed": 7}
    assert "attributes" not in found


@pytest.mark.parametrize("name", VARIABLES_IN_JSON)
def test_variables(name: str) -> None:
    found = arguments(span({name: '{"city": "Rome"}', **{f"{prefix}day": 1 for prefix in VARIABLES}}))
    assert found["prompt_variables"] == {"city": "Rome", "day": 1} and "attributes" not in found
    assert arguments(span({name: "no JSON"}))["attributes"] == {name: "no JSON"}


@pytest.mark.parametrize(
    ("argument", "source"), [*(("input", source) for source in INPUT), *(("output", source) for source in OUTPUT)]
)
def test_every_place_of_messages_is_read(argument: str, source: str) -> None:
    role, texts_of = ("user", "input_messages") if argument == "input" else ("assistant", "output_messages")
    name, numbered, _ = source.partition(".N")
    message = [{"role": role, "parts": [{"type": "text", "content": "Hello"}]}]
    forms: list[dict[str, Any]] = [{name: json.dumps(message)}, {name: message}, {name: "Hello"}]
    if numbered:
        forms = [
            {f"{name}.0.role": role, f"{name}.0.content": "Hello"},
            {f"{name}.0.message.role": role, f"{name}.0.message.content": "Hello"},
            {f"{name}.0.message.contents.0.message_content.type": "text",
             f"{name}.0.message.contents.0.message_content.text": "Hello"},
            {f"{name}.0.content": '[{"type": "text", "text": "Hello"}]'},
            {f"{name}.0.prompt.text": "Hello"},
            {f"{name}.0": "Hello"},
        ]  # fmt: skip
    for form in forms:
        found = event(span(form))
        assert texts(getattr(found, texts_of)) == [(role, "Hello")], form
        assert not found.attributes


@pytest.mark.parametrize(("name", "role"), [*INPUT_EVENTS.items(), *OUTPUT_EVENTS.items()])
def test_every_event_that_is_a_message_is_read(name: str, role: str) -> None:
    for attributes in (
        {"content": "Hello"},
        {"gen_ai.event.content": json.dumps({"role": role, "content": "Hello"})},
        {"gen_ai.event.content": json.dumps({"message": {"role": role, "content": "Hello"}, "finish_reason": "stop"})},
        {"message": "Hello", "finish_reason": "stop"},
        {"message": '[{"text": "Hello"}]', "finish_reason": "stop"},
        {"message.role": role, "message.content": "Hello", "finish_reason": "stop"},
        {"role": role, "parts": '[{"type": "text", "content": "Hello"}]'},
        {"gen_ai.prompt" if name in INPUT_EVENTS else "gen_ai.completion": "Hello"},
    ):
        found = event(span({}, SpanEvent(name, attributes)))
        assert texts((*found.input_messages, *found.output_messages)) == [(role, "Hello")], attributes
        assert ("finish_reason" in str(attributes)) == (found.finish_reasons == ("stop",)) or name in INPUT_EVENTS


@pytest.mark.parametrize(
    "attributes",
    [
        {"message": '{"tool_calls": [{"id": "c1", "function": {"name": "bell", "arguments": "7"}}]}'},
        {"message": '[{"toolUse": {"toolUseId": "c1", "name": "bell", "input": 7}}]'},
        {"tool_calls": '[{"id": "c1", "type": "function", "function": {"name": "bell", "arguments": "7"}}]'},
        {
            "message.tool_calls.0.id": "c1",
            "message.tool_calls.0.function.name": "bell",
            "message.tool_calls.0.function.arguments": "7",
        },
    ],
)
def test_a_call_of_a_tool_in_an_event_is_read(attributes: dict[str, Any]) -> None:
    found = event(span({}, SpanEvent("gen_ai.choice", {**attributes, "finish_reason": "tool_calls"})))
    assert [(call.name, call.arguments, call.id) for call in found.tool_calls] == [("bell", "7", "c1")]
    assert found.finish_reasons == ("tool_calls",)


@pytest.mark.parametrize(
    "event_",
    [
        SpanEvent("gen_ai.content.prompt", {"gen_ai.prompt": "Hello"}),
        SpanEvent("gen_ai.client.inference.operation.details", {"gen_ai.input.messages": "Hello"}),
    ],
    ids=lambda event: event.name,
)
def test_events_that_hold_what_a_span_may_have(event_: SpanEvent) -> None:
    assert texts(event(span({}, event_)).input_messages) == [("user", "Hello")]


def test_a_conversation_with_tools_of_openinference() -> None:
    found = event(
        span(
            {
                "openinference.span.kind": "LLM",
                "llm.model_name": "gpt-4o-2024-08-06",
                "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.2}',
                "llm.input_messages.0.message.role": "user",
                "llm.input_messages.0.message.content": "What time is it?",
                "llm.input_messages.1.message.role": "assistant",
                "llm.input_messages.1.message.tool_calls.0.tool_call.id": "c1",
                "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "clock",
                "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"zone": "UTC"}',
                "llm.input_messages.2.message.role": "tool",
                "llm.input_messages.2.message.tool_call_id": "c1",
                "llm.input_messages.2.message.content": "12:00",
                "llm.input_messages.10.message.role": "user",
                "llm.input_messages.10.message.content": "Well?",
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.content": "Noon.",
                "input.value": "{}",
                "llm.token_count.prompt": 30,
                "llm.token_count.completion": 5,
                "llm.token_count.prompt_details.cache_read": 10,
                "llm.cost.total": 0.01,
                "llm.tools.0.tool.json_schema": "{}",
            }
        )
    )
    assert (found.request_model, found.response_model) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert found.request_parameters == {"temperature": "0.2"}
    roles = [message.role for message in found.input_messages]
    assert roles == ["user", "assistant", "tool", "user"]
    called, answered = found.input_parts
    assert (called.message, called.name, called.id, called.content) == (1, "clock", "c1", '{"zone": "UTC"}')
    assert (answered.message, answered.type, answered.id) == (2, "tool_call_response", "c1")
    assert found.input_messages[2].content == "12:00" and found.input_messages[3].content == "Well?"
    assert texts(found.output_messages) == [("assistant", "Noon.")]
    assert (found.input_tokens, found.cache_read_input_tokens, found.cost) == (30, 10, 0.01)
    assert found.attributes == {"llm.tools.0.tool.json_schema": "{}"}


def test_a_call_of_openllmetry() -> None:
    found = event(
        span(
            {
                "llm.request.type": "chat",
                "gen_ai.system": "OpenAI",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.request.temperature": 0.2,
                "gen_ai.prompt.0.role": "system",
                "gen_ai.prompt.0.content": "Be short.",
                "gen_ai.prompt.1.role": "user",
                "gen_ai.prompt.1.content": "What time is it?",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.finish_reason": "tool_calls",
                "gen_ai.completion.0.tool_calls.0.id": "c1",
                "gen_ai.completion.0.tool_calls.0.name": "clock",
                "gen_ai.completion.0.tool_calls.0.arguments": "{}",
                "gen_ai.completion.0.content_filter_results": "none",
                "llm.headers": "authorization: secret",
                "traceloop.association.properties.session_id": "s1",
            },
            start_ns=1_700_000_000_000_000_000,
            end_ns=1_700_000_001_500_000_000,
        )
    )
    assert (found.operation, found.provider, found.request_parameters) == ("chat", "OpenAI", {"temperature": "0.2"})
    assert texts(found.input_messages) == [("system", "Be short."), ("user", "What time is it?")]
    assert found.tool_calls[0].name == "clock" and found.finish_reasons == ("tool_calls",)
    assert (found.conversation_id, found.time, found.latency_s) == ("s1", 1_700_000_001_500_000, 1.5)
    assert found.attributes == {"gen_ai.completion.0.content_filter_results": "none"}


def test_a_call_of_vercel_s_sdk() -> None:
    prompt = [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool-call", "toolCallId": "c1", "toolName": "clock", "input": {"zone": "UTC"}}],
        },
        {
            "role": "tool",
            "content": [
                {
                    "type": "tool-result",
                    "toolCallId": "c1",
                    "toolName": "clock",
                    "output": {"type": "text", "value": "12:00"},
                }
            ],
        },
    ]
    said: dict[str, Any] = {
        "operation.name": "ai.streamText.doStream support",
        "ai.operationId": "ai.streamText.doStream",
        "ai.model.id": "gpt-4o",
        "ai.model.provider": "openai.responses",
        "ai.settings.maxRetries": 2,
        "ai.request.headers.authorization": "Bearer secret",
        "ai.prompt.messages": json.dumps(prompt),
        "ai.prompt.toolChoice": '{"type": "auto"}',
        "ai.response.text": "Noon.",
        "ai.response.reasoning": "It is twelve.",
        "ai.response.toolCalls": '[{"toolCallId": "c2", "toolName": "bell", "input": {"times": 12}}]',
        "ai.response.finishReason": "stop",
        "ai.response.id": "r1",
        "ai.response.model": "gpt-4o-2024-08-06",
        "ai.response.msToFirstChunk": 250,
        "ai.usage.inputTokens": 30,
        "ai.usage.outputTokens": 5,
        "ai.usage.cachedInputTokens": 10,
        "ai.telemetry.metadata.sessionId": "s1",
        "gen_ai.system": "openai.responses",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 30,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    assert span(said).kind == MODEL
    found = event(span(said))
    assert (found.request_model, found.response_model, found.response_id) == ("gpt-4o", "gpt-4o-2024-08-06", "r1")
    assert (found.provider, found.conversation_id, found.time_to_first_chunk_s) == ("openai.responses", "s1", 0.25)
    assert texts(found.input_messages) == [
        ("system", "Be short."), ("user", "What time is it?"), ("assistant", ""), ("tool", "12:00"),
    ]  # fmt: skip
    assert texts(found.output_messages) == [("assistant", "Noon.")]
    assert [part.type for part in found.output_parts] == ["reasoning", "tool_call"]
    assert [(call.name, call.arguments, call.id) for call in found.tool_calls] == [("bell", '{"times": 12}', "c2")]
    assert (found.input_tokens, found.output_tokens, found.cache_read_input_tokens) == (30, 5, 10)
    assert found.request_parameters == {"maxRetries": "2", "temperature": "0.2", "toolChoice": '{"type": "auto"}'}
    assert "stop" in found.finish_reasons and not found.unreadable
    assert found.attributes == {"operation.name": "ai.streamText.doStream support"}


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"ai.response.object": '{"total": 12}'}, '{"total": 12}'),
        ({"ai.response.text": '{"total": 12}'}, '{"total": 12}'),
        ({"ai.response.text": "[1, 2]"}, "[1, 2]"),
    ],
)
def test_an_answer_of_vercel_s_that_is_json_stays_as_it_is(attributes: dict[str, str], text: str) -> None:
    assert texts(event(span(attributes)).output_messages) == [("assistant", text)]


def test_only_the_inner_spans_of_vercel_s_sdk_are_calls() -> None:
    spans = [
        Span(trace_id="a" * 32, span_id=f"{at:016x}", start_ns=at, end_ns=end, attributes=said)
        for at, end, said in (
            (1, 9, {"ai.operationId": "ai.generateText", "ai.model.id": "gpt-4o", "ai.response.text": "Noon."}),
            (2, 3, {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-4o"}),
            (4, 5, {"ai.operationId": "ai.toolCall", "ai.toolCall.name": "clock", "ai.toolCall.id": "c1",
                    "ai.toolCall.args": "{}", "ai.toolCall.result": '"12:00"'}),
            (6, 7, {"ai.operationId": "ai.generateText.doGenerate", "ai.model.id": "gpt-4o"}),
        )
    ]  # fmt: skip
    found = read(spans)
    assert [span.start_ns for span, _ in found.calls] == [2, 6] and found.left_out == {"chain": 1}
    assert found.calls[1][1]["tool_calls"] == [{"name": "clock", "arguments": "{}", "result": '"12:00"', "id": "c1"}]


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.lists(st.text()), max_size=8))
def test_what_is_not_mapped_is_kept(attributes: dict[str, Any]) -> None:
    kept = arguments(span({f"own.{name}": value for name, value in attributes.items()})).get("attributes", {})
    assert kept.keys() == {f"own.{name}" for name in attributes}


def test_what_is_left_out_is_left_out() -> None:
    assert "attributes" not in arguments(span(dict.fromkeys(set(LEFT_OUT) - {"gen_ai.operation.name"}, "x")))


def test_a_text_that_is_no_json_stays_a_text() -> None:
    """A limit on an attribute's length cuts it anywhere."""
    cut = '[{"role": "user", "parts": [{"type": "te'
    assert texts(event(span({"gen_ai.input.messages": cut})).input_messages) == [("user", cut)]


@pytest.mark.parametrize("source", DOCUMENTS)
def test_every_place_of_documents_is_read(source: str) -> None:
    name, numbered, _ = source.partition(".N")
    said = {"id": "d1", "content": "Invoice 7", "score": 0.5}
    attributes: dict[str, Any] = {f"{name}.0.document.{field}": value for field, value in said.items()}
    found = span(attributes if numbered else {name: json.dumps([said, {"id": "d2"}])})
    assert documents(found) == [said] and event(found).documents[0].content == "Invoice 7"


@pytest.mark.parametrize("score", [float("nan"), float("-inf"), "high", {"value": 1}])
def test_a_bad_score_costs_no_document(score: Any) -> None:
    prefix = "retrieval.documents.0.document"
    found = event(span({f"{prefix}.content": "Invoice 7", f"{prefix}.score": score, f"{prefix}.id": 0.5}))
    (document,) = found.documents
    assert (document.content, document.id, document.score) == ("Invoice 7", "0.5", None)


def test_documents_of_a_vector_database() -> None:
    result = {"db.query.result.id": "d1", "db.query.result.document": "Invoice 7", "db.query.result.score": 0.5}
    found = span({"db.system": "chroma"}, SpanEvent("db.query.result", result))
    assert (found.kind, documents(found)) == ("retriever", [{"content": "Invoice 7", "id": "d1", "score": 0.5}])


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        *(({name: value}, kind) for name, kinds in KINDS.items() for value, kind in kinds.items()),
        ({"openinference.span.kind": "LLM"}, MODEL),
        ({"gen_ai.operation.name": "something new", "gen_ai.request.model": "m"}, MODEL),
        ({"gen_ai.operation.name": "something new"}, OTHER),
        ({"http.request.method": "GET"}, OTHER),
    ],
)
def test_kinds(attributes: dict[str, Any], kind: str) -> None:
    assert span(attributes).kind == kind


def test_a_handled_exception_is_no_error() -> None:
    raised = SpanEvent("exception", {"exception.type": "KeyError", "exception.message": "k"})
    assert event(span({}, raised)).error_type is None
    failed = event(span({}, raised, failed=True, status_message="no"))
    assert (failed.error_type, failed.error_message) == ("KeyError", "k")
    unknown = event(span({}, failed=True, status_message="no"))
    assert (unknown.error_type, unknown.error_message) == ("_OTHER", "no")
    assert event(span({"error.type": "timeout"})).error_type == "timeout"


@pytest.mark.parametrize("name", CANCELS)
def test_a_cancelled_call_is_no_error(name: str) -> None:
    raised = SpanEvent("exception", {"exception.type": f"asyncio.exceptions.{name}", "exception.message": "by scope"})
    found = event(span({}, raised, failed=True))
    assert (found.cancelled, found.error_type, found.error_message) == (True, None, None)
    assert event(span({"error.type": name})).cancelled


def at(start: int, end: int, kind: str, trace: str = "a", **attributes: Any) -> Span:
    said = {"openinference.span.kind": kind, **{name.replace("__", "."): value for name, value in attributes.items()}}
    start_ns, end_ns = (1_700_000_000_000_000_000 + number for number in (start, end))
    return Span(trace_id=trace * 32, span_id=f"{start:016x}", start_ns=start_ns, end_ns=end_ns, attributes=said)


def test_what_was_looked_up_belongs_to_the_call_that_follows() -> None:
    document = "retrieval__documents__0__document__content"
    found = read(
        [
            at(50, 60, "LLM"),
            at(10, 20, "LLM"),
            at(20, 30, "RETRIEVER", **{document: "first"}),
            at(30, 40, "RETRIEVER", **{document: "second"}),
            at(31, 41, "RETRIEVER", **{document: "first"}),
            at(55, 70, "RETRIEVER", **{document: "too late"}),
            at(22, 25, "TOOL", tool__name="clock", output__value="12:00"),
            at(5, 9, "RETRIEVER", trace="b", **{document: "of another trace"}),
            at(6, 8, "RETRIEVER"),
            at(1, 90, "AGENT"),
        ]
    )
    by_start = {int(span.span_id, 16): call for span, call in found.calls}
    assert "documents" not in by_start[10] and "tool_calls" not in by_start[10]
    assert [document["content"] for document in by_start[50]["documents"]] == ["first", "second"]
    assert by_start[50]["tool_calls"] == [{"name": "clock", "arguments": "", "result": "12:00", "id": None}]
    assert fields(by_start[50])["tool_calls"][0].result == "12:00"
    assert found.left_out == {"retriever": 3, "agent": 1}


def test_a_reranker_says_what_was_given() -> None:
    found = read(
        [
            at(1, 2, "RETRIEVER", retrieval__documents__0__document__content="first"),
            at(2, 3, "RERANKER", reranker__output_documents__0__document__content="best"),
            at(3, 4, "LLM"),
        ]
    )
    assert [document["content"] for document in found.calls[0][1]["documents"]] == ["best"]


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.tool.name": "clock", "gen_ai.tool.call.arguments": "{}", "gen_ai.tool.call.result": "12:00"},
        {"tool.name": "clock", "tool.parameters": "{}", "output.value": "12:00"},
        {"traceloop.entity.name": "clock", "traceloop.entity.input": "{}", "traceloop.entity.output": "12:00"},
    ],
)
def test_tools(attributes: dict[str, Any]) -> None:
    assert tool_call(span(attributes)) == {"name": "clock", "arguments": "{}", "result": "12:00", "id": None}
