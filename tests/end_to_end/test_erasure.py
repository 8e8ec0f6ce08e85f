"""A person is erased: found in the store's files before, not after, and brought back by nothing."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lz4.block
import pytest
import zstandard

from tests.end_to_end.workers import Worker
from tests.streams.governance.test_eraser import of
from tests.streams.worker.parts import scored_part
from tests.streams.worker.test_ledger import event, messages
from watchline.schemas.migrate import migrate
from watchline.schemas.pseudonyms import pseudonym
from watchline.schemas.records import Message
from watchline.streams import Producer
from watchline.streams import settings as settings_
from watchline.streams.cli.main import main
from watchline.streams.clickhouse.connect import connect
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.embedded import store
from watchline.streams.governance import eraser, erasing, place, places
from watchline.streams.kafka import admin, tombstones
from watchline.streams.settings import Settings
from watchline.streams.worker import ledger
from watchline.streams.worker.stages.store import store as store_rows
from watchline.streams.worker.stages.store import write_all

KEY = "a key of pseudonyms"
LIGHT = {"WATCHLINE_DETECTORS": "", "WATCHLINE_TOPIC_PARTITIONS": "1"}
NEEDLE = "why does the walrus hum at noon"
CLEANED_AT_ONCE = "cleanup_delay_period = 1, max_cleanup_delay_period = 2, cleanup_delay_period_random_add = 0"
ANNA, GUEST, BERT = "anna-4711", "guest-0f3a", "bert-0815"


@pytest.fixture
def settings(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    monkeypatch.setattr(eraser, "SETTLE_S", 0.0)
    values = {"KAFKA_URL": f"kafka://{broker}", "TOPIC_PREFIX": topic_prefix, "DATA_DIR": "d", "SUBJECT_KEY": KEY}
    for name, value in values.items():
        monkeypatch.setenv(f"WATCHLINE_{name}", value)
    made = settings_.load()
    admin.create(made)
    with store.own(made):
        migrate(connect(made, database=""), made.clickhouse_database)
        yield made


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command: its exit code, and what it says."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main([*arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    assert run("governance", "init")[0] == 0
    run("governance", "key", "dpo.pem")
    register = ("governance", "record", "key_registered", "dpo.pem", "--detail", "holder=p1", "roles=privacy")
    assert run(*register, "--key", "d/governance/keys/root.pem")[0] == 0
    return run


@pytest.fixture
def stored(settings: Settings) -> list[str]:
    """Three events of Anna, of whom one came before she logged in, and one of Bert in her conversation."""
    events = [
        of(
            event(number),
            subject=pseudonym(who, KEY),
            conversation_id="c1",
            input_messages=(Message(role="user", content=f"{who} asks {number}"),),
        )
        for number, who in enumerate([GUEST, ANNA, BERT, ANNA])
    ]
    with closing(Sink(lambda: connect(settings), 5)) as sink:
        part = scored_part(events)
        assert store_rows(part, sink.write) == {}
        write_all(ledger.table(messages(events), part), sink.write)
    return [each.scored.interaction.event_id for each in events]


def test_from_request_to_certificate(
    settings: Settings, run: Callable[..., tuple[int, str]], stored: list[str]
) -> None:
    shown = json.loads(run("subject", "show", "--subject", ANNA, "--format", "json")[1])
    assert {row["place"]: row["rows"] for row in shown}["table interactions"] == 2
    code, said = run("erase", "--subject", ANNA, "--subject", GUEST, "--dry-run", "--format", "json")
    assert code == 0 and {row["place"]: row["rows"] for row in json.loads(said)}["table interactions"] == 3
    erase = ("erase", "--subject", ANNA, "--subject", GUEST, "--key", "dpo.pem", "--format", "json")
    code, said = run(*erase)
    assert code == 0, said
    certificate, _ = json.JSONDecoder().raw_decode(said[said.index("{\n") :])
    assert certificate["whole"] == "complete"
    words = {name: each["word"] for name, each in certificate["places"].items()}
    assert words["table interactions"] == words["table findings"] == "deleted" and words["files"] == "nothing there"
    assert {words[f"topic {name}"] for name, each in places.TOPICS.items() if each.ends == "expires"} == {"expires"}
    assert ANNA not in said and pseudonym(ANNA, KEY) not in said
    erasure = certificate["erasure"]
    with closing(connect(settings)) as client:
        left = client.query("SELECT toString(event_id) FROM interactions").result_rows
        assert left == [(stored[2],)]
        assert client.query(
            "SELECT count() FROM v_erased WHERE certificate = {e:String}", {"e": erasure}
        ).result_rows == [(3,)]
    known = tombstones.Known(settings)
    known.refresh()
    assert known.erasure_of("shop", {"subject": pseudonym(GUEST, KEY)}) == erasure
    assert known.erasure_of("shop", {"event": stored[0]}) == erasure
    everything = b"".join(path.read_bytes() for path in Path("d/governance").rglob("*") if path.is_file())
    assert erasure.encode() in everything and ANNA.encode() not in everything
    code, said = run("erase", "status", erasure, "--format", "json")
    assert code == 0 and json.loads(said)["whole"] == "complete"
    assert run("subject", "show", "--subject", ANNA)[0] == 3


def test_the_text_is_found_before_and_not_after_and_nothing_brings_it_back(
    broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    Path("d").mkdir()
    worker = Worker(broker, topic_prefix, Path("d"), LIGHT)

    def command(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", main.__module__, *arguments],
            env={**os.environ, **worker.environment}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def emit() -> None:
        with Producer(broker, app="shop", topic_prefix=topic_prefix, strict=True) as producer:
            for who in (ANNA, BERT):
                asked = NEEDLE if who == ANNA else "what colour is the sky"
                event_id = producer.emit(input=asked, output="It is blue.", model="m", subject=who)
                producer.feedback(event_id, rating=1, comment=NEEDLE if who == ANNA else "", subject=who)

    def statement(sql: str) -> Any:
        with closing(connect(worker.settings)) as client:
            return client.query(sql).result_rows if sql.startswith("SELECT") else client.command(sql)

    try:
        worker.start()
        for table in ("interactions", "feedback"):  # ClickHouse takes up to five minutes to remove what was replaced
            statement(f"ALTER TABLE {table} MODIFY SETTING {CLEANED_AT_ONCE}")
        emit()
        worker.wait(lambda: worker.count("v_feedback") == 2 and worker.count("v_interactions") == 2)
        emit()
        worker.wait(lambda: worker.count("v_feedback") == 4 and worker.count("v_interactions") == 4)
        statement("OPTIMIZE TABLE interactions FINAL")  # which leaves parts that were replaced, for a while
        ((path,),) = statement("SELECT path FROM system.parts WHERE table = 'interactions' AND active")
        aside = Path(path).parent / "detached" / "202001_1_1_0"
        shutil.copytree(path, aside)
        command("backup", str(tmp_path / "backup"))
        texts = decompressed(worker.data_dir / "clickhouse")
        assert any(of_anna(text) for file, text in texts.items() if file.is_relative_to(aside))
        assert sum(map(of_anna, texts.values())) >= 4, [*texts]  # and of feedback, and of parts that were replaced

        command("governance", "init")
        command("governance", "key", "dpo.pem")
        register = ("governance", "record", "key_registered", "dpo.pem", "--detail", "holder=p1", "roles=privacy")
        command(*register, "--key", "d/governance/keys/root.pem")
        said = command("erase", "--subject", ANNA, "--key", "dpo.pem", "--format", "json", code=1)
        certificate = json.loads(said)
        assert [name for name, each in certificate["places"].items() if each["word"] in ("partly", "failed")] == [
            "detached parts"
        ]
        assert worker.count("v_interactions") == worker.count("v_feedback") == 2  # before its files are rewritten
        resume = ("erase", "resume", certificate["erasure"], "--key", "dpo.pem", "--drop-detached")
        assert "complete" in command(*resume)
        assert left(worker.data_dir / "clickhouse") == []
        assert {path.name for path in worker.data_dir.iterdir()} - {"worker.log"} <= {*places.FILES}

        emit()  # she comes again: counted, and not stored
        worker.wait(lambda: worker.count("v_interactions") == 3 and worker.count("v_erased") == 3)
        assert worker.rows("SELECT sum(missing), sum(erased) FROM v_producer_gaps") == [(0, 3)]
        assert worker.stop() == 0

        shutil.rmtree(worker.data_dir / "clickhouse")
        said = command("restore", str(tmp_path / "backup"))
        assert f"erased again under certificate {certificate['erasure']}: 2 events" in said
        again = Worker(broker, topic_prefix, Path("d"), {**LIGHT, "WATCHLINE_GROUP_ID": topic_prefix + "again"})
        try:  # and reads all topics from the start
            again.start()
            again.wait(lambda: again.count("v_interactions") == 3 and again.health()["lag_messages"] == 0)
            again.wait(lambda: again.count("v_feedback") == 3 and again.count("v_erased") == 3)
            assert left(again.data_dir / "clickhouse") == []
        finally:
            again.end()
    finally:
        worker.end()


def left(folder: Path) -> list[str]:
    """The files that hold something of her, once ClickHouse has had the time to remove parts that were replaced."""
    deadline = time.monotonic() + 120
    while True:
        found = [str(file) for file, text in decompressed(folder).items() if of_anna(text)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(1)


def of_anna(content: bytes) -> bool:
    """Whether there is something of her."""
    return NEEDLE.encode() in content or bytes.fromhex(pseudonym(ANNA, KEY)[9:]) in content


def decompressed(folder: Path) -> dict[Path, bytes]:
    """What stands in each file, beside its bytes, of ClickHouse's compressed blocks."""
    return {file: b"".join(blocks(file)) for file in folder.absolute().rglob("*") if file.is_file()}


def blocks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, and what its blocks hold unpacked; nothing of one that is gone.

    A block is a checksum of 16 bytes, a method, its size with these 9 bytes and its size unpacked, and the data.
    """
    try:
        content = file.read_bytes()
    except OSError:  # it was removed meanwhile
        return
    yield content
    place = 16
    while place + 9 <= len(content):
        method, size, unpacked = struct.unpack_from("<BII", content, place)
        data = content[place + 9 : place + size]
        if not 9 < size <= len(content) - place or unpacked > 1 << 28:
            return  # not, or no longer, such a file
        yield unpack(method, data, unpacked)
        place += size + 16


def unpack(method: int, data: bytes, size: int) -> bytes:
    """One block: LZ4, ZSTD, several methods one after the other, or as it is."""
    if method == 0x82:
        return bytes(lz4.block.decompress(data, uncompressed_size=size))
    if method == 0x90:
        return bytes(zstandard.ZstdDecompressor().decompress(data, max_output_size=size))
    if method == 0x91:  # how many, which, and a block as above without its checksum
        count = data[0]
        inner, packed, length = struct.unpack_from("<BII", data, 1 + count)
        return unpack(inner, data[1 + count + 9 : 1 + count + packed], length)
    return data


def test_it_is_refused_with_the_reason(run: Callable[..., tuple[int, str]], stored: list[str]) -> None:
    for arguments, code, reason in (
        ((), 2, "whose?"),
        (("--subject", ""), 2, "is no id"),
        (("--tenant", "%"), 2, "never all"),
        (("--tenant", "a", "--tenant", "b"), 2, "one tenant at a time"),
        (("--event", "x"), 2, "UUID"),
        (("--subject", ANNA), 2, "--key"),
        (("--subject", ANNA, "--key", "d/governance/keys/keeper.pem"), 1, "it takes one who is privacy"),
        (("status", "0000"), 1, "no erasure"),
        (("forget",), 2, "the actions are"),
    ):
        assert run("erase", *arguments)[0] == code, arguments
        assert reason in run("erase", *arguments)[1], arguments
    Path("why.txt").write_text(f"{ANNA} asked for it")
    code, said = run("erase", "--subject", ANNA, "--key", "dpo.pem", "--reason-file", "why.txt")
    assert code == 2 and "holds the id itself" in said


def test_who_is_not_there_is_not_certified_as_deleted(run: Callable[..., tuple[int, str]], stored: list[str]) -> None:
    code, said = run("erase", "--subject", "nobody-17", "--key", "dpo.pem")
    assert code == 3 and "nothing found" in said and " deleted " not in said


def test_tombstones_that_were_forged_or_deleted_are_named(
    settings: Settings, run: Callable[..., tuple[int, str]], stored: list[str]
) -> None:
    assert run("erase", "--subject", ANNA, "--key", "dpo.pem")[0] == 0
    assert run("erase", "status")[0] == 0
    file = tombstones.file_of(settings)
    tombstones.write(settings, tombstones.of_values("f0f0f0f0", "tenant", "", "00" * 16, ["acme"]))
    code, said = run("erase", "status")
    assert code == 1 and "f0f0f0f0" in said and "nobody asked for it" in said
    emptied = settings.model_copy(update={"topic_prefix": f"{settings.topic_prefix}x."})
    admin.create(emptied)
    file.write_bytes(b"")
    asked = SimpleNamespace(id="e1", is_done=True, tombstones=tombstones.of_values("e1", "event", "", "00" * 16, ["1"]))
    assert "are gone" in erasing.at_odds(emptied, {"e1": asked})["e1"]


def test_a_hold_stops_it_and_its_end_lets_it_go_on_by_itself(
    settings: Settings, run: Callable[..., tuple[int, str]], stored: list[str]
) -> None:
    hold = ("governance", "record", "hold_placed", f"event:{stored[1]}", "--detail", "hold=h1", "--key", "dpo.pem")
    assert run(*hold)[0] == 0
    code, said = run("erase", "--subject", ANNA, "--key", "dpo.pem")
    assert code == 4 and "hold h1" in said and "pending" in said
    with closing(connect(settings)) as client, closing(place.keeper(settings)) as keeper:
        count = "SELECT count() FROM interactions"
        for _ in range(20):
            keeper.step(0.2)
        assert client.query(count).result_rows == [(4,)]
        assert run("governance", "record", "hold_released", "h1", "--key", "dpo.pem")[0] == 0
        keeper._next_erasures = 0.0
        for _ in range(20):
            keeper.step(0.2)
        assert client.query(count).result_rows == [(2,)]
    assert run("erase", "status")[0] == 0


def test_others_in_the_conversation_are_masked(run: Callable[..., tuple[int, str]], stored: list[str]) -> None:
    code, said = run("subject", "export", "--subject", ANNA, "--out", "anna.json")
    assert code == 0, said
    text = Path("anna.json").read_text()
    assert f"{ANNA} asks 1" in text and BERT not in text and pseudonym(BERT, KEY) not in text
    assert Path("anna.json").stat().st_mode & 0o777 == 0o600
    assert run("subject", "export", "--subject", ANNA, "--out", "anna.json")[0] == 1
    code, said = run("subject", "show", "--subject", ANNA.upper())
    assert code == 3 and f"events are of {ANNA}" in said  # another id, and named
