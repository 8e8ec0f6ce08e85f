"""The online monitor of one prompt: finding batches in, signals out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from watchline.schemas.records import FindingBatch, ScoredInteraction, Signal
from watchline.streams.monitor.change import MIN_BASELINE, Change, Comparison, Stream
from watchline.streams.monitor.measures import Centre, Measure, measures
from watchline.streams.monitor.sequential import SequentialTest
from watchline.streams.monitor.snapshot import Snapshots

MAX_SLICES = 8  # versions times models of one prompt; the one that was seen longest ago is forgotten
NAMESPACE = UUID("6f1c2f0e-4f0b-5f0c-9c1e-6d2b8f6f7a11")

SliceKey = tuple[str | None, str | None]  # prompt version, model


@dataclass(slots=True)
class Slice:
    """One version of the prompt on one model, and the slice that it is held against.

    `kind` is what is new about it. A comparison is opened for each measure as soon as the baseline has enough values.
    """

    key: SliceKey
    since: int
    baseline: SliceKey | None = None
    kind: str = ""
    events: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)
    producers: dict[str, str] = field(default_factory=dict)
    comparisons: dict[str, Comparison | None] = field(default_factory=dict)  # None: finished
    labels: dict[str, dict[str, float]] = field(default_factory=dict)

    def stream(self, measure: Measure) -> Stream:
        """The measure's stream: a new one where a detector of another version gives the values, which then differ."""
        if self.producers.get(measure.name) != measure.producer:
            self.producers[measure.name] = measure.producer
            self.streams[measure.name] = Stream(bounded=measure.bounded)
            self.comparisons.pop(measure.name, None)
            self.labels.pop(measure.name, None)
        return self.streams[measure.name]

    def add_labels(self, measure: Measure) -> None:
        """Adds a detector's labels to their sums."""
        sums = self.labels.setdefault(measure.name, {})
        for label, score in measure.scores.items():
            sums[label] = sums.get(label, 0.0) + score


class Monitor:
    """Watches all versions and models of one prompt: the batches of one key of `watchline.findings`, in their order.

    A new version is compared with the one before it on the same model; a model that is new to the prompt, with the
    model before it. Every slice is also watched for changes at unknown points. No clock: what comes out depends on the
    events alone. Fed the same events again, in other batches, or restored from `dump` anywhere in between, it gives the
    same signals with the same ids, and events that it has seen it skips.
    """

    __slots__ = ("_centre", "_positions", "_slices")

    def __init__(self) -> None:
        self._slices: dict[SliceKey, Slice] = {}  # the most recently live one last
        self._centre = Centre()
        # Per raw partition, the highest (offset, index) seen. Where the broker has no topic ids, a raw topic made again
        # under its old name is skipped until it has passed the old offsets.
        self._positions: dict[tuple[str, int], tuple[int, int]] = {}

    def process(self, batch: FindingBatch) -> list[Signal]:
        """Takes the batch's events that are new. Never blocks; not for two threads at once."""
        signals: list[Signal] = []
        for item in batch.items:
            log, position = (item.raw_topic_id, item.raw_partition), (item.raw_offset, item.raw_index)
            if position > self._positions.get(log, (-1, -1)):
                self._positions[log] = position
                signals.extend(self._signals(batch, item))
        return signals

    def dump(self) -> bytes:
        """State and positions."""
        return _SNAPSHOTS.dump(self)

    @staticmethod
    def load(data: bytes) -> Monitor:
        """The monitor that was dumped. Raises FatalError, saying what to do, where the bytes are not its like."""
        monitor: Monitor = _SNAPSHOTS.load(data)
        return monitor

    def _signals(self, batch: FindingBatch, item: ScoredInteraction) -> Iterator[Signal]:
        part = self._slice(item)
        part.events += 1
        for measure in measures(item, self._centre):
            stream = part.stream(measure)
            change = stream.update(measure.value, item.time)
            if change is not None:
                yield _signal(batch, item, "drift", measure.name, part.key, part.key, change, {})
            part.add_labels(measure)
            comparison = self._comparison(part, measure)
            if comparison is None:
                continue
            change = comparison.update(measure.value)
            if comparison.finished:
                part.comparisons[measure.name] = None
            if change is not None and part.baseline is not None:
                shares = _shares(self._slices.get(part.baseline), part, measure.name)
                yield _signal(batch, item, part.kind, measure.name, part.key, part.baseline, change, shares)

    def _slice(self, item: ScoredInteraction) -> Slice:
        key = (item.prompt_version, item.model)
        part = self._slices.pop(key, None)
        if part is None:
            part = Slice(key, item.time)
            baseline = self._baseline(key)
            if baseline is not None:
                part.baseline = baseline.key
                part.kind = "model" if baseline.key[0] == key[0] else "prompt_version"
        self._slices[key] = part
        if len(self._slices) > MAX_SLICES:
            del self._slices[next(iter(self._slices))]
        return part

    def _baseline(self, key: SliceKey) -> Slice | None:
        """The most recently live slice on the same model, else of the same version, else any."""
        return max(
            reversed(self._slices.values()),
            key=lambda part: (part.key[1] == key[1], part.key[0] == key[0], part.events >= MIN_BASELINE),
            default=None,
        )

    def _comparison(self, part: Slice, measure: Measure) -> Comparison | None:
        """The running comparison of a measure: opened once the baseline has enough values from the same producer."""
        if measure.name in part.comparisons:
            return part.comparisons[measure.name]
        baseline = self._slices.get(part.baseline) if part.baseline is not None else None
        if baseline is None or baseline.producers.get(measure.name) != measure.producer:
            return None
        stream = baseline.streams[measure.name]
        if len(stream.recent) < MIN_BASELINE:
            return None
        comparison = part.comparisons[measure.name] = Comparison(stream, part.since)
        return comparison


_SNAPSHOTS = Snapshots([Monitor, Slice, Centre, Stream, Comparison, SequentialTest])


def _signal(
    batch: FindingBatch,
    item: ScoredInteraction,
    kind: str,
    measure: str,
    part: SliceKey,
    baseline: SliceKey,
    change: Change,
    attribution: Mapping[str, float],
) -> Signal:
    position = (item.raw_topic_id, item.raw_partition, item.raw_offset, item.raw_index)
    identity = (batch.app, batch.environment, batch.prompt_name, part, measure, kind, position)
    return Signal(
        signal_id=str(uuid5(NAMESPACE, json.dumps(identity))),
        time=item.time,
        kind=kind,
        app=batch.app,
        environment=batch.environment,
        prompt_name=batch.prompt_name,
        measure=measure,
        slice=_named(part),
        baseline=_named(baseline),
        before=change.before,
        after=change.after,
        since=change.since,
        events_before=change.events_before,
        events_after=change.events_after,
        method=change.method,
        statistic=change.statistic,
        p_value=change.p_value,
        attribution=attribution,
        event_id=item.event_id,
    )


def _named(key: SliceKey) -> dict[str, str]:
    return {"prompt_version": key[0] or "", "model": key[1] or ""}


def _shares(before: Slice | None, after: Slice, measure: str) -> dict[str, float]:
    """How much of a detector's change each of its labels makes up: 0 to 1, together 1."""
    if before is None or before.producers.get(measure) != after.producers[measure]:
        return {}
    moved = {
        label: abs(
            total / after.streams[measure].count
            - before.labels[measure].get(label, 0.0) / before.streams[measure].count
        )
        for label, total in after.labels[measure].items()
    }
    whole = sum(moved.values())
    return {label: part / whole for label, part in moved.items()} if whole else {}
