"""What a store lacks of what was stored in it: by its ledger, and by what the server says of itself.

Events are counted day by day: what a question takes goes by the largest day, not by all of history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from watchline.schemas.errors import FatalError, TransientError

MISSING = ("v_missing_events", "v_missing_findings")  # an event is in one of them at most


@dataclass(frozen=True, slots=True)
class DetachedPart:
    """A part of a table that the server has set aside, as a rule since it could not read it when it started."""

    table: str
    name: str
    reason: str
    path: str

    def __str__(self) -> str:
        return f"a part of table {self.table} is set aside ({self.reason}): {self.path}"


@dataclass(frozen=True, slots=True)
class MissingRange:
    """Events that were stored and are not there, or lack findings; without ids, offsets that the ledger lacks.

    Parameters
    ----------
    topic_id, partition, first_offset, last_offset
        Where they stand in Kafka: between these messages of the raw topic.
    app : str
    hour : int
        In which their times lie, in seconds since 1970.
    event_ids : sequence of str
    lost : bool
        Whether `watchline repair` has found before that they are gone for good.
    """

    topic_id: str
    partition: int
    first_offset: int
    last_offset: int
    app: str = ""
    hour: int = 0
    event_ids: Sequence[str] = ()
    lost: bool = False

    @property
    def offsets(self) -> int:
        """How many there are."""
        return self.last_offset - self.first_offset + 1


@dataclass(frozen=True, slots=True)
class Damage:
    """What is wrong with a store.

    Parameters
    ----------
    parts : sequence of DetachedPart
    missing : int
        Events that were stored and are not there, or lack findings, but for those that are lost.
    lost : int
        Events of which it is known that they are gone for good.
    gaps : sequence of MissingRange
        Offsets that were acknowledged, and that the ledger lacks.
    """

    parts: Sequence[DetachedPart] = ()
    missing: int = 0
    lost: int = 0
    gaps: Sequence[MissingRange] = ()

    @property
    def repairable(self) -> list[str]:
        """What `watchline repair` is for, a sentence each; empty where nothing is missing."""
        said = [f"{self.missing:,} stored events are missing"] if self.missing else []
        return said + ([unaccounted(self.gaps)] if self.gaps else [])

    @property
    def reasons(self) -> list[str]:
        """What is wrong, a sentence each; empty where all is well."""
        return [*map(str, self.parts), *(f"{said}: run `watchline repair`" for said in self.repairable)]


def unaccounted(gaps: Sequence[MissingRange]) -> str:
    """The offsets that the ledger lacks, in words."""
    return f"{sum(gap.offsets for gap in gaps):,} acknowledged offsets are not in the ledger"


def look(client: Any, committed: Mapping[tuple[str, int], int]) -> Damage:
    """Looks at all of a store, by its views. Raises TransientError where it is away, FatalError where it refuses.

    Parameters
    ----------
    client : clickhouse_connect client on the database
    committed : mapping of (topic id, partition) to int
        Up to where the workers' group has acknowledged the raw topic, as it was before this is called.
    """
    missing = lost = 0
    for day in _days(client):
        for view in MISSING:
            sql = f"SELECT countIf(NOT lost), countIf(lost) FROM {view} WHERE day = {{day:Date}}"  # noqa: S608
            ((found, gone),) = _query(client, sql, day=day)
            missing, lost = missing + found, lost + gone
    return Damage(detached_parts(client), missing, lost, gaps(client, committed))


def detached_parts(client: Any) -> list[DetachedPart]:
    """The parts that are set aside for a reason. Those that somebody has detached by hand have none."""
    sql = (
        "SELECT table, name, reason, path FROM v_detached_parts WHERE database = {database:String} AND reason != '' "
        "ORDER BY table, name"
    )
    return [DetachedPart(*row) for row in _query(client, sql, database=client.database)]


def conflicts(client: Any) -> int:
    """How often content came again and said otherwise, of one version."""
    return int(_query(client, "SELECT count() FROM v_conflicts")[0][0])


def uptime_s(client: Any) -> int:
    """For how long the server has run, in seconds."""
    return int(_query(client, "SELECT uptime()")[0][0])


def gaps(client: Any, committed: Mapping[tuple[str, int], int]) -> list[MissingRange]:
    """The acknowledged offsets that the ledger lacks; before its first offset of a partition it says nothing.

    Parameters are those of `look`.
    """
    found = [
        MissingRange(topic_id, partition, first, end - 1) for topic_id, partition, first, end in _query(client, _GAPS)
    ]
    for topic_id, partition, end in _query(client, _ENDS):
        if committed.get((topic_id, partition), 0) > end:
            found.append(MissingRange(topic_id, partition, end, committed[topic_id, partition] - 1))
    return found


def missing(client: Any) -> Iterator[MissingRange]:
    """The events that are not there, or lack findings; lost ones too."""
    for day in _days(client):
        for view in MISSING:
            sql = (
                "SELECT topic_id, partition, first_offset, last_offset, app, toUnixTimestamp(hour), "  # noqa: S608
                f"groupArray(toString(event_id)), lost FROM {view} WHERE day = {{day:Date}} "
                "GROUP BY ALL ORDER BY ALL"
            )
            for row in _query(client, sql, day=day):
                yield MissingRange(*row)


_GAPS = "SELECT topic_id, partition, first_missing, next_offset FROM v_ledger_gaps ORDER BY ALL"
_ENDS = "SELECT topic_id, partition, max(last_offset) + 1 FROM v_ledger GROUP BY topic_id, partition ORDER BY ALL"


def _days(client: Any) -> list[Any]:
    return [row[0] for row in _query(client, "SELECT DISTINCT toDate(hour) AS day FROM v_ledger ORDER BY day")]


def _query(client: Any, sql: str, **parameters: Any) -> Sequence[Sequence[Any]]:
    """Raises TransientError where the store is away, FatalError where it refuses or can't read a table."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    try:
        rows: Sequence[Sequence[Any]] = client.query(sql, parameters=parameters or None).result_rows
        return rows
    except ClickHouseError as error:
        if error.code is None:
            raise TransientError(f"the store went away: {type(error).__name__}") from error
        todo = _TODO.get(error.code, "a table may be damaged, and CHECK TABLE tells which part")
        raise FatalError(f"what the store lacks cannot be counted (ClickHouse code {error.code}): {todo}") from error
    except OSError as error:
        raise TransientError(f"the store went away: {type(error).__name__}") from error


_GRANT = "grant the login what dashboards/provisioning/clickhouse/users.sql does"
_TODO = {60: "run `watchline migrate`", 159: "it took too long", 241: "it needs more memory", 497: _GRANT}
