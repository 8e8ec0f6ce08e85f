"""What may not be stored again: told from what may, read to the end, and never nothing where it can't be read."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from watchline.schemas.errors import TransientError
from watchline.streams import settings as settings_
from watchline.streams.kafka import admin, log_reader, tombstones, topics
from watchline.streams.kafka.tombstones import Known, Tombstones, of_values
from watchline.streams.settings import Settings

SALT, OTHER = "00" * 16, "11" * 16


def test_an_event_matches_by_kind_app_and_any_salt() -> None:
    stones = Tombstones([
        *of_values("e1", "subject", "", SALT, ["k:1"]),
        *of_values("e2", "tenant", "shop", OTHER, ["acme"]),
        *of_values("e3", "tenant", "bank", OTHER, ["acme"]),
    ])  # fmt: skip
    assert len(stones) == 3
    for app, values, erasure in (
        ("any", {"subject": "k:1", "tenant": "acme"}, "e1"),
        ("any", {"subject": "k:2", "tenant": "acme"}, ""),
        ("shop", {"subject": "k:2", "tenant": "acme"}, "e2"),
        ("bank", {"tenant": "acme"}, "e3"),
        ("shop", {"subject": "acme", "tenant": "k:1", "event": ""}, ""),  # another kind of id is another id
    ):
        assert stones.erasure_of(app, values) == erasure, (app, values)


def test_the_same_id_has_one_tombstone_of_each_salt_and_says_nothing() -> None:
    (stone,) = of_values("e1", "subject", "", SALT, ["anna@example.org", "anna@example.org"])
    assert (
        "anna" not in json.dumps(asdict(stone)) and stone.hash != of_values("e1", "subject", "", OTHER, ["a"])[0].hash
    )


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = settings_.load(kafka_url=f"kafka://{broker}", topic_prefix=topic_prefix, data_dir=str(tmp_path / "d"))
    admin.create(made)
    return made


def test_what_is_written_is_read_by_who_reads_already_and_by_who_comes_later(settings: Settings) -> None:
    early = Known(settings)
    early.refresh()
    assert not len(early)
    tombstones.write(settings, of_values("e1", "event", "", SALT, ["1", "2"]))
    tombstones.file_of(settings).rename(settings.data_dir / "elsewhere")  # the topic alone
    early.refresh()
    tombstones.write(settings, of_values("e2", "event", "", SALT, ["3"]))
    early.refresh()
    late = Known(settings)
    late.refresh()
    assert {*early} == {*late} and len(late) == 3


def test_the_file_is_read_where_the_broker_has_forgotten(settings: Settings) -> None:
    tombstones.write(settings, of_values("e1", "event", "", SALT, ["1"]))
    forgot = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}x."})
    admin.create(forgot)
    known = Known(forgot)
    known.refresh()
    assert known.erasure_of("", {"event": "1"}) == "e1"
    file = tombstones.file_of(settings)
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("ab") as half:
        half.write(b'{"erasure": ')  # a crash while it was written
    assert len(tombstones.read_file(file)) == 1
    with file.open("ab") as damaged:
        damaged.write(b"\n")
    with pytest.raises(TransientError, match=r"line 2 of .* is no erasure"):
        known.refresh()


def test_where_they_can_not_be_read_nothing_goes_on(settings: Settings) -> None:
    missing = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}no."})
    with pytest.raises(TransientError, match="sent nothing from topic"):
        log_reader.to_its_end(missing, topics.tombstones(missing.topic_prefix), patience_s=0.5)()
