"""Spans of OpenTelemetry's real SDK become events in the app's own process, the same as by OTLP."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.documentation import readmes
from tests.streams.producer.published import envelopes, make_topics
from watchline import Interaction, Producer
from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.ids import of_span

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the exporter of OTLP is not installed")

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.streams.ingest.receiving import running
from watchline.opentelemetry import WatchlineSpanExporter

pytestmark = pytest.mark.slow

RESOURCE = {"service.name": "shop", "deployment.environment.name": "live", "service.version": "7"}
KEY = "a-key-for-tests-only"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "How much is invoice 7?"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "12 euros."}], "finish_reason": "stop"}]
GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.response.time_to_first_chunk": 0.25,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.stop_sequences": ["END", "STOP"],
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 64,
    "gen_ai.usage.cache_read.input_tokens": 512,
    "gen_ai.conversation.id": "c1",
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be short."}]',
    "gen_ai.input.messages": json.dumps(ASKED),
    "gen_ai.output.messages": json.dumps(ANSWERED),
    "user.id": "ann",
    "team": "billing",
    "flags": [True, False],
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o-2024-08-06",
    "llm.provider": "openai",
    "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.5}',
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.content": "How much is invoice 7?",
    "llm.input_messages.1.message.role": "assistant",
    "llm.input_messages.1.message.tool_calls.0.tool_call.id": "call_1",
    "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "lookup",
    "llm.input_messages.1.message.tool_calls.0.tool_call.function.arguments": '{"invoice": 7}',
    "llm.input_messages.2.message.role": "tool",
    "llm.input_messages.2.message.tool_call_id": "call_1",
    "llm.input_messages.2.message.content": "12 euros",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "12 euros.",
    "llm.token_count.prompt": 812,
    "llm.token_count.completion": 64,
    "llm.token_count.prompt_details.cache_read": 512,
    "session.id": "c1",
    "input.value": '{"messages": []}',
    "input.mime_type": "application/json",
    "metadata": '{"team": "billing"}',
}
VERCEL = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.model.id": "gpt-4o",
    "ai.model.provider": "openai",
    "ai.settings.temperature": 0.5,
    "ai.prompt.messages": '[{"role": "user", "content": [{"type": "text", "text": "How much is invoice 7?"}]}]',
    "ai.prompt.tools": ['{"type": "function", "name": "lookup"}'],
    "ai.response.text": "12 euros.",
    "ai.response.model": "gpt-4o-2024-08-06",
    "ai.usage.inputTokens": 812,
    "ai.usage.outputTokens": 64,
    "ai.usage.cachedInputTokens": 512,
    "ai.telemetry.metadata.sessionId": "c1",
}


@pytest.fixture
def producer(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Producer]:
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", KEY)
    make_topics(broker, topic_prefix)
    with Producer(broker, app="shop", environment="live", topic_prefix=topic_prefix, strict=True) as producer:
        yield producer


@pytest.fixture
def arrived(broker: str, topic_prefix: str) -> Callable[[int], list[Interaction]]:
    return lambda count: [it for envelope in envelopes(broker, topic_prefix, count) for it in envelope.interactions]


@contextmanager
def provided(*processors: Any) -> Iterator[Any]:
    provider = TracerProvider(resource=Resource(RESOURCE))
    for processor in processors:
        provider.add_span_processor(processor)
    yield provider
    provider.shutdown()


def make_trace(tracer: Any, said: dict[str, Any]) -> None:
    """An agent's: what is looked up, a tool, a call of a model, one that fails and one that is cancelled."""
    with tracer.start_as_current_span("agent", attributes={"gen_ai.operation.name": "invoke_agent"}):
        with tracer.start_as_current_span("retrieval", attributes={"openinference.span.kind": "RETRIEVER"}) as span:
            for name, value in {"content": "Invoice 7: 12 euros.", "id": "d1", "score": 0.5}.items():
                span.set_attribute(f"retrieval.documents.0.document.{name}", value)
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup", "gen_ai.tool.call.result": "12"}
        with tracer.start_as_current_span("execute_tool lookup", attributes=tool):
            pass
        with tracer.start_as_current_span("chat", attributes=said):
            pass
        with tracer.start_as_current_span("chat", attributes=said) as span:
            span.record_exception(TimeoutError("no answer"))
            span.set_status(StatusCode.ERROR, "failed")
        with tracer.start_as_current_span("chat", attributes={**said, "error.type": "asyncio.CancelledError"}):
            pass
        with tracer.start_as_current_span("chat", attributes={"gen_ai.request.model": "gpt-4o"}) as span:
            span.add_event("gen_ai.user.message", {"content": "How much is invoice 7?"})
            span.add_event("gen_ai.choice", {"message": '{"content": "12 euros."}', "finish_reason": "stop"})


@pytest.mark.parametrize("said", [GEN_AI, OPENINFERENCE, VERCEL], ids=["gen_ai", "openinference", "vercel"])
def test_by_exporter_and_by_receiver_the_events_are_equal_and_whole(
    producer: Producer, arrived: Any, broker: str, topic_prefix: str, said: dict[str, Any]
) -> None:
    other = f"{topic_prefix}received."
    make_topics(broker, other)
    with running(broker, other, pseudonym=lambda subject: pseudonym(subject, KEY)) as receiver:
        own = BatchSpanProcessor(WatchlineSpanExporter(producer))
        with provided(own, BatchSpanProcessor(receiver.exporter())) as provider:
            make_trace(provider.get_tracer("tests"), said)
    assert producer.flush()
    exported = {event.event_id: event for event in arrived(4)}
    received = {it.event_id: it for envelope in envelopes(broker, other, 4) for it in envelope.interactions}
    assert exported == received and len(exported) == 4
    first, failed, cancelled, of_events = sorted(exported.values(), key=lambda event: event.time)
    assert (first.app, first.environment, first.unreadable) == ("shop", "live", {})
    assert (first.input, first.output) == ("How much is invoice 7?", "12 euros.")
    assert (first.request_model, first.response_model, first.provider) == ("gpt-4o", "gpt-4o-2024-08-06", "openai")
    assert (first.input_tokens, first.output_tokens, first.cache_read_input_tokens) == (812, 64, 512)
    assert (first.conversation_id, first.request_parameters["temperature"]) == ("c1", "0.5")
    assert [(it.content, it.id, it.score) for it in first.documents] == [("Invoice 7: 12 euros.", "d1", 0.5)]
    assert [(call.name, call.result) for call in first.tool_calls] == [("lookup", "12")]
    assert first.attributes["service.version"] == "7" and first.attributes["otel.scope.name"] == "tests"
    assert first.event_id == of_span(str(first.trace_id), str(first.span_id)) and (first.latency_s or 0) > 0
    assert len({event.trace_id for event in exported.values()}) == 1
    assert (failed.error_type, failed.error_message) == ("TimeoutError", "no answer")
    assert (cancelled.cancelled, cancelled.error_type) == (True, None)
    assert (of_events.input, of_events.output) == (first.input, first.output)
    if said is GEN_AI:
        assert (first.system_instructions, first.finish_reasons) == ("Be short.", ("stop",))
        assert (first.time_to_first_chunk_s, first.subject) == (0.25, pseudonym("ann", KEY))
        assert first.request_parameters["stop_sequences"] == '["END", "STOP"]'
        assert first.attributes["team"] == "billing" and first.attributes["flags"] == "[true, false]"
    elif said is OPENINFERENCE:
        assert first.attributes["metadata"] == '{"team": "billing"}'
        assert [message.role for message in first.input_messages] == ["user", "assistant", "tool"]


def test_app_and_environment_are_the_producer_s(producer: Producer, arrived: Any) -> None:
    producer.app = "desk"
    with provided(SimpleSpanProcessor(WatchlineSpanExporter(producer))) as provider:
        provider.get_tracer("tests").start_span("chat", attributes=GEN_AI).end()
    (event,) = arrived(1)
    assert (event.app, event.environment, event.attributes["service.name"]) == ("desk", "live", "shop")
    assert "deployment.environment.name" not in event.attributes


def ended(*said: dict[str, Any]) -> list[Any]:
    """Spans as a processor hands them over."""
    memory = InMemorySpanExporter()
    with provided(SimpleSpanProcessor(memory)) as provider:
        for attributes in said:
            provider.get_tracer("tests").start_span("chat", attributes=attributes).end()
    return list(memory.get_finished_spans())


def test_success_is_said_only_of_what_the_producer_has(producer: Producer, arrived: Any) -> None:
    exporter = WatchlineSpanExporter(producer)
    good = ended(GEN_AI, {"http.request.method": "GET"})
    assert exporter.export(good) is SpanExportResult.SUCCESS
    assert exporter.export([object(), *good]) is SpanExportResult.FAILURE  # type: ignore[list-item]
    bad = ended({**GEN_AI, "llm.cost.total": "free"}, GEN_AI)
    assert exporter.export(bad) is SpanExportResult.FAILURE  # of a strict producer
    assert exporter.force_flush(10_000) and len(arrived(3)) == 3
    producer.close()
    assert exporter.export(good) is SpanExportResult.FAILURE
    exporter.shutdown()
    assert exporter.export([]) is SpanExportResult.FAILURE


def test_without_kafka_the_app_goes_on() -> None:
    producer = Producer("127.0.0.1:1", app="shop")
    exporter = WatchlineSpanExporter(producer)
    with provided(BatchSpanProcessor(exporter)) as provider:
        provider.get_tracer("tests").start_span("chat", attributes=GEN_AI).end()
    assert producer.stats.emitted == 1 and not exporter.force_flush(10)
    producer.close(0.1)


def test_spans_of_many_threads_all_arrive(producer: Producer, arrived: Any) -> None:
    with provided(BatchSpanProcessor(WatchlineSpanExporter(producer), max_export_batch_size=16)) as provider:
        tracer = provider.get_tracer("tests")

        def work() -> None:
            for _ in range(20):
                make_trace(tracer, GEN_AI)

        threads = [threading.Thread(target=work) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert producer.flush()
    assert len({event.event_id for event in arrived(800)}) == 800


def test_the_example_of_the_readme(broker: str, topic_prefix: str, arrived: Any) -> None:
    make_topics(broker, topic_prefix)
    _, example = readmes.blocks(readmes.text(readmes.ROOT / "streams" / "ingest" / "README.md"), "python")
    example = example.replace("app=", f'"{broker}", topic_prefix="{topic_prefix}", app=')
    values: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), values)
    values["provider"].get_tracer("tests").start_span("chat", attributes=GEN_AI).end()
    values["provider"].shutdown()
    (event,) = arrived(1)
    assert (event.app, event.output) == ("support-bot", "12 euros.")


PROVIDED_BEFORE = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
trace.set_tracer_provider(provider := TracerProvider())
from watchline import Producer
from watchline.opentelemetry import WatchlineSpanExporter
exporter = WatchlineSpanExporter(Producer(sys.argv[1], app="shop", topic_prefix=sys.argv[2]))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.get_tracer("app").start_span("chat", attributes={"gen_ai.request.model": "gpt-4o"}).end()
"""


def test_an_app_that_ends_loses_nothing_also_where_its_provider_was_there_first(
    broker: str, topic_prefix: str, arrived: Any
) -> None:
    make_topics(broker, topic_prefix)
    subprocess.run([sys.executable, "-c", PROVIDED_BEFORE, broker, topic_prefix], check=True, timeout=60)
    (event,) = arrived(1)
    assert event.request_model == "gpt-4o"
