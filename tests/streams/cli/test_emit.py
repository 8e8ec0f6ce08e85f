"""`watchline emit`: JSON lines to events."""

from __future__ import annotations

import gzip
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
def topics(broker: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    make_topics(broker, topic_prefix)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path / "data"))
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
    options = ["--app", "shop", "--environment", "test", "--source", "replay"]
    assert main(["emit", str(file), *options]) == 0
    assert main(["emit", str(file), *options]) == 0
    found = arrived(topics, 6)
    assert len(found) == 6 and len({(item.event_id, item.time) for item in found}) == 3
    by_input = {item.input: item for item in found}
    assert by_input["one"].time == by_input["three"].time == 1_767_312_000_000_000
    assert by_input["two"].time == 1_760_000_000_000_000 and by_input["two"].model is None
    assert by_input["three"].event_id == "0192f0c0-0000-7000-8000-000000000001"
    assert {(item.app, item.environment, item.source) for item in found} == {("shop", "test", "replay")}


def test_bad_lines_are_named_and_the_rest_is_sent(
    topics: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        tmp_path,
        {"input": "good", "model": "m"},
        b'{"input": "secret", "model"',
        b"\xff\xfe{",
        b"[1]",
        {"model": "m"},
        b"[" * 100_000,
        {"output": "also good"},
    )
    assert main(["emit", str(file)]) == 1
    output = capsys.readouterr()
    lines = output.err.splitlines()
    assert [line.partition(":")[0] for line in lines[:5]] == [f"line {number}" for number in range(2, 7)]
    assert "not JSON" in lines[0] and "nothing to send" in lines[3] and "secret" not in output.err
    assert output.out == "2 events sent\n"
    assert {item.input or item.output for item in arrived(topics, 2)} == {"good", "also good"}


def test_a_field_that_cannot_be_read_costs_itself_and_is_counted(
    topics: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(
        tmp_path,
        {"input": "one", "latncy_s": 1},
        b'{"input": "two", "latency_s": NaN}',
        {"input": "three", "time": "yesterday"},
    )
    assert main(["emit", str(file)]) == 0
    output = capsys.readouterr()
    assert output.out == "3 events sent\n" and "yesterday" not in output.err
    said = [line.rpartition(" ")[2] for line in output.err.splitlines() if "left out or kept" in line]
    assert said == ["'latncy_s'", "'latency_s'", "'time'"]
    by_input = {item.input: item for item in arrived(topics, 3)}
    assert by_input["one"].attributes == {"latncy_s": "1"} and by_input["two"].latency_s is None
    assert main(["emit", str(file), "--strict"]) == 1
    assert capsys.readouterr().out == "0 events sent\n"


EVENTS = [{"input": f"größe {number}", "output": "x" * number, "time": 1_767_312_000} for number in range(3)]
TEXT = "\n".join(json.dumps(event, ensure_ascii=False) for event in EVENTS)


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        gzip.compress(TEXT.encode()),
        json.dumps(EVENTS).encode(),
        json.dumps(EVENTS, indent=2).encode(),
        gzip.compress(json.dumps(EVENTS, indent=2).encode()),
        "\n".join(json.dumps(event, indent=2, sort_keys=True) for event in EVENTS).encode(),
    ],
    ids=[
        "lines",
        "UTF-8 with a mark",
        "UTF-16",
        "CRLF",
        "gzip",
        "array",
        "pretty array",
        "gzip of it",
        "pretty objects",
    ],
)
def test_a_file_in_any_form_gives_the_same_events(
    topics: tuple[str, str], tmp_path: Path, data: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    lines, other = tmp_path / "lines.jsonl", tmp_path / "other"
    lines.write_bytes(TEXT.encode())
    other.write_bytes(data)
    assert main(["emit", str(lines)]) == main(["emit", str(other)]) == 0, capsys.readouterr().err
    found = arrived(topics, 6)
    assert len(found) == 6 and len({item.event_id for item in found}) == 3
    assert {item.input for item in found} == {event["input"] for event in EVENTS}


def test_a_file_that_has_grown_adds_what_is_new(topics: tuple[str, str], tmp_path: Path) -> None:
    file = write(tmp_path, *EVENTS, EVENTS[0])
    assert main(["emit", str(file)]) == 0
    file.write_bytes(b"\n".join([json.dumps({"input": "new"}).encode(), file.read_bytes()]))
    assert main(["emit", str(file)]) == 0
    ids = [item.event_id for item in arrived(topics, 9)]
    assert len(ids) == 9 and len(set(ids)) == 5  # the line that stands there twice is two events


@pytest.mark.parametrize("form", ["lines", "array", "pretty"])
def test_a_file_that_is_sent_again_on_another_day_adds_nothing(
    topics: tuple[str, str], tmp_path: Path, form: str
) -> None:
    """Touched, copied and grown: its events have the time of the first sending, which is part of what they are."""

    def emit(name: str, day: int, *more: dict[str, Any]) -> None:
        events, file = [{"input": "one"}, {"input": "two"}, *more], tmp_path / name
        lines = "\n".join(map(json.dumps, events))
        file.write_text(lines if form == "lines" else json.dumps(events, indent=2 if form == "pretty" else None))
        os.utime(file, (day * 86_400, day * 86_400))
        assert main(["emit", str(file)]) == 0

    emit("first", 20_000)
    emit("first", 20_001)
    emit("copy", 20_002)
    emit("grown", 20_003, {"input": "more"})
    emit("other", 20_004, {"input": "another"})
    found = arrived(topics, 12)
    assert len(found) == 12 and len({(item.event_id, item.time) for item in found}) == 4
    assert {item.time for item in found} == {20_000 * 86_400 * 1_000_000}


def test_a_file_that_begins_otherwise_has_its_own_time(topics: tuple[str, str], tmp_path: Path) -> None:
    for day, events in ((20_000, [{"input": "one"}]), (20_001, [{"input": "two"}, {"input": "one"}])):
        os.utime(file := write(tmp_path, *events), (day * 86_400, day * 86_400))
        assert main(["emit", str(file)]) == 0
    assert sorted(item.time // 86_400_000_000 for item in arrived(topics, 3)) == [20_000, 20_001, 20_001]


def test_what_langfuse_has_kept(topics: tuple[str, str], tmp_path: Path) -> None:
    observation = {
        "id": "obs-1",
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "type": "GENERATION",
        "startTime": "2026-01-02T10:00:00.000Z",
        "completionStartTime": "2026-01-02T10:00:00.500Z",
        "endTime": "2026-01-02T10:00:02.000Z",
        "model": "gpt-4o-2024-08-06",
        "modelParameters": {"temperature": 0},
        "input": [{"role": "user", "content": "How much?"}],
        "output": {"role": "assistant", "content": "Twelve."},
        "usage": {"input": 10, "output": 2, "total": 12, "unit": "TOKENS"},
        "usageDetails": {"input": 10, "output": 2, "total": 12},
        "promptName": "answer",
        "promptVersion": 3,
        "metadata": {"plan": "a"},
        "level": "DEFAULT",
    }
    failed = {**observation, "id": "obs-2", "output": None, "level": "ERROR", "statusMessage": "Timeout"}
    trace = {
        "id": "0af7651916cd43dd8448eb211c80319c",
        "sessionId": "s-1",
        "userId": "u-1",
        "tags": ["beta"],
        "observations": [failed, {"id": "span", "type": "SPAN", "input": "x", "output": "y"}],
    }
    file = write(tmp_path, observation, trace, {"id": "span-2", "type": "SPAN", "input": "x"})
    for _ in range(2):
        assert main(["emit", "--from", "langfuse", str(file), "--app", "shop"]) == 0
    found = arrived(topics, 4)
    assert len(found) == 4 and len({item.event_id for item in found}) == 2
    good = next(item for item in found if item.output)
    assert (good.input, good.output, good.model) == ("How much?", "Twelve.", "gpt-4o-2024-08-06")
    assert (good.input_tokens, good.output_tokens, good.latency_s, good.time_to_first_chunk_s) == (10, 2, 2.0, 0.5)
    assert (good.prompt_name, good.prompt_version, good.time) == ("answer", "3", 1_767_348_002_000_000)
    assert good.trace_id == trace["id"] and good.attributes == {"plan": "a"} and not good.unreadable
    bad = next(item for item in found if not item.output)
    assert (bad.error_message, bad.conversation_id, bad.attributes["tags"]) == ("Timeout", "s-1", '["beta"]')


def test_what_openai_has_kept_of_a_batch(topics: tuple[str, str], tmp_path: Path) -> None:
    requests, results = tmp_path / "requests.jsonl", tmp_path / "results.jsonl"
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "How much?"}], "max_tokens": 9}
    requests.write_text(
        "\n".join(
            json.dumps({"custom_id": f"r-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})
            for number in range(2)
        )
    )
    answer = {
        "id": "chatcmpl-1",
        "created": 1_767_312_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Twelve."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }
    good = {"id": "batch_req_1", "custom_id": "r-1", "response": {"status_code": 200, "body": answer}, "error": None}
    bad = {
        "id": "batch_req_0",
        "custom_id": "r-0",
        "response": None,
        "error": {"code": "expired", "message": "Too late"},
    }
    results.write_text(json.dumps(good) + "\n" + json.dumps(bad))
    for _ in range(2):
        assert main(["emit", "--from", "openai-batch", str(requests), str(results)]) == 0
    found = arrived(topics, 4)
    assert len(found) == 4 and len({item.event_id for item in found}) == 2
    first = next(item for item in found if item.output)
    assert (first.input, first.output, first.response_model) == ("How much?", "Twelve.", "gpt-4o-2024-08-06")
    assert (first.request_parameters, first.input_tokens, first.time) == (
        {"max_tokens": "9"},
        10,
        1_767_312_000_000_000,
    )
    assert {item.error_message for item in found} == {None, "Too late"} and {item.input for item in found} == {
        "How much?"
    }


def test_what_a_collector_of_opentelemetry_has_kept(
    topics: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("opentelemetry.proto", reason="the extra `receive` is not installed")

    def request(*attributes: tuple[str, str], span_id: str) -> dict[str, Any]:
        span = {
            "traceId": "0af7651916cd43dd8448eb211c80319c",
            "spanId": span_id,
            "name": "chat gpt-4o",
            "kind": 3,
            "startTimeUnixNano": "1767312000000000000",
            "endTimeUnixNano": "1767312002000000000",
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes],
        }
        service = {"attributes": [{"key": "service.name", "value": {"stringValue": "bot"}}]}
        return {"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": [span]}]}]}

    call = (
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.input.messages", '[{"role": "user", "parts": [{"type": "text", "content": "How much?"}]}]'),
        ("gen_ai.output.messages", '[{"role": "assistant", "parts": [{"type": "text", "content": "Twelve."}]}]'),
    )
    file = write(
        tmp_path,
        request(*call, span_id="b7ad6b7169203331"),
        request(("http.method", "GET"), span_id="b7ad6b7169203332"),
        {"resourceSpans": "none"},
    )
    for _ in range(2):
        assert main(["emit", "--from", "otlp", str(file)]) == 1
        assert "line 3: resourceSpans" in capsys.readouterr().err
    found = arrived(topics, 2)
    assert len(found) == 2 and len({(item.event_id, item.time) for item in found}) == 1
    assert (found[0].input, found[0].output, found[0].app) == ("How much?", "Twelve.", "bot")
    assert (found[0].latency_s, found[0].request_model, found[0].unreadable) == (2.0, "gpt-4o", {})


def test_what_is_no_json_at_all_is_refused_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "table.parquet"
    file.write_bytes(b"[PAR1\xff\x00\xfe")
    assert main(["emit", str(file), "--kafka", "localhost:1"]) == 1
    assert "UTF-8" in capsys.readouterr().err


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
