"""`watchline dead-letters` beside a running worker: what died is listed, shown, sent back, and stored once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests import brokers
from tests.end_to_end.test_bad_input import PRODUCER, SECRET, envelope, interaction
from tests.end_to_end.workers import Worker
from watchline.schemas.codec import encode
from watchline.schemas.records import Feedback
from watchline.streams.cli.main import main
from watchline.streams.kafka import topics

HOSTILE = b"\x1b]0;title\x07 no Avro at all"
CLI = Callable[..., tuple[int, str]]

# The store refuses some rows until it is told to take them, as an older schema might.
_ALTER = """
import sys, clickhouse_connect
from watchline.schemas.migrate import migrate
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
migrate(client, "watchline")
for table in ("interactions", "feedback"):
    client.command(f"ALTER TABLE watchline.{table} {sys.argv[2]}")
"""
REFUSE, TAKE = "ADD CONSTRAINT c CHECK NOT startsWith(app, 'refused')", "DROP CONSTRAINT c"


def alter(worker: Worker, change: str) -> None:
    """Changes the store while no worker has it open."""
    subprocess.run([sys.executable, "-c", _ALTER, str(worker.data_dir / "clickhouse"), change], check=True)


@pytest.fixture(scope="module")
def worker(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    settings = {"DETECTORS": "", "REDACTION": "false", "TOPIC_PARTITIONS": "2"}
    names = {f"WATCHLINE_{name}": value for name, value in settings.items()}
    worker = Worker(broker, f"t{uuid4().hex[:12]}.", tmp_path_factory.mktemp("w"), names)
    alter(worker, REFUSE)
    yield worker.start()
    worker.end()


@pytest.fixture
def cli(worker: Worker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CLI:
    """Runs the command with the worker's settings; gives exit code and output."""

    def run(*arguments: str) -> tuple[int, str]:
        with monkeypatch.context() as environment:
            for name, value in worker.environment.items():
                environment.setenv(name, value)
            code = main(["dead-letters", *arguments])
        return code, capsys.readouterr().out

    return run


def listed(cli: CLI, *arguments: str) -> list[dict[str, Any]]:
    code, printed = cli("list", "--format", "json", *arguments)
    assert code == 0
    return list(json.loads(printed))


def feedback(app: str) -> bytes:
    return encode(Feedback(feedback_id=str(uuid4()), event_id=str(uuid4()), time=1_700_000_000_000_000, app=app))


def raw_messages(worker: Worker) -> int:
    return len(worker.consume(topics.interactions)) + len(worker.consume(topics.feedback))


def replayed(worker: Worker) -> str:
    """When a letter was last read by the worker after it had been sent back."""
    return str(worker.rows("SELECT max(replayed_at) FROM v_dead_letters")[0][0])


def test_sent_back_once_the_cause_is_gone(worker: Worker, cli: CLI) -> None:
    refused = interaction(app="refused")
    invalid = interaction(event_id="42")
    good = interaction()
    cut = envelope(interaction())[:-5]
    worker.produce(envelope(good, invalid, refused), HOSTILE, cut)
    worker.produce(HOSTILE, compression="zstd")
    worker.produce(b"junk", feedback("refused"), topic=topics.feedback)
    worker.wait(lambda: worker.count("v_dead_letters") == 7)

    # list: each, by reason, by topic, by time
    letters = listed(cli)
    assert sorted(letter["reason"].partition(":")[0] for letter in letters) == [
        "InteractionBatch cannot be decoded", "event_id", *["not framed as an Avro message"] * 3, *["row refused"] * 2
    ]  # fmt: skip
    kinds = {"undecodable": 4, "invalid": 1, "refused": 2}
    assert Counter(letter["kind"] for letter in letters) == kinds
    for kind, count in kinds.items():
        assert {letter["kind"] for letter in listed(cli, "--kind", kind)} == {kind}
        assert sum(row["letters"] for row in listed(cli, "--counts", "--kind", kind)) == count
    assert {letter["event_id"] for letter in letters if letter["event_id"]} == {refused.event_id}
    assert {row["reason"]: row["letters"] for row in listed(cli, "--counts", "--topic", "interactions")}[
        "not framed as an Avro message"
    ] == 2
    assert len(listed(cli, "--topic", "feedback")) == 2 and len(listed(cli, "--since", "1h")) == 7
    assert listed(cli, "--since", "2999-01-01") == [] and len(listed(cli, "--limit", "3")) == 3

    # show: no text unless asked for, and then harmless
    (name,) = (letter["letter"] for letter in letters if letter["event_id"] == refused.event_id)
    code, printed = cli("show", name)
    assert code == 0 and SECRET not in printed and "row refused: ClickHouse code 469" in printed
    assert SECRET in cli("show", name, "--raw")[1]
    (digest,) = re.findall(r"^sha256 +(\w+)", printed, re.M)
    assert cli("show", digest[:12]) == (0, printed)
    (hostile, _) = (letter["letter"] for letter in letters if letter["size_bytes"] == len(HOSTILE))
    shown = cli("show", hostile, "--raw")[1]
    assert "no Avro at all" in shown and "\\x1b]0;title\\x07" in shown and "\x1b" not in shown
    assert cli("show", "nothing.here/0/1")[0] == 1

    # replay: first what would be, then with the cause gone
    before = raw_messages(worker)
    code, printed = cli("replay", "--kind", "refused", "--dry-run")
    prefix = worker.settings.topic_prefix
    assert (code, printed) == (
        0, f"1 would be sent back to {prefix}feedback\n1 would be sent back to {prefix}interactions\n"
    )  # fmt: skip
    assert raw_messages(worker) == before
    assert worker.stop() == 0
    alter(worker, TAKE)
    worker.start()
    code, printed = cli("replay", "--reason", "row refused")
    assert code == 0 and f"1 sent back to {prefix}interactions" in printed and f"1 sent back to {prefix}feed" in printed
    worker.wait(lambda: len(listed(cli, "--reason", "row refused")) == 0)
    assert all(row["resolved"] and row["replayed_at"] for row in listed(cli, "--all", "--reason", "row refused"))
    assert worker.rows("SELECT app FROM v_feedback") == [("refused",)]

    # twice: the event is stored once, no letter is new; its producer's number is the one it had
    assert cli("replay", "--reason", "row refused")[1].startswith("no unresolved dead letter")
    last = replayed(worker)
    assert cli("replay", "--again", name)[0] == 0
    worker.wait(lambda: replayed(worker) > last)
    stored = (
        f"SELECT toString(producer_id), producer_sequence FROM v_interactions WHERE event_id = '{refused.event_id}'"
    )
    assert worker.rows(stored) == [(PRODUCER, 2)]
    assert worker.count("v_dead_letters") == 7 and worker.count("v_feedback") == 1


def test_what_dies_again_is_the_same_letter(worker: Worker, cli: CLI) -> None:
    unresolved = len(listed(cli))
    assert unresolved == 5
    for _ in range(3):
        before = datetime.now(UTC).isoformat()
        assert cli("replay")[0] == 0
        worker.wait(lambda: sum((letter["replayed_at"] or "") > before for letter in listed(cli)) == unresolved)  # noqa: B023
    letters = listed(cli)
    assert len(letters) == unresolved == len(listed(cli, "--all")) - 2
    assert all(letter["replayed_at"] and not letter["resolved"] for letter in letters)


@pytest.mark.skipif(brokers.kind().startswith("Tansu"), reason="Tansu does not delete records")
def test_bytes_that_retention_took_are_named(worker: Worker, cli: CLI) -> None:
    topic = topics.dead_letters(worker.settings.topic_prefix)
    admin = AdminClient({"bootstrap.servers": worker.settings.bootstrap_servers})
    ends = [TopicPartition(topic, partition, -1) for partition in range(worker.settings.topic_partitions)]
    for deleted in admin.delete_records(ends).values():
        deleted.result()
    code, printed = cli("replay")
    assert (code, printed) == (
        1, "5 not sent: the bytes are gone: the dead-letter topic keeps them for 7 days only\n"
    )  # fmt: skip
    (first, *_) = listed(cli)
    assert "the bytes are gone" in cli("show", first["letter"], "--raw")[1]
