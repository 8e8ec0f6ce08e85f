"""Attacks on the stored trail by who can write to the table. `watchline audit verify` must name the first bad entry."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from watchline.schemas.codec import encode
from watchline.streams.governance import anchors, verifier
from watchline.streams.governance.drill.answer import Answer, named, stopped
from watchline.streams.governance.drill.world import DRAFT, PLACE, PROMPT, World
from watchline.streams.governance.fold import Entry
from watchline.streams.governance.keys import Key

VERIFY, WITH_TOPIC = "audit verify", "audit verify, with the topic"
NOW = "SETTINGS mutations_sync = 2"


def edit(world: World) -> Answer:
    """Changes what an app was registered for. The entry's hash must tell."""
    position = world.positions["use case"]
    world.sql(
        "ALTER TABLE governance UPDATE details = mapUpdate(details, map('risk_class', 'minimal')) "
        f"WHERE position = {position} {NOW}"
    )
    return named(VERIFY, world.faults(), about=f"entry {position}: ")


def swap_stored_key(world: World) -> Answer:
    """Puts a public key of their own in the place of p2's where it was registered. The entry's hash must tell."""
    position = world.positions["p2"]
    world.sql(
        "ALTER TABLE governance UPDATE details = mapUpdate(details, map('public', {public:String})) "
        f"WHERE position = {position} {NOW}",
        {"public": Key.new().public},
    )
    return named(VERIFY, world.faults(), about=f"entry {position}: ")


def delete(world: World) -> Answer:
    """Deletes an entry from the midst of the trail. The gap must tell."""
    position = world.positions["release"]
    world.sql(f"ALTER TABLE governance DELETE WHERE position = {position} {NOW}")
    return named(VERIFY, world.faults(), about=f"entry {position} is missing")


def reorder(world: World) -> Answer:
    """Lets two entries change places. Each hash is over the entry before it, which must tell."""
    entries, position = world.entries(), world.positions["use case"]
    first, second = entries[position : position + 2]
    entries[position : position + 2] = [
        dataclasses.replace(second, position=first.position),
        dataclasses.replace(first, position=second.position),
    ]
    world.put(entries)
    return named(VERIFY, world.faults(), about=f"entry {position}: ")


def truncate(world: World) -> Answer:
    """Cuts the end off, back to before the last anchor. The anchor, which lies outside the store, must tell."""
    last = max((int(anchor["position"]) for anchor in world.anchors()), default=world.positions["release"])
    world.sql(f"ALTER TABLE governance DELETE WHERE position >= {last} {NOW}")
    return named(VERIFY, world.faults(), about=f"entries {last} to ")


def truncate_after_anchor(world: World) -> Answer:
    """Cuts off what came after the last anchor, which no anchor can tell. What the topic has must."""
    world.into_log(b"something after the last anchor")
    last = len(world.entries()) - 1
    world.sql(f"ALTER TABLE governance DELETE WHERE position = {last} {NOW}")
    return named(WITH_TOPIC, world.faults(topic=True), about=f"entries of the topic from {last} on are not stored")


def rewrite_tail(world: World) -> Answer:
    """Takes an entry out and gives all after it right places and hashes, as many as before. The anchors must tell."""
    entries, position = world.entries(), world.positions["release"]
    junk = Entry(
        0, entries[-1].kafka_time, None, "0" * 64, accepted=False, reason="it can not be read", previous="", hash=""
    )
    world.put(rehashed([*entries[:position], *entries[position + 1 :], junk], world.roots.log))
    return named(VERIFY, world.faults(), about="was rewritten after it was anchored")


def accept_rejected(world: World) -> Answer:
    """Marks a promotion that was rejected as accepted, after the last anchor and with right hashes. The rules, asked
    again, must tell.
    """
    event, _ = world.act("prompt_promoted", PROMPT, "mallory", details=PLACE, number=DRAFT)
    position = world.into_log(encode(event)).position
    entries = world.entries()
    entries[position] = dataclasses.replace(entries[position], accepted=True, reason="")
    world.put(rehashed(entries, world.roots.log))
    return named(VERIFY, world.faults(), about=f"entry {position}: the rules say otherwise")


def overwrite(world: World) -> Answer:
    """Inserts another content under the key of an entry. The first that was stored counts, so nothing must change."""
    position = world.positions["use case"]
    _insert_over(world, position)
    of = {"p": str(position)}
    ((rows,),) = world.client.query("SELECT count() FROM governance WHERE position = {p:UInt64}", of).result_rows
    ((actor,),) = world.queries.query("SELECT actor FROM v_governance WHERE position = {p:UInt64}", of).rows
    holds = rows == 2 and actor == "p1" and not world.faults()
    return stopped("the view", f"of {rows} rows of entry {position} it shows the one that was stored first", when=holds)


def overwrite_by_version(world: World) -> Answer:
    """The same, with the number by which the first row counts, so that the new row does. Its hash must tell."""
    position = world.positions["use case"]
    _insert_over(world, position, "insert_allow_materialized_columns = 1, ")
    return named(VERIFY, world.faults(), about=f"entry {position}: ")


def forge_anchor(world: World) -> Answer:
    """Cuts the end off and signs the new head with a key of their own, should the anchors be in reach too. The key must
    tell.
    """
    last = world.positions["release"]
    world.sql(f"ALTER TABLE governance DELETE WHERE position > {last} {NOW}")
    before, head = world.anchor_file.read_bytes(), world.entries()[last].hash
    try:
        world.anchor_file.write_bytes(b"")
        anchors.append(world.anchor_file, anchors.anchor(world.roots.log, last, head, Key.new()))
        return named(VERIFY, world.faults(), about="which is not registered")
    finally:
        world.anchor_file.write_bytes(before)


def rehashed(entries: Sequence[Entry], log: str) -> list[Entry]:
    """Entries with their places and a chain made anew, as who can write to the store can make it."""
    previous, made = log, list[Entry]()
    for position, entry in enumerate(entries):
        moved = dataclasses.replace(entry, position=position, previous=previous)
        made.append(dataclasses.replace(moved, hash=verifier.entry_hash(previous, moved.as_json)))
        previous = made[-1].hash
    return made


def _insert_over(world: World, position: int, settings: str = "") -> None:
    columns = [name for (name,) in world.client.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'governance' "
        "AND default_kind != 'MATERIALIZED'"
    ).result_rows]  # fmt: skip
    if settings:
        columns.append("version")
    values = {"actor": "'mallory'", "version": "18446744073709551615"}
    selected = ", ".join(values.get(name, name) for name in columns)
    world.sql(
        f"INSERT INTO governance ({', '.join(columns)}) SETTINGS {settings}insert_deduplicate = 0 "  # noqa: S608
        f"SELECT {selected} FROM governance WHERE position = {position}"
    )
