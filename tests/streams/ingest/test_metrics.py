"""The page for Prometheus: what it says, and to whom."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the exporter of OTLP is not installed")

from tests.documentation.metrics_table import families
from tests.streams.ingest.receiving import TOKEN, Running, model_call, request, running
from tests.streams.producer.published import make_topics


def scrape(receiver: Running, **headers: str) -> str:
    asked = urllib.request.Request(
        f"{receiver.address}/metrics",
        headers={
            "Accept": "application/openmetrics-text",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return str(answer.read().decode())


def test_the_page_says_what_became_of_requests_and_spans(broker: str, topic_prefix: str) -> None:
    make_topics(broker, topic_prefix)
    bad, other = {**model_call(), "traceId": "0"}, {**model_call(1), "attributes": []}
    with running(broker, topic_prefix) as receiver:
        assert receiver.post(request(model_call(), bad, other))[0] == 200
        assert receiver.post(b"{")[0] == 400
        assert receiver.post(b"{}", path="/v1/metrics")[0] == 200
        found = families(scrape(receiver))
    values = {
        (sample.name.removeprefix("watchline_receive_"), *sample.labels.values()): sample.value
        for family in found.values()
        for sample in family.samples
    }
    assert values["requests_total", "traces", "200"] == 1 == values["requests_total", "traces", "400"]
    assert values["requests_total", "metrics", "200"] == 1
    assert values["events_total",] == 1 == values["kafka_seconds_count",]
    assert values["rejected_total", "bad value"] == 1 == values["left_out_total", "other"]
    assert 0 < values["kafka_seconds_sum",] < 5


def test_whoever_is_on_another_machine_needs_the_token(broker: str, topic_prefix: str) -> None:
    with running(broker, topic_prefix) as receiver:
        assert "watchline_receive_requests" in scrape(receiver)
        for forwarded in ({"X_Forwarded_For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"}):
            assert "watchline_receive_requests" in scrape(receiver, Authorization=f"Bearer {TOKEN}", **forwarded)
            with pytest.raises(urllib.error.HTTPError, match="401"):
                scrape(receiver, **forwarded)
