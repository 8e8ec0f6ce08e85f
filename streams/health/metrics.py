"""All metrics of a worker, for Prometheus. The table in streams/README.md is made from them.

No label holds what comes from an event but the names of apps, by `AppLabels`: else topics, partitions, fields,
detectors, stages and classes of errors only.
"""

from __future__ import annotations

import math
import time
from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Metric, ProcessCollector
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from watchline.schemas.errors import Kind
from watchline.streams.clickhouse.sink import RETRYABLE_CODES
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health import exposition
from watchline.streams.health.alert_metrics import AlertMetrics
from watchline.streams.health.app_labels import OTHER, UNKNOWN, AppLabels
from watchline.streams.health.monitor_metrics import MonitorMetrics
from watchline.streams.health.progress import ConsumerState, Progress

_SECONDS = (0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 300)
_DELAYS = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600)
_EVENTS = (1, 8, 32, 128, 512, 1024, 4096)
_STAGES = ("decode", "shed", "redact", "enrich", "score", "store", "publish", "acknowledge")
# What is asked of others, and after how many seconds without an answer the last one is no longer shown.
STALE_S = {"store": 300.0, "topics": 120.0, "monitors": 30.0, "alerts": 30.0}
_ASKED = {"watchline_store_": "store", "watchline_group_lag_": "topics", "watchline_topic_differences": "topics"}


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
    def flagged(self) -> Mapping[str, int]: ...

    @property
    def canaries_sent(self) -> Mapping[int, int]: ...

    @property
    def severe(self) -> Sequence[object]: ...

    @property
    def apps(self) -> Mapping[tuple[int, int], Mapping[int, str]]: ...


class Metrics:
    """The metrics of one process, in a registry of its own. Counted per batch; any thread may count.

    Every counter is there from the start with each label that is known: Prometheus sees no increase in one that begins
    with a count.

    Parameters
    ----------
    planned : mapping of str to str
        The detectors planned, with their versions.
    canaries : str
        The topic to whose partitions canaries are sent; empty: to none.
    clock : callable
        Seconds, as `Progress` has them.

    Attributes
    ----------
    apps : AppLabels
        The labels of apps.
    """

    def __init__(
        self, planned: Mapping[str, str], canaries: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.apps = AppLabels()
        self._clock = clock
        self._canaries = canaries
        self._started = clock()
        self._heard: dict[str, float] = {}  # when a source has answered last
        self._sources = {"store", "topics", "monitors"}
        self._pages = {"monitors": MonitorMetrics().scrape(ConsumerState()), "alerts": AlertMetrics().scrape()}
        self._counted_apps: set[str] = set()
        self._canary_stored: dict[int, float] = {}  # by partition
        self._topics: set[str] = set()
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
        self._flagged = Counter(
            "watchline_flagged_findings",
            "Findings of a detector at or above its threshold.",
            ["detector"],
            registry=registry,
        )
        self._severe = Counter(
            "watchline_severe_findings",
            "Labels at their alert threshold with severity high, each published to the topic `alerts`.",
            registry=registry,
        )
        self.event_delay = Histogram(
            "watchline_event_delay_seconds",
            "From when Kafka had an event until it was stored and published.",
            registry=registry,
            buckets=_DELAYS,
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
        self._assigned = Gauge(
            "watchline_assigned_partitions",
            "Partitions of a topic that this worker reads.",
            ["topic"],
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
            "watchline_canary_delay_seconds",
            "From sending to storing, of the last canary; `watchline_canary_age_seconds` says how old that is. NaN "
            "before the first.",
            registry=registry,
        )
        self.canary_delay.set(math.nan)
        self._canary_age = Gauge(
            "watchline_canary_age_seconds",
            "Time since this worker stored a canary of a partition of its own, or has had it.",
            ["partition"],
            registry=registry,
        )
        self._source_age = Gauge(
            "watchline_source_age_seconds",
            "Time since a source of metrics has answered, or the start: store, of `watchline_store_*`; topics, of "
            "`watchline_group_lag_messages` and `watchline_topic_differences`; ends, of `watchline_lag_messages`; the "
            "processes monitors and alerts. Gauges of the first two and of the processes are only there while they "
            "answer.",
            ["source"],
            registry=registry,
        )
        self.heartbeats = Counter(
            "watchline_heartbeats",
            "Heartbeats that were due, by what became of them: sent; failed: the address did not take it; withheld: "
            "something that is watched was not well.",
            ["outcome"],
            registry=registry,
        )
        self.heartbeat_failing = Gauge(
            "watchline_heartbeat_failing_since_seconds",
            "Unix time since which heartbeats fail or are withheld; 0 while they don't, or none is to be sent.",
            registry=registry,
        )
        self.webhook_failing = Gauge(
            "watchline_alert_webhook_failing_since_seconds",
            "Unix time since which the webhook takes no severe findings; 0 while it does, or none is set.",
            registry=registry,
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
            for counter in (self.scoring, self.failed_findings, self._flagged):
                counter.labels(name)
        known: Mapping[Counter | Histogram, Iterable[object]] = {
            self.stages: _STAGES,
            self._embedded: ("hit", "miss"),
            self.scorer_deaths: ("time", "memory", "death"),
            self.insert_retries: ("none", *sorted(RETRYABLE_CODES)),
            self.heartbeats: ("sent", "failed", "withheld"),
        }
        for metric, values in known.items():
            for value in values:
                metric.labels(value)
        for app in (UNKNOWN, OTHER):
            self._begin_app(app)
        ProcessCollector(registry=registry)

    def expects(self, source: str) -> None:
        """A source of `STALE_S` that not every worker has is there from now on."""
        self._sources.add(source)

    def heard(self, source: str, page: str | None = None) -> None:
        """A source of `STALE_S` has answered: what was set of it holds. `page` are the metrics of a process."""
        if page is not None:
            self._pages[source] = page
        self._heard[source] = self._clock()

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Times a batch in a stage."""
        timed: AbstractContextManager[Any] = self.stages.labels(name).time()
        return timed

    def batch_done(self, scored: Scoring, stored_events: int, delays: Iterable[float] = ()) -> None:
        """A batch is stored and published: its events, and what their findings say of time and failures.

        `delays` are the seconds since Kafka had each event that was stored.
        """
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
        for detector, count in scored.flagged.items():
            self._flagged.labels(detector).inc(count)
        self._severe.inc(len(scored.severe))
        for delay in delays:
            self.event_delay.observe(delay)
        for name in {app for apps in scored.apps.values() for app in apps.values()}:
            self._begin_app(self.apps.label(name))
        for detector, duration_us in scored.duration_us.items():
            self.scoring.labels(detector).inc(duration_us / 1e6)
        for stage, seconds in scored.stages.items():
            self.stages.labels(stage).observe(seconds)
        for cache, count in scored.lookups.items():
            self._embedded.labels(cache).inc(count)
        self.replaced(scored.replaced)
        if scored.canaries_sent:
            self.canary_delay.set(time.time() - max(scored.canaries_sent.values()) / 1e6)
            self._canary_stored.update(dict.fromkeys(scored.canaries_sent, self._clock()))

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

    def scrape(self, progress: Progress, form: exposition.Form = exposition.OPEN_METRICS) -> bytes:
        """Everything, as Prometheus reads it."""
        now = progress.clock()
        self._batch_age.set(now - progress.last_batch)
        self._commit_age.set(now - progress.last_commit)
        self._stalled.set(progress.stalled_s)
        for gauge in (self._lag, self._held, self._held_bytes, self._canary_age):
            gauge.clear()  # of partitions that are another worker's now
        state = progress.consumer_state
        for (topic, partition), messages in state.lag.items():
            self._lag.labels(topic, partition).set(messages)
        for topic, messages in progress.group_lag.items():
            self._group_lag.labels(topic).set(messages)
        assigned = Counts(topic for topic, _ in state.lag)
        self._topics |= assigned.keys()
        for topic in self._topics:
            self._assigned.labels(topic).set(assigned[topic])
        for topic in assigned:
            self._held.labels(topic).set(state.held.get(topic, 0))
            self._held_bytes.labels(topic).set(state.held_bytes.get(topic, 0))
        self._age_canaries({partition for topic, partition in state.lag if topic == self._canaries})
        for source in sorted(self._sources):
            self._source_age.labels(source).set(self._clock() - self._heard.get(source, self._started))
        self._source_age.labels("ends").set(now - progress.ends_told)
        return exposition.page(self, form)

    def collect(self) -> Iterator[Metric]:
        """The families of this process and its children, without gauges that nobody stands for."""
        for family in self._registry.collect():
            source = next((source for prefix, source in _ASKED.items() if family.name.startswith(prefix)), None)
            if source is None or self._is_fresh(source):
                yield family
        for source, page in self._pages.items():
            for family in text_string_to_metric_families(page):  # type: ignore[no-untyped-call]
                if family.type != "gauge" or self._is_fresh(source):
                    yield family

    def _is_fresh(self, source: str) -> bool:
        return source in self._heard and self._clock() - self._heard[source] <= STALE_S[source]

    def _age_canaries(self, partitions: set[int]) -> None:
        now = self._clock()
        began = now if self._canary_stored else self._started
        self._canary_stored = {each: self._canary_stored.get(each, began) for each in partitions}
        for partition, stored in self._canary_stored.items():
            self._canary_age.labels(partition).set(now - stored)

    def _begin_app(self, label: str) -> None:
        """An app's counters, with nothing counted yet."""
        if label not in self._counted_apps:
            self._counted_apps.add(label)
            self._over_budget.labels(label)
            self._unreadable.labels(label)
            for kind in Kind:
                if kind != Kind.UNCLASSIFIED:
                    self.dead_letters.labels(label, kind)
