"""`watchline migrate`: the schema registry is asked before anything is changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.schema_registry import RegistryStandIn
from watchline.schemas.codec import schema_text
from watchline.streams.cli.main import main
from watchline.streams.kafka import admin
from watchline.streams.settings import load


@pytest.mark.parametrize("status", [0, 503])
def test_an_incompatible_schema_or_no_registry_stops_it_before_anything_is_changed(
    status: int,
    broker: str,
    topic_prefix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / "data"))
    with RegistryStandIn() as stand_in:
        monkeypatch.setenv("WATCHLINE_SCHEMA_REGISTRY_URL", stand_in.url)
        older = json.loads(schema_text("Feedback"))
        older["fields"] = older["fields"][1:]
        stand_in.add(f"{topic_prefix}feedback-value", older)
        stand_in.status = status
        assert main(["migrate"]) == 1
        assert list(stand_in.subjects) == [f"{topic_prefix}feedback-value"]
    reason = f"{topic_prefix}feedback-value are not compatible" if not status else "answers with HTTP status 503"
    assert reason in capsys.readouterr().err
    assert not {name for name in admin.existing(load()) if name.startswith(topic_prefix)}
    assert not (tmp_path / "data").exists()
