"""Tells somebody of each statement that was run for a person: its shape, the rows, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, NamedTuple

from watchline.schemas.errors import WatchlineError
from watchline.streams.query.policy import QueryError
from watchline.streams.query.shape import Shape, reason, shape

How = Literal["ok", "refused", "failed"]


class Reader(NamedTuple):
    """Who reads: an id, how that is known, and a name that can be erased.

    proven: uid, by this machine's kernel; named, by a token of their own; claimed, by nothing but what is said.
    """

    who: str
    proven: Literal["uid", "named", "claimed"]
    name: str = ""


WHOEVER = Reader("whoever has the link", "claimed")


@dataclass(frozen=True, slots=True)
class Read:
    """What is told of one: see `shape`. `rows`: -1 where they weren't counted. `why`: it was refused, from a list."""

    shape: Shape
    rows: int
    how: How
    why: str = ""


Note = Callable[[Read], None]


@dataclass(slots=True)
class Running:
    """A statement that is run. `checked`: as ClickHouse writes it, once it may run. `is_read`: else it isn't told."""

    sql: str
    checked: str = ""
    rows: int = -1
    is_read: bool = True


@contextmanager
def noting(note: Note | None, sql: str) -> Iterator[Running]:
    """Tells how the block ended: before anybody has a row of it. What `note` raises, the reader gets instead."""
    running = Running(sql)
    try:
        yield running
    except BaseException as error:
        if note is not None and running.is_read:
            refused = isinstance(error, QueryError) and not running.checked
            how: How = "refused" if refused else "failed"
            with suppress(WatchlineError):  # nothing was read
                note(Read(shape(running.checked or running.sql), 0, how, reason(str(error)) if refused else ""))
        raise
    if note is not None and running.is_read:
        note(Read(shape(running.checked or running.sql), running.rows, "ok"))
