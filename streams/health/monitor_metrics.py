"""All metrics of a monitors process. The worker that starts it shows them among its own: see `metrics`."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from watchline.streams.clickhouse.sink import RETRYABLE_CODES
from watchline.streams.health import exposition
from watchline.streams.health.progress import ConsumerState

_KINDS = ("prompt_version", "model", "system_fingerprint", "drift")


class MonitorMetrics:
    """The metrics of one process, in a registry of its own. They begin anew with the process, as counters may.

    Examples
    --------
    >>> metrics = MonitorMetrics()
    >>> metrics.late_events.inc(2)
    >>> "watchline_monitor_late_events_total 2.0" in metrics.scrape(ConsumerState())
    True
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.unreadable_states = Counter(
            "watchline_monitor_states_unreadable",
            "States of monitors, or slices of one, that could not be read; their baselines are learned anew.",
            registry=registry,
        )
        self._measures_without_baseline = Gauge(
            "watchline_monitor_measures_without_baseline",
            "Measures of the newest prompt versions and models that are not compared with the one before: it has fewer "
            "than 50 values by the same detector version.",
            registry=registry,
        )
        self.late_events = Counter(
            "watchline_monitor_late_events",
            "Events that came when a later one of their prompt had been looked at; they are stored, not compared.",
            registry=registry,
        )
        self.early_events = Counter(
            "watchline_monitor_early_events",
            "Events that were compared before they were due, since too many waited for raw partitions that are behind.",
            registry=registry,
        )
        self.forgotten = Counter(
            "watchline_monitor_forgotten",
            "What is no longer watched, since there was too much of it: prompts of a findings partition beyond 500, "
            "slices (versions times models) of a prompt beyond 8, sources (detector versions) of a measure beyond 3. "
            "One that comes again begins anew.",
            ["kind"],
            registry=registry,
        )
        for kind in ("prompts", "slices", "sources"):
            self.forgotten.labels(kind)
        self.signals = Counter(
            "watchline_monitor_signals", "Signals stored and published, by kind.", ["kind"], registry=registry
        )
        for kind in _KINDS:
            self.signals.labels(kind)
        self._held_events = Gauge(
            "watchline_monitor_held_events", "Events that wait until the watermark is past them.", registry=registry
        )
        self._watermark = Gauge(
            "watchline_monitor_watermark_seconds",
            "Unix time up to which a findings partition's events were looked at; `time()` less it is the lag.",
            ["partition"],
            registry=registry,
        )
        self._lag = Gauge(
            "watchline_monitor_lag_messages",
            "Messages of the findings topic that the monitors have not acknowledged yet.",
            ["partition"],
            registry=registry,
        )
        self.insert_retries = Counter(
            "watchline_monitor_insert_retries",
            "Inserts of signals and watermarks that failed in a way that may pass, by ClickHouse's code; none: the "
            "connection failed.",
            ["code"],
            registry=registry,
        )
        for code in ("none", *sorted(RETRYABLE_CODES)):
            self.insert_retries.labels(code)
        self.dead_letters = Counter(
            "watchline_monitor_dead_letters",
            "Messages of the findings topic that could not be read.",
            registry=registry,
        )

    def monitored(self, watermarks: Mapping[int, int], *, held: int, waiting: int) -> None:
        """What the monitors have come to: watermarks in microseconds, by findings partition."""
        self._held_events.set(held)
        self._measures_without_baseline.set(waiting)
        self._watermark.clear()  # of partitions that are another process's now
        for partition, watermark in watermarks.items():
            self._watermark.labels(partition).set(watermark / 1e6)

    def scrape(self, consumer_state: ConsumerState) -> str:
        """Everything, in the OpenMetrics format."""
        self._lag.clear()
        for (_, partition), messages in consumer_state.lag.items():
            self._lag.labels(partition).set(messages)
        return exposition.page(self._registry, exposition.OPEN_METRICS).decode()
