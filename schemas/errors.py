"""The errors that Watchline raises. The class of an error decides what the worker does.

WatchlineError
├── PoisonError       the data can't be processed: it becomes a dead letter, and the worker goes on
├── TransientError    a service fails: retried for a bounded time, then the worker ends
└── FatalError        a fault in Watchline or in its configuration: the worker ends
    └── ConfigurationError
"""

from __future__ import annotations

import traceback
from enum import StrEnum
from pathlib import Path


class WatchlineError(Exception):
    """Base of every error that Watchline raises on purpose."""


class Kind(StrEnum):
    """Why a message or an event became a dead letter. Code and alerts go by the kind, never by the words of a reason.

    - `undecodable`: this version can't read the bytes as a record.
    - `invalid`: the record can be read, but one of its values can't be stored.
    - `redaction`: its personal data could not be removed, so none of its text may be stored.
    - `refused`: ClickHouse refuses its row for good.
    - `killed`: scoring it took more time or memory than the limits, or ended the scoring process.
    - `unclassified`: a dead letter written by a version that had no kinds, or not this one. No error has this kind.

    Examples
    --------
    >>> ", ".join(Kind)
    'undecodable, invalid, redaction, refused, killed, unclassified'
    """

    UNDECODABLE = "undecodable"
    INVALID = "invalid"
    REDACTION = "redaction"
    REFUSED = "refused"
    KILLED = "killed"
    UNCLASSIFIED = "unclassified"


class PoisonError(WatchlineError):
    """A message or an event that can never be processed. Its text never quotes the data.

    Parameters
    ----------
    kind : Kind
    detail : str
        What is wrong, for people to read.
    field : str, optional
        The record's field that is at fault, where it is a single one; the text of the error begins with it.

    Examples
    --------
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
    """A service that Watchline needs failed; the same may work later."""


class FatalError(WatchlineError):
    """Going on would lose data or store wrong data."""


class ConfigurationError(FatalError):
    """A setting is missing or wrong; the message names it and says what is allowed."""


def raise_if_out_of_memory(error: Exception) -> None:
    """Raises the error again where it is for want of memory: that says nothing against the data that was read.

    torch's has no class of its own where the memory is the machine's: "DefaultCPUAllocator: can't allocate memory".

    Examples
    --------
    >>> raise_if_out_of_memory(ValueError("too long"))
    >>> raise_if_out_of_memory(MemoryError())
    Traceback (most recent call last):
    ...
    MemoryError
    """
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        raise MemoryError from error


def where(error: Exception) -> str:
    """Class and place of an error, for a log; never its message, which may quote the text of an event.

    Examples
    --------
    >>> try:
    ...     {}["the text of an event"]
    ... except KeyError as error:
    ...     where(error).startswith("KeyError at ")
    True
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
