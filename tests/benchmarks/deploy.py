"""How long events wait while a worker is deployed: the new one started first, as the README says, or one in its place.

All detectors, a ClickHouse server, a few events a second, and nothing may be lost.
"""

from __future__ import annotations

import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests import brokers
from tests.clickhouse_server import ClickHouseServer
from tests.end_to_end.workers import Worker
from tests.faults import ledger
from tests.faults.load import Load, reports
from watchline.detectors.declarations import DETECTORS
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.kafka import admin, topics

RATE = 8  # events/s
REPEATS = 3
SETTLE_S = 8.0
# Those of a server: tests have shorter ones.
TIMES = {"WATCHLINE_SESSION_TIMEOUT_S": "30", "WATCHLINE_REBALANCE_TIMEOUT_S": "60"}


def main() -> None:
    """Prints a line for each deploy; raises where an event was lost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with brokers.running_broker(folder) as address, ClickHouseServer(folder / "clickhouse") as server:
            workers: list[Worker] = []

            def worker() -> Worker:
                instance = f"w{len(workers)}"
                (folder / instance).mkdir()
                settings = {"WATCHLINE_CLICKHOUSE_URL": server.url, "WATCHLINE_GROUP_INSTANCE_ID": instance, **TIMES}
                workers.append(Worker(address, "deploy.", folder / instance, settings))
                return workers[-1]

            running = worker()
            admin.create(running.settings)
            client = connect(running.settings, database="")
            migrate(client, running.settings.clickhouse_database)
            ledger.count_inserted(client)
            partitions, topic = running.settings.topic_partitions, topics.interactions("deploy.")
            running.start()
            load = Load(address, topic, partitions, folder / "reports", rate=RATE, size=1)
            try:
                time.sleep(SETTLE_S)
                for _ in range(REPEATS):
                    began = time.time()
                    new = worker().start()
                    assert running.stop() == 0
                    running = new
                    time.sleep(SETTLE_S)
                    print(f"deploy, the new worker first: nothing stored for {longest_pause_s(client, began):.1f} s")
                for _ in range(REPEATS):
                    began = time.time()
                    assert running.stop() == 0
                    running.start()
                    time.sleep(SETTLE_S)
                    print(f"deploy, the worker in place:  nothing stored for {longest_pause_s(client, began):.1f} s")
                load.finish()
                running.wait(lambda: running.health()["lag_messages"] == 0)
                outcome = ledger.compare(client, ledger.places(reports(load.file)), list(DETECTORS))
                print(f"deploy, {2 * REPEATS} times: {outcome}")
                assert outcome.exact, outcome.differences
            finally:
                load.end()
                for each in workers:
                    each.end()
                client.close()


def longest_pause_s(client: Any, since: float) -> float:
    """The longest time between two inserts of events since a moment, in seconds."""
    times = client.query(
        "SELECT DISTINCT toUnixTimestamp64Milli(stored_at) / 1000 AS t FROM watchline.interactions "
        f"WHERE stored_at > fromUnixTimestamp64Milli({int(since * 1000)}) ORDER BY t"
    ).result_rows
    moments = [since, *(moment for (moment,) in times)]
    return max(b - a for a, b in pairwise(moments))


if __name__ == "__main__":
    main()
