"""What a proof asks the store, and what explains that something is not there: erasures, and the retention in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from watchline.streams.governance.proof.interval import SETTLED
from watchline.streams.query.policy import QueryError
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
    kept : datetime
        What is of an earlier time may have been deleted by the TTL of its table.
    erasures, retention : bool
        Whether the store says what was erased (`v_erased`), and what retention has taken of each app (`v_retention`).
    """

    queries: Queries
    now: datetime
    app: str
    kept: datetime
    erasures: bool
    retention: bool

    @classmethod
    def open(cls, queries: Queries, now: datetime, app: str = "") -> Books:
        """Raises what `Queries.query` raises."""
        return cls(queries, now, app, _kept(queries, now), _has(queries, "v_erased"), _has(queries, "v_retention"))

    def ask(self, sql: str, **values: object) -> list[dict[str, Any]]:
        """The rows of one SELECT. `{of_app}` in it narrows a WHERE; `{start:DateTime}` and the like are its values."""
        common: dict[str, object] = {"app": self.app, "settled": self.now - SETTLED, "kept": self.kept}
        common |= {"database": self.queries.database}
        texts = {
            name: value.astimezone(UTC).strftime(SQL_TIME) if isinstance(value, datetime) else str(value)
            for name, value in {**common, **values}.items()
        }
        sql = sql.replace("{of_app}", "app = {app:String}" if self.app else "1")
        used = {name: text for name, text in texts.items() if f"{{{name}:" in sql}
        return self.queries.query(sql, used).by_column

    def explained(self, sql: str, erased: str) -> str:
        """A statement with what was erased at `{erased}`, and what explains at `{certificate}` and `{kept_from}`."""
        at = {"{erased}": "", "{certificate}": "''", "{kept_from}": "{kept:DateTime('UTC')}"}
        if self.erasures:
            at |= {"{erased}": erased, "{certificate}": "x.certificate"}
        if self.retention:
            at["{kept_from}"] = "if(mapContains(gone, app), gone[app], gone[''])"
            sql = _GONE + sql
        for place, text in at.items():
            sql = sql.replace(place, text)
        return sql


def gone_before(now: datetime, days: int) -> datetime:
    """Up to when rows may be gone that are kept for so many days: a day is, once it began so many days ago.

    >>> gone_before(datetime(2026, 1, 31, 12, tzinfo=UTC), 30)
    datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


_GONE = """WITH (SELECT mapFromArrays(groupArray(v.app), groupArray(v.gone_before)) FROM v_retention AS v
    WHERE v.class = 'rows') AS gone
"""


def _kept(queries: Queries, now: datetime) -> datetime:
    # Not what the settings say: what the tables do.
    sql = """SELECT min(days) AS days FROM v_kept_days
WHERE database = {database:String} AND table IN ('interactions', 'findings') HAVING count() > 0"""
    rows = queries.query(sql, {"database": queries.database}).by_column
    return max((gone_before(now, int(row["days"])) for row in rows), default=datetime(1970, 1, 1, tzinfo=UTC))


def _has(queries: Queries, view: str) -> bool:
    try:
        queries.query(f"SELECT 1 FROM {view} WHERE 0")  # noqa: S608 - a name of ours
    except QueryError:
        return False
    return True
