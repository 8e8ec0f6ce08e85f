"""Signals as rows."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas.records import Signal
from watchline.streams.clickhouse.sink import Table, month

_COLUMNS = (
    "signal_id",
    "time",
    "kind",
    "app",
    "environment",
    "measure",
    "slice",
    "baseline",
    "before",
    "after",
    "since",
    "events_before",
    "events_after",
    "method",
    "statistic",
    "p_value",
    "attribution",
    "event_id",
    "prompt_name",
)


def table(signals: Sequence[Signal]) -> Table:
    """The rows of `signals`."""
    return Table(
        "signals",
        _COLUMNS,
        [[*(getattr(signal, name) for name in _COLUMNS[:-1]), signal.prompt_name or ""] for signal in signals],
        [f"{signal.time}/{signal.app}/{signal.signal_id}" for signal in signals],
        [month(signal.time) for signal in signals],
    )
