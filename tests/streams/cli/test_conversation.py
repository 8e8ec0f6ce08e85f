"""`watchline conversation`: every turn in order, found by the id that the app gave."""

from __future__ import annotations

import json
import re

import pytest

from watchline.schemas.pseudonyms import pseudonym
from watchline.streams.cli.main import main

pytestmark = pytest.mark.usefixtures("reading")


def test_the_turns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conversation", "talk-1"]) == 0
    printed = capsys.readouterr().out
    words = " ".join(printed.split())
    for text in (
        "2026-01-02 03:04:05 support-bot answer@7 gpt-4o-2024 0190b5a4-7c1e-7000-8000-000000000001",
        "user \\x1b[31mred", 'tool lookup {"id": 1} -> found', "assistant Refunds take 30 days 🙂.",
        "flagged groundedness 0.90 ALERT", "feedback rating -1, wrong",
    ):  # fmt: skip
        assert text in words, text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printed)


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conversation", "talk-1", "--json"]) == 0
    (turn,) = json.loads(capsys.readouterr().out)
    assert turn["feedback"] == [{"rating": -1, "comment": "wrong"}]
    assert [row["detector"] for row in turn["flagged"]] == ["groundedness"]


def test_an_id_that_is_stored_as_a_pseudonym(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHLINE_PSEUDONYM_KEY", "a secret")
    monkeypatch.setattr(
        "watchline.streams.cli.commands.conversation.pseudonym",
        lambda text, key: "talk-1" if (text, key) == ("jane@example.com", "a secret") else pseudonym(text, key),
    )
    assert main(["conversation", "jane@example.com"]) == 0
    assert "answer@7" in capsys.readouterr().out


def test_no_such_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conversation", "\x1b[31mnope"]) == 1
    assert "no event of conversation \\x1b[31mnope" in capsys.readouterr().err
