"""All metrics of a receiver, for Prometheus. The table in streams/README.md is made from them.

No label holds anything of a span: signals, statuses, reasons and kinds only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from watchline.streams.health import exposition
from watchline.streams.ingest.encoding import TOO_LARGE, UNREADABLE
from watchline.streams.ingest.log_events import NEVER_CAME
from watchline.streams.ingest.span import KINDS, MODEL, OTHER

_STATUSES = (200, 400, 401, 403, 413, 415, 429, 503)
_LEFT_OUT = ({kind for kinds in KINDS.values() for kind in kinds.values()} - {MODEL}) | {
    *(OTHER, "log", "log event of no span", NEVER_CAME)
}
_SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5)


class Metrics:
    """The metrics of one receiver, in a registry of its own. Any thread may count."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "watchline_receive_requests",
            "Requests answered, by signal (traces, logs, metrics) and HTTP status. Metrics are taken and not read.",
            ["signal", "status"],
            registry=registry,
        )
        self.events = Counter(
            "watchline_receive_events", "Events made of spans, that Kafka has acknowledged.", registry=registry
        )
        self._rejected = Counter(
            "watchline_receive_rejected",
            "Spans and log records that were refused, and not to be sent again: bad value, too large.",
            ["reason"],
            registry=registry,
        )
        self._left_out = Counter(
            "watchline_receive_left_out",
            "Spans and log records that are no call of a model and no part of one, by kind: chain, agent, log, other.",
            ["kind"],
            registry=registry,
        )
        self.kafka = Histogram(
            "watchline_receive_kafka_seconds",
            "Time until Kafka had the events of a request; those that it didn't get in time aren't among them.",
            registry=registry,
            buckets=_SECONDS,
        )
        for signal in ("traces", "logs", "metrics"):
            for status in _STATUSES:
                self._requests.labels(signal, status)
        for reason in (UNREADABLE, TOO_LARGE):
            self._rejected.labels(reason)
        for kind in sorted(_LEFT_OUT):
            self._left_out.labels(kind)
        ProcessCollector(registry=registry)

    def answered(self, signal: str, status: int) -> None:
        """A request is answered."""
        self._requests.labels(signal, status).inc()

    def rejected(self, reasons: Mapping[str, int]) -> None:
        """What could not become an event, by reason."""
        for reason, count in reasons.items():
            self._rejected.labels(reason).inc(count)

    def left_out(self, kinds: Mapping[str, int]) -> None:
        """What is no event and no part of one, by kind."""
        for kind, count in kinds.items():
            self._left_out.labels(kind).inc(count)

    def report(self) -> dict[str, Any]:
        """The counts, for a person."""
        return {
            "events": sum(_counts(self.events).values()),
            "answered": {" ".join(labels): count for labels, count in _counts(self._requests).items()},
            "rejected": {reason: count for (reason,), count in _counts(self._rejected).items()},
            "left_out": {kind: count for (kind,), count in _counts(self._left_out).items()},
        }

    def scrape(self, form: exposition.Form = exposition.OPEN_METRICS) -> bytes:
        """Everything, as Prometheus reads it."""
        return exposition.page(self._registry, form)


def _counts(counter: Counter) -> dict[tuple[str, ...], int]:
    (family,) = counter.collect()
    return {
        tuple(sample.labels.values()): int(sample.value)
        for sample in family.samples
        if sample.name.endswith("_total") and (sample.value or not sample.labels)
    }
