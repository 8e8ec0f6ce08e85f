"""The worker's side of the monitors process: starts it, starts it again when it ends, keeps what it last said."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Self

from watchline.streams.child import Child
from watchline.streams.health.metrics import Metrics

MODULE = "watchline.streams.worker.monitors_process"


class Monitors:
    """The monitors process, from when this is entered until it is left. Whatever becomes of it, the worker goes on.

    Parameters
    ----------
    metrics : Metrics
        The worker's: they show the monitors' own, and count how often the process ended.

    Attributes
    ----------
    lag_messages : int or None
        Messages of the findings topic that it has not acknowledged yet; None while it doesn't run or has no partition.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._child = Child("the monitors process", MODULE, heard=self._hear, ended=self._end)
        self.lag_messages: int | None = None

    @property
    def state(self) -> str:
        """`starting`, `running`, or since when it is being restarted and how it ended last."""
        return self._child.state

    def _hear(self, line: str) -> None:
        said = json.loads(line)
        self.lag_messages = said["lag_messages"]
        self._metrics.heard("monitors", said["metrics"])

    def _end(self) -> None:
        self.lag_messages = None
        self._metrics.monitor_restarts.inc()

    def __enter__(self) -> Self:
        self._child.start(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
