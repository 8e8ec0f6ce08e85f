"""What people read is written down before they have it, and recorded once, whatever ends in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.streams.governance.logs import Written
from watchline.dashboards.engine.book import Book
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.schemas.errors import TransientError
from watchline.schemas.records import GovernanceEvent
from watchline.streams import cli
from watchline.streams.governance import place
from watchline.streams.governance.keys import Key
from watchline.streams.governance.reads.reads import Reads
from watchline.streams.governance.reads.sender import Sender
from watchline.streams.governance.reads.spool import HOUR, Spool, closed, lines
from watchline.streams.query.noting import WHOEVER, Read, Reader, noting
from watchline.streams.query.policy import QueryError
from watchline.streams.query.shape import shape
from watchline.streams.settings import Settings, load

READS = [["SELECT app FROM v_interactions", ["v_interactions"], 1, 3, "ok", ""]]
DETAILS = {
    "who": "p1", "proven": "named", "door": "page", "from": "2027-01-31T12:00:00Z", "to": "2027-01-31T12:00:40Z",
    "reads": json.dumps(READS)
}  # fmt: skip


class Memory:
    """A log in memory, in place of Kafka's: it may go away after so many acts, with the last one taken or not."""

    def __init__(self, written: Written) -> None:
        self.written = written
        self.left = 1_000
        self.loses_answer = False

    def append(self, event: GovernanceEvent, texts: Mapping[str, str]) -> int:
        if not self.left and not self.loses_answer:
            raise TransientError("Kafka is away")
        entry = self.written.send(event)
        if not self.left:
            raise TransientError("Kafka is away")
        self.left -= 1
        return entry.position

    def has(self, ids: Iterable[str]) -> set[str]:
        return {each for each in ids if self.written.fold.knows(each)}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a folder in which governance is on."""
    made = load(data_dir=str(tmp_path))
    place.folder(made).mkdir()
    place.roots_file(made).touch()
    return made


def keeping(settings: Settings, roles: str = "auditor") -> tuple[Memory, Sender]:
    key, written = Key.new(), Written()
    written.register(key, "keeper", roles, "service")
    memory: Any = Memory(written)
    return memory, Sender(place.reads_folder(settings), memory, written.roots.log, key)


def read(reads: Reads, sql: str = "SELECT app FROM v_interactions", rows: int = 2, who: Reader = WHOEVER) -> None:
    reads.note_of(who, "page")(Read(shape(sql), rows, "ok"))


def test_reads_of_one_are_counted_by_shape(settings: Settings) -> None:
    reads = Reads(settings)
    for text in ("a", "b"):
        read(reads, f"SELECT app FROM v_interactions WHERE app = '{text}'")
    read(reads, who=Reader("p1", "named"))
    reads.note_of(Reader("p1", "named"), "page", "overview")(Read(shape("SELECT 1 FROM v_usage_hourly"), 9, "ok"))
    memory, sender = keeping(settings)
    assert not sender.waits() and sender.send("keeper", memory.has) == 0  # a process still writes to them
    reads.spool.turn(all_=True)
    assert sender.send("keeper", memory.has) == 3
    found = [entry.event for entry in memory.written.entries[1:]]
    assert all(entry.accepted for entry in memory.written.entries)
    said = sorted((event.details["who"], json.loads(event.details["reads"])) for event in found if event)
    assert said == [
        ("p1", [["SELECT app FROM v_interactions", ["v_interactions"], 1, 2, "ok", ""]]),
        ("p1", [["board overview", ["v_usage_hourly"], 1, 9, "ok", ""]]),
        (WHOEVER.who, [["SELECT app FROM v_interactions WHERE app = ?", ["v_interactions"], 2, 4, "ok", ""]]),
    ]
    assert not sender.waits()


def test_boards_wait_for_the_hour(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add({"a": 1}, HOUR)
    spool.add({"a": 2}, 0)
    spool.turn()
    assert [lines(file) for file in closed(tmp_path)] == [[{"a": 2}]]
    spool.turn(all_=True)
    assert len(closed(tmp_path)) == 2


@pytest.mark.parametrize("loses_answer", [False, True])
def test_each_is_recorded_once_though_kafka_goes_away(settings: Settings, loses_answer: bool) -> None:
    reads = Reads(settings)
    for number in range(4):
        read(reads, who=Reader(f"p{number}", "named"))
    reads.spool.turn(all_=True)
    memory, sender = keeping(settings)
    memory.left, memory.loses_answer = 2, loses_answer
    with pytest.raises(TransientError):
        sender.send("keeper", memory.has)
    memory.left = 100
    sender.close()
    again: Any = memory
    assert Sender(place.reads_folder(settings), again, "0" * 64, Key.new()).send("keeper", memory.has) <= 2
    who = [entry.event.details["who"] for entry in memory.written.entries[1:] if entry.event and entry.accepted]
    assert sorted(who) == ["p0", "p1", "p2", "p3"] and all(entry.accepted for entry in memory.written.entries)
    assert not sender.waits()


def test_each_is_recorded_once_though_the_sender_ends_between_its_files(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads(settings)
    read(reads)
    reads.spool.turn(all_=True)
    memory, sender = keeping(settings)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sender.send("keeper", memory.has)  # the acts are written, and what they are made of is still there
    assert len([*place.reads_folder(settings).glob("*.jsonl")]) == 1
    assert sender.send("keeper", memory.has) == 1 and len(memory.written.entries) == 2
    assert sender.send("keeper", memory.has) == 0 and len(memory.written.entries) == 2


def test_what_a_killed_process_wrote_is_there(settings: Settings) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from watchline.streams.governance.reads.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1])); spool.add({'n': 1}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    folder = place.reads_folder(settings)
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False, timeout=60)
    assert [lines(file) for file in closed(folder)] == [[{"n": 1}]]
    (file,) = closed(folder)
    assert file.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    with file.open("ab") as half:
        half.write(b'{"n": 2')
    assert lines(file) == [{"n": 1}]


def test_what_cant_be_understood_is_kept_and_holds_nothing_up(settings: Settings) -> None:
    reads = Reads(settings)
    reads.spool.add({"action": "read"})
    reads.spool.turn(all_=True)
    read(reads)
    reads.spool.turn(all_=True)
    memory, sender = keeping(settings)
    assert sender.send("keeper", memory.has) == 1
    assert len([*place.reads_folder(settings).glob("*.unreadable")]) == 1


def test_one_sends_at_a_time(settings: Settings) -> None:
    reads = Reads(settings)
    read(reads)
    reads.spool.turn(all_=True)
    (memory, first), (_, second) = keeping(settings), keeping(settings)
    assert first.is_ours() and not second.is_ours() and second.send("keeper", memory.has) == 0
    first.close()
    assert second.is_ours()


def test_nobody_reads_what_cant_be_written_down(settings: Settings) -> None:
    reads = Reads(settings)
    place.reads_folder(settings).write_text("no folder")
    with pytest.raises(QueryError, match="can't be recorded"), noting(reads.note_of(WHOEVER, "page"), "SELECT 1"):
        pass
    with pytest.raises(ZeroDivisionError), noting(reads.note_of(WHOEVER, "page"), "SELECT 1"):
        raise ZeroDivisionError  # what went wrong is said, not that nothing was read
    with pytest.raises(QueryError, match="can't be recorded"):
        reads.this_user()
    place.roots_file(settings).unlink()
    with noting(reads.note_of(WHOEVER, "page"), "SELECT 1"):
        pass  # without governance nothing is written


def test_commands_read_by_the_door_that_records_but_for_these() -> None:
    """What reads the trail or counts alone; what is an act of its own; the demo's own store, and the page's."""
    of = [file for file in Path(cli.__file__).parent.rglob("*.py") if "streams.query.open import" in file.read_text()]
    assert {file.stem for file in of} == {"audit", "governance", "prove", "export", "erase", "demo", "page"}


def test_a_user_is_an_id_that_is_never_given_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.delenv("SUDO_USER", raising=False)
    first = Reads(settings).this_user()
    name = pwd.getpwuid(os.getuid()).pw_name
    assert (first.proven, first.name) == ("uid", name) and first.who.startswith(f"uid {os.getuid()}, ")
    assert name not in first.who.partition(",")[2]
    assert Reads(settings).this_user() == first
    monkeypatch.setenv("SUDO_USER", "anna")
    by_sudo = Reads(settings).this_user()
    assert by_sudo.proven == "claimed" and by_sudo.name.endswith("sudo says anna") and by_sudo.who != first.who
    monkeypatch.delenv("SUDO_USER")
    another = pwd.struct_passwd(("another", "x", os.getuid(), 0, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: another)
    assert Reads(settings).this_user().who != first.who


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"proven": "sworn"}, "proven is one of"),
        ({"door": "window"}, "door is one of"),
        ({"from": "yesterday"}, "are times"),
        ({"from": "2027-01-31T12:00:41Z"}, "the earlier first"),
        ({"reads": "{"}, "reads is no list"),
        ({"reads": "[]"}, "reads is no list"),
        ({"reads": json.dumps([["x", [], 0, 1, "ok", ""]])}, "reads is no list"),
        ({"reads": json.dumps([["x", [], 1, 1, "well", ""]])}, "reads is no list"),
    ],
)
def test_reads_that_say_nothing_are_rejected(changed: dict[str, str], reason: str) -> None:
    key, log = Key.new(), Written()
    log.register(key, "keeper", "reader", "service")
    assert log.send(log.act("read", "reads", "keeper", key, details=DETAILS)).accepted
    entry = log.send(log.act("read", "reads", "keeper", key, details={**DETAILS, **changed}))
    assert not entry.accepted and reason in entry.reason


def test_a_person_says_of_nobody_what_they_read() -> None:
    key, log = Key.new(), Written()
    log.register(key, "p2", "auditor")
    assert "a service records it" in log.send(log.act("read", "reads", "p2", key, details=DETAILS)).reason
    act = log.act("silenced", "s1", "p2", key, details={"until": "never"})
    assert "a service records it" in log.send(act).reason


def test_silences_and_acknowledgements_are_acts(settings: Settings) -> None:
    reads, book = Reads(settings), Book(MemoryJournal())
    book.recorded = reads.act
    id = book.silence(["app=shop"], datetime.now(UTC) + timedelta(hours=1), "Anna Example", "a fix is on its way")
    book.end_silence(id, "Anna Example")
    assert not any(each["holds"] for each in book.silences())
    reads.spool.turn(all_=True)
    memory, sender = keeping(settings)
    assert sender.send("keeper", memory.has) == 2
    made, ended = memory.written.entries[1:]
    assert made.accepted and made.event and (made.event.action, made.event.target) == ("silenced", id)
    assert ended.accepted and ended.event and (ended.event.action, ended.event.target) == ("silence_ended", id)
    assert "Anna" not in str(made.event) and {"sha256:who", "sha256:matchers", "sha256:reason"} <= {*made.event.details}


def test_a_silence_holds_though_it_cant_be_recorded(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    reads, book = Reads(settings), Book(MemoryJournal())
    book.recorded = reads.act
    place.reads_folder(settings).write_text("no folder")
    book.silence(["app=shop"], datetime.now(UTC) + timedelta(hours=1), "anna", "why")
    assert [each["holds"] for each in book.silences()] == [True] and "can't be recorded" in caplog.text


def test_writing_down_costs_little(settings: Settings) -> None:
    reads = Reads(settings)
    read(reads)
    began = time.perf_counter()
    for _ in range(1000):
        read(reads)
    assert time.perf_counter() - began < 2
