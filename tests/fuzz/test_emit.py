"""`watchline emit` on any lines: each is sent or named by its number, and nothing is raised."""

from __future__ import annotations

import inspect
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.payloads import HOSTILE
from tests.streams.producer.published import envelopes, make_topics
from watchline.streams import Producer
from watchline.streams.cli.commands import emit
from watchline.streams.cli.main import main

LINES = 2_000
SECRET = "nobody may read this"  # in every line, so that no message may quote one
_FIELDS = sorted(inspect.signature(Producer.emit).parameters.keys() - {"self", "others"})


def any_json(r: random.Random, depth: int = 0) -> Any:
    """Any JSON value, and numbers that are none."""
    kind = r.randrange(12 if depth < 3 else 8)
    match kind:
        case 0 | 1:
            return r.choice(HOSTILE) or SECRET
        case 2:
            return r.choice((0, 1, -1, 2**31, 2**63 - 1, 2**63, 10**30, 1_767_225_600))
        case 3:
            return r.choice((0.5, -0.5, 1e308, -1e308, float("nan"), float("inf"), 1e-320))
        case 4:
            return r.choice((None, True, False))
        case 5:
            return r.choice(("2026-01-01T00:00:00Z", "2026-01-01", "9999-12-31T23:59:59+14:00", "name@3", "\ud800"))
        case 6 | 7:
            return SECRET
        case 8 | 9:
            return [any_json(r, depth + 1) for _ in range(r.randrange(3))]
    keys = ("role", "content", "parts", "type", "text", "id", "score", "name", "arguments", "function", "input_tokens")
    return {r.choice((*keys, *HOSTILE)): any_json(r, depth + 1) for _ in range(r.randrange(4))}


def any_line(r: random.Random) -> bytes:
    """A line as it should be, with odd values, or broken."""
    fields = {name: any_json(r) for name in r.sample(_FIELDS, r.choice((0, 0, 1, 2, 5)))}
    line = json.dumps({"input": SECRET, **fields} if r.random() < 0.9 else fields).encode()
    at = r.randrange(len(line))
    return r.choice(
        (
            *(line,) * 6,
            line[:at],
            line[:at] + r.randbytes(2) + line[at + 2 :],
            json.dumps(any_json(r)).encode(),
            line.replace(b'": ', b'": [' + b"[" * 20_000, 1),
            json.dumps({"input": SECRET, "nobody": 1}).encode(),
            json.dumps({"input": SECRET}, ensure_ascii=False).encode("utf-16"),
            b'{"input": 1' + b"0" * 5_000 + b"}",
            r.choice((b"", b" ", b"\0", b"\xef\xbb\xbf" + line, b"NaN", b"{}", b"[]")),
        )
    ).replace(b"\n", b" ")


@given(st.integers(0, 2**32))
def test_a_line_is_arguments_or_says_what_is_wrong(seed: int) -> None:
    r = random.Random(seed)
    for _ in range(10):
        try:
            assert emit.arguments(any_line(r))
        except emit.LineError as error:
            assert SECRET not in str(error)


def test_every_line_is_sent_or_named(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_topics(broker, topic_prefix)
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("WATCHLINE_SUBJECT_KEY", "k" * 32)
    monkeypatch.setenv("WATCHLINE_DATA_DIR", str(tmp_path))
    r = random.Random("watchline")
    lines = [json.dumps({"input": SECRET}).encode(), *(any_line(r) for _ in range(LINES))]
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"\n".join(lines))
    assert main(["emit", str(file)]) == 1
    output = capsys.readouterr()
    named = [int(number) for number in re.findall(r"^line (\d+): ", output.err, re.MULTILINE)]
    others = [line for line in output.err.splitlines() if "left out or kept as an attribute" in line]
    assert len(named) == len(output.err.splitlines()) - len(others) == len(set(named)), "a message of more than a line"
    assert named == sorted(named) and SECRET not in output.err and "Traceback" not in output.err
    sent = sum(1 for line in lines if line.strip()) - len(named)
    assert output.out == f"{sent} events sent\n"
    assert sent > LINES / 10 and len(named) > LINES / 10
    found = [item for envelope in envelopes(broker, topic_prefix, sent) for item in envelope.interactions]
    assert len(found) == sent
