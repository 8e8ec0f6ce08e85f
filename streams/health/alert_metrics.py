"""All metrics of the process that delivers severe findings. The worker that starts it shows them among its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from watchline.streams.health import exposition
from watchline.streams.health.outgoing import FAILURES

_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 300, 3600)


class AlertMetrics:
    """The metrics of one process, in a registry of its own. They begin anew with the process, as counters may.

    Examples
    --------
    >>> metrics = AlertMetrics()
    >>> metrics.delivered.inc(2)
    >>> "watchline_alert_delivered_findings_total 2.0" in metrics.scrape()
    True
    """

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.delivered = Counter(
            "watchline_alert_delivered_findings", "Severe findings that the webhook has taken.", registry=registry
        )
        self.repeated = Counter(
            "watchline_alert_repeated_findings",
            "Severe findings that came again and were not sent again.",
            registry=registry,
        )
        self.unreadable = Counter(
            "watchline_alert_unreadable_messages",
            "Messages of the topic `alerts` that are no severe finding.",
            registry=registry,
        )
        self.messages = Counter(
            "watchline_alert_webhook_messages",
            "Messages that the webhook has taken: those of a burst are one.",
            registry=registry,
        )
        self.failures = Counter(
            "watchline_alert_webhook_failures",
            "Tries that the webhook did not take: timeout, connection, certificate, status.",
            ["reason"],
            registry=registry,
        )
        for reason in FAILURES:
            self.failures.labels(reason)
        self.waiting = Gauge(
            "watchline_alert_waiting_findings", "Severe findings in the message that is being sent.", registry=registry
        )
        self.delay = Histogram(
            "watchline_alert_delay_seconds",
            "From publishing a severe finding until the webhook had it.",
            registry=registry,
            buckets=_SECONDS,
        )

    def scrape(self) -> str:
        """Everything, in the OpenMetrics format."""
        return exposition.page(self._registry, exposition.OPEN_METRICS).decode()
