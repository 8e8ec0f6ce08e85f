"""`watchline restore` restores nothing where nobody knows what was erased since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError, TransientError
from watchline.streams import settings as settings_
from watchline.streams.cli.commands.restore import _tombstones
from watchline.streams.kafka import admin, tombstones


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def away(*_: Any) -> None:
        raise TransientError("Kafka is not reachable")

    monkeypatch.setattr(admin, "create", away)
    return settings_.load(data_dir=str(tmp_path / "d"))


def test_it_is_refused_where_kafka_is_away_and_no_file_is_named(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="nothing is restored: Kafka is not reachable; name the file"):
        _tombstones(settings, None)


def test_a_file_or_the_word_none_says_what_was_erased(settings: Any, tmp_path: Path) -> None:
    assert _tombstones(settings, "none") == []
    file = tmp_path / "tombstones.jsonl"
    file.write_text('{"erasure": "e1", "kind": "event", "app": "", "salt": "00", "hash": "' + "ab" * 32 + '"}\n')
    assert [stone.erasure for stone in _tombstones(settings, str(file))] == ["e1"]
    for damaged in ("{}\n", "junk\n"):
        file.write_text(damaged)
        with pytest.raises(TransientError, match="line 1 of"):
            _tombstones(settings, str(file))
    with pytest.raises(TransientError, match="cannot read the erasures"):
        _tombstones(settings, str(tmp_path / "missing"))
    assert not tombstones.file_of(settings).exists()
