"""What the page is handed: where SQL goes, and the engine that knows the alerts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol


class Result(Protocol):
    """Columns and rows, with values that JSON can hold."""

    @property
    def columns(self) -> Sequence[str]:
        """Their names."""

    @property
    def rows(self) -> Sequence[Sequence[Any]]:
        """A value for each column."""


class Queries(Protocol):
    """Runs one SELECT over the views, with limits. Raises WatchlineError, TransientError where the store is away."""

    def query(self, sql: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Runs it."""


Open = Callable[[], AbstractContextManager[Queries]]


class Engine(Protocol):
    """Who evaluates the alert rules. An alert is a dict as JSON holds it."""

    def alerts(self) -> Sequence[Mapping[str, Any]]:
        """All that isn't normal."""

    def standing(self, zone: str) -> Sequence[Mapping[str, Any]]:
        """Every rule, whether it fires or not, as it was evaluated last; in words too, with times of a zone."""

    def history(self) -> Sequence[Mapping[str, Any]]:
        """What was, the last first."""

    def silences(self) -> Sequence[Mapping[str, Any]]:
        """Those in force."""

    def preview(self, matchers: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The alerts that a silence would quieten: of all matchers, each NAME=VALUE or NAME=~PATTERN."""

    def silence(self, matchers: Sequence[str], until: datetime, who: str, why: str) -> str:
        """Makes one. Returns its id."""

    def end_silence(self, id: str) -> None:
        """Ends one."""

    def acknowledge(self, rule: str, labels: Mapping[str, str], who: str) -> None:
        """Says that somebody looks at it."""
