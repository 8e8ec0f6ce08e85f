"""What `watchline prove` takes: `python -m tests.benchmarks.prove 200000 [FOLDER]`, of so many events over 30 days.

The store is that of `tests.benchmarks.store`. Seconds of the processor, and MB above what the process held before, of
the whole interval and of its last day.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import clickhouse_connect

from tests.benchmarks import store
from watchline.schemas.migrate import migrate
from watchline.streams.governance.proof.interval import HOUR, Interval, whole
from watchline.streams.governance.proof.prove import prove
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries


def main(events: int, folder: str) -> None:
    """Fills a store where there is none, and proves it."""
    end = whole(datetime.now(UTC)) - HOUR
    new = not Path(folder).exists()
    client = clickhouse_connect.get_client(interface="chdb", path=folder)
    migrate(client, store.DATABASE)
    client.command("SYSTEM STOP VIEWS")
    if new:
        client.command("ALTER TABLE migrations UPDATE applied_at = toDateTime(0) WHERE 1 SETTINGS mutations_sync = 2")
        store.fill(client, events, end)
    restrict(client)
    queries = Queries(client, store.DATABASE)
    for days in (1, 31):
        interval = Interval(end - timedelta(days=days), end + HOUR)
        with store.measured() as taken:
            report = prove(queries, interval, now=datetime.now(UTC) + HOUR)
        each = 1e6 * taken.cpu_s / max(report.rows, 1)
        print(
            f"{days} days, {report.rows:,} events: {taken.cpu_s:.2f} cpu s, {each:.1f} a million; "
            f"{taken.wall_s:.2f} s, {taken.memory:.0f} MB; {report.explained}, {report.named[:1]}",
            flush=True,
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        given = sys.argv[1:]
        main(int(given[0]) if given else 200_000, given[1] if len(given) > 1 else f"{own}/store")
