"""The online monitor of one prompt: finding batches in, signals out."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import NamedTuple, Self
from uuid import UUID, uuid5

from watchline.schemas.errors import PoisonError
from watchline.schemas.records import (
    FindingBatch,
    MonitorPosition,
    MonitorState,
    MonitorTold,
    ScoredInteraction,
    Signal,
)
from watchline.streams.monitor.causes import Cause, explain, ranks
from watchline.streams.monitor.change import Change, Drift
from watchline.streams.monitor.comparison import MIN_BASELINE, Comparison
from watchline.streams.monitor.event_order import Place, place
from watchline.streams.monitor.events import dimensions
from watchline.streams.monitor.fingerprints import Watched
from watchline.streams.monitor.measures import Measure, measures
from watchline.streams.monitor.paging import FALSE_PAGES, Needed, Paging, stage
from watchline.streams.monitor.season import Season
from watchline.streams.monitor.series import Series, Source
from watchline.streams.monitor.slice import Slice, SliceKey
from watchline.streams.monitor.state import VERSION, pack, unpack
from watchline.streams.monitor.tally import Tally
from watchline.streams.monitor.topics import Topics

MAX_SLICES = 8  # versions times models of one prompt; the one that was seen longest ago is forgotten
MAX_STATE = 900_000  # bytes: a Kafka message may have 1,000,000
NAMESPACE = UUID("6f1c2f0e-4f0b-5f0c-9c1e-6d2b8f6f7a11")


class _Here(NamedTuple):
    """One value of an event, and what it belongs to."""

    batch: FindingBatch
    item: ScoredInteraction
    time: int
    part: Slice
    measure: Measure
    series: Series
    source: Source
    needed: Needed


class Monitor:
    """Watches all versions and models of one prompt: its events in event order (see `event_order`).

    A new version is compared with the one before it on the same model; a model that is new to the prompt, with the
    model before it. Every slice is also watched for changes at unknown points. No clock: what comes out depends on the
    events alone. Fed the same events again, in other batches, or loaded from `dump` anywhere in between, it gives the
    same signals with the same ids: what stands at or before the last event that it has looked at it skips.

    What comes with the hour of the day or the day of the week is taken off all values first (see `Season`). A change is
    told at once; where it turns out later that it may wake somebody, another signal says so (see `paging`).

    Parameters
    ----------
    forgot : callable
        Told of what is no longer watched since there is too much of it: `slices`, `sources` (see `Series`).
    false_pages : float
        The budget, a month, of the prompt's app: see `Paging`.

    Attributes
    ----------
    waiting : int
        Measures of the newest slices that are compared with nothing yet: the slice before has fewer than `MIN_BASELINE`
        values of the measure by the same version of its detector.
    late : int
        Events since it was made or loaded that came when a later one had been looked at. They are left out.
    """

    __slots__ = (
        "_forgot",
        "_last",
        "_paging",
        "_positions",
        "_seasons",
        "_slices",
        "_topics",
        "late",
        "waiting",
    )

    def __init__(
        self, forgot: Callable[[str], object] = lambda what: None, *, false_pages: float = FALSE_PAGES
    ) -> None:
        self._forgot = forgot
        self._paging = [Paging.of(false_pages).by_days(bounded=bounded) for bounded in (False, True)]
        self._seasons: dict[str, Season] = {}  # by measure
        self._slices: dict[SliceKey, Slice] = {}  # the most recently live one last
        self._topics = Topics()
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
        cls,
        data: bytes,
        unreadable: Callable[[str], None],
        forgot: Callable[[str], object] = lambda what: None,
        *,
        false_pages: float = FALSE_PAGES,
    ) -> Self:
        """The monitor that was dumped; what of it can't be read is left out, and learned anew.

        Never raises: `unreadable` is told the reason, for the whole state, or for each slice or season.
        """
        monitor = cls(forgot, false_pages=false_pages)
        try:
            state = unpack(data)
            topics = Topics(state.centre_total, state.centre_count, state.topics)
        except (PoisonError, ValueError) as error:
            unreadable(str(error))
            return monitor
        monitor._topics = topics
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
        for season_state in state.seasons:
            try:
                monitor._seasons[season_state.measure] = Season.of(season_state)
            except ValueError as error:
                unreadable(str(error))
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
            centre_total=tuple(self._topics.total),
            centre_count=self._topics.count,
            slices=tuple(part.state() for part in self._slices.values()),
            last_time=time,
            last=MonitorPosition(topic_id, partition, offset, index) if self._last is not None else None,
            topics=self._topics.state(),
            seasons=tuple(season.state(measure) for measure, season in self._seasons.items()),
        )

    def _waiting(self) -> int:
        older = {part.baseline for part in self._slices.values()}
        newest = [part for part in self._slices.values() if part.baseline is not None and part.key not in older]
        return sum(series.waits for part in newest for series in part.series.values())

    def _signals(self, batch: FindingBatch, item: ScoredInteraction) -> Iterator[Signal]:
        time = place(item)[0]
        part = self._slice(item, time)
        part.events += 1
        found = [*measures(item, self._topics)]
        part.recent.add(item.event_id, time, dimensions(item, self._topics.topic(item.prompt_embedding)))
        watched = part.fingerprints.seen(item.system_fingerprint, time, part.events)
        for measure in found:
            season = self._seasons.get(measure.name)
            if season is None:
                season = self._seasons[measure.name] = Season()
            needed = self._paging[measure.bounded][stage(season.days)]
            measure = measure.without(season, time)
            series = part.series.get(measure.name)
            if series is None:
                series = part.series[measure.name] = Series()
            if series.is_full_for(measure):
                self._forgot("sources")
            here = _Here(batch, item, time, part, measure, series, series.take(measure), needed)
            yield from self._changes(here, watched)

    def _changes(self, here: _Here, watched: Watched | None) -> Iterator[Signal]:
        """What the next value of a measure shows."""
        part, measure, series, source = here.part, here.measure, here.series, here.source
        by_fingerprint = watched.update(measure, source.stream) if watched is not None else None
        if source.stream.is_full:
            part.keep(measure, source.stream)
        drift = source.stream.update(measure.value, here.time)
        if source.confirmations:
            for page in source.confirmed(measure.value, here.needed.known, here.item.system_fingerprint):
                if not _is_good_news(page, measure):
                    yield replace(page, time=here.time, event_id=here.item.event_id)
        if watched is not None and by_fingerprint is not None:
            change, comparison = by_fingerprint
            cause = _of_fingerprint(part, watched, source, change)
            yield _told(here, "system_fingerprint", part.key, change, cause, comparison)
        if drift is not None and measure.producer == series.live:
            series.drift_told()
            known = part.fingerprints_told(measure.name)
            cause = _of_drift(part, drift, part.tallies.pop((measure.name, measure.producer), None), known)
            if cause.dimension != "system_fingerprint" or cause.value not in known:
                comparison = Comparison(source.before(drift), since=drift.since)
                yield _told(here, "drift", part.key, drift, cause, comparison)
        source.add_labels(measure.scores)
        if (running := self._comparison(part, series, source, measure)) is not None:
            found = running.update(measure.value)
            if running.finished:
                series.end_comparison()
            if found is not None and part.baseline is not None:
                cause = self._of_version(part, part.baseline, source, measure, found)
                yield _told(here, part.kind, part.baseline, found, cause, running)

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
            if before is not None and before.stream.size >= MIN_BASELINE:
                source.comparison = Comparison(before.stream.baseline(), since=part.since)
        return source.comparison

    def _source(self, key: SliceKey, measure: Measure) -> Source | None:
        """What the producer of a measure has given in another slice."""
        part = self._slices.get(key)
        series = part.series.get(measure.name) if part is not None else None
        return series.sources.get(measure.producer) if series is not None else None

    def _of_version(self, part: Slice, key: SliceKey, source: Source, measure: Measure, change: Change) -> Cause:
        """What explains a difference from the slice before: what is new by its kind, unless something else does."""
        known = part.kind, (part.key[0] if part.kind == "prompt_version" else part.key[1]) or ""
        baseline, before = self._slices.get(key), self._source(key, measure)
        if baseline is None or before is None:
            return Cause(*known, kind="new value")
        old, new = before.stream.kept, source.stream.kept
        numbers = (None, None) if measure.bounded else ranks(old[0], new[0])
        cause = explain(
            baseline.recent.part(*old, numbers[0]),
            part.recent.part(*new, numbers[1]),
            known=known,
        )
        same = ("model",) if part.kind == "prompt_version" else ("prompt_version",)
        stayed = same if part.key[same == ("model",)] == key[same == ("model",)] else ()
        shares = {**_shares(before, source), **cause.attribution}
        return replace(cause, attribution=shares, ruled_out=(*stayed, *cause.ruled_out))


def _of_drift(part: Slice, change: Drift, older: Tally | None, told: Collection[str]) -> Cause:
    """What explains a change within a slice, of which version and model are not new."""
    split = bisect_left(change.times, change.since)
    older = older if change.events_before > split else None  # of a change before, where the stream had no older values
    before, after = (
        part.recent.part(change.values[side], change.times[side], change.numbers[side])
        for side in (slice(split), slice(split, None))
    )
    cause = explain(before, after, older=older, told=told)
    return replace(cause, ruled_out=(*_told_apart(part.key), *cause.ruled_out))


def _of_fingerprint(part: Slice, watched: Watched, source: Source, change: Change) -> Cause:
    """What explains that the events of a new fingerprint differ: that, unless something else does."""
    values, times = source.stream.kept
    kept = part.recent.part(values, times, None if source.stream.bounded else ranks(values, ())[0])
    own = kept.codes("system_fingerprint") == 1 + part.recent.names("system_fingerprint").index(watched.name)
    split = bisect_left(part.recent.times, watched.since)
    cause = explain(
        kept.where((kept.places < split) & ~own),
        kept.where(own),
        known=("system_fingerprint", watched.name),
    )
    return replace(cause, ruled_out=(*_told_apart(part.key), *cause.ruled_out))


def _told_apart(key: SliceKey) -> tuple[str, ...]:
    """What a slice is of, where that is known: within it, it stays."""
    return tuple(name for name, value in zip(("prompt_version", "model"), key, strict=True) if value)


def _told(here: _Here, kind: str, baseline: SliceKey, change: Change, cause: Cause, comparison: Comparison) -> Signal:
    """The signal of a change, of which the slice and its watched fingerprints take note.

    `comparison` goes on until it may wake somebody.
    """
    batch, item, part, measure = here.batch, here.item, here.part, here.measure.name
    position = (item.raw_topic_id, item.raw_partition, item.raw_offset, item.raw_index)
    identity = (batch.app, batch.environment, batch.prompt_name, part.key, measure, kind, position)
    fingerprint = cause.value if cause.dimension == "system_fingerprint" else ""
    if fingerprint in part.fingerprints.watched:
        part.fingerprints.watched[fingerprint].end(measure)
    compared = {"system_fingerprint": item.system_fingerprint or ""} if kind == "system_fingerprint" else {}
    signal = Signal(
        signal_id=str(uuid5(NAMESPACE, json.dumps(identity))),
        page=False,
        time=here.time,
        kind=kind,
        app=batch.app,
        environment=batch.environment,
        prompt_name=batch.prompt_name,
        measure=measure,
        slice={**_named(part.key), **compared},
        baseline=_named(baseline),
        before=change.before,
        after=change.after,
        since=change.since,
        events_before=change.events_before,
        events_after=change.events_after,
        method=change.method,
        statistic=change.statistic,
        p_value=change.p_value,
        attribution=cause.attribution,
        event_id=item.event_id,
        cause=cause.dimension,
        cause_value=cause.value,
        cause_kind=cause.kind,
        ruled_out=tuple(cause.ruled_out),
        moved_with=part.note(MonitorTold(measure, change.since, here.time, fingerprint)),
        examples_before=tuple(cause.examples_before),
        examples_after=tuple(cause.examples_after),
        since_from=change.since_from,
        since_to=change.since_to,
    )
    signal = here.source.told(signal, comparison, here.needed.drift if kind == "drift" else here.needed.known)
    return replace(signal, page=False) if _is_good_news(signal, here.measure) else signal


def _is_good_news(signal: Signal, measure: Measure) -> bool:
    """Whether a change should wake nobody."""
    return measure.less_is_better and (signal.after or 0.0) < (signal.before or 0.0)


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
