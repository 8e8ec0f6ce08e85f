"""`watchline retention`, on a real engine and a real broker; the store of the settings is the tests' one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from watchline.schemas.errors import ConfigurationError
from watchline.streams.cli.commands import retention
from watchline.streams.cli.main import main
from watchline.streams.kafka import admin
from watchline.streams.settings import load

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / "data"))
    admin.create(load())
    return load()


@pytest.fixture
def client(clickhouse: Callable[..., Any], settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    client = clickhouse("retention_cli")
    client.command(f"USE {client.test_database}")
    client.database = client.test_database
    client.command(
        "INSERT INTO feedback (feedback_id, time, app, comment) "
        "SELECT generateUUIDv4(), now() - toIntervalDay(number), 'shop', 'thank you' FROM numbers(40)"
    )
    # Fewer tables, which is quicker.
    places = tuple(place for place in retention_places() if place.table == "feedback")
    monkeypatch.setattr("watchline.streams.clickhouse.retention.PLACES", places)

    @contextmanager
    def store() -> Iterator[Any]:
        yield settings, client, retention.wanted(settings)

    monkeypatch.setattr(retention, "_store", store)
    return client


def retention_places() -> Any:
    from watchline.streams.clickhouse.retention import PLACES

    return PLACES


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["retention", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_plan_apply_and_report(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, planned = answer(capsys, "plan")
    assert code == 0 and sum(row["past_end"] for row in planned) == 9
    code, lines = answer(capsys, "report")
    differing = {line["place"]: line["todo"] for line in lines if line["differs"]}
    assert code == 1 and differing["feedback, texts"] == differing["feedback"] == "watchline retention apply"
    assert client.command("SELECT countIf(comment != '') FROM feedback") == 40  # neither has changed anything
    assert main(["retention", "apply"]) == 0
    assert "feedback, texts: 9 rows to " in capsys.readouterr().out
    assert client.query("SELECT count(), countIf(comment != '') FROM feedback").result_rows == [(40, 31)]
    code, lines = answer(capsys, "report")
    assert {line["place"] for line in lines if line["differs"] and line["kind"] == "text"} == set()
    assert next(line for line in lines if line["place"] == "governance")["in_force"] == "for good"


def test_an_export_is_due_once_the_texts_it_may_hold_are_past_their_end(
    client: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    client.command(
        "INSERT INTO governance (position, time, actor, action, target, details, accepted) SELECT number, "
        "now() - toIntervalDay(number), 'p1', 'exported', concat('file-', toString(number)), map('sha256', 'ab'), "
        "number != 39 FROM numbers(40)"
    )
    _, lines = answer(capsys, "report")
    exports = {line["place"]: line["differs"] for line in lines if line["kind"] == "export"}
    assert len(exports) == 39 and exports["file-30 ab"] == "" and exports["file-31 ab"] == "due: p1 deletes every copy"


def test_an_export_that_says_when_it_ends_is_due_then(client: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client.command(
        "INSERT INTO governance (position, time, actor, action, target, details, accepted) SELECT number, now(), 'p1', "
        "'exported', concat('file-', toString(number)), map('sha256', 'ab', 'owner', 'team-a', 'until', "
        "toString(today() + number)), true FROM numbers(3)"
    )
    _, lines = answer(capsys, "report")
    exports = [line["differs"] for line in lines if line["kind"] == "export"]
    assert sorted(exports) == ["", "", "due: team-a deletes every copy"]


def test_a_topic_that_keeps_raw_text_longer_than_is_set_is_named(
    settings: Any, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {line.place: line for line in retention.of_topics(settings)}[f"{topic_prefix}interactions"]
    assert (before.wanted, before.in_force) == ("24 h", "24 h")
    monkeypatch.setenv("WATCHLINE_RAW_RETENTION_S", "3600")
    lines = {line.place: line for line in retention.of_topics(load())}
    raw = lines[f"{topic_prefix}interactions"]
    assert (raw.differs, raw.todo) == ("the broker keeps it longer", "watchline migrate --shorten")
    assert lines[f"{topic_prefix}governance"].wanted == "for good"


def test_a_log_that_can_not_be_read_stops_it(settings: Any) -> None:
    from watchline.streams.governance import place
    from watchline.streams.governance.log import Log

    assert retention.wanted(settings).holds == []
    assert main(["governance", "init"]) == 0
    assert retention.wanted(settings).days["text", ""] == 30
    assert main(["governance", "redaction", str(settings.data_dir / "policy.json")]) == 0
    assert load().model_copy(update={"redaction_policy": settings.data_dir / "policy.json"}).policy()
    place.roots_file(settings).unlink()
    with pytest.raises(ConfigurationError, match=r"no root keys at .* to read it by: holds may be in it"):
        retention.wanted(settings)
    assert next(iter(Log(settings).read())).offset == 0
