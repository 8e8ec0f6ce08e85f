"""One slice of a prompt's traffic: one version of it on one model, with all its measures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from watchline.schemas.records import MonitorSlice
from watchline.streams.monitor.series import Series
from watchline.streams.monitor.state import MAX_COUNT, check

SliceKey = tuple[str | None, str | None]  # prompt version, model


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
    """

    key: SliceKey
    since: int
    baseline: SliceKey | None = None
    kind: str = ""
    events: int = 0
    series: dict[str, Series] = field(default_factory=dict)

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
        )

    @classmethod
    def of(cls, state: MonitorSlice) -> Self:
        """Restores a slice from its state. Raises ValueError where the state isn't valid."""
        check(0 <= state.events <= MAX_COUNT and state.kind in ("", "prompt_version", "model"), "slice")
        return cls(
            key=(state.prompt_version, state.model),
            since=state.since,
            baseline=(state.baseline_prompt_version, state.baseline_model) if state.kind else None,
            kind=state.kind,
            events=state.events,
            series={series.measure: Series.of(series) for series in state.series},
        )
