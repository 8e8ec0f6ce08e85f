"""`watchline emit`: JSON lines to events."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.streams.producer.published import envelopes, make_topics
from watchline.schemas.records import Interaction
from watchline.streams.cli.commands import emit
from watchline.streams.cli.main import main


@pytest.fixture
def topics(broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    make_topics(broker, topic_prefix)
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    return broker, topic_prefix


def write(folder: Path, *lines: Any) -> Path:
    file = folder / "lines.jsonl"
    file.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    return file


def arrived(topics: tuple[str, str], count: int) -> list[Interaction]:
    return [item for envelope in envelopes(*topics, count) for item in envelope.interactions]


def test_lines_become_events_and_a_second_run_the_same_ones(topics: tuple[str, str], tmp_path: Path) -> None:
    file = write(
        tmp_path,
        {"input": "one", "model": "m", "documents": [{"id": "d", "content": "text"}], "time": "2026-01-02T00:00:00Z"},
        b"",
        {"input": "two", "output": "answer", "latency_s": 1.5, "usage": {"input_tokens": 3}},
        {"input": "three", "model": None, "event_id": "0192f0c0-0000-7000-8000-000000000001", "time": 1_767_312_000},
    )
    os.utime(file, (1_760_000_000, 1_760_000_000))
    assert main(["emit", str(file), "--app", "shop", "--environment", "test"]) == 0
    assert main(["emit", str(file), "--app", "shop", "--environment", "test"]) == 0
    found = arrived(topics, 6)
    assert len(found) == 6 and len({(item.event_id, item.time) for item in found}) == 3
    by_input = {item.input: item for item in found}
    assert by_input["one"].time == by_input["three"].time == 1_767_312_000_000_000
    assert by_input["two"].time == 1_760_000_000_000_000 and by_input["two"].model is None
    assert by_input["three"].event_id == "0192f0c0-0000-7000-8000-000000000001"
    assert {(item.app, item.environment) for item in found} == {("shop", "test")}


def test_bad_lines_are_named_and_the_rest_is_sent(
    topics: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        tmp_path,
        {"input": "good", "model": "m"},
        {"input": "secret", "model": "m", "latncy_s": 1},
        b'{"input": "secret", "model"',
        b'{"input": "secret", "model": "m", "latency_s": NaN}',
        b"\xff\xfe{",
        b"[1]",
        {"model": "m"},
        {"input": "secret", "time": "yesterday"},
        {"input": "secret", "time": "9999-01-01T00:00:00Z"},
        b"[" * 100_000,
        {"input": "also good"},
    )
    assert main(["emit", str(file)]) == 1
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [f"line {number}" for number in range(2, 11)]
    assert "unknown field 'latncy_s'" in lines[0] and "not JSON" in lines[1] and "latency_s" in lines[2]
    assert "secret" not in output.err and "yesterday" not in output.err
    assert output.out == "2 events sent\n"
    assert {item.input for item in arrived(topics, 2)} == {"good", "also good"}


def test_standard_input(
    topics: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b"".join(b'{"input": "%d", "model": "m"}\n' % number for number in range(300))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    monkeypatch.setattr(emit, "FLUSH_EVENTS", 100)
    assert main(["emit", "-"]) == 0
    output = capsys.readouterr()
    assert (output.out, output.err) == ("300 events sent\n", "")
    assert len({item.event_id for item in arrived(topics, 300)}) == 300


@pytest.mark.slow
def test_without_kafka_it_fails_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emit, "PATIENCE_S", 0.2)
    monkeypatch.setattr(emit, "FLUSH_EVENTS", 2)
    file = write(tmp_path, *({"input": "x", "model": "m"} for _ in range(5)))
    assert main(["emit", str(file), "--kafka", "localhost:1"]) == 1
    output = capsys.readouterr()
    assert "Kafka took nothing for 0 s: stopped after line 2\n2 events not sent: closed\n" in output.err
    assert output.out == "0 events sent\n"


def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit"]) == 2
    assert main(["emit", str(tmp_path / "missing.jsonl")]) == 2
    assert "missing.jsonl" in capsys.readouterr().err
    monkeypatch.setenv("WATCHLINE_DISABLED", "1")
    assert main(["emit", str(write(tmp_path, {"input": "x"}))]) == 1
    assert "WATCHLINE_DISABLED" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit", "--help"]) == 0
    assert "watchline emit interactions.jsonl" in capsys.readouterr().out
