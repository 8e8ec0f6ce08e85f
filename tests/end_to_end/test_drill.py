"""Who can write to store and topics, and has no root or approver's key: each attack is stopped, or named."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from tests.documentation.test_readme import DRILL
from watchline.streams.cli.main import main
from watchline.streams.governance import anchors
from watchline.streams.governance.drill import world as world_
from watchline.streams.governance.drill.drill import ATTACKS, play
from watchline.streams.governance.drill.world import World, world
from watchline.streams.producer import releases
from watchline.streams.worker.stages import store

UNPROVEN = {"read-as-user"}  # see tests/dashboards/test_users.py, where the engine has the user's rights


@pytest.fixture(scope="module")
def attacked() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_stopped_or_named(attacked: World, name: str) -> None:
    (played,) = play(attacked, [name])
    assert played.is_good, played
    assert (played.answer.word == "unproven") == (name in UNPROVEN), played
    assert attacked.faults(topic=True) == []  # and the system is whole again
    assert played.does.endswith(".") and played.answer.says


def _no_anchors(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(anchors, "read", lambda _: iter(()))


def _no_signatures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(releases, "check", lambda *_: None)


def _no_tombstones(patch: pytest.MonkeyPatch) -> None:
    erased_events = store.erased_events
    patch.setattr(store, "erased_events", lambda scored, _: erased_events(scored, store.Tombstones()))


def test_the_command_prints_what_answered_and_its_exit_code_says_whether_all_did(
    attacked: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_, "world", lambda: nullcontext(attacked))
    (line,) = DRILL
    truncate = [*shlex.split(line, comments=True)[1:], "--only", "truncate"]
    assert main([*truncate, "--only", "read-as-user"]) == 0
    assert capsys.readouterr().out.endswith("1 of 2 attacks were stopped or named; 1 can't be tried here\n")
    assert main([*truncate, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["attack"], row["answer"], row["by"]) == ("truncate", "named", "audit verify")
    assert "there is an anchor at" in row["says"] and row["does"].startswith("Cuts the end off")
    _no_anchors(monkeypatch)
    assert main(truncate) == 1
    assert "0 of 1 attacks were stopped or named; not so: truncate" in capsys.readouterr().out
    assert main(["audit", "drill", "--only", "nothing"]) == 2
    assert "no attack is called nothing; there are: forge, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "switch_off"),
    [
        ("rewrite-tail", _no_anchors),
        ("serve-forged", _no_signatures),
        ("redeliver", _no_tombstones),  # last: what was erased is back then
    ],
)
def test_the_drill_notices_a_defence_that_is_off(
    attacked: World, name: str, switch_off: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_off(monkeypatch)
    (played,) = play(attacked, [name])
    assert played.answer.word == "unnoticed" and not played.is_good, played
