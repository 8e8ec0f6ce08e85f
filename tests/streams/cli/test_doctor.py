"""`watchline doctor`: what it finds, and that what it finds wrong is an exit code."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.schema_registry import RegistryStandIn
from watchline.streams.cli.commands import doctor
from watchline.streams.cli.main import main
from watchline.streams.clickhouse import connect as store
from watchline.streams.governance import place
from watchline.streams.governance.reads import spool
from watchline.streams.kafka import admin
from watchline.streams.kafka.schema_registry import SchemaRegistry
from watchline.streams.settings import load


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[], tuple[int, dict[str, dict[str, str]]]]:
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(doctor, "TIMEOUT_S", 1.0)

    def run() -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--json"])
        return code, {row["what"]: row for row in json.loads(capsys.readouterr().out)}

    return run


@pytest.mark.slow
def test_kafka_away(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", "kafka://127.0.0.1:1")
    code, found = run()
    assert (code, found["kafka"]["level"]) == (1, "fail")
    assert "127.0.0.1:1" in found["kafka"]["text"] and "WATCHLINE_KAFKA_URL" in found["kafka"]["todo"]
    assert "topics" not in found
    assert (found["store"]["level"], found["models"]["level"], found["disk"]["level"]) == ("warn", "ok", "ok")
    assert "gpu" in found


def test_topics_missing_then_there(run: Any, broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    code, found = run()
    assert (code, found["kafka"]["level"], found["topics"]["level"]) == (1, "ok", "fail")
    assert "watchline migrate" in found["topics"]["todo"]
    admin.create(load())
    code, found = run()
    assert (code, found["topics"]["level"]) == (0, "ok")


@pytest.mark.parametrize(("skew_s", "level"), [(0.0, "ok"), (10.0, "warn"), (-10.0, "warn"), (3600.0, "fail")])
def test_clock_skew(skew_s: float, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(doctor.time, "time", lambda: now)
    client = SimpleNamespace(query=lambda sql: SimpleNamespace(result_rows=[[int((now + skew_s) * 1000)]]))
    assert doctor._clock(client, now).level == level


def test_schema_old_and_current(clickhouse: Callable[..., Any]) -> None:
    client = clickhouse("doctor")
    assert doctor._migrations(client, client.test_database).level == "ok"
    missing = doctor._migrations(client, "no_such_database")
    assert (missing.level, missing.todo) == ("fail", "run `watchline migrate`")
    client.command(f"INSERT INTO {client.test_database}.migrations (name) VALUES ('999_future')")
    assert "newer" in doctor._migrations(client, client.test_database).text


@pytest.mark.slow
def test_a_full_disk_and_missing_models(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", "kafka://127.0.0.1:1")
    code, found = run()
    assert (code, found["disk"]["level"], found["models"]["level"], found["gpu"]["level"]) == (
        1,
        "fail",
        "fail",
        "fail",
    )
    assert "pip install '.[worker]' ./detectors/weights" in found["models"]["todo"]


@pytest.mark.slow
def test_reads_that_nobody_records(run: Any) -> None:
    assert "reads" not in run()[1]
    settings = load()
    roots = place.roots_file(settings)
    roots.parent.mkdir(parents=True)
    roots.touch()
    written = spool.Spool(place.reads_folder(settings))
    written.add({"who": "uid 1000"})
    assert run()[1]["reads"]["level"] == "ok"
    written.turn(all_=True)
    (path,) = spool.closed(written.folder)
    os.utime(path, (time.time() - 7_300,) * 2)
    found = run()[1]["reads"]
    assert (found["level"], found["text"]) == ("warn", "1 files of who read what wait to be recorded, for 2 hours")


@pytest.mark.slow
def test_a_check_that_breaks_is_a_finding(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def breaks(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("unheard of")

    (tmp_path / "data" / "clickhouse").mkdir(parents=True)
    monkeypatch.setattr(store, "connect", breaks)
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", "kafka://127.0.0.1:1")
    code, found = run()
    assert (code, found["store"]["level"]) == (1, "fail") and "unheard of" in found["store"]["text"]


def test_lines_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", "kafka://127.0.0.1:1")
    monkeypatch.setattr(doctor, "CHECKS", (doctor._kafka, doctor._disk))
    monkeypatch.setattr(doctor, "TIMEOUT_S", 0.5)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("fail  kafka") and lines[1].strip().startswith("-> ")


def test_schemas_missing_then_there(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (doctor._registry,))
    assert run() == (0, {})
    with RegistryStandIn() as stand_in:
        monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", stand_in.url)
        code, found = run()
        assert (code, found["registry"]["todo"]) == (1, "run `watchline migrate`")
        assert "watchline.signals-value" in found["registry"]["text"]
        SchemaRegistry({"url": stand_in.url}, "watchline.").register()
        code, found = run()
        assert (code, found["registry"]["text"]) == (0, f"{stand_in.url} has all 6 schemas")
    code, found = run()
    assert code == 1 and "WATCHLINE_SCHEMA_REGISTRY_URL" in found["registry"]["text"]
