"""`watchline alerts` with a real broker and real receivers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.dashboards.engine.receivers import Receiver, http_receiver
from watchline.dashboards.engine.grouping import Part, opened
from watchline.streams.cli.commands import doctor
from watchline.streams.cli.commands.alerts import channels
from watchline.streams.cli.main import main
from watchline.streams.kafka import admin
from watchline.streams.kafka.alert_journal import AlertJournal
from watchline.streams.settings import load

TOKEN = "T0KEN5ecret"


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with http_receiver(f"/{TOKEN}") as receiver:
        yield receiver


def test_a_test_says_what_each_channel_answered(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alerts", "test"]) == 1
    assert "no channel is set" in capsys.readouterr().err
    monkeypatch.setenv("WATCHLINE_SLACK_URL", hook.url)
    monkeypatch.setenv("WATCHLINE_WEBHOOK_URL", hook.url)
    assert main(["alerts", "test"]) == 0
    said = capsys.readouterr().out.split("\n")
    assert [line.split() for line in said if line] == [
        ["webhook", "taken"],
        ["slack", "taken"],
    ]
    assert len(hook.bodies) == 2
    hook.answer = lambda path, body: (500, {}, path.encode())
    assert main(["alerts", "test"]) == 1
    shown = capsys.readouterr()
    assert "answered 500" in shown.out and TOKEN not in shown.out + shown.err
    assert main(["config"]) == 0
    assert TOKEN not in capsys.readouterr().out


@pytest.mark.usefixtures("reading")
def test_rules_are_tried_without_waiting_or_sending(
    hook: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHLINE_WEBHOOK_URL", hook.url)
    assert main(["alerts", "test", "--rules", "watchline-errors", "watchline-no-canary"]) == 0
    errors, canary, last = capsys.readouterr().out.splitlines()
    silent = "silent: nothing, or too little, to judge from .* UTC to .* UTC"
    assert re.fullmatch(rf"watchline-errors +\d+\.\d\d s  {silent}", errors)
    assert canary.startswith("watchline-no-canary") and "No canary: nothing came in the window" in canary
    assert last == "2 tried: 1 would tell somebody, 0 can't be evaluated"
    assert not hook.bodies
    assert main(["alerts", "test", "--rules", "watchline-nothing"]) == 2
    assert "no such rule: watchline-nothing" in capsys.readouterr().err


@pytest.mark.slow
def test_what_a_rule_tells_is_sent_as_a_test_and_closed(hook: Receiver, tmp_path: Path) -> None:
    """In a process of its own, as chDB opens one folder in each."""

    def ran(*names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "watchline.streams.cli.main", "alerts", "test", *names],
            capture_output=True, text=True, check=False, cwd=tmp_path,
            env={**os.environ, "WATCHLINE_WEBHOOK_URL": hook.url, "WATCHLINE_SLACK_URL": hook.url},
        )  # fmt: skip

    done = ran("watchline-lag", "watchline-late-answers")
    assert done.returncode == 0, done.stderr
    lag, *sent, late, _, _, _ = done.stdout.splitlines()
    assert "Behind" in lag and "arrived only now, groundedness flags" in late
    assert [line.split() for line in sent] == [["webhook", "taken"], ["webhook", "taken"], ["slack", "taken"]]
    began, over, slack = hook.bodies[:3]
    assert (began["kind"], began["status"], over["status"]) == ("test", "firing", "resolved")
    assert began["key"] == over["key"] and began["key"].startswith("test-") and began["delivery"] != over["delivery"]
    assert began["text"] == f"Test, no alert: {lag}" and over["text"] == f"Test is over: {lag}"
    assert "Test, no alert" in slack["text"] and "nothing is wrong" in json.dumps(slack["blocks"])
    assert "no such rule: watchline-nothing" in ran("watchline-nothing").stderr
    hook.answer = lambda path, body: (500, {}, b"")
    assert ran("watchline-lag").returncode == 1


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"ALERT_EMAIL": "a@example.org"}, "needs WATCHLINE_SMTP_URL"),
        ({"ALERTS_SECOND_STEP": "slack"}, "slack: no such channel"),
        ({"SLACK_URL": f"nothing/{TOKEN}"}, "channel slack: its address must be"),
        ({"TIME_ZONE": "Mars/Base"}, "no time zone"),
        ({"PAGE_URL": "page"}, "http(s)://HOST"),
    ],
)
def test_wrong_settings(
    variables: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"WATCHLINE_{name}", value)
    assert main(["alerts", "test"]) == 1
    said = capsys.readouterr().err
    assert words in said and TOKEN not in said


def test_beside_grafana_it_refuses(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WATCHLINE_ALERTS", "grafana")
    assert main(["alerts", "run"]) == 1
    assert "a second time" in capsys.readouterr().err


@pytest.mark.slow
def test_the_doctor_says_that_nobody_evaluates_or_a_channel_takes_nothing(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setattr(doctor, "CHECKS", (doctor._alerts,))
    settings = load()
    admin.create(settings)

    def said() -> str:
        assert main(["doctor"]) == 0
        return capsys.readouterr().out

    assert "no channel is set" in said()
    monkeypatch.setenv("WATCHLINE_SLACK_URL", f"http://127.0.0.1:1/{TOKEN}")
    assert "No evaluator has run yet" in said()
    journal = AlertJournal(settings)
    journal.load()
    slack = {"last_error": "answered 500", "failing_for_s": 7200.0, "overflow": 0}
    at = datetime.now(UTC).timestamp()
    journal.append({"health/engine": {"at": at, "channels": {"slack": slack}}})
    text = said()
    assert "Channel slack has taken nothing for 2 h: answered 500." in text and TOKEN not in text
    journal.append({"health/engine": {"at": at - 3600, "channels": {}}})
    assert "No evaluator has run since" in said()
    journal.append({"health/engine": {"at": at, "channels": {}}})
    assert "told by slack" in said()
    monkeypatch.setenv("WATCHLINE_ALERTS", "grafana")
    assert "a Grafana tells people" in said()
    journal.close()


def test_no_channel_is_made_of_nothing() -> None:
    assert channels(load()) == []


@pytest.mark.slow
def test_listed_silenced_and_acknowledged(
    broker: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATCHLINE_KAFKA_URL", f"kafka://{broker}")
    monkeypatch.setenv("WATCHLINE_TOPIC_PREFIX", topic_prefix)
    settings = load()
    admin.create(settings)
    assert main(["alerts", "list"]) == 0
    said = capsys.readouterr().out
    assert "No evaluator has run yet" in said and "nothing is known to be wrong" in said
    journal = AlertJournal(settings)
    journal.load()
    at = datetime.now(UTC).timestamp()
    labels = (("app", "shop (eu)"), ("model", "small"))
    part = Part(rule="r", title="R", labels=labels, severity="warning", started=at, summary="it is bad")
    incident = replace(opened(part, at), id="i1")
    alert = {
        "labels": dict(labels), "state": "firing", "since": at, "started": at, "seen": at, "value": 0.5, "values": {},
        "missing": 0, "reason": "", "severity": "warning", "summary": "it is bad", "description": "", "details": {},
    }  # fmt: skip
    journal.append(
        {
            "rule/r": {
                "title": "R", "runbook": "r.md", "board": "b", "panel": 1, "from": at, "to": at, "failure": "",
                "failing_since": None, "left_out": 0, "alerts": [alert],
            },
            "incident/i1": incident.record(),
        }
    )  # fmt: skip
    assert main(["alerts", "silence", "app=shop", "--preview"]) == 0
    assert "0 of the present alerts" in capsys.readouterr().out
    assert main(["alerts", "silence", 'app="shop (eu)', "--why", "known"]) == 1
    assert "stray quotation" in capsys.readouterr().err
    assert main(["alerts", "silence", "app=shop (eu)", "--why", "known", "--who", "ann"]) == 0
    said = capsys.readouterr().out
    assert "it is bad" in said and "1 of the present alerts" in said
    id = said.split()[1]
    assert main(["alerts", "acknowledge", "r", "app=shop (eu)", "--who", "bob"]) == 0
    capsys.readouterr()
    assert main(["alerts", "list", "--format", "json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["silenced_by"], listed["acknowledged_by"], listed["state"]) == (id, "bob", "firing")
    assert main(["alerts", "silence", "--end", id]) == 0
    assert main(["alerts", "silences", "--format", "json"]) == 0
    assert main(["alerts", "acknowledge", "r", "app=other"]) == 1
    assert main(["alerts", "list"]) == 0
    capsys.readouterr()
    assert main(["alerts", "list", "--rules", "--format", "json"]) == 0
    rules = {each["rule"]: each for each in json.loads(capsys.readouterr().out)}
    assert rules["r"]["fires"] and "fires since" in rules["r"]["says"] and "0.5 of app=shop (eu)" in rules["r"]["says"]
    assert rules["watchline-lag"]["says"] == "not evaluated yet"
    assert main(["alerts", "list", "--rules"]) == 0
    assert "fires since" in capsys.readouterr().out
    journal.close()
