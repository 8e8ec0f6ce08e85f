"""`watchline show`: the whole event, marks in the right places, nothing that steers the terminal."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest

from watchline.streams.cli.main import main
from watchline.streams.cli.marks import Mark, marked

EVENT_ID = "0190b5a4-7c1e-7000-8000-000000000001"


@pytest.mark.usefixtures("reading")
def test_the_whole_event(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", EVENT_ID.upper()]) == 0
    printed = capsys.readouterr().out
    for words in (
        "2026-01-02T03:04:05.678901Z", "support-bot, test, acme", "gpt-4o-2024", "gpt-4o", "answer@7", "sha256:feed",
        "language=en", "Be kind.", "812 in, 64 out", "$0.0125", "1.9 s",
        "[1:Refunds take 30 days 🙂:1]. [2:All of them are free.:2]",
        "[e1:Refunds take 14 days.:e1]", "refunds.md, score 0.9", '{"id": 1}',
        "score 0.900", "threshold 0.500", "alert from 0.800", "ALERT", "severity high", "[1] unsupported in output:0",
        '[2] name: "All of them are free.", the document says "Other" in output:0, score 0.600',
        "not_applicable", "language: ", "version g1", "EMAIL_ADDRESS=2",
        "topic topic-id, partition 3, offset 99, event 5", "00000000-0000-0000-0000-000000000007, event 41",
        "rating          -1", "wrong",
    ):  # fmt: skip
        assert words in printed, words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)


@pytest.mark.usefixtures("reading")
def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", EVENT_ID, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["interaction"]["documents"][0] == {
        "content": "Refunds take 14 days.",
        "id": "refunds.md",
        "score": 0.9,
    }
    assert [finding["detector"] for finding in shown["findings"]] == ["bias", "groundedness"]
    assert shown["feedback"][0]["rating"] == -1


@pytest.mark.usefixtures("reading")
def test_an_unknown_id_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = str(uuid4())
    assert main(["show", unknown]) == 1
    assert unknown in capsys.readouterr().err


@pytest.mark.parametrize("text", ["abc", "", "1", "0190b5a4-7c1e-7000-8000-00000000000g", "' OR 1=1 --"])
def test_no_uuid_is_exit_code_2(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", text]) == 2
    assert "UUID" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ([], "a🙂cdef"),
        ([(1, 2, "1")], "a[1:🙂:1]cdef"),
        ([(0, 6, "1")], "[1:a🙂cdef:1]"),
        ([(0, 2, "1"), (2, 4, "2")], "[1:a🙂:1][2:cd:2]ef"),
        ([(0, 4, "1"), (1, 2, "2")], "[1:a[2:🙂:2]cd:1]ef"),
        ([(1, 3, "1"), (1, 3, "2")], "a[1:[2:🙂c:2]:1]def"),
        ([(0, 3, "1"), (2, 5, "2")], "[1:a🙂[2:c:1]de:2]f"),
        ([(4, 99, "1"), (7, 9, "2"), (3, 3, "3"), (5, 4, "4")], "a🙂cd[1:ef:1]"),
    ],
)
def test_marks_are_code_points_and_may_overlap(marks: list[tuple[int, int, str]], expected: str) -> None:
    assert marked("a🙂cdef", [Mark(*mark, "red") for mark in marks]) == expected


def test_marks_are_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31m" in marked("abc", [Mark(0, 1, "1", "red")])
    monkeypatch.setenv("NO_COLOR", "1")
    assert marked("a\x1bc", [Mark(0, 1, "1", "red")]) == "[1:a:1]\\x1bc"
