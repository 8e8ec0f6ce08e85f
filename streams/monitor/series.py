"""One measure of one slice, by the detector version that gives its values: during a deployment there are two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from watchline.schemas.records import MonitorSeries, MonitorSource, Signal
from watchline.streams.monitor.change import Baseline, Drift
from watchline.streams.monitor.comparison import Comparison
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.paging import Confirmation, Paging
from watchline.streams.monitor.state import MAX_VALUE, check

MAX_SOURCES = 3  # of one measure of a slice; the one with the smallest share is forgotten
MEMORY = 0.99  # of a share, from one value to the next: it tells of the last hundred or so
FORGOTTEN = 1e-6  # the share of a source that gave none of the last 1,400 values
TAKEN_OVER = 2.0  # times the live source's share: two that alternate don't change places at every value


@dataclass(slots=True)
class Source:
    """The values that one version of a detector gives.

    Values of two versions are never compared: they may differ because of the detector alone.

    Parameters
    ----------
    stream : Stream
        Watches the values for drift.
    share : float
        Its part of the measure's last hundred values or so, 0 to 1.
    labels : dict of str to float
        By label, the sum of its scores.
    comparison : Comparison, optional
        With the version before, while it runs.
    confirmations : dict of str to Confirmation
        Of what was told of it last, by kind of signal.
    """

    stream: Stream
    share: float = 0.0
    labels: dict[str, float] = field(default_factory=dict)
    comparison: Comparison | None = None
    confirmations: dict[str, Confirmation] = field(default_factory=dict)

    def told(self, signal: Signal, comparison: Comparison, paging: Paging) -> Signal:
        """Takes note of a signal, and of the comparison that may yet make it one that may wake somebody.

        Returns the signal; as such a one where that is clear already.
        """
        if comparison.shows(*paging):
            self.confirmations.pop(signal.kind, None)
            return replace(signal, page=True)
        self.confirmations[signal.kind] = Confirmation(signal, comparison, paging.effect)
        return signal

    def before(self, drift: Drift) -> Baseline:
        """What the values since a drift must differ from to wake somebody: those since the last one that was confirmed.

        A change that wasn't in `COMPARED` values isn't waited for any more.
        """
        last = self.confirmations.get("drift")
        return last.comparison.baseline.together(drift.baseline) if last is not None else drift.baseline

    def confirmed(self, value: float, paging: Paging, fingerprint: str | None = None) -> Iterator[Signal]:
        """What was told of it and, with the next value, may wake somebody; `fingerprint` is that of its event."""
        for kind, confirmation in [*self.confirmations.items()]:
            if confirmation.signal.slice.get("system_fingerprint") not in (None, fingerprint):
                continue  # it is told of another's values
            if (page := confirmation.update(value, paging)) is not None:
                yield page
            if confirmation.comparison.finished:
                del self.confirmations[kind]

    def add_labels(self, scores: Mapping[str, float]) -> None:
        """Adds a detector's scores, label to probability, to their sums; one outside of [0, 1] is ignored."""
        for label, score in scores.items():
            if 0 <= score <= 1:
                self.labels[label] = self.labels.get(label, 0.0) + score


class Series:
    """One measure's sources in one slice.

    Attributes
    ----------
    sources : dict of str to Source
        By the version of the detector.
    live : str
        The source that gives most of the values now: it alone reports drift.
    compared : bool
        Whether the comparison with the version before is over. Whichever source sees a difference first reports it,
        and ends the comparison for all.

    Examples
    --------
    >>> series = Series()
    >>> source = series.take(Measure("toxicity", 0.02, bounded=True, producer="a1b2/1"))
    >>> source.stream.update(0.02, 1_700_000_000_000_000)
    >>> series.live, source.stream.count
    ('a1b2/1', 1)
    """

    __slots__ = ("compared", "live", "sources")

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self.live = ""
        self.compared = False

    def take(self, measure: Measure) -> Source:
        """The source that the next value belongs to; it is made where it is new."""
        source = self.sources.get(measure.producer)
        if source is None:
            source = self._added(measure)
        if len(self.sources) > 1:
            self._share_out(source, measure.producer)
        return source

    def is_full_for(self, measure: Measure) -> bool:
        """Whether the next value makes it forget a source that gives values still."""
        return len(self.sources) == MAX_SOURCES and measure.producer not in self.sources

    def drift_told(self) -> None:
        """Resets the other sources after the live one has reported a change, so that none reports the same change."""
        for producer, source in self.sources.items():
            if producer != self.live:
                source.stream, source.labels = Stream(bounded=source.stream.bounded), {}

    def end_comparison(self) -> None:
        """Ends the comparison for all sources."""
        self.compared = True
        for source in self.sources.values():
            source.comparison = None

    @property
    def waits(self) -> bool:
        """Whether the baseline has too few values as yet for a comparison."""
        return not self.compared and all(source.comparison is None for source in self.sources.values())

    def state(self, measure: str) -> MonitorSeries:
        """Its state under the measure's name, to be stored."""
        return MonitorSeries(
            measure=measure,
            live=self.live,
            compared=self.compared,
            sources=tuple(
                MonitorSource(
                    producer=producer,
                    share=source.share,
                    labels=source.labels,
                    stream=source.stream.state(),
                    comparison=source.comparison.state() if source.comparison is not None else None,
                    confirmations=tuple(confirmation.state() for confirmation in source.confirmations.values()),
                )
                for producer, source in self.sources.items()
            ),
        )

    @classmethod
    def of(cls, state: MonitorSeries) -> Self:
        """Restores a series from its state. Raises ValueError where the state isn't valid."""
        series = cls()
        series.live, series.compared = state.live, state.compared
        check(len(state.sources) <= MAX_SOURCES, "number of sources")
        for source in state.sources:
            check(0 <= source.share <= 1 and all(0 <= total <= MAX_VALUE for total in source.labels.values()), "source")
            check(source.comparison is None or not state.compared, "comparison that is over")
            stream = Stream.of(source.stream)
            comparison = (
                Comparison.of(source.comparison, bounded=stream.bounded) if source.comparison is not None else None
            )
            confirmations = {
                each.signal.kind: Confirmation.of(each, bounded=stream.bounded) for each in source.confirmations
            }
            series.sources[source.producer] = Source(
                stream, source.share, dict(source.labels), comparison, confirmations
            )
        check(state.live in series.sources, "live source")
        return series

    def _added(self, measure: Measure) -> Source:
        if self.is_full_for(measure):
            self._forget(min(self.sources, key=lambda producer: self.sources[producer].share))
        if not self.sources:
            self.live = measure.producer
        source = Source(Stream(bounded=measure.bounded), share=0.0 if self.sources else 1.0)
        self.sources[measure.producer] = source
        return source

    def _share_out(self, source: Source, producer: str) -> None:
        for other in self.sources.values():
            other.share *= MEMORY
        source.share += 1 - MEMORY
        if source.share > TAKEN_OVER * self.sources[self.live].share:
            self.live = producer
        for forgotten in [name for name, other in self.sources.items() if other.share < FORGOTTEN]:
            self._forget(forgotten)

    def _forget(self, producer: str) -> None:
        del self.sources[producer]
        if producer == self.live:
            self.live = max(self.sources, key=lambda name: self.sources[name].share)
