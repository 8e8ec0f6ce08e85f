"""What the erasure of one person takes: `python -m tests.benchmarks.erase 100000 [FOLDER]`, among so many events.

The store is that of `tests.benchmarks.store`, of whose people each has about twenty events over 30 days. All files are
searched for the pseudonym and for the text of one event, in what their blocks hold once unpacked, before it and after:
when parts that were replaced are removed, for which ClickHouse is told not to wait its eight minutes. Seconds, and
seconds of the processor; files that hold something of the person.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clickhouse_connect

from tests.benchmarks import store
from tests.benchmarks.producer import machine
from tests.end_to_end.test_erasure import CLEANED_AT_ONCE, blocks
from watchline.schemas.migrate import migrate
from watchline.streams.governance.eraser import Eraser
from watchline.streams.governance.erasure import Erasure, whole_of
from watchline.streams.kafka.tombstones import hash_of


@contextmanager
def timed(what: str) -> Iterator[Callable[[str], None]]:
    """Prints what it took, and what is said of it."""
    said: list[str] = []
    with store.measured() as taken:
        yield said.append
    print(f"{what:<40} {taken.wall_s:8.1f} s {taken.cpu_s:8.1f} cpu s  {said[-1]}", flush=True)


def holding(folder: Path, needles: Sequence[bytes]) -> tuple[int, float]:
    """How many files hold one of these, and how many GB there were once unpacked."""
    found, size = 0, 0
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        before, hit = b"", False
        for block in blocks(file):
            size += len(block)
            joined = before + block
            hit = hit or any(needle in joined for needle in needles)
            before = block[-max(map(len, needles)) :]
        found += hit
    return found, size / 1e9


def main(events: int, folder: Path) -> None:
    """Fills a store where there is none, and erases one person in it."""
    new = not folder.exists()
    client: Any = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    migrate(client, store.DATABASE)
    client.command(f"USE {store.DATABASE}")
    client.command("SYSTEM STOP VIEWS")
    print(f"{machine()}, chDB {client.server_version}; {events:,} events")
    if new:
        store.fill(client, events, datetime.now(UTC).replace(microsecond=0))
    sql = "SELECT subject, count(), any(input_messages[1].2) FROM v_interactions GROUP BY 1 ORDER BY 1 LIMIT 1"
    ((subject, count, question),) = client.query(sql).result_rows
    needles = bytes.fromhex(subject.partition(":")[2]), question.encode()
    print(f"one person with {count} events among {events:,}")
    for table in store_tables(client):
        client.command(f"ALTER TABLE {table} MODIFY SETTING old_parts_lifetime = 1, {CLEANED_AT_ONCE}")
    with timed("searched before") as say:
        found, size = holding(folder, needles)
        say(f"{found} files of {size:.1f} GB")
    salt = secrets.token_hex(16)
    hashes = (hash_of(salt, "subject", subject),)
    eraser = Eraser(client, Erasure(secrets.token_hex(8), "subject", "", salt, hashes, 0, {}))
    with timed("hidden") as say:
        say(f"{eraser.hide()} events")
    with timed("deleted, and looked for again") as say:
        say(whole_of(eraser.run().values()))
    with timed("until replaced parts were removed") as say:
        while client.query("SELECT count() FROM system.parts WHERE NOT active").result_rows[0][0]:
            time.sleep(1)
        say("")
    with timed("searched after") as say:
        found, size = holding(folder, needles)
        say(f"{found} files of {size:.1f} GB")


def store_tables(client: Any) -> list[str]:
    """Its tables, but for the inner ones."""
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    return [name for (name,) in client.query(sql).result_rows]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        given = sys.argv[1:]
        main(int(given[0]) if given else 100_000, Path(given[1] if len(given) > 1 else f"{own}/store"))
