"""One slice of a prompt's traffic: one version of it on one model, with all its measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from watchline.schemas.records import MonitorSlice, MonitorTold
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.events import Events
from watchline.streams.monitor.fingerprints import Fingerprints
from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.series import Series
from watchline.streams.monitor.state import MAX_COUNT, check
from watchline.streams.monitor.tally import Tally

SliceKey = tuple[str | None, str | None]  # prompt version, model
MAX_TOLD = 32  # changes of a slice that are remembered


@dataclass(slots=True)
class Slice:
    """One version of a prompt on one model, and the slice that it is compared with.

    A comparison begins for each measure as soon as the baseline has enough values.

    Parameters
    ----------
    key : tuple of str or None
        Prompt version and model.
    since : int
        Time of its first event, in microseconds since 1970.
    baseline : tuple of str or None, optional
        The key of the slice that it is compared with.
    kind : {"", "prompt_version", "model"}
        What is new about it, compared with the baseline.
    events : int
        Interactions so far.
    series : dict of str to Series
        By measure.
    recent : Events
        The last interactions.
    fingerprints : Fingerprints
        Builds of the model that it was served by.
    told : list of MonitorTold
        The last changes that signals told of, at most `MAX_TOLD`.
    tallies : dict of tuple to Tally
        By measure and producer, the values since the last change that streams no longer keep.
    """

    key: SliceKey
    since: int
    baseline: SliceKey | None = None
    kind: str = ""
    events: int = 0
    series: dict[str, Series] = field(default_factory=dict)
    recent: Events = field(default_factory=Events)
    fingerprints: Fingerprints = field(default_factory=Fingerprints)
    told: list[MonitorTold] = field(default_factory=list)
    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)

    def keep(self, measure: Measure, stream: Stream) -> None:
        """Adds up the values that a stream no longer keeps after its next one."""
        key = measure.name, measure.producer
        if not stream.older:  # the first ones since a change
            self.tallies.pop(key, None)
        self.tallies.setdefault(key, Tally()).add(self.recent.part(*stream.outgoing()))

    def note(self, told: MonitorTold) -> tuple[str, ...]:
        """Remembers a change that is told; returns the other measures of which one was told that overlaps in time."""
        with_it = {
            other.measure: None
            for other in self.told
            if other.measure != told.measure and other.since <= told.time and told.since <= other.time
        }
        self.told.append(told)
        del self.told[:-MAX_TOLD]
        return tuple(with_it)

    def fingerprints_told(self, measure: str) -> set[str]:
        """The fingerprints with which a measure was told to have changed."""
        return {other.fingerprint for other in self.told if other.measure == measure and other.fingerprint}

    def state(self) -> MonitorSlice:
        """Its state, to be stored."""
        return MonitorSlice(
            prompt_version=self.key[0],
            model=self.key[1],
            since=self.since,
            kind=self.kind,
            baseline_prompt_version=self.baseline[0] if self.baseline is not None else None,
            baseline_model=self.baseline[1] if self.baseline is not None else None,
            events=self.events,
            series=tuple(series.state(measure) for measure, series in self.series.items()),
            recent=self.recent.state(),
            known_fingerprints=tuple(self.fingerprints.known),
            fingerprints=self.fingerprints.state(),
            told=tuple(self.told),
            tallies=tuple(tally.state(*key) for key, tally in self.tallies.items()),
        )

    @classmethod
    def of(cls, state: MonitorSlice) -> Self:
        """Restores a slice from its state. Raises ValueError where the state isn't valid."""
        check(0 <= state.events <= MAX_COUNT and state.kind in ("", "prompt_version", "model"), "slice")
        check(len(state.told) <= MAX_TOLD, "number of changes told")
        series = {series.measure: Series.of(series) for series in state.series}
        bounded = {name: next(iter(one.sources.values())).stream.bounded for name, one in series.items() if one.sources}
        return cls(
            key=(state.prompt_version, state.model),
            since=state.since,
            baseline=(state.baseline_prompt_version, state.baseline_model) if state.kind else None,
            kind=state.kind,
            events=state.events,
            series=series,
            recent=Events.of(state.recent),
            fingerprints=Fingerprints.of(state.known_fingerprints, state.fingerprints, bounded),
            told=[*state.told],
            tallies={(tally.measure, tally.producer): Tally.of(tally) for tally in state.tallies},
        )
