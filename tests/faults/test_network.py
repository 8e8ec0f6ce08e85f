"""A network that delays, cuts connections and flips bits: what is stored is what was sent, once."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.faults.proxy import Proxy
from tests.faults.rig import Rig
from watchline.schemas.errors import WatchlineError
from watchline.streams.clickhouse import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Row, Table
from watchline.streams.settings import load

END_S = 30.0  # of a worker that has failed
WRITES, ROWS = 8, 300


def test_flipped_bits_on_the_way_to_clickhouse_are_never_stored(
    server: ClickHouseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "REQUEST_TIMEOUT_S", 1.0)  # a flip in a length has the server wait for more
    direct = connect.connect(load(clickhouse_url=server.url, data_dir=tmp_path), database="default")
    direct.command(
        "CREATE TABLE flipped (id UInt32, text String) ENGINE = MergeTree ORDER BY id "
        "SETTINGS non_replicated_deduplication_window = 1000"
    )
    texts, chance = dict[int, str](), random.Random(1)
    with Proxy(server.port) as proxy:
        settings = load(clickhouse_url=f"http://{proxy.address}", clickhouse_database="default", data_dir=tmp_path)
        sink = Sink(lambda: connect.connect(settings), timeout_s=60, pause=lambda seconds: None)
        sink.ping()
        proxy.flips = 0.03
        for _ in range(WRITES):
            new = {len(texts) + number: chance.randbytes(600).hex() for number in range(ROWS)}
            texts |= new
            rows = Table("flipped", ("id", "text"), [Row(row, str(row[0])) for row in new.items()])
            for _ in range(20):  # a flip in the address or a header ends the worker, which is started again
                with suppress(WatchlineError):
                    assert sink.write(rows) == []
                    break
                sink.close()
            else:
                pytest.fail("never written")
        assert proxy.flipped
        sink.close()
    stored = direct.query("SELECT DISTINCT id, text FROM flipped ORDER BY id").result_rows
    direct.close()
    assert dict(stored) == texts and len(stored) == len(texts)


def test_a_kafka_client_that_has_failed_ends_the_worker(make_rig: Callable[..., Rig]) -> None:
    """It logs that, and reads no more: for ever, where nobody looks."""
    rig = make_rig()
    worker = rig.worker(test_fetch_fails="20").start()
    load = rig.load(rate=200)
    assert worker.join(END_S) == 1
    assert "a task of the Kafka client has failed: " in worker.log.read_text()
    del worker.environment["WATCHLINE_TEST_FETCH_FAILS"]
    worker.start()
    load.finish()
    rig.settled()


def test_a_slow_network_to_clickhouse_that_loses_its_connections(
    make_rig: Callable[..., Rig], server: ClickHouseServer
) -> None:
    with Proxy(server.port) as proxy:
        rig = make_rig()
        worker = rig.worker(clickhouse_url=f"http://{proxy.address}").start()
        load = rig.load(rate=500)
        proxy.delay_s = 0.1
        for _ in range(5):
            before = worker.health()["events"]
            proxy.cut()
            worker.wait(lambda before=before: worker.health()["events"] > before)  # type: ignore[misc]
        load.finish()
        proxy.delay_s = 0.0
        assert rig.settled().duplicates == 0
        assert worker.stop() == 0
