"""The online monitor of one prompt: finding batches in, signals out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Self
from uuid import UUID, uuid5

from watchline.schemas.errors import PoisonError
from watchline.schemas.records import (
    FindingBatch,
    MonitorPosition,
    MonitorState,
    ScoredInteraction,
    Signal,
)
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.comparison import MIN_BASELINE, Comparison
from watchline.streams.monitor.event_order import Place, place
from watchline.streams.monitor.measures import Centre, Measure, measures
from watchline.streams.monitor.series import Series, Source
from watchline.streams.monitor.slice import Slice, SliceKey
from watchline.streams.monitor.state import VERSION, pack, unpack

MAX_SLICES = 8  # versions times models of one prompt; the one that was seen longest ago is forgotten
MAX_STATE = 900_000  # bytes: a Kafka message may have 1,000,000
NAMESPACE = UUID("6f1c2f0e-4f0b-5f0c-9c1e-6d2b8f6f7a11")


class Monitor:
    """Watches all versions and models of one prompt: its events in event order (see `event_order`).

    A new version is compared with the one before it on the same model; a model that is new to the prompt, with the
    model before it. Every slice is also watched for changes at unknown points. No clock: what comes out depends on the
    events alone. Fed the same events again, in other batches, or loaded from `dump` anywhere in between, it gives the
    same signals with the same ids: what stands at or before the last event that it has looked at it skips.

    Parameters
    ----------
    forgot : callable
        Told of what is no longer watched since there is too much of it: `slices`, `sources` (see `Series`).

    Attributes
    ----------
    waiting : int
        Measures of the newest slices that are compared with nothing yet: the slice before has fewer than `MIN_BASELINE`
        values of the measure by the same version of its detector.
    late : int
        Events since it was made or loaded that came when a later one had been looked at. They are left out.
    """

    __slots__ = ("_centre", "_forgot", "_last", "_positions", "_slices", "late", "waiting")

    def __init__(self, forgot: Callable[[str], object] = lambda what: None) -> None:
        self._forgot = forgot
        self._slices: dict[SliceKey, Slice] = {}  # the most recently live one last
        self._centre = Centre()
        self._last: Place | None = None
        # Per raw partition, the highest (offset, index) looked at: it tells what is late from what comes again.
        self._positions: dict[tuple[str, int], tuple[int, int]] = {}
        self.waiting = 0
        self.late = 0

    def process(self, batch: FindingBatch) -> list[Signal]:
        """Takes the batch's events that are new, of production alone. Never blocks; not for two threads at once."""
        signals: list[Signal] = []
        for item in batch.items:
            if self._is_next(item) and item.source == "production":
                signals.extend(self._signals(batch, item))
        self.waiting = self._waiting()
        return signals

    def _is_next(self, item: ScoredInteraction) -> bool:
        """Whether an event is new and in order, which is noted."""
        here = place(item)
        log, position = (item.raw_topic_id, item.raw_partition), (item.raw_offset, item.raw_index)
        seen = position <= self._positions.get(log, (-1, -1))
        if self._last is None and seen:  # by a monitor of before event order, which took events by position
            return False
        in_order = self._last is None or here > self._last
        if not seen:
            self._positions[log] = position
            self.late += not in_order
        if in_order:
            self._last = here
        return in_order

    def dump(self) -> bytes:
        """State and positions. Forgets the slices seen longest ago where a message could not hold them all."""
        while len(data := pack(self._state())) > MAX_STATE and len(self._slices) > 1:
            self._forget_slice()
        return data

    @classmethod
    def load(
        cls, data: bytes, unreadable: Callable[[str], None], forgot: Callable[[str], object] = lambda what: None
    ) -> Self:
        """The monitor that was dumped; what of it can't be read is left out, and learned anew.

        Never raises: `unreadable` is told the reason, for the whole state or for each slice.
        """
        monitor = cls(forgot)
        try:
            state = unpack(data)
            centre = Centre(state.centre_total, state.centre_count)
        except (PoisonError, ValueError) as error:
            unreadable(str(error))
            return monitor
        monitor._centre = centre
        monitor._positions = {
            (position.topic_id, position.partition): (position.offset, position.index) for position in state.positions
        }
        if (last := state.last) is not None:
            monitor._last = (state.last_time, last.partition, last.offset, last.index, last.topic_id)
        for slice_state in state.slices[-MAX_SLICES:]:
            try:
                part = Slice.of(slice_state)
            except (ValueError, OverflowError) as error:
                unreadable(str(error))
            else:
                monitor._slices[part.key] = part
        monitor.waiting = monitor._waiting()
        return monitor

    def _state(self) -> MonitorState:
        time, partition, offset, index, topic_id = self._last or (0, 0, 0, 0, "")
        return MonitorState(
            version=VERSION,
            positions=tuple(
                MonitorPosition(topic_id, partition, offset, index)
                for (topic_id, partition), (offset, index) in self._positions.items()
            ),
            centre_total=tuple(self._centre.total),
            centre_count=self._centre.count,
            slices=tuple(part.state() for part in self._slices.values()),
            last_time=time,
            last=MonitorPosition(topic_id, partition, offset, index) if self._last is not None else None,
        )

    def _waiting(self) -> int:
        older = {part.baseline for part in self._slices.values()}
        newest = [part for part in self._slices.values() if part.baseline is not None and part.key not in older]
        return sum(series.waits for part in newest for series in part.series.values())

    def _signals(self, batch: FindingBatch, item: ScoredInteraction) -> Iterator[Signal]:
        time = place(item)[0]
        part = self._slice(item, time)
        part.events += 1
        for measure in measures(item, self._centre):
            series = part.series.setdefault(measure.name, Series())
            if series.is_full_for(measure):
                self._forgot("sources")
            source = series.take(measure)
            change = source.stream.update(measure.value, time)
            if change is not None and measure.producer == series.live:
                series.drift_told()
                yield _signal(batch, item, "drift", measure.name, part.key, part.key, change, {})
            source.add_labels(measure.scores)
            comparison = self._comparison(part, series, source, measure)
            if comparison is None:
                continue
            change = comparison.update(measure.value)
            if comparison.finished:
                series.end_comparison()
            if change is not None and part.baseline is not None:
                before = self._source(part.baseline, measure)
                shares = _shares(before, source) if before is not None else {}
                yield _signal(batch, item, part.kind, measure.name, part.key, part.baseline, change, shares)

    def _slice(self, item: ScoredInteraction, time: int) -> Slice:
        key = (item.prompt_version, item.model)
        part = self._slices.pop(key, None)
        if part is None:
            part = Slice(key, time)
            baseline = self._baseline(key)
            if baseline is not None:
                part.baseline = baseline.key
                part.kind = "model" if baseline.key[0] == key[0] else "prompt_version"
        self._slices[key] = part
        if len(self._slices) > MAX_SLICES:
            self._forget_slice()
        return part

    def _forget_slice(self) -> None:
        del self._slices[next(iter(self._slices))]
        self._forgot("slices")

    def _baseline(self, key: SliceKey) -> Slice | None:
        """The most recently live slice on the same model, else of the same version, else any."""
        return max(
            reversed(self._slices.values()),
            key=lambda part: (part.key[1] == key[1], part.key[0] == key[0], part.events >= MIN_BASELINE),
            default=None,
        )

    def _comparison(self, part: Slice, series: Series, source: Source, measure: Measure) -> Comparison | None:
        """The running comparison of a source: opened once the baseline has enough values by the same producer."""
        if source.comparison is None and part.baseline is not None and not series.compared:
            before = self._source(part.baseline, measure)
            if before is not None and len(before.stream.recent) >= MIN_BASELINE:
                source.comparison = Comparison(before.stream.recent, bounded=measure.bounded, since=part.since)
        return source.comparison

    def _source(self, key: SliceKey, measure: Measure) -> Source | None:
        """What the producer of a measure has given in another slice."""
        part = self._slices.get(key)
        series = part.series.get(measure.name) if part is not None else None
        return series.sources.get(measure.producer) if series is not None else None


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
        time=place(item)[0],
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


def _shares(before: Source, after: Source) -> dict[str, float]:
    """How much of a detector's change each of its labels makes up: 0 to 1, together 1."""
    moved = {
        label: abs(total / after.stream.count - before.labels.get(label, 0.0) / before.stream.count)
        for label, total in after.labels.items()
    }
    whole = sum(moved.values())
    return {label: part / whole for label, part in moved.items()} if whole else {}
