"""Hostile text: stored as it came or a dead letter, shown without steering the terminal, and never in a log."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from confluent_kafka import Producer as Client

from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.workers import Worker
from tests.raw_batches import GZIP, batch, produce, record
from watchline.schemas.records import Document, Message
from watchline.streams.cli.main import main
from watchline.streams.kafka import topics

HOSTILE = {
    "format": "%s%n%(message)s {0.__class__} {id:UUID} ${jndi:ldap://x} $(reboot) `id`",
    "sql": "'; DROP TABLE interactions; -- \\' OR 1=1 /* \" */ \\N",
    "markup": "<script>alert(1)</script> [bold red]rich[/bold red] [link=x]y[/link] &lt; ![](http://x/y)",
    "ansi": "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://x\x1b\\click\x1b]8;;\x1b\\ \x9b31m",
    "control": "".join(map(chr, range(32))) + "\x7f\x85\u2028",
    "bidi": "user\u202egnp.exe\u2066 \u200bzero\ufeff \u061c",
    "nul": "before\0after",
    "spreadsheet": '=HYPERLINK("http://x")\t+1\r\n@SUM(A1)',
}
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
BIG = 10_000_000


@pytest.fixture(scope="module")
def worker(make_shared_worker: Callable[..., Worker]) -> Worker:
    return make_shared_worker(detectors="pii")


@pytest.fixture
def run(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """A command against the worker; gives exit code and all that it printed."""
    for name, value in worker.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        printed = capfd.readouterr()
        return code, printed.out + printed.err

    return run


def test_through_the_producer(worker: Worker, run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """As lines of a file: each kind in every field, half a surrogate pair, ten megabytes.

    What it says as a text is stored; as an identifier only what has no sign of sentences and nothing invisible.
    """
    lines = [
        json.dumps({"event_id": str(uuid4()), "input": text, "output": text, "model": text, "tenant": text,
                    "prompt": text + "@1", "attributes": {text: text}, "documents": [{"id": text, "content": text}],
                    "error": text, "conversation_id": text})
        for text in HOSTILE.values()
    ]  # fmt: skip
    surrogate, big = str(uuid4()), str(uuid4())
    lines += [
        json.dumps({"event_id": surrogate, "input": "half \ud800 pair", "model": "m"}),
        json.dumps({"event_id": big, "input": "x" * BIG, "model": "m"}),
    ]
    file = tmp_path / "hostile.jsonl"
    file.write_bytes("\n".join(lines).encode() + b"\n\xff\xfe\0not UTF-8\n")
    code, printed = run("emit", str(file), "--app", HOSTILE["ansi"])
    assert code == 1 and f"line {len(lines) + 1}: " in printed and f"{len(lines)} events sent" in printed
    assert not STEERS.search(printed)
    worker.wait(lambda: worker.count("v_interactions") == len(lines))
    for line, text in zip(lines, HOSTILE.values(), strict=False):
        event_id = json.loads(line)["event_id"]
        columns = "app, input, output, model, tenant, mapKeys(attributes), documents.1"
        (row,) = worker.rows(f"SELECT {columns} FROM v_interactions WHERE event_id = '{event_id}'")
        name = text if text == HOSTILE["format"] else ""
        assert row == ("", text, text, name, name, [name or "_OTHER"], [text])
        _shown_harmlessly(run, event_id)
    assert worker.rows(f"SELECT input FROM v_interactions WHERE event_id = '{surrogate}'") == [("half ? pair",)]
    assert worker.rows(f"SELECT length(input) FROM v_interactions WHERE event_id = '{big}'") == [(256 * 1024,)]
    _nothing_in_the_log(worker)


def _shown_harmlessly(run: Callable[..., tuple[int, str]], event_id: str) -> None:
    sql = ["sql", f"SELECT * FROM v_interactions WHERE event_id = '{event_id}'"]
    show = ["show", event_id]
    for command in (sql, [*sql, "--format", "json"], show, [*show, "--json"]):
        code, printed = run(*command)
        assert code == 0 and event_id in printed
        assert not STEERS.search(printed), command


def _nothing_in_the_log(worker: Worker) -> None:
    log = worker.log.read_text(encoding="utf-8").replace("\x08\x1b[?25h", "")  # Faust shows the cursor again
    assert not STEERS.search(log)
    for text in (*HOSTILE.values(), "x" * 100):
        assert text not in log


def test_audits_show_it_harmlessly(run: Callable[..., tuple[int, str]]) -> None:
    for name in ("coverage", "prompts_served", "redactions"):
        code, printed = run("audit", "query", name)
        assert code == 0 and printed.strip()
        assert not STEERS.search(printed)


def test_raw_messages(worker: Worker, run: Callable[..., tuple[int, str]]) -> None:
    """What no producer of ours sends: every field hostile, text that isn't UTF-8, little that unpacks to a lot."""
    events = [
        interaction(app=text, tenant=text, request_model=text, prompt_name=text, subject=text, error_message=text,
                    input_messages=(Message(text, text),), documents=(Document(text, text),),
                    attributes={text: text}, finish_reasons=(text,))
        for text in HOSTILE.values()
    ]  # fmt: skip
    good = envelope(interaction(tenant="marker"))
    not_utf8 = [good.replace(b"marker", bad) for bad in (b"ma\xed\xa0\x80r", b"\xff\xfe\0\0\0\0")]
    large = envelope(interaction(input_messages=(Message("user", "y" * 3_000_000),)))
    before = worker.count("v_interactions")
    worker.produce(envelope(*events), *not_utf8)
    client = Client({**worker.settings.kafka_client, "message.max.bytes": 2 * BIG, "compression.type": "zstd"})
    for value in (large, b"z" * BIG):
        client.produce(topics.interactions(worker.settings.topic_prefix), value)
    assert client.flush(30) == 0
    worker.wait(lambda: worker.count("v_dead_letters") == 4)
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert worker.count("v_interactions") == before + len(events)
    letters = worker.rows("SELECT reason, size_bytes >= 3000000 FROM v_dead_letters ORDER BY reason")
    assert letters == [
        ("InteractionBatch cannot be decoded: UnicodeDecodeError", 0),
        ("InteractionBatch cannot be decoded: UnicodeDecodeError", 0),
        ("event: larger than 900,000 bytes", 1),
        ("longer than 4,000,000 bytes", 1),
    ]
    for event in events:
        _shown_harmlessly(run, event.event_id)
    code, printed = run("dead-letters", "list")
    assert code == 0 and not STEERS.search(printed)
    _nothing_in_the_log(worker)


@pytest.mark.parametrize("topic", [topics.interactions, topics.feedback])
def test_record_batches_that_nobody_can_read(worker: Worker, topic: Callable[[str], str]) -> None:
    """Apache Kafka takes these from anybody who may write."""
    bomb = batch(gzip.compress(record(bytes(900 << 20))), codec=GZIP)
    assert len(bomb) < topics.MAX_MESSAGE_BYTES
    name = topic(worker.settings.topic_prefix)
    before, letters = worker.count("v_interactions"), worker.count("v_dead_letters")
    memory = psutil.Process(worker.pid).memory_info().rss
    for data in (bomb, batch(record(b"value", headers=[(b"\xff", b"")])), batch(record(b""))):
        assert produce(worker.settings.bootstrap_servers, name, data) == 0
    worker.produce(envelope(interaction()))
    worker.wait(lambda: worker.count("v_interactions") == before + 1)
    worker.wait(lambda: worker.count("v_dead_letters") == letters + 3)
    where = f"topic = '{name}' AND (reason = 'empty message' OR startsWith(reason, 'the record batch'))"
    assert worker.rows(f"SELECT reason FROM v_dead_letters WHERE {where} ORDER BY offset") == [
        ("the record batch cannot be read: it unpacks to more than 64 MiB",),
        ("the record batch cannot be read: UnicodeDecodeError",),
        ("empty message",),
    ]
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    assert psutil.Process(worker.pid).memory_info().rss < memory + (256 << 20)
