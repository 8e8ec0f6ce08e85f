"""Messages that instrumentations log, by the SDK's real exporters: they reach the event of their span."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the exporter of OTLP is not installed")

from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, PeriodicExportingMetricReader

from tests.streams.ingest.receiving import TOKEN, Running, model_call, request, running
from tests.streams.producer.published import envelopes, make_topics
from watchline.schemas.records import Interaction
from watchline.streams.ingest import otlp
from watchline.streams.ingest.history import READERS
from watchline.streams.ingest.log_events import HELD_S, NEVER_CAME, LogEvent, LogEvents
from watchline.streams.ingest.span import Span, SpanEvent

HEADERS = {"authorization": f"Bearer {TOKEN}"}
IDS = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": f"{1:016x}"}
SAID = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
CALLS = [{"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"invoice": 7}'}}]
# As instrumentations of OpenTelemetry log them: a record for each message, or one for all.
MESSAGES: list[dict[str, Any]] = [
    {"event_name": "gen_ai.system.message", "body": {"content": "Be short."}},
    {"event_name": "gen_ai.user.message", "body": {"content": "How much?", "role": "user"}},
    {"event_name": "gen_ai.assistant.message", "body": {"tool_calls": CALLS}},
    {"event_name": "gen_ai.tool.message", "body": {"content": "12 euros", "id": "c1"}},
    {
        "event_name": "gen_ai.choice",
        "body": {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It is 12 euros."}},
    },
]
OLDER = [{"body": it["body"], "attributes": {"event.name": it["event_name"], "gen_ai.system": "x"}} for it in MESSAGES]


def part(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "content": text}]


CALL = {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"invoice": 7}}
DETAILS: list[dict[str, Any]] = [
    {
        "event_name": "gen_ai.client.inference.operation.details",
        "attributes": {
            **SAID,
            "gen_ai.input.messages": [
                {"role": "system", "parts": part("Be short.")},
                {"role": "user", "parts": part("How much?")},
                {"role": "assistant", "parts": [CALL]},
                {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "12 euros"}]},
            ],
            "gen_ai.output.messages": [
                {"role": "assistant", "parts": part("It is 12 euros."), "finish_reason": "stop"}
            ],
        },
    }
]


@contextmanager
def logger(receiver: Running) -> Iterator[Any]:
    """A logger of the SDK, whose records have all been sent when the block ends."""
    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=f"{receiver.address}/v1/logs", headers=HEADERS)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    yield provider.get_logger("tests")
    provider.shutdown()


def log(records: list[dict[str, Any]], logger: Any) -> None:
    for record in records:
        logger.emit(**record)


def interactions(broker: str, prefix: str, count: int) -> list[Interaction]:
    return [event for envelope in envelopes(broker, prefix, count) for event in envelope.interactions]


def check(event: Interaction) -> None:
    roles = [(message.role, message.content) for message in event.input_messages]
    assert roles == [("system", "Be short."), ("user", "How much?"), ("assistant", ""), ("tool", "12 euros")]
    assert (event.output, event.finish_reasons) == ("It is 12 euros.", ("stop",))
    assert (event.request_model, event.unreadable) == ("gpt-4o", {})
    assert event.input_parts[0].name == "lookup"
    assert event.attributes == {"otel.scope.name": "tests"}


@pytest.mark.parametrize("records", [MESSAGES, OLDER, DETAILS], ids=["messages", "older", "details"])
def test_messages_in_logs_reach_the_event_of_their_span(broker: str, topic_prefix: str, records: Any) -> None:
    make_topics(broker, topic_prefix)
    with (
        running(broker, topic_prefix) as receiver,
        receiver.tracer({"service.name": "shop"}) as tracer,
        logger(receiver) as logs,
        tracer.start_as_current_span("chat", attributes=SAID),
    ):
        log(records, logs)
    (event,) = interactions(broker, topic_prefix, 1)
    check(event)


def test_a_span_waits_a_moment_for_messages_that_are_sent_after_it(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    with running(broker, topic_prefix) as receiver:
        with logger(receiver) as logs, receiver.tracer({}) as tracer, tracer.start_as_current_span("chat"):
            log(MESSAGES, logs)  # of an app whose messages come in logs
        sent = threading.Event()

        def send_logs() -> None:
            sent.wait()
            time.sleep(0.5)
            late.__exit__(None, None, None)

        late = logger(receiver)
        logs = late.__enter__()
        thread = threading.Thread(target=send_logs)
        thread.start()
        with receiver.tracer({}) as tracer:
            with tracer.start_as_current_span("chat", attributes=SAID):
                log(MESSAGES, logs)
            sent.set()
        thread.join()
    (event,) = interactions(broker, topic_prefix, 1)
    check(event)


def logged(*records: dict[str, Any]) -> bytes:
    """A request of logs in OTLP's JSON."""
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}).encode()


def message(text: str, name: str = "gen_ai.user.message", **more: Any) -> dict[str, Any]:
    content = {"key": "content", "value": {"stringValue": text}}
    ids = {"traceId": IDS["trace_id"], "spanId": IDS["span_id"], "timeUnixNano": "1"}
    return {**ids, "eventName": name, "body": {"kvlistValue": {"values": [content]}}, **more}


def test_what_comes_again_is_the_same_event(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    with running(broker, topic_prefix) as receiver:
        for path, body in [("/v1/logs", logged(message("How much?"))), ("/v1/traces", request(model_call()))] * 2:
            assert receiver.post(body, path=path)[0] == 200
    first, second = envelopes(broker, topic_prefix, 2)
    assert first == second and [it.content for it in first.interactions[0].input_messages] == ["How much?"]


def test_what_is_not_read_of_logs_is_counted(broker: str, topic_prefix: str) -> None:
    records = [message("1"), message("2", spanId=""), message("3", "http.request"), message("4", traceId="x"), {}]
    with running(broker, topic_prefix) as receiver:
        status, _, content = receiver.post(logged(*records), path="/v1/logs")
        page = receiver.page("/livez")
    assert (status, json.loads(content)) == (
        200, {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "bad value: 1"}},
    )  # fmt: skip
    assert page["left_out"] == {"log": 2, "log event of no span": 1} and page["rejected"] == {"bad value": 1}


def test_a_collector_may_send_all_three_signals(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    results: list[MetricExportResult] = []

    class Exporter(OTLPMetricExporter):
        def export(self, *args: Any, **given: Any) -> MetricExportResult:
            results.append(super().export(*args, **given))
            return results[-1]

    with running(broker, topic_prefix) as receiver:
        with logger(receiver) as logs, receiver.tracer({}) as tracer:
            logs.emit(body="of something else")
            tracer.start_span("chat", attributes=SAID).end()
        exporter = Exporter(endpoint=f"{receiver.address}/v1/metrics", headers=HEADERS)
        meters = MeterProvider(metric_readers=[PeriodicExportingMetricReader(exporter)])
        meters.get_meter("tests").create_counter("calls").add(1)
        meters.shutdown()
        page = receiver.page("/livez")
    assert results and set(results) == {MetricExportResult.SUCCESS}
    assert (page["events"], page["rejected"], page["left_out"]) == (1, {}, {"log": 1})
    assert page["answered"].keys() == {"traces 200", "logs 200", "metrics 200"}


def event(number: int, time_ns: int = 1, span: int = 1, size: int = 100) -> LogEvent:
    said = SpanEvent("gen_ai.user.message", {"content": str(number)})
    return LogEvent(IDS["trace_id"], f"{span:016x}", time_ns, said, bytes([number]), size)


def span_of(number: int = 1) -> Span:
    return Span(trace_id=IDS["trace_id"], span_id=f"{number:016x}", attributes=SAID)


@pytest.fixture
def left_out() -> Counter[str]:
    return Counter()


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def held(left_out: Counter[str], now: list[float]) -> LogEvents:
    return LogEvents(left_out.update, clock=lambda: now[0], max_bytes=1_000)


def contents(held: LogEvents, span: Span) -> list[str]:
    (found,) = held.joined([span])
    return [event.attributes["content"] for event in found.events]


def test_messages_are_put_in_the_order_in_which_they_were_said_each_once(held: LogEvents) -> None:
    held.keep([event(3, 30), event(1, 10), event(2, 10)])
    held.keep([event(1, 10), event(4, 20)])
    assert contents(held, span_of()) == ["1", "2", "4", "3"] and contents(held, span_of(2)) == []
    assert contents(held, span_of()) == ["1", "2", "4", "3"]  # also for a span that is sent again


def test_what_is_held_is_bounded(held: LogEvents, left_out: Counter[str], now: list[float]) -> None:
    held.keep([event(1, span=1, size=600), event(2, span=2, size=600), event(3, span=3, size=200)])
    assert [contents(held, span_of(number)) for number in (1, 2, 3)] == [[], ["2"], ["3"]]
    assert left_out == {NEVER_CAME: 1}
    now[0] = HELD_S + 1
    assert not held.any()
    assert left_out == {NEVER_CAME: 1}  # the others have met their spans
    assert contents(held, span_of(2)) == []


def test_only_calls_without_messages_are_waited_for_where_calls_log_theirs(held: LogEvents) -> None:
    with_text = Span(**IDS, attributes={**SAID, "gen_ai.prompt.0.content": "Hi"})
    other = Span(trace_id=IDS["trace_id"], span_id=f"{9:016x}", attributes={"http.request.method": "GET"})
    assert not held.any()
    held.keep([event(1)])
    assert held.any()
    assert held.lacking([span_of(1), span_of(2), with_text, other]) == {(IDS["trace_id"], f"{2:016x}")}


def test_both_encodings_of_logs_say_the_same() -> None:
    from google.protobuf.json_format import ParseDict
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    body = logged(message("How much?"), message("It is 12.", "gen_ai.choice"))
    sent = ParseDict(json.loads(body), ExportLogsServiceRequest())
    for record in sent.resource_logs[0].scope_logs[0].log_records:
        record.trace_id, record.span_id = (bytes.fromhex(IDS[name]) for name in ("trace_id", "span_id"))
    found = otlp.log_events(sent.SerializeToString(), otlp.PROTOBUF)
    assert found == otlp.log_events(body, otlp.JSON) and len(found[0]) == 2


def test_a_file_of_a_collector_has_logs_before_its_spans(left_out: Counter[str]) -> None:
    read = READERS["otlp"]()
    records = [json.loads(logged(message("How much?"))), json.loads(request(model_call()))]
    (call,) = [call for record in records for call in read(record)]
    assert call["input"] == [{"role": "user", "content": "How much?"}]
    both: Callable[..., Any] = READERS["otlp"]()
    assert [call["input"] for call in both({**records[0], **records[1]})] == [call["input"]]
