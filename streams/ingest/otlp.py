"""OTLP's requests and answers, in protobuf and in JSON: https://opentelemetry.io/docs/specs/otlp/."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from watchline.streams.ingest.log_events import LogEvent
from watchline.streams.ingest.span import Span, SpanEvent
from watchline.streams.ingest.span_messages import MESSAGE_EVENTS, of_json

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MAX_SPANS = 20_000  # or log records of a request, which takes some five seconds to read; the next ones wait for it
_OBJECT_BYTES = 1_000  # about what a log record's objects take beside its texts
_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


@dataclass(frozen=True, slots=True)
class Signal:
    """One of the three kinds of what is sent, with the names that its messages have for the same things."""

    name: str
    rejected: str
    answer: Any
    request: Any = None
    item: Any = None
    levels: tuple[str, str, str] = ("", "", "")

    @property
    def in_json(self) -> list[str]:
        """The levels by the names of JSON."""
        return [first + "".join(map(str.title, more)) for first, *more in (each.split("_") for each in self.levels)]


TRACES = Signal(
    *("traces", "rejected_spans", ExportTraceServiceResponse, ExportTraceServiceRequest, ProtoSpan),
    ("resource_spans", "scope_spans", "spans"),
)
LOGS = Signal(
    *("logs", "rejected_log_records", ExportLogsServiceResponse, ExportLogsServiceRequest, LogRecord),
    ("resource_logs", "scope_logs", "log_records"),
)
METRICS = Signal("metrics", "rejected_data_points", ExportMetricsServiceResponse)  # which nobody reads


class NotOtlpError(ValueError):
    """A body that is no request of OTLP. Its text never quotes the body."""


class TooLargeError(ValueError):
    """A request that holds more than one may."""


def spans(body: bytes, media_type: str) -> tuple[list[Span], int]:
    """Reads the spans of a request.

    Parameters
    ----------
    body : bytes
    media_type : str
        `PROTOBUF` or `JSON`.

    Returns
    -------
    tuple of list of Span, and int
        And how many more there are that can't be read: without ids, or in JSON of another form.

    Raises
    ------
    NotOtlpError
    TooLargeError
        For more than `MAX_SPANS`.

    Examples
    --------
    >>> spans(b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "no"}]}]}]}', JSON)
    ([], 1)
    """
    found: list[Span] = []
    bad = 0
    for resource, scope, span in _items(body, media_type, TRACES):
        if span is None or not _has_ids(span):
            bad += 1
        elif len(found) == MAX_SPANS:
            raise TooLargeError
        else:
            found.append(_span(span, resource, scope))
    return found, bad


def log_events(body: bytes, media_type: str) -> tuple[list[LogEvent], int, Counter[str]]:
    """Reads those log records of a request that are a message of a model's call, or hold some.

    Parameters
    ----------
    body : bytes
    media_type : str
        `PROTOBUF` or `JSON`.

    Returns
    -------
    tuple of list of LogEvent, int, and Counter of str
        How many records can't be read, and by kind how many are something else.

    Raises
    ------
    NotOtlpError
    TooLargeError
        For more than `MAX_SPANS`, whatever they are.

    Examples
    --------
    >>> log_events(b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "Hi"}}]}]}]}', JSON)
    ([], 0, Counter({'log': 1}))
    """
    found: list[LogEvent] = []
    bad, left_out = 0, Counter[str]()
    for number, (_, _, record) in enumerate(_items(body, media_type, LOGS)):
        if number == MAX_SPANS:
            raise TooLargeError
        if record is None:
            bad += 1
            continue
        attributes = _attributes(record.attributes)
        # The field isn't in older releases of opentelemetry-proto, nor in what older SDKs send.
        name = getattr(record, "event_name", "") or str(attributes.get("event.name", ""))
        if name not in MESSAGE_EVENTS:
            left_out["log"] += 1
        elif not _has_ids(record):
            left_out["log event of no span"] += 1
        else:
            found.append(_log_event(record, name, attributes))
    return found, bad, left_out


def answer(media_type: str, rejected: int = 0, why: str = "", signal: Signal = TRACES) -> bytes:
    """The body of an answer with status 200, which says what was not taken and is not to be sent again.

    Examples
    --------
    >>> answer(JSON, 2, "bad value: 2")
    b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "bad value: 2"}}'
    """
    message = signal.answer()
    if rejected:
        setattr(message.partial_success, signal.rejected, rejected)
        message.partial_success.error_message = why
    return _written(message, media_type)


def refusal(media_type: str, why: str) -> bytes:
    """The body of an answer with another status."""
    # OTLP wants google.rpc.Status, whose message has the same number as this one's.
    return _written(Status(message=why), media_type)


def _written(message: Any, media_type: str) -> bytes:
    written = MessageToJson(message, indent=None).encode() if media_type == JSON else message.SerializeToString()
    return bytes(written)


Found = tuple[Mapping[str, Any], str, Any]  # the resource's attributes, the scope's name, the item where it can be read


def _items(body: bytes, media_type: str, signal: Signal) -> Iterator[Found]:
    return _of_json(body, signal) if media_type == JSON else _of_protobuf(body, signal)


def _of_protobuf(body: bytes, signal: Signal) -> Iterator[Found]:
    by_resource, by_scope, items = signal.levels
    try:
        request = signal.request.FromString(body)
    except DecodeError:
        raise NotOtlpError(f"the body is no {signal.request.__name__} in protobuf") from None
    for of_resource in getattr(request, by_resource):
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in getattr(of_resource, by_scope):
            for item in getattr(of_scope, items):
                yield resource, of_scope.scope.name, item


def _of_json(body: bytes, signal: Signal) -> Iterator[Found]:
    by_resource, by_scope, items = signal.in_json
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise NotOtlpError("the body is not JSON in UTF-8") from None
    for of_resource in _objects(request, by_resource):
        resource = _attributes(_parsed(of_resource.get("resource", {}), Resource()).attributes)
        for of_scope in _objects(of_resource, by_scope):
            scope = of_scope.get("scope")
            name = str(scope.get("name") or "") if isinstance(scope, dict) else ""
            for item in _objects(of_scope, items):
                try:
                    yield resource, name, _parsed(_with_ids(item), signal.item())
                except NotOtlpError:  # costs this one alone
                    yield resource, name, None


def _objects(holder: Any, name: str) -> list[dict[str, Any]]:
    items = holder.get(name, []) if isinstance(holder, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise NotOtlpError(f"{name}: a list of objects, in the JSON of OTLP")
    return items


def _parsed(item: Any, message: Any) -> Any:
    try:
        return ParseDict(item, message, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        raise NotOtlpError(f"a {type(message).__name__} of another form than OTLP's") from None


def _has_ids(item: ProtoSpan | LogRecord) -> bool:
    is_long = len(item.trace_id) == 16 and len(item.span_id) == 8
    return is_long and any(item.trace_id) and any(item.span_id)


def _with_ids(span: dict[str, Any]) -> dict[str, Any]:
    """OTLP writes ids as hexadecimal digits where protobuf's JSON has base64; links are read by nobody."""
    try:
        ids = {name: base64.b64encode(bytes.fromhex(span[name])).decode() for name in _IDS if name in span}
    except (ValueError, TypeError):
        raise NotOtlpError("an id that isn't hexadecimal") from None
    return {**{name: value for name, value in span.items() if name != "links"}, **ids}


def _span(span: ProtoSpan, resource: Mapping[str, Any], scope: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        name=span.name,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=tuple(SpanEvent(event.name, _attributes(event.attributes)) for event in span.events),
        resource=resource,
        scope=scope,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        status_message=span.status.message,
    )


def _log_event(record: LogRecord, name: str, attributes: Mapping[str, Any]) -> LogEvent:
    """What the body says counts as attributes, which is where an event of a span would have it."""
    body = of_json(_value(record.body))
    said = body if isinstance(body, dict) else {} if body is None else {"gen_ai.event.content": body}
    about = {name: value for name, value in attributes.items() if name != "event.name"}
    return LogEvent(
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        time_ns=record.time_unix_nano or record.observed_time_unix_nano,
        event=SpanEvent(name, {**about, **said}),
        digest=hashlib.blake2b(record.SerializeToString(deterministic=True), digest_size=16).digest(),
        size=record.ByteSize() + _OBJECT_BYTES,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    pair: KeyValue
    for pair in pairs:
        found.setdefault(pair.key, _value(pair.value))
    return found


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind) if kind in ("string_value", "bool_value", "int_value", "double_value") else None
