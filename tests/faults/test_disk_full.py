"""The disk fills up under the embedded store: the worker ends and says why; with room again nothing is missing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clickhouse_server import ClickHouseServer
from tests.faults import ledger, noop_worker
from tests.faults.load import SIZE, reports
from tests.faults.rig import Rig
from watchline.streams.clickhouse.connect import connect
from watchline.streams.settings import load

ROOM = "24m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory, with little room."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"only root may mount a small file system: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_stops_the_worker_and_loses_nothing(make_rig: Callable[..., Rig], small_disk: Path) -> None:
    rig = make_rig(clickhouse_url="chdb://", store_timeout_s="5")
    worker = rig.worker()
    (worker.data_dir / "clickhouse").symlink_to(small_disk)
    worker.start()
    filler = small_disk / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(2**16))
            file.flush()
    rig.send(60)
    assert worker.join(120) == 1
    assert "no space left on the disk" in worker.log.read_text().lower()
    filler.unlink()
    worker.start()
    worker.wait(lambda: worker.count("v_interactions") == 60 * SIZE)
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.stop() == 0
    with ClickHouseServer(small_disk) as server:
        settings = load(clickhouse_url=server.url, clickhouse_database=rig.name, data_dir=rig.folder)
        client = connect(settings)
        ledger.count_inserted(client)
        outcome = ledger.compare(client, ledger.places(reports(rig.loads[0].file)), [noop_worker.DETECTOR])
        client.close()
    assert (outcome.events, outcome.lost, outcome.double_counted) == (60 * SIZE, 0, 0), repr(outcome)
