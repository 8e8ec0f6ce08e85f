"""Attacks on what was erased, and on what was redacted: nothing may bring it back, nothing may show it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from contextlib import closing

from watchline.schemas.errors import WatchlineError
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse import backup
from watchline.streams.clickhouse.connect import connect
from watchline.streams.governance import eraser, erasing
from watchline.streams.governance.drill.answer import Answer, named, stopped
from watchline.streams.governance.drill.world import APP, EMAIL, NEEDLE, World
from watchline.streams.kafka import admin, tombstones, topics

TABLES = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"


def replay_raw(world: World) -> Answer:
    """Writes the raw messages of whom was erased to their topic again. The worker's store stage must leave them out."""
    raw = world.take_in([message.value for message in world.raw])
    return _left_out(world, world.store(raw, world.scorers.score(raw)).erased.values())


def redeliver(world: World) -> Answer:
    """Has the batch from before the erasure delivered again, by a group set back. The store stage must leave it out."""
    return _left_out(world, world.store(world.raw, world.scored).erased.values())


def from_backup(world: World) -> Answer:
    """Restores the backup from before the erasure by `watchline restore`. It must erase again before it is done."""
    database = world.settings.clickhouse_database
    known = tombstones.Known(world.settings)
    known.refresh()
    backup.remove(world.client, database)
    with closing(connect(world.settings, database="", timeout_s=backup.REQUEST_TIMEOUT_S)) as client:
        backup.restore(client, database, str(world.backup))
        there = _holds(world, NEEDLE)
        migrate(client, database)
        gone = eraser.obey(client, known, lambda line: None).get(world.erasure, 0)
    return stopped(
        "restore",
        f"erased again under certificate {world.erasure}: {gone} events",
        when=bool(there) and gone == len(world.of_erased()) and not _holds(world, NEEDLE) and not _shown(world),
    )


def insert_from_backup(world: World) -> Answer:
    """Inserts the rows of whom was erased from the backup, with SQL alone. No view may show them."""
    _insert_from_backup(world)
    try:
        says = f"none shows what is in {', '.join(_holds(world, NEEDLE))} again"
        return stopped("the views", says, when=bool(_back(world)) and not _shown(world))
    finally:
        _erase_again(world)


def unhide_from_backup(world: World) -> Answer:
    """The same, and deletes what hides them. Views show them then, and `watchline erase status ID` must name it."""
    _insert_from_backup(world)
    world.sql("TRUNCATE TABLE erased")
    try:
        return named("erase status ID", _back(world) if _shown(world) else [], about="table interactions")
    finally:
        _erase_again(world)


def hide_event(world: World) -> Answer:
    """Hides an event of somebody else as if it had been erased. `watchline erase status` must name it."""
    ((other,),) = world.client.query("SELECT event_id FROM interactions").result_rows
    world.sql(
        "INSERT INTO erased (records, event_id, time, app, erasure) "
        "VALUES ('interactions', {other:UUID}, now(), {app:String}, 'e0e0e0e0')",
        {"other": other, "app": APP},
    )
    try:
        odd = erasing.hidden_by_none(world.queries, world.keeper.fold.state.erasures)
        return named(
            "erase status", [f"{erasure}: {why}" for erasure, why in odd.items()], about="e0e0e0e0: nobody asked"
        )
    finally:
        world.sql("ALTER TABLE erased DELETE WHERE erasure = 'e0e0e0e0' SETTINGS mutations_sync = 2")


def forge_tombstone(world: World) -> Answer:
    """Writes a tombstone of a tenant's events, which nobody asked for. `watchline erase status` must name it."""
    (stone,) = tombstones.of_values("f0f0f0f0", "tenant", "", "00" * 16, ["nobody"])
    world.send(topics.tombstones, json.dumps(dataclasses.asdict(stone)).encode(), stone.key.encode())
    odd = erasing.at_odds(world.settings, world.keeper.fold.state.erasures)
    return named("erase status", [f"{erasure}: {why}" for erasure, why in odd.items()], about="f0f0f0f0: nobody asked")


def drop_tombstones(world: World) -> Answer:
    """Deletes all tombstones from a topic, where no file has them too. `watchline erase status` must name it."""
    emptied = world.settings.model_copy(update={"topic_prefix": "emptied.", "data_dir": world.settings.data_dir / "e"})
    admin.create(emptied)
    odd = erasing.at_odds(emptied, world.keeper.fold.state.erasures)
    return named("erase status", [f"{erasure}: {why}" for erasure, why in odd.items()], about="its tombstones are gone")


def read_raw_text(world: World) -> Answer:
    """Reads every table with all rights, for an address that an app has sent. Redaction comes before all storing."""
    found = _holds(world, EMAIL)
    placeholder = _holds(world, "[EMAIL_ADDRESS_1]")
    return stopped("redaction", f"[EMAIL_ADDRESS_1] stands in its place, in {', '.join(placeholder)}",
                   when=bool(placeholder) and not found)  # fmt: skip


def read_past_views(world: World) -> Answer:
    """Asks, as who may read views, for tables, files and other servers. Each must be refused."""
    wanted = (
        "SELECT input_messages FROM interactions",
        "SELECT * FROM v_interactions UNION ALL SELECT * FROM interactions",
        "SELECT * FROM system.tables",
        "SELECT * FROM file('/etc/hostname')",
        "SELECT * FROM merge(currentDatabase(), '.*')",
        "SELECT 1 SETTINGS readonly = 0",
        "ALTER TABLE governance DELETE WHERE 1",
    )
    said = []
    for sql in wanted:
        try:
            world.queries.query(sql)
        except WatchlineError as error:
            said.append(str(error))
        else:
            return Answer("unnoticed", "the check of SQL", f"it ran: {sql}")
    return stopped("the check of SQL", f"{len(said)} of {len(wanted)} refused; the first: {said[0].partition(';')[0]}")


def read_as_user(world: World) -> Answer:
    """Reads texts as the auditor's user of a ClickHouse server. The embedded store has no users to try it with."""
    says = "the embedded store has no users; on a server, as watchline_auditor: SELECT input FROM v_interactions"
    return Answer("unproven", "grants of ClickHouse", says)


def _insert_from_backup(world: World) -> None:
    database = world.settings.clickhouse_database
    world.sql(f"RESTORE TABLE {database}.interactions AS {database}.copied FROM File('{world.backup}')")
    world.sql(
        "INSERT INTO interactions SETTINGS insert_deduplicate = 0 "
        "SELECT * FROM copied WHERE event_id IN {whose:Array(UUID)}",
        {"whose": world.of_erased()},
    )
    world.sql("DROP TABLE copied SYNC")


def _back(world: World) -> list[str]:
    """What is in the store again of whom was erased, as `watchline erase status ID` finds it, the texts first."""
    found = erasing.back(world.client, world.keeper.fold.state.erasures[world.erasure])
    lines = [f"{name}, {outcome.rows} rows: {outcome.ground}" for name, outcome in found.items()]
    return sorted(lines, key=lambda line: "interactions" not in line)


def _erase_again(world: World) -> None:
    known = tombstones.Known(world.settings)
    known.refresh()
    eraser.obey(world.client, known, lambda line: None)


def _left_out(world: World, erased: Iterable[str]) -> Answer:
    whose = [*erased]
    holds = len(whose) == len(world.of_erased()) and {*whose} == {world.erasure}
    return stopped(
        "the store stage",
        f"{len(whose)} events are not stored: erased under certificate {world.erasure}",
        when=holds and not _holds(world, NEEDLE) and not _shown(world),
    )


def _shown(world: World) -> set[str]:
    """The events of whom was erased that a view shows."""
    views = ("v_interactions", "v_findings", "v_decisions", "v_spans")
    return {*world.of_erased()} & {event_id for view in views for event_id in world.shown(view)}


def _holds(world: World, text: str) -> list[str]:
    """The tables of which a row has this text, hidden or not."""
    names = [name for (name,) in world.client.query(TABLES).result_rows]
    found = []
    for name in names:
        rows = world.client.raw_query(f"SELECT * FROM `{name}`", fmt="JSONEachRow")  # noqa: S608
        if text.encode() in rows:
            found.append(name)
    return found
