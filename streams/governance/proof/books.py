"""What a proof asks the store, and what explains that something is not there: erasures, and the retention in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from watchline.streams.governance.proof.interval import SETTLED
from watchline.streams.query.run import Queries

SQL_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Books:
    """The store's books, read as of a moment.

    Parameters
    ----------
    queries : Queries
    now : datetime
    app : str
        Whose rows alone are looked at; empty: all.
    """

    queries: Queries
    now: datetime
    app: str

    def ask(self, sql: str, **values: object) -> list[dict[str, Any]]:
        """The rows of one SELECT. `{of_app}` in it narrows a WHERE; `{start:DateTime}` and the like are its values."""
        common: dict[str, object] = {"app": self.app, "settled": self.now - SETTLED}
        texts = {
            name: value.astimezone(UTC).strftime(SQL_TIME) if isinstance(value, datetime) else str(value)
            for name, value in {**common, **values}.items()
        }
        sql = sql.replace("{of_app}", "app = {app:String}" if self.app else "1")
        used = {name: text for name, text in texts.items() if f"{{{name}:" in sql}
        return self.queries.query(sql, used).by_column


def gone_before(now: datetime, days: int) -> datetime:
    """Up to when rows may be gone that are kept for so many days: a day is, once it began so many days ago.

    >>> gone_before(datetime(2026, 1, 31, 12, tzinfo=UTC), 30)
    datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


# Before a SELECT: what is before `gone[app]`, or else `gone['']`, retention may have taken.
RETAINED = """WITH (SELECT mapFromArrays(groupArray(v.app), groupArray(v.gone_before)) FROM v_retention AS v
    WHERE v.class = 'rows') AS gone"""
GONE_BEFORE = "if(mapContains(gone, app), gone[app], gone[''])"
# What was erased, where the trail says that it was asked for: who writes to the store alone can't explain a loss by it.
ERASED_BY = """(SELECT * FROM v_erased WHERE certificate IN
    (SELECT substring(target, 9) FROM v_governance WHERE accepted AND action = 'erasure_requested'))"""
