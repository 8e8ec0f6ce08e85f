"""Signals as rows."""

from __future__ import annotations

from collections.abc import Sequence

from watchline.schemas import values
from watchline.schemas.records import Signal
from watchline.streams.clickhouse.tables import Row, Table


def table(signals: Sequence[Signal]) -> Table:
    """The rows of `signals`."""
    rows = [
        Row(values.signal(signal), f"{signal.time}/{signal.app}/{signal.signal_id}", signal.time) for signal in signals
    ]
    return Table.of("signals", rows)
