"""Both encodings say the same, and no body gets further than an error of ours or a count."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.streams.ingest.receiving import IDS, model_call, request
from watchline.streams.ingest import otlp
from watchline.streams.ingest.encoding import Encoded, Source, encode
from watchline.streams.ingest.span import KINDS
from watchline.streams.ingest.span_arguments import DOCUMENTS, MAPPED, PARAMETERS_IN_JSON, USAGE, VARIABLES_IN_JSON
from watchline.streams.ingest.span_messages import INPUT, INPUT_EVENTS, OUTPUT, OUTPUT_EVENTS

NAMES = [name for names in MAPPED.values() for name in names]
NAMES += [*USAGE, *PARAMETERS_IN_JSON, *VARIABLES_IN_JSON, *KINDS]
NAMES += [
    name
    for source in (*INPUT, *OUTPUT, *DOCUMENTS)
    for name in ([source, f"{source[:-1]}0", f"{source[:-1]}0.content", f"{source[:-1]}1.message.tool_calls.0.name",
                  f"{source[:-1]}0.message.contents.0.message_content.type", f"{source[:-1]}999999999999.role"]
                 if source.endswith(".N") else [source])
]  # fmt: skip


def encoded(body: bytes, media_type: str) -> Encoded:
    return encode(*otlp.spans(body, media_type), Source("a", "e"), str)


def exported() -> Any:
    """What the SDK's exporter sends."""
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("tests").start_as_current_span("chat") as span:
        span.set_attributes({"text": "ü", "yes": True, "count": 1 << 60, "half": 0.5, "texts": ["a", "b"], "none": []})
        span.add_event("gen_ai.choice", {"message": "12 euros."})
        span.record_exception(ValueError("no"))
        span.set_status(StatusCode.ERROR, "failed")
    return encode_spans(exporter.get_finished_spans())


def test_both_encodings_say_the_same() -> None:
    from google.protobuf.json_format import MessageToDict

    sent = exported()
    in_json = MessageToDict(sent)
    (span,) = in_json["resourceSpans"][0]["scopeSpans"][0]["spans"]
    for name in ("traceId", "spanId"):
        span[name] = base64.b64decode(span[name]).hex()
    found = otlp.spans(sent.SerializeToString(), otlp.PROTOBUF)
    assert otlp.spans(json.dumps(in_json).encode(), otlp.JSON) == found
    ((read,), bad) = found
    assert bad == 0 and read.failed and read.status_message == "failed" and read.scope == "tests"
    assert read.attributes == {
        "text": "ü", "yes": True, "count": 1 << 60, "half": 0.5, "texts": ["a", "b"], "none": [],
    }  # fmt: skip
    assert [event.name for event in read.events] == ["gen_ai.choice", "exception"]


values = st.recursive(
    st.one_of(
        st.builds(lambda value: {"stringValue": value}, st.text()),
        st.builds(lambda value: {"intValue": str(value)}, st.integers(-(1 << 63), (1 << 63) - 1)),
        st.builds(lambda value: {"doubleValue": value}, st.floats(allow_nan=False, allow_infinity=False)),
        st.sampled_from([{"doubleValue": "NaN"}, {"doubleValue": "-Infinity"}]),
        st.builds(lambda value: {"boolValue": value}, st.booleans()),
        st.builds(lambda value: {"bytesValue": base64.b64encode(value).decode()}, st.binary()),
        st.just({}),
        st.sampled_from(["[", "{}", "[[]]", "[null]", '[{"role": 7, "content": {"a": []}}]', '{"choices": [7]}',
                         '{"messages": [[]]}', '[{"type": "text"}]', "null", "NaN"]).map(lambda t: {"stringValue": t}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: {"arrayValue": {"values": items}}),
        st.dictionaries(st.sampled_from(["role", "content", "parts", "id", "type", "function"]), inner, max_size=3).map(
            lambda pairs: {"kvlistValue": {"values": [{"key": key, "value": value} for key, value in pairs.items()]}}
        ),
    ),
    max_leaves=6,
)  # fmt: skip
attributes = st.lists(
    st.builds(lambda key, value: {"key": key, "value": value}, st.sampled_from(NAMES) | st.text(), values), max_size=8
)
events = st.lists(
    st.builds(
        lambda name, said: {"name": name, "attributes": said},
        st.sampled_from([*INPUT_EVENTS, *OUTPUT_EVENTS, "gen_ai.content.prompt", "exception", "db.query.result"]),
        attributes,
    ),
    max_size=2,
)


@pytest.mark.slow
@given(st.lists(st.tuples(attributes, events, st.integers(0, (1 << 64) - 1)), max_size=4))
def test_whatever_stands_in_attributes_becomes_an_event(found: list[Any]) -> None:
    spans = [
        {**model_call(number), "attributes": [*said, {"key": "gen_ai.request.model", "value": {"stringValue": "m"}}],
         "events": events, "endTimeUnixNano": str(end)}
        for number, (said, events, end) in enumerate(found)
    ]  # fmt: skip
    done = encoded(request(*spans), otlp.JSON)
    assert not done.reasons
    assert sum(map(len, done.events.values())) + done.left_out.total() <= len(spans)


trees = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20) | st.sampled_from([IDS, model_call()]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["resourceSpans", "resource", "scopeSpans", "scope", "spans", "attributes", "events", "traceId"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(trees)
def test_any_json_is_read_or_refused(tree: Any) -> None:
    for body in (
        tree,
        {"resourceSpans": [{"scopeSpans": [{"spans": [tree]}]}]},
        {"resourceSpans": [{"resource": tree}]},
        {"resourceLogs": [{"scopeLogs": [{"logRecords": [tree]}]}]},
    ):
        for read in (encoded, otlp.log_events):
            with suppress(otlp.NotOtlpError):
                read(json.dumps(body).encode(), otlp.JSON)


@given(st.data())
def test_any_bytes_are_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(exported().SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for sent in (bytes(body), bytes(body[: data.draw(st.integers(0, len(body)))])):
        for read in (encoded, otlp.log_events):
            with suppress(otlp.NotOtlpError):
                read(sent, otlp.PROTOBUF)


def test_a_person_is_stored_as_a_pseudonym() -> None:
    spans, _ = otlp.spans(
        request({**model_call(**{"user.id": "ann"}), "endTimeUnixNano": "1700000000000000000"}), otlp.JSON
    )
    (event,) = encode(spans, 0, Source("a", "e"), lambda subject: f"hash of {subject}").events[Source("shop", "e")]
    assert b"hash of ann" in event and event.count(b"ann") == 1


@pytest.mark.parametrize("depth", [100, 500, 900, 990, 10_000, 100_000])
@pytest.mark.parametrize(
    "name", ["gen_ai.input.messages", "llm.input_messages.0.message.content", "gen_ai.retrieval.documents"]
)
def test_json_that_is_nested_deeply_costs_no_other_span(depth: int, name: str) -> None:
    deep = '[{"content": ' * depth + "7" + "}]" * depth
    done = encoded(request(model_call(0, **{name: deep}), model_call(1)), otlp.JSON)
    assert sum(map(len, done.events.values())) + done.reasons.total() == 2
    assert done.reasons.total() <= 1
