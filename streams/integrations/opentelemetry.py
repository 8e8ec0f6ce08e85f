"""OpenTelemetry's spans, in the app's own process: each that is a call of a model becomes an event.

    from watchline import Producer
    from watchline.opentelemetry import WatchlineSpanExporter

    provider.add_span_processor(BatchSpanProcessor(WatchlineSpanExporter(Producer(app="support-bot"))))

For an app whose calls are instrumented already, with attributes of `gen_ai.*`, OpenInference or Vercel. What of a span
becomes what is the same as with `watchline receive`: `streams/ingest/README.md` has the tables.
"""

from __future__ import annotations

import atexit
import base64
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from opentelemetry import trace as api
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from watchline.streams.ingest import trace
from watchline.streams.ingest.span import Span, SpanEvent
from watchline.streams.ingest.span_arguments import OF_RESOURCE
from watchline.streams.producer.arguments import ArgumentError
from watchline.streams.producer.producer import EXIT_S, Producer
from watchline.streams.throttled_log import ThrottledLog

_NOT_TAKEN = ("closed", "too large", "internal")  # why a producer drops an event before it is in its buffer

log = logging.getLogger(__name__)


class WatchlineSpanExporter(SpanExporter):  # type: ignore[misc]  # the SDK's class is Any to mypy
    """Hands the calls of models among spans to a producer. Never raises, and waits for nothing but in `force_flush`.

    Documents of retrievers and results of tools belong to the call that follows them in the same trace where they are
    exported together: with a `BatchSpanProcessor`, not with a `SimpleSpanProcessor`. All other spans are left out. App
    and environment are the producer's; the resource's, where they are others, become attributes.

    Parameters
    ----------
    producer : Producer
        Which stays open: it may be used for feedback and more, and is closed by who made it.

    Examples
    --------
    >>> from opentelemetry.sdk.trace import TracerProvider
    >>> from opentelemetry.sdk.trace.export import BatchSpanProcessor
    >>> provider = TracerProvider()
    >>> provider.add_span_processor(BatchSpanProcessor(WatchlineSpanExporter(Producer(app="support-bot"))))
    >>> provider.get_tracer("app").start_span("chat", attributes={"gen_ai.request.model": "gpt-4o"}).end()
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._warnings = ThrottledLog(log)
        self._is_over = False
        atexit.register(_flush)  # after the producer's own, and so to run before it

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Gives SUCCESS where every call of a model among the spans is in the producer's buffer, else FAILURE.

        Those that can be handed over are, also where one can't.
        """
        if self._is_over:
            return SpanExportResult.FAILURE
        try:
            missed = self._missed(spans)
        except Exception as error:  # a fault of ours must not become the app's; its text may quote a span
            self._warnings.warn("internal", "spans are lost: unexpected %s", type(error).__name__)
            return SpanExportResult.FAILURE
        if missed:
            self._warnings.warn("missed", "%d calls of models among the spans could not be handed over", missed)
        return SpanExportResult.FAILURE if missed else SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Waits until Kafka has what was exported, so many milliseconds at most; whether it came to that."""
        return self._producer.flush(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Takes no more spans. The producer goes on, and sends what it has."""
        self._is_over = True

    def _missed(self, spans: Sequence[ReadableSpan]) -> int:
        """Hands the calls over; how many could not be."""
        read, missed = [], 0
        for span in spans:
            try:
                read.append(_span(span))
            except Exception:  # of another form than the SDK's: it costs no other span
                missed += 1
        found = trace.read(read)
        before = self._not_taken()
        for _, call in found.calls:
            try:
                self._producer.emit(**{"model": None, **self._own(call)})
            except ArgumentError:  # of a strict producer, which has counted it
                missed += 1
        return missed + found.bad + max(0, self._not_taken() - before)

    def _not_taken(self) -> int:
        """Also of what others give the producer meanwhile: rather too little is called a success than too much."""
        dropped = self._producer.stats.dropped_by
        return sum(dropped.get(reason, 0) for reason in _NOT_TAKEN)

    def _own(self, call: dict[str, Any]) -> dict[str, Any]:
        """The call as one of this producer's: what else the resource says of whose it is becomes attributes."""
        own = {"app": self._producer.app, "environment": self._producer.environment}
        others = {OF_RESOURCE[name][0]: said for name in own if (said := call.pop(name, own[name])) != own[name]}
        return {**call, "attributes": {**call.get("attributes", {}), **others}}


def _span(span: ReadableSpan) -> Span:
    return Span(
        trace_id=f"{span.context.trace_id:032x}",
        span_id=f"{span.context.span_id:016x}",
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        attributes=_plain(span.attributes or {}),
        events=tuple(SpanEvent(event.name, _plain(event.attributes or {})) for event in span.events),
        resource=_plain(span.resource.attributes),
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
        failed=span.status.status_code is StatusCode.ERROR,
        status_message=span.status.description or "",
    )


def _plain(value: Any) -> Any:
    """A value as OTLP would bring it: the SDK has tuples for lists."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _flush() -> None:
    """Hands over what the SDK still holds, while the producer takes it.

    A provider that was made before the producer was imported, as `opentelemetry-instrument` does it, ends after it.
    """
    flush = getattr(api.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        with suppress(Exception):  # of another exporter
            flush(int(EXIT_S * 1000))
