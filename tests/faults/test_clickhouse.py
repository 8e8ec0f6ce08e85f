"""ClickHouse fails in every way it can: the worker tries again, and each event is stored once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil
import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.end_to_end.test_bad_input import envelope, interaction
from tests.faults.load import SIZE
from tests.faults.rig import Rig
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.clickhouse.tables import Row, Table

REQUEST_S = 2.0
# `make test` keeps ClickHouse away for some seconds; WATCHLINE_TEST_LONG=1 for the minute of the delivery matrix.
AWAY_S = 60.0 if os.environ.get("WATCHLINE_TEST_LONG") else 6.0


def _away(server: ClickHouseServer) -> None:
    with server.down():
        time.sleep(2)


EXCEPTION = "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)"
FAULTS: dict[str, Callable[[ClickHouseServer], None]] = {
    "refuses: out of memory": lambda server: server.fail(241, times=2),
    "refuses: too many parts": lambda server: server.fail(252, times=2),
    "closes the connection once applied": lambda server: server.drop(times=4),
    "hangs past the request timeout, then applies": lambda server: server.hang(REQUEST_S + 1, times=1),
    "refuses connections": _away,
    "an exception with status 200": lambda server: server.answer(
        200, EXCEPTION, times=2, **{"X-ClickHouse-Exception-Code": "241"}
    ),
    "a proxy's page with status 200": lambda server: server.answer(200, "<html>down for repairs</html>", times=2),
    "an empty answer with status 200": lambda server: server.answer(200, "", times=2),
    "a proxy that leads to a login": lambda server: server.answer(302, "", times=2, Location="/ping"),
    "a proxy's status 502": lambda server: server.answer(502, "<html>bad gateway</html>", times=2),
    "a proxy's status 503": lambda server: server.answer(503, "<html>busy</html>", times=2),
}


@pytest.fixture(scope="module")
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(test_request_s=str(REQUEST_S))
    rig.worker().start()
    return rig


@pytest.mark.parametrize("fault", FAULTS)
def test_each_event_is_stored_once(rig: Rig, server: ClickHouseServer, fault: str) -> None:
    load = rig.load(events=20 * SIZE, rate=1000)
    rig.workers[-1].wait(lambda: load.accepted() > 0)
    FAULTS[fault](server)
    load.join()
    rig.workers[-1].wait(lambda: server.faults_left() == 0)
    outcome = rig.settled()
    assert outcome.events == 20 * SIZE * len(rig.loads)
    # What is tried again bears the token of what was applied, so that not even the table gets it twice.
    assert outcome.duplicates == 0
    rig.workers[-1].wait(lambda: rig.workers[-1].health()["lag_messages"] == 0)


def test_a_row_that_clickhouse_rejects_costs_only_itself(rig: Rig) -> None:
    rig.client.command("ALTER TABLE interactions ADD CONSTRAINT refused CHECK app != 'teapot'")
    try:
        rig.send(3)
        worker = rig.workers[-1]
        events = [interaction(app="teapot" if number == 7 else "bot") for number in range(SIZE)]
        worker.produce(envelope(*events))
        rig.send(3)
        rig.settled()
        worker.wait(lambda: worker.count("v_dead_letters") == 1)
        rows = worker.rows("SELECT reason, event_index, event_id FROM v_dead_letters")
        assert rows == [("row refused: ClickHouse code 469", 7, events[7].event_id)]
        sql = "SELECT toString(event_id) FROM v_interactions WHERE app = 'bot'"
        assert {row[0] for row in worker.rows(sql)} == {event.event_id for event in events} - {events[7].event_id}
    finally:
        rig.client.command("ALTER TABLE interactions DROP CONSTRAINT refused")


def test_an_insert_of_several_blocks_is_stored_whole(rig: Rig) -> None:
    """The client cuts what is larger than 2 MB into blocks and compresses each by itself."""
    settings = rig.workers[0].settings
    rig.client.command("CREATE TABLE large (text String) ENGINE = MergeTree ORDER BY tuple()")
    sink = Sink(lambda: connect(settings), timeout_s=10)
    rows = [Row([str(number) * 1_500_000], str(number)) for number in range(5)]
    assert sink.write(Table("large", ["text"], rows)) == []
    sink.close()
    assert rig.client.query("SELECT uniqExact(text) FROM large").result_rows == [(5,)]


def test_while_clickhouse_is_away_memory_stays_flat(make_rig: Callable[..., Rig], server: ClickHouseServer) -> None:
    """More comes in than a worker may hold: it stops reading, and afterwards all is stored."""
    rig = make_rig(buffer_messages="16", buffer_bytes=str(2**21), batch_bytes=str(2**20), topic_partitions="2")
    worker = rig.worker().start()
    process = psutil.Process(worker.pid)
    large = {"size": 4, "text_bytes": 32 * 1024}  # 128 KiB a message

    def hold(seconds: float) -> float:
        """Looks on; gives the highest memory in MiB."""
        until, highest = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            highest = max(highest, process.memory_info().rss)
            worker.health()  # the event loop isn't held up
            time.sleep(0.1)
        return highest / 2**20

    rig.send(20, **large)
    rig.settled()
    with server.down():
        rig.send(200, **large)  # fills what may be held
        full = hold(AWAY_S / 2)
        rig.send(400, **large)
        grown = hold(AWAY_S / 2) - full
    assert grown < 15, f"{grown:.0f} MiB more while 50 MiB came in"
    rig.settled()
