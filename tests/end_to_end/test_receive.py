"""From a span of OpenTelemetry to rows: redacted, once however often it is sent, and without a gap."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("opentelemetry.proto")

from tests.end_to_end.workers import Worker
from tests.streams.ingest.receiving import model_call, request, running
from watchline.streams.ids import of_span

MAIL = "jane.doe@example.com"


def test_a_span_is_an_event_once(broker: str, make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(detectors="", topic_partitions="1")
    said = {"gen_ai.prompt.0.content": f"I am {MAIL}", "gen_ai.conversation.id": "c1", "note": f"of {MAIL}"}
    spans = [model_call(number, **said) for number in range(3)]
    with running(broker, worker.settings.topic_prefix) as receiver:
        for body in (request(*spans), request(*spans), request(model_call(3), {**spans[0], "traceId": "0"})):
            assert receiver.post(body)[0] == 200
    worker.wait(lambda: worker.count("v_interactions") == 4)
    worker.wait(lambda: worker.rows("SELECT uniqExact(producer_id) FROM v_producer_gaps") == [(2,)])
    select = "SELECT toString(event_id), app, model, conversation_id, trace_id, input, attributes FROM v_interactions"
    trace_id, span_id = spans[0]["traceId"], spans[0]["spanId"]
    (row,) = worker.rows(f"{select} WHERE span_id = '{span_id}'")
    assert row[:5] == (of_span(trace_id, span_id), "shop", "gpt-4o", "c1", trace_id)
    assert MAIL not in str(row[5:]) and "EMAIL_ADDRESS" in row[5] and "EMAIL_ADDRESS" in row[6]["note"]
    gaps = worker.rows(
        "SELECT app, sum(stored), sum(missing), sum(dropped) FROM v_producer_gaps GROUP BY app ORDER BY app"
    )
    assert gaps == [("default", 0, 1, 1), ("shop", 4, 0, 0)]
