"""The worker's side of the process that delivers severe findings: starts it, and keeps what it last said."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Self

from watchline.streams.child import Child
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress

MODULE = "watchline.streams.worker.severe_process"
CHANNEL = "webhook"


class SevereAlerts:
    """That process, from when this is entered until it is left. Whatever becomes of it, the worker goes on.

    Parameters
    ----------
    metrics : Metrics
        The worker's: they show its own.
    progress : Progress
        Is told when nobody is told.
    """

    def __init__(self, metrics: Metrics, progress: Progress) -> None:
        self._metrics = metrics
        self._progress = progress
        self._child = Child("the process that delivers severe findings", MODULE, heard=self._hear, ended=self._end)

    def _hear(self, line: str) -> None:
        said = json.loads(line)
        self._metrics.heard("alerts", said["metrics"])
        self._progress.tells(CHANNEL, said["trouble"])

    def _end(self) -> None:
        self._progress.tells(CHANNEL, f"webhook: the process that delivers severe findings is {self._child.state}")

    def __enter__(self) -> Self:
        self._metrics.expects("alerts")
        self._child.start(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
