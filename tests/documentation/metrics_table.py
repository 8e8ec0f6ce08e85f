"""The table of metrics in the README of streams, made from those of all processes: `make docs` writes it."""

from __future__ import annotations

from types import SimpleNamespace

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.documentation import readmes
from watchline.streams.health.alert_metrics import AlertMetrics
from watchline.streams.health.engine_metrics import EngineMetrics
from watchline.streams.health.metrics import STALE_S, Metrics
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.health.progress import Progress
from watchline.streams.ingest.metrics import Metrics as ReceiverMetrics
from watchline.streams.producer.buffer import Stats
from watchline.streams.producer.metrics import ProducerMetrics

HEAD = "| metric | type | labels | what it is |\n|---|---|---|---|\n"
NOTHING = {"owns": False, "run_s": 0.0, "since_run_s": 0.0, "rules": {}, "alerts": {}, "channels": {}}
SUFFIXES = {"counter": "_total", "info": "_info"}


def families(page: str) -> dict[str, Metric]:
    """A scraped page, by the names of its metrics."""
    return {family.name: family for family in text_string_to_metric_families(page)}


def catalogue() -> dict[str, tuple[str, str]]:
    """Name to type and help of every metric that a worker has."""
    metrics = Metrics({})
    for source in STALE_S:
        metrics.heard(source)
    page = metrics.scrape(Progress()).decode()
    return {name: (family.type, family.documentation) for name, family in families(page).items()}


def table() -> str:
    """A row for each metric, under the name that queries use."""
    rows = {}
    registries = (kind._registry for kind in (Metrics({}), MonitorMetrics(), AlertMetrics(), ReceiverMetrics()))
    collectors = [collector for registry in registries for collector in registry._collector_to_names]
    for collector in (*collectors, EngineMetrics(lambda: NOTHING), ProducerMetrics(SimpleNamespace(stats=Stats()))):
        for family in collector.collect():
            name = family.name + SUFFIXES.get(family.type, "")
            names = getattr(collector, "_labelnames", None) or getattr(family, "_labelnames", ())
            labels = ", ".join(f"`{label}`" for label in names)
            rows[name] = f"| `{name}` | {family.type} | {labels} | {family.documentation} |\n"
    return HEAD + "".join(rows.values())  # the receiver has the worker's `process_*` too


if __name__ == "__main__":
    readmes.write_table(readmes.ROOT / "streams" / "README.md", HEAD, table())
