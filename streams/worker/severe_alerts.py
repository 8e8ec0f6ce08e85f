"""The worker's side of the process that delivers severe findings: starts it, and keeps what it last said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from watchline.streams.child import Child
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress

MODULE = "watchline.streams.worker.severe_process"
CHANNEL = "webhook"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


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
        self._failing_since: datetime | None = None  # the process may end meanwhile, and begin anew
        self._child = Child("the process that delivers severe findings", MODULE, heard=self._hear, ended=self._end)

    def _hear(self, line: str) -> None:
        said = json.loads(line)
        self._metrics.heard("alerts", said["metrics"])
        if said["failure"] is not None or self._failing_since is None:  # else one that begins anew has yet to try
            self._tried(said["failure"] or "")

    def _tried(self, failure: str) -> None:
        if failure and self._failing_since is None:
            self._failing_since = datetime.now(UTC)
        elif not failure:
            self._failing_since = None
        since = self._failing_since
        self._metrics.webhook_failing.set(0 if since is None else since.timestamp())
        told = "" if since is None else f"webhook: severe findings are not delivered since {since:{_TIME}}: {failure}"
        self._progress.tells(CHANNEL, told)

    def _end(self) -> None:
        if self._failing_since is None:  # else it is known better why nobody is told
            self._progress.tells(CHANNEL, f"webhook: the process that delivers severe findings is {self._child.state}")
            self._metrics.webhook_failing.set(0)

    def __enter__(self) -> Self:
        self._metrics.expects("alerts")
        self._child.start(None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()
