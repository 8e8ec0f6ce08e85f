"""For how long the tables keep what they hold: by TTLs of the server, which know the holds, and which nothing outlives.

A row ends by its own expression: the day of its time in people's zone, so many whole days later, or where it is held
the end of the last hold. So what is held stays through every merge, and nobody has to be there when something ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from watchline.schemas.columns import TABLES, Column
from watchline.schemas.errors import FatalError

MERGES_H = 4  # a server looks at least this often for what has ended (merge_with_ttl_timeout)
FOR_EVER = "2106-01-01"  # near the end of DateTime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in force.

    Parameters
    ----------
    days : mapping of (str, str) to int
        By class and app; every class also with the app '', which stands for all others.
    holds : sequence of (str, str, date or None)
        `tenant`, `app` or `event`, its name, and the last day; None: until it is released.
    zone : str
        IANA name of the zone whose days are counted.
    """

    days: Mapping[tuple[str, str], int]
    holds: Sequence[tuple[str, str, date | None]] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Place:
    """What ends in a table together: whole rows, or where there are `texts` these columns."""

    table: str
    kind: str
    time: str = "time"
    hours: int = 0  # after midnight, so that what is looked up by another ends before it
    texts: tuple[str, ...] = ()
    also: str = ""  # another TTL that the table has

    def __str__(self) -> str:
        return f"{self.table}, texts" if self.texts else self.table


def _texts(table: str) -> tuple[str, ...]:
    """The columns that hold words of people."""

    def is_text(column: Column) -> bool:
        kinds = column.text.values() if isinstance(column.text, Mapping) else [column.text]
        return any(kind is not None and kind.kind in ("prose", "value") for kind in kinds)

    return tuple(column.name for column in TABLES[table] if is_text(column))


# An interaction ends before its findings, which would be missing, and before what says that it is not to be shown.
# The ledger by when it was written, whatever is held: a range of offsets that it lacks in between would be a loss.
PLACES = (
    Place("interactions", "text", texts=_texts("interactions")),
    Place("feedback", "text", texts=_texts("feedback")),
    Place("dead_letters", "rows"),
    Place("dead_letter_replays", "rows", "replayed_at"),
    Place("feedback", "rows"),
    Place("interactions", "rows", hours=6),
    Place("findings", "rows", hours=12),
    Place("superseded", "rows", "hour", 12),
    Place("later_contents", "rows", "hour", 12),
    Place(
        "contents",
        "rows",
        "hour",
        12,
        also="snowflakeIDToDateTime(bitNot(version), 0, 'UTC') + toIntervalDay(30) WHERE detector != ''",
    ),
    Place("ledger", "rows", "stored_at", 12),
    Place("erased", "metrics"),  # as long as numbers of producers are, which it explains
    Place("signals", "metrics"),
    Place("producer_reports", "metrics"),
    Place("producer_hours", "metrics", "hour"),
    Place("offset_gaps", "metrics"),
    Place("quality_hourly", "metrics", "hour"),
    Place("usage_hourly", "metrics", "hour"),
)
AUDIT = ("governance", "governance_texts")
# What has no age: the state of now, or a list that is made anew. Canaries have had a TTL of 30 days from the first.
AGELESS = ("canaries", "migrations", "retention", "uncommitted", "watermarks")


@dataclass(frozen=True, slots=True)
class Due:
    """What of a part is past its end, or held beyond it."""

    place: Place
    part: str
    partition: str
    rows: int
    of: int
    held: int
    bytes: int
    oldest: datetime
    newest: datetime

    @property
    def whole(self) -> bool:
        """Whether the part goes as it is, unread."""
        return self.rows == self.of and not self.place.texts


def plan(client: Any, wanted: Wanted) -> list[Due]:
    """What is past its end now, by part, or would be but for a hold. Changes nothing."""
    found = []
    for place in PLACES:
        columns = _columns(client, place.table)
        end, without_holds = _end(wanted, place, columns), _end(wanted, place, columns, holds=False)
        if place.texts:
            some = " OR ".join(f"notEmpty({name})" for name in place.texts)
            end, without_holds = (f"if({e} <= now() AND NOT ({some}), now() + 1, {e})" for e in (end, without_holds))
        rows = client.query(
            f"""SELECT _part, any(_partition_id), countIf(e <= now()) AS due, count(),
                countIf(e > now() AND w <= now()) AS held,
                toTimeZone(minIf(t, w <= now()), 'UTC'), toTimeZone(maxIf(t, w <= now()), 'UTC')
            FROM
            (
                SELECT _part, _partition_id, toDateTime({place.time}) AS t, {end} AS e, {without_holds} AS w
                FROM {place.table}
            )
            GROUP BY _part HAVING due OR held ORDER BY _part"""  # noqa: S608
        ).result_rows
        sizes = dict(
            client.query(
                "SELECT name, bytes_on_disk FROM system.parts "
                "WHERE active AND database = {d:String} AND table = {t:String}",
                {"d": client.database, "t": place.table},
            ).result_rows
        )
        for part, partition, due, of, held, oldest, newest in rows:
            found.append(Due(place, part, partition, due, of, held, sizes.get(part, 0), oldest, newest))
    return found


def differing(client: Any, wanted: Wanted) -> list[Place]:
    """The places whose TTL in force is another than is wanted, or none."""
    return [place for place in PLACES if not _in_force(client, wanted, place)]


def apply(client: Any, wanted: Wanted) -> list[Due]:
    """Puts it in force, and deletes what is past its end. Returns that.

    Parts that are past it whole are dropped unread. Of the others those partitions are rewritten in which something
    is due; elsewhere a TTL that has changed is only worked out. Safe to run again after it was stopped.

    Raises FatalError where rows are left all the same.
    """
    due = [each for each in plan(client, wanted) if each.rows]
    changed = differing(client, wanted)
    if changed:  # what is looked for as lost is told first
        rows = [[datetime.now(UTC), kind, app, days] for (kind, app), days in sorted(wanted.days.items())]
        client.insert("retention", rows, column_names=["since", "class", "app", "days"])
    for table in dict.fromkeys(place.table for place in PLACES):
        for each in due:
            if each.place.table == table and each.whole:
                _drop(client, each)
        places = [place for place in changed if place.table == table]
        if places:
            columns = _columns(client, table)
            changes = ", ".join(_change(wanted, place, columns) for place in places)
            client.command(f"ALTER TABLE {table} {changes} SETTINGS materialize_ttl_after_modify = 0")
        touched = {each.partition for each in due if each.place.table == table and not each.whole}
        _materialise(client, table, touched, everywhere=bool(places))
    if left := [each for each in plan(client, wanted) if each.rows]:
        names = ", ".join(f"{each.place} ({each.rows} rows in {each.part})" for each in left[:3])
        raise FatalError(f"past their end, and still there: {names}; did somebody write meanwhile? Run it again")
    return due


def oldest(client: Any, place: Place) -> datetime | None:
    """The time of the oldest row that is there, a text's where that is meant; None where there is none."""
    some = " OR ".join(f"notEmpty({name})" for name in place.texts) or "1"
    # 1970 is no time, but the mark of a rollup or a list.
    ((count, found),) = client.query(
        f"SELECT count(), toTimeZone(min(toDateTime({place.time})), 'UTC') FROM {place.table} "  # noqa: S608
        f"WHERE ({some}) AND toDateTime({place.time}) >= '1971-01-01'"
    ).result_rows
    return found if count else None


def unclassed(client: Any) -> list[str]:
    """The tables of the database that are kept for ever, since no class names them."""
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = {d:String} AND engine LIKE '%MergeTree' "
        "AND match(name, '^[a-z]') ORDER BY name",
        {"d": client.database},
    ).result_rows
    return sorted({name for (name,) in tables} - {place.table for place in PLACES} - {*AUDIT, *AGELESS})


def _end(wanted: Wanted, place: Place, columns: Mapping[str, str], *, holds: bool = True) -> str:
    """When a row ends, as SQL: at so many hours after the midnight that ends its last whole day."""
    zone, time = _quoted(wanted.zone), place.time
    by_ledger = place.table == "ledger"
    apps = {app: days for (kind, app), days in wanted.days.items() if kind == place.kind and app}
    days = str(wanted.days[place.kind, ""])
    if by_ledger:
        days = str(max(wanted.days[place.kind, ""], *apps.values(), 0))
    elif apps and "app" in columns:
        days = f"multiIf({', '.join(f'app = {_quoted(app)}, {n}' for app, n in sorted(apps.items()))}, {days})"
    end = f"toDateTime(toDate({time}, {zone}) + {days} + 1, {zone})"
    if place.hours:
        end += f" + toIntervalHour({place.hours})"
    if time == "hour":  # 1970 is a mark
        end = f"if(hour < toDateTime(86400, 'UTC'), {_midnight(FOR_EVER, zone)}, {end})"
    ends: dict[str, dict[str, list[str]]] = {}
    for kind, name, until in wanted.holds if holds and not by_ledger else ():
        column = {"event": "event_id"}.get(kind, kind)
        if column in columns:
            day = (until + timedelta(1)).isoformat() if until else FOR_EVER
            ends.setdefault(min(day, FOR_EVER), {}).setdefault(column, []).append(name)
    held = []
    for day, names in sorted(ends.items()):
        is_held = " OR ".join(_is_among(column, names[column]) for column in sorted(names))
        held.append(f"if({is_held}, {_midnight(day, zone)}, toDateTime(0, {zone}))")
    return f"greatest({', '.join([end, *held])})" if held else end


def _is_among(column: str, names: Sequence[str]) -> str:
    if column == "event_id":  # however somebody has written it
        column, names = f"toString({column})", [name.lower() for name in names]
    return f"{column} IN ({', '.join(_quoted(name) for name in sorted(names))})"


def _midnight(day: str, zone: str) -> str:
    return f"toDateTime('{day} 00:00:00', {zone})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _change(wanted: Wanted, place: Place, columns: Mapping[str, str]) -> str:
    end = _end(wanted, place, columns)
    if place.texts:
        return ", ".join(f"MODIFY COLUMN {name} TTL {end}" for name in place.texts)
    return f"MODIFY TTL {_of_rows(place, end)}"


def _of_rows(place: Place, end: str) -> str:
    return f"{end}, {place.also}" if place.also else end


def _in_force(client: Any, wanted: Wanted, place: Place) -> bool:
    """Whether the server says the same, in its own spelling."""
    columns = _columns(client, place.table)
    end = _end(wanted, place, columns)
    end = end if place.texts else _of_rows(place, end)
    as_table = f"CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a TTL {end}"
    ((spelt,),) = client.query("SELECT formatQuerySingleLine({sql:String})", {"sql": as_table}).result_rows
    ttl = spelt.partition(" TTL ")[2]
    if place.texts:
        return all(columns[name] == ttl for name in place.texts)
    ((engine,),) = client.query(
        "SELECT engine_full FROM system.tables WHERE database = {d:String} AND name = {t:String}",
        {"d": client.database, "t": place.table},
    ).result_rows
    return f" TTL {ttl} SETTINGS " in f"{engine} SETTINGS "


def _columns(client: Any, table: str) -> dict[str, str]:
    """The columns of a table, each with its TTL."""
    return {row[0]: row[6] for row in client.query(f"DESCRIBE TABLE {table}").result_rows}


def _drop(client: Any, due: Due) -> None:
    try:
        client.command(f"ALTER TABLE {due.place.table} DROP PART '{due.part}'")
    except Exception as error:
        if getattr(error, "code", None) not in (232, 84):  # it was merged since: its TTL takes it
            raise


def _materialise(client: Any, table: str, touched: set[str], *, everywhere: bool) -> None:
    """Rewrites partitions without what is past its end, and has the server know of all others when something ends."""
    if touched:
        parts = ", ".join(f"MATERIALIZE TTL IN PARTITION ID '{partition}'" for partition in sorted(touched))
        with _only_worked_out(client, table, 0):
            client.command(f"ALTER TABLE {table} {parts} SETTINGS mutations_sync = 2")
    if everywhere:
        with _only_worked_out(client, table, 1):
            client.command(f"ALTER TABLE {table} MATERIALIZE TTL SETTINGS mutations_sync = 2")


@contextmanager
def _only_worked_out(client: Any, table: str, value: int) -> Iterator[None]:
    client.command(f"ALTER TABLE {table} MODIFY SETTING materialize_ttl_recalculate_only = {value}")
    try:
        yield
    finally:
        client.command(f"ALTER TABLE {table} RESET SETTING materialize_ttl_recalculate_only")
