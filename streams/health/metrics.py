"""All metrics of a worker, for Prometheus. The table in streams/README.md is made from them.

No label holds what comes from an event but the names of apps, by `AppLabels`: else topics, partitions, fields,
detectors, stages and classes of errors only.
"""

from __future__ import annotations

import time
from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.openmetrics.exposition import generate_latest

from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health.app_labels import AppLabels
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.health.progress import ConsumerState, Progress

__all__ = ["CONTENT_TYPE", "Metrics"]

_SECONDS = (0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 300)
_EVENTS = (1, 8, 32, 128, 512, 1024, 4096)


class Scoring(Protocol):
    """What the scoring of a batch gives to count: see `scoring.part.ScoredPart`."""

    @property
    def duration_us(self) -> Mapping[str, int]: ...

    @property
    def failed(self) -> Mapping[str, int]: ...

    @property
    def invalid_fields(self) -> Mapping[tuple[str, str], int]: ...

    @property
    def unreadable(self) -> Mapping[str, int]: ...

    @property
    def shed_events(self) -> int: ...

    @property
    def over_budget(self) -> Mapping[str, int]: ...

    @property
    def stages(self) -> Mapping[str, float]: ...

    @property
    def lookups(self) -> Mapping[str, int]: ...

    @property
    def replaced(self) -> Mapping[tuple[str, str], int]: ...

    @property
    def canary_sent(self) -> int | None: ...


class Metrics:
    """The metrics of one process, in a registry of its own. Counted per batch; any thread may count.

    Parameters
    ----------
    planned : mapping of str to str
        The detectors planned, with their versions.

    Attributes
    ----------
    monitors : str
        The page of the monitors process, as it last was: see `MonitorMetrics`.
    apps : AppLabels
        The labels of apps.
    """

    def __init__(self, planned: Mapping[str, str]) -> None:
        self.monitors = MonitorMetrics().scrape(ConsumerState())
        self.apps = AppLabels()
        registry = self._registry = CollectorRegistry()
        self.events = Counter("watchline_events", "Interactions stored and published.", registry=registry)
        self.batches = Counter("watchline_batches", "Batches of interactions completed.", registry=registry)
        self.batch_events = Histogram(
            "watchline_batch_events", "Interactions in a batch.", registry=registry, buckets=_EVENTS
        )
        self.stages = Histogram(
            "watchline_stage_duration_seconds",
            "Time that a batch took in a stage: decode, shed, redact, enrich, score, store, publish, acknowledge.",
            ["stage"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.scoring = Counter(
            "watchline_scoring_seconds", "Time that a detector took of the scoring.", ["detector"], registry=registry
        )
        self._embedded = Counter(
            "watchline_embedded_texts",
            "Distinct texts of the batches, by whether their embedding was kept from before: hit, miss.",
            ["cache"],
            registry=registry,
        )
        self.failed_findings = Counter(
            "watchline_failed_findings", "Findings whose detector failed.", ["detector"], registry=registry
        )
        self.shed_events = Counter(
            "watchline_shed_events",
            "Interactions stored unscored, to catch up or over their app's budget.",
            registry=registry,
        )
        self._over_budget = Counter(
            "watchline_over_budget_events",
            "Interactions stored without texts and unscored, since their app was over its budget.",
            ["app"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "watchline_dead_letters",
            "Messages and events given up: undecodable, invalid, redaction (failed), refused (by ClickHouse), "
            "killed (ended the scoring process). `app`: unknown where it can't be read; of more than a hundred, other.",
            ["app", "kind"],
            registry=registry,
        )
        self._invalid_fields = Counter(
            "watchline_invalid_fields",
            "Fields that came with a value that can't be stored, and are stored without; `time` with Kafka's.",
            ["app", "field"],
            registry=registry,
        )
        self._unreadable = Counter(
            "watchline_unreadable_fields",
            "Arguments that producers could not read, and left out, or did not know, and kept as attributes: "
            "`v_unreadable` names them.",
            ["app"],
            registry=registry,
        )
        self._replaced = Counter(
            "watchline_replaced_identifiers",
            "Names and ids that could be personal data, by field and what was stored instead: pseudonym; dropped, "
            "without `WATCHLINE_PSEUDONYM_KEY`.",
            ["field", "kind"],
            registry=registry,
        )
        self.scorer_deaths = Counter(
            "watchline_scoring_process_deaths",
            "Scoring processes that were killed for their time or memory, or ended by themselves: time, memory, death.",
            ["reason"],
            registry=registry,
        )
        self.offset_gaps = Counter(
            "watchline_offset_gaps", "Ranges of offsets that were gone before they were read.", registry=registry
        )
        self.monitor_restarts = Counter(
            "watchline_monitor_process_restarts",
            "Times that the monitors process ended and was to be started again.",
            registry=registry,
        )
        self.insert_retries = Counter(
            "watchline_insert_retries",
            "Inserts that failed in a way that may pass, by ClickHouse's code; none: the connection failed.",
            ["code"],
            registry=registry,
        )
        self._lag = Gauge(
            "watchline_lag_messages",
            "Messages in Kafka that are not acknowledged yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self._group_lag = Gauge(
            "watchline_group_lag_messages",
            "Messages in Kafka that the group has not acknowledged, of all partitions, whichever worker has them.",
            ["topic"],
            registry=registry,
        )
        self.topic_differences = Gauge(
            "watchline_topic_differences",
            "Settings of topics in Kafka that are not as wanted; the log and `watchline migrate --dry-run` name them.",
            registry=registry,
        )
        self.store_missing_events = Gauge(
            "watchline_store_missing_events",
            "Events that were stored and are not there any more, or lack findings: `watchline repair`.",
            registry=registry,
        )
        self.store_lost_events = Gauge(
            "watchline_store_lost_events",
            "Events that were stored, and of which `watchline repair` has found that they are gone for good.",
            registry=registry,
        )
        self.store_conflicts = Gauge(
            "watchline_store_conflicts",
            "Rows that came again under the same key and version and said otherwise: see v_conflicts.",
            registry=registry,
        )
        self.store_ledger_gaps = Gauge(
            "watchline_store_ledger_gaps",
            "Ranges of acknowledged offsets that the ledger of what was stored lacks: `watchline repair`.",
            registry=registry,
        )
        self.store_detached_parts = Gauge(
            "watchline_store_detached_parts",
            "Parts of tables that ClickHouse has set aside, as a rule since it could not read them.",
            registry=registry,
        )
        self._held = Gauge(
            "watchline_buffered_messages",
            "Messages in the worker's memory that are not acknowledged yet.",
            ["topic"],
            registry=registry,
        )
        self._held_bytes = Gauge(
            "watchline_buffered_bytes",
            "Bytes of the messages in memory that are not acknowledged yet.",
            ["topic"],
            registry=registry,
        )
        self._batch_age = Gauge(
            "watchline_last_batch_age_seconds", "Time since a batch was completed, or the start.", registry=registry
        )
        self._commit_age = Gauge(
            "watchline_last_commit_age_seconds", "Time since an offset was committed, or the start.", registry=registry
        )
        self._stalled = Gauge(
            "watchline_stalled_seconds", "Time that messages have waited without progress.", registry=registry
        )
        self.canary_delay = Gauge(
            "watchline_canary_delay_seconds", "From sending to storing, of the last canary.", registry=registry
        )
        started = Gauge(
            "watchline_start_time_seconds", "Unix time of the start; it changes with a restart.", registry=registry
        )
        started.set(time.time())
        build = Info("watchline_build", "Version of Watchline.", registry=registry)
        build.info({"version": version("watchline")})
        detectors = Gauge(
            "watchline_detector_info",
            "Detectors planned, with their versions.",
            ["detector", "version"],
            registry=registry,
        )
        for name, of_detector in planned.items():
            detectors.labels(name, of_detector).set(1)

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Times a batch in a stage."""
        timed: AbstractContextManager[Any] = self.stages.labels(name).time()
        return timed

    def batch_done(self, scored: Scoring, stored_events: int) -> None:
        """A batch is stored and published: its events, and what their findings say of time and failures."""
        self.batches.inc()
        self.events.inc(stored_events)
        if stored_events:  # else it was a canary
            self.batch_events.observe(stored_events)
        self.shed_events.inc(scored.shed_events)
        for app, count in scored.over_budget.items():
            self._over_budget.labels(self.apps.label(app)).inc(count)
        self.fields_invalid(scored.invalid_fields)
        self.fields_unreadable(scored.unreadable)
        for detector, count in scored.failed.items():
            self.failed_findings.labels(detector).inc(count)
        for detector, duration_us in scored.duration_us.items():
            self.scoring.labels(detector).inc(duration_us / 1e6)
        for stage, seconds in scored.stages.items():
            self.stages.labels(stage).observe(seconds)
        for cache, count in scored.lookups.items():
            self._embedded.labels(cache).inc(count)
        self.replaced(scored.replaced)
        if scored.canary_sent is not None:
            self.canary_delay.set(time.time() - scored.canary_sent / 1e6)

    def replaced(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Identifiers that could not be kept, by field and what became of them."""
        for (field, kind), count in counts.items():
            self._replaced.labels(field, kind).inc(count)

    def dead_lettered(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters are in their topic and table."""
        for (app, kind), count in Counts((self.apps.label(letter.app), letter.kind) for letter in letters).items():
            self.dead_letters.labels(app, kind).inc(count)

    def fields_invalid(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Fields that had to be left out are stored without, by app and field."""
        for (app, field), count in counts.items():
            self._invalid_fields.labels(self.apps.label(app), field).inc(count)

    def fields_unreadable(self, counts: Mapping[str, int]) -> None:
        """Arguments that producers could not read, by app."""
        for app, count in counts.items():
            self._unreadable.labels(self.apps.label(app)).inc(count)

    def scrape(self, progress: Progress) -> bytes:
        """Everything, as Prometheus reads it."""
        now = progress.clock()
        self._batch_age.set(now - progress.last_batch)
        self._commit_age.set(now - progress.last_commit)
        self._stalled.set(progress.stalled_s)
        for gauge in (self._lag, self._held, self._held_bytes):
            gauge.clear()  # of partitions that are another worker's now
        for (topic, partition), messages in progress.consumer_state.lag.items():
            self._lag.labels(topic, partition).set(messages)
        for topic, messages in progress.group_lag.items():
            self._group_lag.labels(topic).set(messages)
        for topic in {topic for topic, _ in progress.consumer_state.lag}:
            self._held.labels(topic).set(progress.consumer_state.held.get(topic, 0))
            self._held_bytes.labels(topic).set(progress.consumer_state.held_bytes.get(topic, 0))
        page: bytes = generate_latest(self._registry)  # type: ignore[no-untyped-call]
        return page.removesuffix(b"# EOF\n") + self.monitors.encode()
