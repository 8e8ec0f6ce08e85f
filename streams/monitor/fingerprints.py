"""Builds of the model at its provider that are new to a slice: their values are compared with those before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from watchline.schemas.records import MonitorFingerprint, MonitorFingerprintMeasure
from watchline.streams.monitor.change import Change
from watchline.streams.monitor.comparison import COMPARED, MIN_BASELINE, Comparison
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.state import MAX_COUNT, check

MAX_WATCHED = 3  # new ones of a slice at a time: providers serve several at once
MAX_KNOWN = 64  # of a slice; the one seen longest ago is forgotten, and new when it comes again
UNSEEN = 256  # events of the slice without a new one's after which it is no longer watched


@dataclass(slots=True)
class Watched:
    """A fingerprint that is new to a slice, measure by measure against the slice before it came.

    Parameters
    ----------
    name : str
    since : int
        Time of its first event, in microseconds since 1970.
    events : int
        Interactions of it so far.
    last : int
        How many interactions the slice had when the last of it came.
    comparisons : dict of tuple to Comparison or None
        By measure and producer; None: it is over, or there was too little before.
    """

    name: str
    since: int
    events: int = 0
    last: int = 0
    comparisons: dict[tuple[str, str], Comparison | None] = field(default_factory=dict)

    def update(self, measure: Measure, stream: Stream) -> tuple[Change, Comparison] | None:
        """Takes the next value, before the slice's stream of the measure does.

        Returns
        -------
        tuple of Change and Comparison, or None
            The change that it shows, and the comparison that does.
        """
        key = measure.name, measure.producer
        if key not in self.comparisons:
            enough = stream.size >= MIN_BASELINE
            self.comparisons[key] = Comparison(stream.baseline(), since=self.since) if enough else None
        comparison = self.comparisons[key]
        if comparison is None:
            return None
        change = comparison.update(measure.value)
        if change is not None:
            self.end(measure.name)
            return change, comparison
        if comparison.finished:
            self.comparisons[key] = None
        return None

    def end(self, measure: str) -> None:
        """Ends the comparisons of a measure: its change is told."""
        for key in self.comparisons:
            if key[0] == measure:
                self.comparisons[key] = None


class Fingerprints:
    """Those that a slice knows, and up to `MAX_WATCHED` new ones.

    Attributes
    ----------
    known : dict of str to None
        The one seen longest ago first.
    watched : dict of str to Watched
        In the order in which they came.

    Examples
    --------
    >>> fingerprints = Fingerprints()
    >>> fingerprints.seen("fp_1", 0, events=1) is None  # that which a slice begins with is not new
    True
    >>> fingerprints.seen("fp_2", 60_000_000, events=400).since
    60000000
    """

    __slots__ = ("known", "watched")

    def __init__(self, known: Iterable[str] = (), watched: Iterable[Watched] = ()) -> None:
        self.known = dict.fromkeys(known)
        self.watched = {each.name: each for each in watched}

    def seen(self, name: str | None, time: int, events: int) -> Watched | None:
        """Takes the fingerprint of a slice's next event, which has had so many; returns it where it is watched."""
        if not name:
            return None
        watched = self.watched.get(name)
        new = name not in self.known
        self.known.pop(name, None)
        self.known[name] = None
        if len(self.known) > MAX_KNOWN:
            del self.known[next(iter(self.known))]
        if new and events > MIN_BASELINE:
            watched = self._watch(name, time, events)
        if watched is not None:
            watched.events += 1
            watched.last = events
            if watched.events > COMPARED:
                del self.watched[name]
        return watched

    def _watch(self, name: str, time: int, events: int) -> Watched | None:
        for other in [*self.watched.values()]:
            if events - other.last > UNSEEN:
                del self.watched[other.name]
        if len(self.watched) >= MAX_WATCHED:
            return None
        self.watched[name] = Watched(name, time)
        return self.watched[name]

    def state(self) -> tuple[MonitorFingerprint, ...]:
        """The state of those that are watched, to be stored."""
        return tuple(
            MonitorFingerprint(
                name=each.name,
                since=each.since,
                events=each.events,
                last=each.last,
                measures=tuple(
                    MonitorFingerprintMeasure(measure, producer, comparison.state() if comparison else None)
                    for (measure, producer), comparison in each.comparisons.items()
                ),
            )
            for each in self.watched.values()
        )

    @classmethod
    def of(cls, known: Sequence[str], watched: Sequence[MonitorFingerprint], bounded: dict[str, bool]) -> Self:
        """Restores them from their state. Raises ValueError where it isn't valid.

        `bounded` says of each measure of the slice whether its values lie in [0, 1].
        """
        check(len(known) <= MAX_KNOWN and len(watched) <= MAX_WATCHED, "number of fingerprints")
        restored = []
        for state in watched:
            check(0 <= state.events <= MAX_COUNT and 0 <= state.last <= MAX_COUNT, "fingerprint")
            check(all(each.measure in bounded for each in state.measures), "measure of a fingerprint")
            comparisons = {
                (each.measure, each.producer): Comparison.of(each.comparison, bounded=bounded[each.measure])
                if each.comparison is not None
                else None
                for each in state.measures
            }
            restored.append(Watched(state.name, state.since, state.events, state.last, comparisons))
        return cls(known, restored)
