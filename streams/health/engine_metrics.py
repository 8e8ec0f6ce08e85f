"""All metrics of who evaluates the alert rules, for Prometheus: made of what the engine counts, whenever it is asked.

No label holds anything of an event: rules, channels, states and severities only.
"""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from watchline.streams.health import exposition

log = logging.getLogger(__name__)
STATES = ("pending", "firing", "recovering", "no_data", "error")
SEVERITIES = ("warning", "critical")
OUTCOMES = ("sent", "failed", "given_up")


class EngineMetrics:
    """The metrics of one engine, in a registry of their own. Every series is there from the start.

    Parameters
    ----------
    measures : callable
        Gives what `dashboards.engine.Engine.measures` does.

    Examples
    --------
    >>> counts = {"evaluated": 3, "failed": 1}
    >>> waited = {"bounds": [1.0, 60.0], "counts": [0, 2, 0], "sum": 9.0}
    >>> slack = {"sent": 2, "failed": 0, "given_up": 0, "waited": waited}
    >>> said = {"owns": True, "run_s": 0.5, "since_run_s": 2.0, "rules": {"watchline-lag": counts},
    ...         "alerts": {("firing", "critical"): 1}, "channels": {"slack": slack}}
    >>> page = EngineMetrics(lambda: said).scrape()
    >>> 'watchline_rule_failures_total{rule="watchline-lag"} 1.0' in page
    True
    >>> 'watchline_alerts{severity="critical",state="firing"} 1.0' in page
    True
    """

    def __init__(self, measures: Callable[[], Mapping[str, Any]]) -> None:
        self._measures = measures
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """The families as they are now."""
        said = self._measures()
        yield GaugeMetricFamily(
            "watchline_rules_evaluator",
            "1 where this process evaluates the alert rules; 0 where another does, or none can.",
            value=float(said["owns"]),
        )
        yield GaugeMetricFamily(
            "watchline_rules_run_seconds",
            "Time that the last run took of all rules that were due.",
            value=said["run_s"],
        )
        yield GaugeMetricFamily(
            "watchline_rules_last_run_age_seconds",
            "Time since a run of this process went well, or the start. The least of all evaluators counts.",
            value=said["since_run_s"],
        )
        evaluated = CounterMetricFamily(
            "watchline_rule_evaluations", "Evaluations of a rule by this process.", labels=["rule"]
        )
        failures = CounterMetricFamily(
            "watchline_rule_failures",
            "Those that failed: the rule was refused, or a query of it failed. What it had found is kept.",
            labels=["rule"],
        )
        for rule, counts in said["rules"].items():
            evaluated.add_metric([rule], counts["evaluated"])
            failures.add_metric([rule], counts["failed"])
        yield evaluated
        yield failures
        alerts = GaugeMetricFamily(
            "watchline_alerts",
            f"Alerts that aren't normal, by state ({', '.join(STATES)}) and severity; 0 where another evaluates.",
            labels=["state", "severity"],
        )
        for state in STATES:
            for severity in SEVERITIES:
                alerts.add_metric([state, severity], said["alerts"].get((state, severity), 0))
        yield alerts
        yield from self._notifications(said["channels"])

    def _notifications(self, channels: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
        notifications = CounterMetricFamily(
            "watchline_notifications",
            "Messages by channel and what became of them: sent; failed: a try that the channel didn't take, to be made "
            "again; given_up: as many failed as there are tries.",
            labels=["channel", "outcome"],
        )
        waited = HistogramMetricFamily(
            "watchline_notification_wait_seconds",
            "From when a channel was to be told of something until it had the message.",
            labels=["channel"],
        )
        for name, channel in channels.items():
            for outcome in OUTCOMES:
                notifications.add_metric([name, outcome], channel[outcome])
            waited.add_metric([name], _buckets(channel["waited"]), channel["waited"]["sum"])
        yield notifications
        yield waited

    def scrape(self) -> str:
        """Everything, in the OpenMetrics format."""
        return exposition.page(self._registry, exposition.OPEN_METRICS).decode()

    @contextlib.contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Serves them while this is entered; gives the address. A port that is busy becomes another; 0 is a free one.

        Raises OSError where the host is none of this machine.
        """
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == 0:
                raise
            log.warning("port %d is busy, picking another", port)
            server, thread = start_http_server(0, host, self._registry)
        try:
            yield f"http://{host}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _buckets(waited: Mapping[str, Any]) -> Sequence[tuple[str, float]]:
    """Bounds, with how many waited no longer: counts come by interval."""
    total, found = 0, []
    for bound, count in zip((*map(float, waited["bounds"]), float("inf")), waited["counts"], strict=True):
        total += count
        found.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
    return found
