"""A new field of an event takes three edits by hand, and goes from `emit` to a view: in a copy of the tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streams.producer.published import make_topics
from watchline.schemas.codec import schema_fingerprint

ROOT = Path(__file__).parents[2]
BEFORE = f"InteractionBatch-{schema_fingerprint('InteractionBatch').hex()}"  # the schema that the copy begins with

# file, the line before which the new ones go, and these: all that is written by hand.
SCHEMA = (
    "schemas/avro/watchline.v1.Interaction.avsc",
    '    {\n      "name": "truncated",',
    '    {\n      "name": "user_mood",\n      "type": ["null", "string"],\n'
    '      "doc": "What the user seems to feel.",\n      "default": null\n    },\n',
)
COLUMN = (
    "schemas/columns.py",
    '    Column(\n        "input_messages",',
    '    Column("user_mood", "String", "of the user", "ZSTD(3)", Text("prose")),\n',
)
ARGUMENT = (
    "streams/producer/producer.py",
    "        system_fingerprint: str | None = None,\n",
    "        user_mood: str | None = None,\n",
)

FOLLOW = """
import json, sys, time
import clickhouse_connect
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
import watchline.schemas.codec as codec
from watchline import Producer
from watchline.schemas.migrate import migrate
from watchline.schemas.records import InteractionBatch
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.messages import Message
from watchline.streams.settings import load
from watchline.streams.worker.scoring.process import Job, Jobs
from watchline.streams.worker.stages import store

broker, prefix, folder, before = sys.argv[1:]
with Producer(broker, app="moods", topic_prefix=prefix, strict=True) as producer:
    producer.emit(input="Hello?", output="Hello.", model="m", user_mood="cross, says jane@example.com")
    producer.emit(input="Hello?", output="Hello.", model="m")
    assert producer.flush(30)
consumer = Consumer({"bootstrap.servers": broker, "group.id": prefix, "log_level": 0})
consumer.assign([TopicPartition(f"{prefix}interactions", number, OFFSET_BEGINNING) for number in range(2)])
messages, events = [], 0
until = time.monotonic() + 30
while events < 2 and time.monotonic() < until:
    found = consumer.poll(0.5)
    if found is not None and found.error() is None:
        place = (found.topic(), "id", found.partition(), found.offset())
        messages.append(Message(*place, found.timestamp()[1] * 1000, found.value()))
        events += len(codec.decode(found.value(), InteractionBatch).interactions)
consumer.close()
scored = Jobs(load(detectors=""), waiting=lambda: None).do(Job(messages))
assert not scored.dead_letters
client = clickhouse_connect.get_client(interface="chdb", path=folder)
migrate(client, "copy")
assert store.store(scored, Sink(lambda: client, 5).write) == {}
view = client.query("SELECT user_mood, redactions FROM v_interactions ORDER BY user_mood")
columns = {row["name"]: row["comment"] for row in client.query("DESCRIBE TABLE interactions").named_results()}
old = codec.decode((codec.AVRO / "samples" / f"{before}.bin").read_bytes(), InteractionBatch)
print(json.dumps([codec.__file__, view.result_rows, columns["user_mood"], old.interactions[0].user_mood]))
client.close()
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree, with schemas and streams of its own."""
    root = tmp_path / "copy"
    for room in ("schemas", "streams"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("detectors", "dashboards"):
        (root / room).symlink_to(ROOT / room)
    shutil.copytree(ROOT / ".dev", root / ".dev", symlinks=True)
    return root


def edit(root: Path, name: str, before: str, lines: str) -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, lines + before), encoding="utf-8")


def run(root: Path, *arguments: str) -> tuple[int, str]:
    """A Python in the copy: its exit status and what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / ".dev"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode in (0, 1) and "Traceback" not in done.stderr, done.stderr[-3000:]
    return done.returncode, done.stdout


@pytest.mark.slow
def test_a_new_field_goes_from_emit_to_a_view(copy: Path, broker: str, topic_prefix: str, tmp_path: Path) -> None:
    generate = ("-m", "watchline.schemas.generate", "--migration", "user_mood")
    edit(copy, *SCHEMA)
    status, said = run(copy, *generate)
    assert (status, said.partition(",")[0]) == (1, "Interaction.user_mood: a field and no column")
    edit(copy, *COLUMN)
    edit(copy, *ARGUMENT)

    status, said = run(copy, *generate)
    assert status == 0
    written = {line.split()[1].rstrip(":") for line in said.splitlines()}
    (migration,) = (name for name in written if name.endswith(".sql"))
    (history,) = (name for name in written if "history" in name)
    assert written == {"schemas/records.py", "schemas/values.py", "schemas/REFERENCE.md", migration, history}
    assert (copy / migration).read_text() == (
        "ALTER TABLE interactions ADD COLUMN IF NOT EXISTS user_mood String COMMENT 'of the user' CODEC(ZSTD(3));\n"
    )
    assert "user_mood" in (copy / history).read_text()
    assert (copy / f"schemas/avro/history/{BEFORE}.avsc").exists()
    assert run(copy, *generate) == (0, "no column is lacking\n")

    make_topics(broker, topic_prefix)
    _, said = run(copy, "-c", FOLLOW, broker, topic_prefix, str(tmp_path / "clickhouse"), BEFORE)
    tree, rows, comment, of_before = json.loads(said.splitlines()[-1])
    assert tree.startswith(str(copy))
    assert rows == [["", {}], ["cross, says [EMAIL_ADDRESS_1]", {"EMAIL_ADDRESS": 1}]]
    assert (comment, of_before) == ("of the user", None)
