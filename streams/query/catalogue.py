"""DESCRIBE and SHOW TABLES for readers: they say what `schemas.views` says of the views, without asking the store."""

from __future__ import annotations

import re

from watchline.schemas.views import views
from watchline.streams.query.policy import QueryError
from watchline.streams.query.run import Result

_SHOW = re.compile(r"\s*SHOW\s+(?:FULL\s+)?(?:TABLES|VIEWS)\s*(?:;\s*)?", re.I)
_DESCRIBE = re.compile(
    r"\s*(?:DESCRIBE|DESC|SHOW\s+COLUMNS\s+FROM)\s+(?:TABLE\s+)?(?:\w+\.)?[`\"]?(\w+)[`\"]?\s*(?:;\s*)?", re.I
)


def answer(sql: str) -> Result | None:
    """What SHOW TABLES or DESCRIBE gives; None for any other statement. Raises QueryError where there is no such view.

    >>> answer("DESCRIBE v_ledger_gaps").rows[1]
    ['partition', 'UInt32', 'Of the topic.']
    """
    if _SHOW.fullmatch(sql):
        return Result(["name", "one row for"], [[name, view.one_row_for] for name, view in views().items()])
    if (match := _DESCRIBE.fullmatch(sql)) is None:
        return None
    return Result(["name", "type", "what it is"], columns(match[1]))


def columns(view: str) -> list[list[str]]:
    """Name, type and meaning of each column. Raises QueryError where there is no such view."""
    if view not in views():
        raise QueryError(f"there is no view {view}; there are: {', '.join(views())}")
    return [[column.name, column.type, column.comment] for column in views()[view].columns]
