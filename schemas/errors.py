"""The error tree. The class decides what the worker does.

WatchlineError
├── PoisonError       the data is bad: dead letter, go on
├── TransientError    the world is bad: bounded retry, then crash
└── FatalError        we are bad, or told wrongly: crash
    └── ConfigurationError
"""

from __future__ import annotations

import traceback
from enum import StrEnum
from pathlib import Path


class WatchlineError(Exception):
    """Base of every error that Watchline raises on purpose."""


class Kind(StrEnum):
    """Why a message or an event is given up. Code goes by the kind, never by the words of a reason.

    - `undecodable`: the bytes are no record that this version can read.
    - `invalid`: the record can be read, and one of its values can't be stored.
    - `redaction`: personal data could not be taken out of it, so nothing of its text may be stored.
    - `refused`: ClickHouse will never take its row.
    - `unclassified`: a dead letter of a version that gave letters no kind, or not this one; no error is of it.
    """

    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    REDACTION = "redaction"
    REFUSED = "refused"
    UNCLASSIFIED = "unclassified"


class PoisonError(WatchlineError):
    """A message or an event that can never be processed. Its text never quotes the data.

    Parameters
    ----------
    kind : Kind
    detail : str
        What is wrong, for people.
    field : str, optional
        The record's field that is at fault, where it is one; the text of the error begins with it.

    >>> str(PoisonError(Kind.INVALID, "negative", "cost"))
    'cost: negative'
    """

    def __init__(self, kind: Kind, detail: str, field: str | None = None) -> None:
        super().__init__(kind, detail, field)  # all three, so that it can be pickled
        self.kind = kind
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        return self.detail if self.field is None else f"{self.field}: {self.detail}"


class TransientError(WatchlineError):
    """Something outside failed and may work when tried again."""


class FatalError(WatchlineError):
    """Going on would lose or falsify data."""


class ConfigurationError(FatalError):
    """A setting is missing or wrong; the message names it and says what is allowed."""


def where(error: Exception) -> str:
    """Class and place of an error, for a log; never its message, which may quote the text of an event."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
