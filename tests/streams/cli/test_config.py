"""`watchline config`: all settings, where from, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchline.streams.cli.main import main
from watchline.streams.settings import Settings


def test_every_setting_with_its_source(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WATCHLINE_BATCH_SIZE", "64")
    (tmp_path / "watchline.toml").write_text('linger_s = 0.5\nclickhouse_url = "http://u:hush@h:1"\n')
    monkeypatch.setenv("WATCHLINE_CLICKHOUSE_PASSWORD", "hush")
    assert main(["config", "--format", "json"]) == 0
    printed = capsys.readouterr().out
    rows = {row["setting"]: (row["value"], row["from"]) for row in json.loads(printed)}
    assert set(rows) == {f"WATCHLINE_{name.upper()}" for name in Settings.model_fields}
    assert rows["WATCHLINE_BATCH_SIZE"] == ("64", "environment")
    assert rows["WATCHLINE_LINGER_S"] == ("0.5", str(tmp_path / "watchline.toml"))
    assert rows["WATCHLINE_TOPIC_PREFIX"] == ("watchline.", "default")
    assert "hush" not in printed


def test_a_bad_setting_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHLINE_BATCH_SIZE", "many")
    assert main(["config"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("watchline: WATCHLINE_BATCH_SIZE: ") and "many" in error
