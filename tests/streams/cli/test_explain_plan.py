"""`watchline explain-plan`: counts that the batch bears out, for people and as JSON; clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchline.streams.cli.main import main

pytestmark = pytest.mark.slow

EVENTS = [
    {"input": "When do parcels arrive?", "output": "In three days.", "documents": [{"content": "In three days."}]},
    {"input": "When do parcels arrive?", "output": "Women are never late."},
    {"input": "\u041a\u043e\u0433\u0434\u0430?", "output": "\u0417\u0430\u0432\u0442\u0440\u0430."},
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATCHLINE_DETECTORS", "pii,groundedness,toxicity,bias")
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    return path


def test_what_is_shared_is_counted_once(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-plan", str(file), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["events"], plan["not_redacted"]) == (3, 0)
    detectors = plan["detectors"]
    assert list(detectors) == ["pii", "groundedness", "toxicity", "bias"]
    assert [each["evaluated"] for each in detectors.values()] == [3, 1, 2, 1]
    assert detectors["groundedness"]["not_applicable"] == {"no documents": 2}
    assert detectors["bias"]["not_applicable"] == {"mentions no group": 1, "language not supported: ru": 1}
    assert all(each["seconds"] > 0 and each["failed"] == 0 for each in detectors.values())
    encoder, verifier = plan["models"]["encoder"], plan["models"]["verifier"]
    # Prompts are embedded for the monitors, whichever detector wants them; the second prompt is the first.
    assert encoder["items"] == plan["texts"] and plan["known"] == 0
    assert verifier["items"] == 1
    assert 0 < encoder["tokens"] <= encoder["padded_tokens"]
    assert detectors["toxicity"]["texts"] < sum(bool(event[key]) for event in EVENTS for key in ("input", "output"))


def test_the_table_has_every_detector_and_model(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain-plan", str(file), "--events", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("1 events on ")
    for name in ("pii", "groundedness", "toxicity", "bias", "encoder", "verifier", "mentions no group: 1"):
        assert name in printed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"input": "a"}\n{"model": "m"}\n', "event 2: nothing to send"),
        ('{"input": "a", "latency_s": "slow"}\n', "event 1: latency_s"),
        ("", "no events"),
    ],
)
def test_a_bad_file_is_named_with_its_event(
    content: str, said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(content)
    assert main(["explain-plan", str(file)]) == 2
    assert said in capsys.readouterr().err
