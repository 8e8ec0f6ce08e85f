"""A producer's counts as metrics of its app, for Prometheus. Only for apps that have `prometheus_client`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from watchline.streams.producer.buffer import Stats
from watchline.streams.producer.drop_reasons import BAD_VALUE, OTHER, known

_REASONS = (
    *("before_send", "buffer full", "closed", "delivery failed", "internal", "too large", "too large for kafka"),
    *(BAD_VALUE, OTHER),
)


class Counting(Protocol):
    """What counts: a `Producer`."""

    @property
    def stats(self) -> Stats: ...


class ProducerMetrics:
    """A collector for the app's registry: `REGISTRY.register(ProducerMetrics(producer))`.

    No label holds anything of an event: reasons only, those of bad values together.

    Parameters
    ----------
    producer : Producer

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> stats = Stats(emitted=3, delivered=2, dropped=1, dropped_by={"bad value: cost": 1})
    >>> {family.name: family.samples[0].value for family in ProducerMetrics(SimpleNamespace(stats=stats)).collect()
    ...     if len(family.samples) == 1}["watchline_producer_delivered"]
    2.0
    """

    def __init__(self, producer: Counting) -> None:
        self._producer = producer

    def collect(self) -> Iterator[Metric]:
        """The families, of now."""
        stats = self._producer.stats
        for name, help_, count in (
            ("emitted", "Events and feedback that the app has handed over.", stats.emitted),
            ("delivered", "Of these, what Kafka has acknowledged.", stats.delivered),
            ("discarded", "Of these, what the app's `before_send` has left out.", stats.discarded),
            ("unreadable", "Arguments that events came without, or with another name.", sum(stats.unreadable.values())),
            ("restarts", "Times that the sending thread began again.", stats.restarts),
            (
                "prompts_refused",
                "Releases of prompts that are not good: the last good one stays.",
                stats.prompts_refused,
            ),
        ):
            yield CounterMetricFamily(f"watchline_producer_{name}", help_, value=float(count))
        dropped = CounterMetricFamily(
            "watchline_producer_dropped", "Events and feedback that were lost, by reason.", labels=["reason"]
        )
        counts = Counter[str]()
        for reason, count in known(stats.dropped_by).items():
            counts[reason.partition(":")[0]] += count
        for reason in _REASONS:
            dropped.add_metric([reason], float(counts[reason]))
        yield dropped
        yield GaugeMetricFamily(
            "watchline_producer_buffered_events", "Waiting, or on the way to Kafka.", value=float(stats.buffered)
        )
        yield GaugeMetricFamily(
            "watchline_producer_hanging_seconds",
            "How long a hook of the app's has held up the sending thread; 0 below ten seconds.",
            value=stats.hanging_s,
        )
