"""A data folder that an earlier version wrote, and what its views said: `python -m tests.golden.store` records both.

Recorded at the first commit of the folder's format; a later version must open it and say the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE / "store.tar.xz"
RECORDED = HERE / "views.json"
# What changes with the clock.
VOLATILE = {"v_refreshes", "v_quality_hourly.age_s", "v_usage_hourly.age_s", "v_canary.age_s"}
VOLATILE |= {"v_quality_hourly.refreshed_at", "v_usage_hourly.refreshed_at"}
ROLLUPS = ("quality_hourly", "usage_hourly")


def views(folder: Path) -> dict[str, dict[str, Any]]:
    """Columns and rows of every view of a data folder, brought to this version's schema first."""
    # Another process: chDB opens one folder a process, and the tests have theirs.
    command = [sys.executable, "-m", "tests.golden.store", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parents[1], timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def recorded() -> dict[str, dict[str, Any]]:
    """What the views said when the folder was recorded."""
    found: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def unpack(folder: Path) -> Path:
    """The data folder as it was recorded."""
    with tarfile.open(FOLDER) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    import clickhouse_connect

    from watchline.schemas.migrate import migrate
    from watchline.streams.query.policy import views as names
    from watchline.streams.query.run import plain

    client = clickhouse_connect.get_client(interface="chdb", path=str(folder / "clickhouse"))
    migrate(client, "watchline")
    client.command("USE watchline")
    for rollup in ROLLUPS:
        client.command(f"SYSTEM REFRESH VIEW {rollup}_refresh")
        client.command(f"SYSTEM WAIT VIEW {rollup}_refresh")
    found = {}
    for name in names():
        if name not in VOLATILE:
            result = client.query(f"SELECT * FROM {name}")
            kept = [place for place, column in enumerate(result.column_names) if f"{name}.{column}" not in VOLATILE]
            rows = [[plain(row[place]) for place in kept] for row in result.result_rows]
            found[name] = {
                "columns": [result.column_names[place] for place in kept],
                "rows": sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)),
            }
    client.close()
    return found


def _record() -> None:
    """Through the real producer, broker and worker: events, feedback, a dead letter, a change that gives a signal."""
    from confluent_kafka import Producer as Client

    from tests.end_to_end.workers import Worker
    from tests.golden.scores import interactions
    from watchline.streams import Producer
    from watchline.streams.embedded.broker import Broker

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Broker(folder / "broker.log") as broker:
            address = broker.url.removeprefix("kafka://")
            worker = Worker(address, "golden.", folder / "data", {"WATCHLINE_CANARY_INTERVAL_S": "1"})
            (folder / "data").mkdir()
            worker.start()
            with Producer(address, app="golden", topic_prefix="golden.", environment="test", strict=True) as producer:
                for number, each in enumerate(interactions()[:240:3]):
                    producer.emit(
                        event_id=each.event_id,
                        time=each.time / 1e6,
                        input=each.input,
                        output=each.output,
                        system=each.system_instructions,
                        documents=[document.content for document in each.documents],
                        model="small",
                        prompt=f"answer@{1 + number // 40}",
                        tenant=f"tenant-{number % 3}",
                        usage={"input_tokens": 100 + number, "output_tokens": 10},
                        latency_s=1.0 + number / 100,
                        attributes={"number": str(number)},
                    )
                    if number % 8 == 0:
                        producer.feedback(each.event_id, rating=-1, comment="wrong", time=each.time / 1e6 + 1)
            client = Client({"bootstrap.servers": address, "log_level": 0})
            client.produce("golden.interactions", b"no record")
            client.flush(20)
            worker.wait(lambda: worker.count("v_interactions") == 80, 300)
            worker.wait(lambda: worker.count("v_feedback") == 10 and worker.count("v_dead_letters") == 1)
            worker.wait(lambda: worker.count("v_canary") == 4)
            assert worker.stop() == 0
        with tarfile.open(FOLDER, "w:xz") as archive:
            archive.add(folder / "data" / "clickhouse", "clickhouse")
        RECORDED.write_text(json.dumps(views(folder / "data")) + "\n", encoding="utf-8")


def main() -> int:
    """Records; with a folder, prints what its views say."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(_read(Path(sys.argv[1]))))
    else:
        _record()
    return 0


if __name__ == "__main__":
    sys.exit(main())
