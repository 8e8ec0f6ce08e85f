"""Real exporters of OpenTelemetry's SDK against the receiver, and what lies in Kafka then."""

from __future__ import annotations

import gzip
import json
import shlex

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import StatusCode

from tests.documentation import readmes
from tests.streams.ingest.receiving import IDS, TOKEN, model_call, request, running
from tests.streams.producer.published import envelopes, make_topics, reports
from watchline.schemas.records import Interaction
from watchline.streams.ids import of_span

MANY = b'{"resourceSpans": [{"scopeSpans": [{"spans": [%s]}]}]}' % b",".join([json.dumps(IDS).encode()] * 20_001)

MANY_LOGS = b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [%s]}]}]}' % b",".join([b"{}"] * 20_001)


def interactions(broker: str, prefix: str, count: int) -> list[Interaction]:
    return [event for envelope in envelopes(broker, prefix, count) for event in envelope.interactions]


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_what_an_sdk_exports_becomes_events(broker: str, topic_prefix: str, compression: Compression) -> None:
    make_topics(broker, topic_prefix)
    resource = {"service.name": "shop", "deployment.environment.name": "live", "service.version": "7"}
    with running(broker, topic_prefix) as receiver:
        with receiver.tracer(resource, compression=compression) as tracer, tracer.start_as_current_span("answer"):
            with tracer.start_as_current_span("retrieval") as retriever:
                retriever.set_attribute("openinference.span.kind", "RETRIEVER")
                retriever.set_attribute("retrieval.documents.0.document.content", "Invoice 7: the total is 12 euros.")
            with tracer.start_as_current_span("chat gpt-4o") as call:
                call.set_attribute("gen_ai.operation.name", "chat")
                call.set_attribute("gen_ai.request.model", "gpt-4o")
                call.set_attribute("gen_ai.usage.input_tokens", 812)
                call.set_attribute(
                    "gen_ai.input.messages", '[{"role": "user", "parts": [{"type": "text", "content": "?"}]}]'
                )
                call.add_event("gen_ai.content.completion", {"gen_ai.completion": "12 euros."})
                call.record_exception(TimeoutError("no answer"))
                call.set_status(StatusCode.ERROR, "failed")
                span = call.get_span_context()
        page = receiver.page("/livez")
    (event,) = interactions(broker, topic_prefix, 1)
    assert (event.app, event.environment, event.request_model) == ("shop", "live", "gpt-4o")
    assert event.event_id == of_span(f"{span.trace_id:032x}", f"{span.span_id:016x}")
    assert [document.content for document in event.documents] == ["Invoice 7: the total is 12 euros."]
    assert [message.content for message in (*event.input_messages, *event.output_messages)] == ["?", "12 euros."]
    assert (event.input_tokens, event.error_type, event.error_message) == (812, "TimeoutError", "no answer")
    assert event.attributes == {"service.version": "7", "otel.scope.name": "tests"}
    assert event.latency_s is not None and event.latency_s > 0
    assert page["events"] == 1 and page["left_out"] == {"other": 1}


def test_what_comes_again_is_the_same_event_with_the_same_number(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    with running(broker, topic_prefix) as receiver:
        for body in (request(model_call()), request(model_call(1)), request(model_call())):
            assert receiver.post(body)[0] == 200
    found = sorted(envelopes(broker, topic_prefix, 3), key=lambda envelope: envelope.first_sequence)
    assert [envelope.first_sequence for envelope in found] == [0, 0, 1]
    assert found[0] == found[1] and len({envelope.producer_id for envelope in found}) == 1


def test_a_bad_span_costs_itself_and_is_reported(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    bad = {**model_call(), "traceId": "0"}
    with running(broker, topic_prefix) as receiver:
        status, _, content = receiver.post(request(bad, model_call(), {**bad, "attributes": 7}))
    assert status == 200
    assert json.loads(content) == {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "bad value: 2"}}
    assert [event.app for event in interactions(broker, topic_prefix, 1)] == ["shop"]
    assert reports(broker, topic_prefix, 2)[-1].dropped_by == {"bad value": 2}


def test_an_argument_that_cannot_be_read_costs_itself_alone(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    said = {"gen_ai.usage.input_tokens": "many", "llm.cost.total": "free", "gen_ai.input.messages": '[{"content": 7}]'}
    with running(broker, topic_prefix) as receiver:
        assert receiver.post(request({**model_call(**said), "endTimeUnixNano": "1"}))[0] == 200
    (event,) = interactions(broker, topic_prefix, 1)
    assert (event.input_tokens, event.cost, event.input_messages[0].content) == (None, None, "7")


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b"{", {}),
        (400, b'{"resourceSpans": 7}', {}),
        (400, b"[" * 100_000, {}),
        (400, b"\xff\xff", {"content_type": "application/x-protobuf"}),
        (400, b"no gzip", {"content_encoding": "gzip"}),
        (400, gzip.compress(b"{}", mtime=0)[:-4], {"content_encoding": "gzip"}),
        (413, gzip.compress(b" " * 20_000_000), {"content_encoding": "gzip"}),
        (413, b" " * 20_000_000, {}),
        (413, MANY, {}),
        (415, b"{}", {"content_type": "text/plain"}),
        (415, b"{}", {"content_encoding": "br"}),
        (401, b"{}", {"authorization": "Bearer wrong"}),
        (401, b"{}", {"authorization": ""}),
        (403, b"{}", {"origin": "http://evil.example"}),
        (404, b"{}", {"path": "/v1/profiles"}),
        (401, b"{}", {"path": "/v1/logs", "authorization": ""}),
        (401, b"{}", {"path": "/v1/metrics", "authorization": ""}),
        (400, b"{", {"path": "/v1/logs"}),
        (413, MANY_LOGS, {"path": "/v1/logs"}),
        (413, b" " * 20_000_000, {"path": "/v1/metrics"}),
    ],
)
def test_what_is_refused(broker: str, topic_prefix: str, status: int, body: bytes, headers: dict[str, str]) -> None:
    with running(broker, topic_prefix) as receiver:
        answered, answer_headers, content = receiver.post(body, **headers)
    assert answered == status and "Retry-After" not in answer_headers
    if status == 400 and "content_type" not in headers:
        assert json.loads(content)["message"]


@pytest.mark.slow
def test_without_kafka_the_sender_is_asked_to_come_again(topic_prefix: str) -> None:
    with running("127.0.0.1:1", topic_prefix, delivery_s=1.0) as receiver:
        status, headers, content = receiver.post(request(model_call()))
    assert (status, headers["Retry-After"]) == (503, "5") and b"Kafka has not acknowledged" in content


def test_without_room_the_sender_is_asked_to_come_again(broker: str, topic_prefix: str) -> None:
    with running(broker, topic_prefix, max_held_bytes=1_000) as receiver:
        status, headers, _ = receiver.post(request(model_call(), model_call(1), model_call(2), model_call(3)))
        assert (status, headers["Retry-After"]) == (429, "1")
        assert receiver.receiver._held_bytes == 0


@pytest.mark.slow
def test_no_number_is_lost_with_what_kafka_did_not_take(broker: str, topic_prefix: str) -> None:
    with running(broker, topic_prefix, delivery_s=2.0) as receiver:
        body = request(model_call(), model_call(1))
        assert receiver.post(body)[0] == 503  # no topic yet
        make_topics(broker, topic_prefix)
        while (status := receiver.post(body)[0]) == 503:
            pass
        assert status == 200
        assert receiver.post(request(model_call(2)))[0] == 200
    found = sorted(envelopes(broker, topic_prefix, 3), key=lambda envelope: envelope.first_sequence)
    assert [(envelope.first_sequence, len(envelope.interactions)) for envelope in found] == [(0, 2), (2, 1)]
    assert len({envelope.producer_id for envelope in found}) == 1 and found[-1].dropped == 0


def test_each_app_has_numbers_of_its_own(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    with running(broker, topic_prefix) as receiver:
        for app in ("shop", "desk", "unknown_service:python"):
            assert receiver.post(request(model_call(), app=app))[0] == 200
        assert receiver.page("/readyz") == {"ready": True}
    found = {envelope.interactions[0].app: envelope for envelope in envelopes(broker, topic_prefix, 3)}
    assert sorted(found) == ["default", "desk", "shop"]
    assert {envelope.first_sequence for envelope in found.values()} == {0}
    assert len({envelope.producer_id for envelope in found.values()}) == 3


def test_the_example_of_the_readme(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    example, _ = readmes.blocks(readmes.text(readmes.ROOT / "streams" / "ingest" / "README.md"), "python")
    with running(broker, topic_prefix) as receiver:
        example = example.replace("http://127.0.0.1:4318", receiver.address)
        exec(compile(example, "README.md", "exec"), {"token": TOKEN})
    (event,) = interactions(broker, topic_prefix, 1)
    assert (event.app, event.input_messages[0].content) == ("support-bot", "What is the total?")
    assert event.output_messages[0].content == "12 euros."


def test_the_environment_of_the_readme(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_topics(broker, topic_prefix)
    (_, block) = readmes.blocks(readmes.text(readmes.ROOT / "streams" / "ingest" / "README.md"), "sh")
    with running(broker, topic_prefix) as receiver:
        block = block.replace("http://127.0.0.1:4318", receiver.address)
        block = block.replace("$(cat .watchline/receive-token)", TOKEN)
        for line in block.splitlines():
            name, value = shlex.split(line)[1].split("=", 1)
            monkeypatch.setenv(name, value)
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
        provider.get_tracer("tests").start_span("chat", attributes={"gen_ai.request.model": "gpt-4o"}).end()
    (event,) = interactions(broker, topic_prefix, 1)
    assert (event.app, event.request_model, event.input_messages) == ("support-bot", "gpt-4o", ())
