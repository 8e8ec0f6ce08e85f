"""Spans of real instrumentors around OpenAI's library arrive complete: OpenInference's and OpenLLMetry's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.streams.integrations.model_api import ModelApi
from tests.streams.producer.apps import run_app
from tests.streams.producer.published import envelopes, make_topics
from watchline import Interaction

pytestmark = pytest.mark.slow

INSTRUMENTORS = {
    "OpenInference": "openinference.instrumentation.openai",
    "OpenLLMetry": "opentelemetry.instrumentation.openai",
}
APP = """
    import importlib, json, sys
    import openai
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from watchline import Producer
    from watchline.opentelemetry import WatchlineSpanExporter

    broker, prefix, url, instrumentor, asked = sys.argv[1:]
    provider = TracerProvider()
    producer = Producer(broker, app="shop", topic_prefix=prefix)
    provider.add_span_processor(BatchSpanProcessor(WatchlineSpanExporter(producer)))
    importlib.import_module(instrumentor).OpenAIInstrumentor().instrument(tracer_provider=provider)
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    asked = {"model": "gpt-4o", "temperature": 0.5, **json.loads(asked)}
    try:
        answer = client.chat.completions.create(**asked)
        if asked.get("stream"):
            list(answer)
    except openai.APIStatusError:
        pass
    provider.force_flush()
    assert producer.flush(20)
"""
Ask = Callable[..., Interaction]


@pytest.fixture(scope="module")
def api() -> Iterator[ModelApi]:
    with ModelApi() as api:
        yield api


@pytest.fixture(params=INSTRUMENTORS)
def ask(request: pytest.FixtureRequest, api: ModelApi, broker: str, topic_prefix: str) -> Ask:
    module = INSTRUMENTORS[request.param]
    pytest.importorskip(module, reason=f"{request.param}'s instrumentor is not installed")
    make_topics(broker, topic_prefix)

    def one(**asked: object) -> Interaction:
        said = {"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "How much?"}]}
        run_app(APP, broker, topic_prefix, api.url, module, json.dumps({**said, **asked}))
        (event,) = [event for envelope in envelopes(broker, topic_prefix, 1) for event in envelope.interactions]
        return event

    return one


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_answer(ask: Ask, stream: bool) -> None:
    event = ask(stream=stream, **({"stream_options": {"include_usage": True}} if stream else {}))
    assert (event.input, event.output) == ("How much?", "The total is 12.")
    assert "Be short." in (event.system_instructions or event.input_messages[0].content)
    assert (event.model, event.provider, event.error_type) == ("gpt-4o-2024-08-06", "openai", None)
    assert (event.input_tokens, event.output_tokens) == (9, 4)
    assert float(event.request_parameters["temperature"]) == 0.5
    assert event.trace_id and event.span_id and event.latency_s and not event.unreadable


def test_a_call_of_a_tool(ask: Ask) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
    event = ask(tools=[tool])
    assert event.is_step and [(call.name, call.id) for call in event.tool_calls] == [("add", "c1")]
    assert json.loads(event.tool_calls[0].arguments) == {"a": 2, "b": 3}


def test_what_a_tool_gave_is_evidence(ask: Ask) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 3}'}}
    event = ask(
        messages=[
            {"role": "user", "content": "Add 2 and 3."},
            {"role": "assistant", "content": None, "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "c1", "content": "5"},
        ]
    )
    assert (event.input, event.output) == ("Add 2 and 3.", "The total is 12.")
    assert [message.content for message in event.input_messages if message.role == "tool"] == ["5"]
    assert not event.is_step


def test_an_error(ask: Ask) -> None:
    event = ask(model="broken")
    assert event.input == "How much?" and event.error_type and not event.cancelled
