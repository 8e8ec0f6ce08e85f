"""When a worker counts what its store has lost, and what it says of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.streams.worker.parts import scored_part
from tests.streams.worker.test_ledger import AGE, Store, event, ids
from watchline.schemas.errors import FatalError, TransientError
from watchline.schemas.migrate import migrate
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.embedded import store
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import Progress
from watchline.streams.settings import Settings, load
from watchline.streams.worker import store_watch
from watchline.streams.worker.stages import store as store_stage
from watchline.streams.worker.store_watch import StoreWatch

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path, broker: str, topic_prefix: str) -> Settings:
    kafka = {"kafka_url": f"kafka://{broker}", "topic_prefix": topic_prefix}
    return load(data_dir=tmp_path / "d", clickhouse_url="chdb://", **kafka)


@pytest.fixture
def client(settings: Settings) -> Iterator[Any]:
    with store.own(settings), closing(connect(settings, database="")) as client:
        migrate(client, settings.clickhouse_database)
        Store(client).deliver([event(number) for number in range(4)])
        client.command(AGE)
        yield client


def test_all_is_counted_at_first_and_then_for_a_reason(
    settings: Settings, client: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_watch, "MOST", 1e9)  # of the time: while something is missing, at each look
    progress = Progress()
    watch = StoreWatch(settings, progress, Metrics({}))
    watch.look()
    assert progress.degraded == []
    Store(client).delete("interactions", f"event_id IN ({ids(1, 2)})")
    watch.look()
    assert progress.degraded == []  # nothing has happened to the server
    monkeypatch.setattr(watch, "_uptime_s", 1 << 30)  # now it was started anew
    with caplog.at_level(logging.ERROR):
        watch.look()
        watch.look()
    said = "2 stored events are missing: run `watchline repair`"
    assert progress.degraded == [said]
    assert [record.message for record in caplog.records] == [said]
    store_stage.store(scored_part([event(1), event(2)]), Sink(lambda: client, 5, anew=True).write)
    watch.look()
    assert progress.degraded == []


def test_the_newest_events_are_counted_once_they_are_old_enough(
    settings: Settings, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the disk had not yet when the power failed: ten minutes old at the worker's start at most."""
    seconds = [0.0]
    progress = Progress(clock=lambda: seconds[0])
    watch = StoreWatch(settings, progress, Metrics({}))
    Store(client).deliver([event(4)])
    Store(client).delete("interactions", f"event_id = {ids(4)}")
    for seconds[0], said in ((0.0, 0), (60.0, 0), (600.0, 0), (700.0, 1)):
        if seconds[0] == 600.0:
            client.command(AGE)
        watch.look()
        assert len(progress.degraded) == said, seconds


def test_what_came_again_and_said_otherwise_is_counted(settings: Settings, client: Any) -> None:
    metrics = Metrics({})
    watch = StoreWatch(settings, Progress(), metrics)
    columns = "event_id, hour, tenant, app, detector, conflict"
    client.command(
        f"INSERT INTO later_contents ({columns}) "
        "SELECT generateUUIDv4(), now(), '', 'a', 'pii', number < 2 FROM numbers(3)"
    )
    watch.look()
    assert "watchline_store_conflicts 2.0" in metrics.scrape(Progress()).decode()


def test_a_store_that_is_away_or_too_old_is_said(settings: Settings, client: Any) -> None:
    client.command("DROP VIEW v_missing_events")
    with pytest.raises(FatalError, match=r"cannot be counted \(ClickHouse code 60\): run `watchline migrate`"):
        StoreWatch(settings, Progress(), Metrics({})).look()
    away = settings.model_copy(update={"data_dir": settings.data_dir / "nowhere"})
    with pytest.raises(TransientError):
        StoreWatch(away, Progress(), Metrics({})).look()
