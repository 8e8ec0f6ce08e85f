"""Erases in the store what tombstones name: hides it at once, deletes it month by month, and looks a second time.

ClickHouse never gets an id, only salted hashes of it: none can stand in its logs. What was begun goes on where it was:
all that this needs is in the act that asked for it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from watchline.schemas.errors import TransientError
from watchline.streams.governance import places
from watchline.streams.governance.erasure import Erasure, Outcome
from watchline.streams.governance.places import EVENTS, TABLES, TOPICS, Table
from watchline.streams.kafka import admin, tombstones, topics
from watchline.streams.settings import Settings

SETTLE_S = 3.0  # a batch that a worker was storing when the tombstones came
CLEANED_S = 330.0  # ClickHouse looks for replaced parts at least so often
MOST_EVENTS = 100_000  # with a tombstone of their own: feedback on them may lack the subject
_ERASED = "SELECT event_id FROM erased WHERE erasure = {erasure:String} AND records = 'interactions'"
_TTL = re.compile(r"toInterval([A-Z][a-z]{2,6})\((\d{1,9})\)")  # as ClickHouse itself writes it
_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 604_800,
    "month": 2_678_400,
    "quarter": 7_948_800,
    "year": 31_622_400,
}


class Eraser:
    """One erasure in one store. Safe to run again.

    Parameters
    ----------
    client : clickhouse_connect client on the database, that may read the tables, insert into `erased` and delete
    erasure : Erasure
    deadline_s : float
        After which nothing more is begun: what is left makes the whole incomplete.
    told : callable
        Gets a line for each step.
    drop_detached : bool
        Whether parts that the server has set aside are deleted: nobody can look into them.
    """

    def __init__(
        self,
        client: Any,
        erasure: Erasure,
        *,
        deadline_s: float = 3600.0,
        told: Callable[[str], None] = lambda line: None,
        drop_detached: bool = False,
    ) -> None:
        self._client, self._erasure = client, erasure
        self._end, self._told, self._drop_detached = time.monotonic() + deadline_s, told, drop_detached
        self._names = {
            "erasure": erasure.id,
            "salt": erasure.salt,
            "kind": erasure.kind,
            "hashes": list(erasure.hashes),
            "app": erasure.app,
        }

    def held_by(self, holds: Mapping[str, str]) -> list[str]:
        """The holds under which something of it is: id to what is held, as the log folded has them."""
        found = []
        for hold, held in holds.items():
            kind, _, value = held.partition(":")
            column = {"tenant": "tenant", "app": "app", "event": "toString(event_id)"}[kind]
            hashed = tombstones.hash_of(self._erasure.salt, kind, value) in self._erasure.hashes
            if (hashed and kind == self._erasure.kind) or self._one(
                f"SELECT count() FROM interactions WHERE {self._own('interactions')} AND {column} = {{held:String}}",
                held=value,
            ):
                found.append(hold)
        return found

    def count(self) -> dict[str, int]:
        """How many rows each table has of it."""
        return {name: self._rows(name, self._matching()) for name, table in TABLES.items() if _holds_some(table)}

    def hide(self) -> int:
        """Has no view show it, from when this returns. Gives how many events are hidden by now."""
        shown = "''" if self._erasure.kind == "tenant" else "tenant"
        settings = {"max_partitions_per_insert_block": 0}
        columns = "records, event_id, time, app, environment, tenant, producer_id, producer_sequence, erasure"
        self._client.command(
            f"INSERT INTO erased ({columns}) SELECT 'interactions', event_id, time, app, environment, {shown}, "
            f"producer_id, producer_sequence, {{erasure:String}} FROM interactions WHERE {self._own('interactions')} "
            f"AND event_id NOT IN ({_ERASED})",
            self._names,
            settings=settings,
        )
        self._client.command(
            f"INSERT INTO erased ({columns}) SELECT 'feedback', feedback_id, time, app, environment, '', "
            f"toUUID('00000000-0000-0000-0000-000000000000'), 0, {{erasure:String}} FROM feedback "
            f"WHERE {self._where('feedback', _ERASED)} AND feedback_id NOT IN "
            "(SELECT event_id FROM erased WHERE erasure = {erasure:String})",
            self._names,
            settings=settings,
        )
        return self._one(f"SELECT uniqExact(event_id) FROM ({_ERASED})")

    def events(self) -> list[str]:
        """The ids of its events, `MOST_EVENTS` at most."""
        rows = self._client.query(
            f"SELECT DISTINCT toString(event_id) FROM ({_ERASED}) LIMIT {MOST_EVENTS}", self._names
        )
        return [event_id for (event_id,) in rows.result_rows]

    def run(self) -> dict[str, Outcome]:
        """Hides and deletes it and looks again, in every place; what became of it in each."""
        hidden = self.hide()
        self._told(f"hidden: {hidden:,} events; no view shows them")
        deleted, failed = dict.fromkeys(TABLES, 0), dict[str, str]()
        for again in (False, True):
            for name, table in TABLES.items():
                if _holds_some(table) and name not in failed:
                    try:
                        deleted[name] += self._delete(name)
                    except Exception as error:  # of any kind: it is named, and the other places go on
                        failed[name] = _reason(error)
            if not again:
                time.sleep(SETTLE_S)
                hidden = self.hide()
        if self._erasure.kind == "tenant":
            self._mutate("erased", "UPDATE tenant = ''", "all", self._hashed("tenant"))
        found = {f"table {name}": self._outcome(name, deleted[name], hidden, failed.get(name, "")) for name in TABLES}
        return found | self._parts(any(deleted.values()) or hidden > 0) | self._logs()

    def _outcome(self, name: str, deleted: int, hidden: int, failure: str) -> Outcome:
        table = TABLES[name]
        if not _holds_some(table):
            return Outcome(word="nothing there", ground=table.ground)
        if failure:
            return Outcome(word="failed", ground=failure)
        left = self._rows(name, _ERASED) + self._rows(name, self._matching())
        if left:
            return Outcome(word="partly", ground="the deadline came first: `watchline erase` goes on", rows=left)
        # Of one that goes on after a crash, what was hidden was there.
        word = deleted or (hidden and name == "interactions")
        ground = "deleted, and a second look found none"
        return Outcome(word="deleted", ground=ground, rows=deleted) if word else _nothing(table)

    def _delete(self, name: str) -> int:
        """Deletes its rows, a partition after the other; gives how many there were."""
        where = self._where(name, _ERASED)
        counted = self._client.query(
            f"SELECT _partition_id, count() FROM {name} WHERE {where} GROUP BY 1 ORDER BY 1", self._names
        ).result_rows
        gone = 0
        for partition, rows in counted:
            if time.monotonic() > self._end:
                break
            self._mutate(name, "DELETE", partition, where)
            gone += rows
            self._told(f"table {name}, partition {partition}: {rows:,} rows deleted")
        return gone

    def _mutate(self, name: str, what: str, partition: str, where: str) -> None:
        within = "" if partition == "all" else f"IN PARTITION ID '{re.sub(r'[^0-9A-Za-z_-]', '', partition)}' "
        where = where.replace("FROM erased", f"FROM {self._client.database}.erased")  # it may be run on no database
        self._client.command(
            f"ALTER TABLE {name} {what} {within}WHERE {where} SETTINGS mutations_sync = 1", self._names
        )

    def _parts(self, deleted: bool) -> dict[str, Outcome]:
        """Parts that were replaced and are still on the disk, and parts that the server has set aside."""
        names = {"d": self._client.database}
        parts, removed = self._client.query(
            "SELECT count(), max(remove_time) FROM system.parts WHERE database = {d:String} AND NOT active", names
        ).result_rows[0]
        old = Outcome(word="nothing there", ground="no part that was replaced is left")
        if parts and deleted:
            lifetime = self._one(
                "SELECT max(toUInt64OrZero(value)) FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'"
            )
            until = _at(max(removed.replace(tzinfo=UTC).timestamp(), time.time()) + lifetime + CLEANED_S)
            ground = "parts that were replaced: ClickHouse removes them after `old_parts_lifetime`"
            old = Outcome(word="expires", ground=ground, rows=parts, until=until)
        aside = self._client.query(
            "SELECT table, name FROM v_detached_parts WHERE database = {d:String}", names
        ).result_rows
        if self._drop_detached:
            for table, name in aside:
                self._client.command(
                    f"ALTER TABLE `{table}` DROP DETACHED PART '{_quoted(name)}' SETTINGS allow_drop_detached = 1"
                )
            left = self._one("SELECT count() FROM v_detached_parts WHERE database = {d:String}", **names)
        else:
            left = len(aside)
        ground = "set aside by the server, and nobody can look into it: attach it, or `watchline erase --drop-detached`"
        if left:
            detached = Outcome(word="partly", ground=ground, rows=left)
        elif aside:
            detached = Outcome(word="deleted", ground="dropped, and a second look found none", rows=len(aside))
        else:
            detached = Outcome(word="nothing there", ground="no part is set aside")
        return {"replaced parts": old, "detached parts": detached}

    def _logs(self) -> dict[str, Outcome]:
        """ClickHouse's own diary."""
        kept = self._client.query(
            "SELECT name, create_table_query FROM system.tables "
            "WHERE database = 'system' AND name IN {logs:Array(String)}",
            {"logs": list(places.LOGS)},
        ).result_rows
        found = {"mutations": Outcome(word="nothing there", ground="statements of erasures hold hashes alone")}
        for name, made in kept:
            match = _TTL.search(made.rpartition(" TTL ")[2]) if " TTL " in made else None
            if match is None:
                ground = f"what others asked may stand in it, and it has no TTL: ALTER TABLE system.{name} MODIFY TTL"
                found[f"log {name}"] = Outcome(word="partly", ground=ground)
                continue
            until = _at(time.time() + int(match[2]) * _SECONDS[match[1].lower()])
            found[f"log {name}"] = Outcome(
                word="expires", ground="what others asked may stand in it; its TTL", until=until
            )
        return found

    def _own(self, name: str) -> str:
        """Which rows have one of the ids themselves."""
        own = TABLES[name].own.get(self._erasure.kind)
        return self._hashed(own) if own else "false"

    def _hashed(self, own: str) -> str:
        hashed = f"SHA256(concat(unhex({{salt:String}}), {{kind:String}}, char(0), {own}))"
        return f"(lower(hex({hashed})) IN {{hashes:Array(String)}} AND ({{app:String}} = '' OR app = {{app:String}}))"

    def _matching(self) -> str:
        """Its events by their ids alone, whether or not they are hidden."""
        return f"SELECT event_id FROM interactions WHERE {self._own('interactions')}"

    def _where(self, name: str, events: str) -> str:
        """Which rows of a table are of it, where `events` gives the ids of its events."""
        of_events = TABLES[name].of_events.replace(EVENTS, events) or "false"
        return f"({of_events} OR {self._own(name)})"

    def _rows(self, name: str, events: str) -> int:
        return self._one(f"SELECT count() FROM {name} WHERE {self._where(name, events)}")

    def _one(self, sql: str, **more: Any) -> int:
        return int(self._client.query(sql, {**self._names, **more}).result_rows[0][0])


def in_topics(settings: Settings) -> dict[str, Outcome]:
    """Until when each topic has it, as its own configuration says. Raises what `admin.existing` raises."""
    names = {topic(settings.topic_prefix): topic for topic in topics.TOPICS}
    kept = admin.kept_s(settings, names)
    found = {}
    for name, topic in names.items():
        place = TOPICS[topic.name]
        if place.ends == "stays":
            found[f"topic {topic.name}"] = Outcome(word="nothing there", ground=place.ground)
        elif (seconds := kept.get(name)) is not None:
            found[f"topic {topic.name}"] = Outcome(
                word="expires", ground=place.ground, until=_at(time.time() + seconds)
            )
        else:
            found[f"topic {topic.name}"] = Outcome(word="partly", ground="Kafka names no retention: set retention.ms")
    return found


def obey(client: Any, known: Iterable[tombstones.Tombstone], told: Callable[[str], None]) -> dict[str, int]:
    """Erases in a store what was erased before it was restored; how many events, by erasure.

    Raises TransientError where some of it is still there afterwards.
    """
    wanted: dict[tuple[str, str, str, str], list[str]] = {}
    for stone in known:
        wanted.setdefault((stone.erasure, stone.kind, stone.app, stone.salt), []).append(stone.hash)
    # Of an erasure of something else, the tombstones of its events are there for what comes later.
    others = {erasure for erasure, kind, _, _ in wanted if kind != "event"}
    gone = {}
    for (erasure, kind, app, salt), hashes in wanted.items():
        if kind == "event" and erasure in others:
            continue
        each = Erasure(erasure, kind, app, salt, tuple(hashes), 0, {})  # type: ignore[arg-type]
        eraser = Eraser(client, each, told=told)
        gone[erasure] = eraser.hide()
        for name in [name for name, table in TABLES.items() if _holds_some(table)]:
            eraser._delete(name)  # noqa: SLF001
        if any(eraser.count().values()):
            raise TransientError(f"erasure {erasure} is not whole in what was restored")
    return gone


def _holds_some(table: Table) -> bool:
    return bool(table.of_events or table.own)


def _nothing(table: Table) -> Outcome:
    return Outcome(word="nothing there", ground=f"no row of it among {table.holds}")


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _reason(error: Exception) -> str:
    """The store's own words, without the statement."""
    text = str(error)
    return (text.partition("Exception: ")[2] or text).partition("\n")[0][:200]
