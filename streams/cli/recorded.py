"""The store for people at the command line: what they read there is recorded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from watchline.schemas.errors import WatchlineError
from watchline.streams.query import open as unrecorded
from watchline.streams.query.reader import reader
from watchline.streams.query.run import Queries
from watchline.streams.settings import Settings

if TYPE_CHECKING:
    from watchline.streams.governance.reads.reads import Reads

MINUTE = 60.0
_HOLDER = """SELECT details['holder'] FROM v_governance AS g WHERE accepted AND action = 'key_registered'
AND log = {log:String} AND target = {key:String}"""


@contextmanager
def open_queries(settings: Settings) -> Iterator[Queries]:
    """As `streams.query.open` has them. What was read is sent at the end, where no keeper does it."""
    from watchline.streams.governance import place

    with unrecorded.open_queries(settings) as queries:
        if not place.roots_file(settings).exists():
            yield queries
            return
        from watchline.streams.governance.reads.reads import Reads

        reads = Reads(settings)
        try:
            yield replace(queries, note=reads.note_of(reads.this_user(), "cli"))
        finally:
            reads.spool.turn(all_=True)
            send(settings)


@contextmanager
def reads_of(settings: Settings) -> Iterator[Reads]:
    """What a process that serves people writes down; sent each minute where no keeper does it, and at the end."""
    from watchline.streams.governance.reads.reads import Reads

    reads, stop = Reads(settings), threading.Event()

    def work() -> None:
        while not stop.wait(MINUTE):
            reads.spool.turn()
            send(settings)

    thread = threading.Thread(target=work, name="reads", daemon=True)
    thread.start()
    try:
        yield reads
    finally:
        stop.set()
        reads.spool.turn(all_=True)
        thread.join(10)
        send(settings)


def send(settings: Settings) -> int:
    """Records what processes have written down, where no keeper does it. What can't be sent now stays."""
    from watchline.streams.governance import place
    from watchline.streams.governance.keys import Key, Roots
    from watchline.streams.governance.log import Log
    from watchline.streams.governance.reads.sender import Sender

    roots_file, key_file = place.roots_file(settings), place.keeper_key_file(settings)
    try:
        if not roots_file.exists() or not key_file.exists():
            return 0
        roots, key, of = Roots.read(roots_file), Key.read(key_file), Log(settings)
        with closing(Sender(place.reads_folder(settings), of, roots.log, key)) as sender:
            if not sender.is_ours() or not sender.waits() or not _answers(settings):
                return 0
            with closing(reader(settings)) as client:
                found = Queries(client, settings.clickhouse_database).query(_HOLDER, {"log": roots.log, "key": key.id})
            return sender.send(str(found.rows[0][0]), of.has) if found.rows else 0
    except (WatchlineError, OSError):  # it is kept, and nobody's reading fails by it
        return 0


def _answers(settings: Settings) -> bool:
    """Whether somebody answers where Kafka is to be: who has read something doesn't wait long for it."""
    for server in settings.bootstrap_servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), 1).close()
        except (OSError, ValueError):
            continue
        return True
    return False
