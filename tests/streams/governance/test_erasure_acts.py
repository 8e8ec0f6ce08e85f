"""An erasure is asked for and certified by the rules: no id in the trail, no word that the places don't bear out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.streams.governance.logs import Written
from watchline.streams.governance.erasing import to_go_on_with
from watchline.streams.governance.erasure import Outcome, salt_of_next
from watchline.streams.governance.fold import Entry
from watchline.streams.governance.keys import Key

ASKED = {"kind": "subject", "salt": "00" * 16, "scope": "ab" * 32}
DELETED, OPEN, NOTHING = (
    Outcome(word="deleted", ground="g", rows=3),
    Outcome(word="partly", ground="g"),
    Outcome(word="nothing there", ground="g"),
)


class Erasures(Written):
    """A log with a person who is responsible for privacy, and one who isn't."""

    def __init__(self) -> None:
        super().__init__()
        self.officer, self.operator = Key.new(), Key.new()
        self.register(self.officer, "p1", roles="privacy")
        self.register(self.operator, "p2", roles="operator")

    def ask(self, target: str = "erasure:0a0a0a0a", **details: str) -> Entry:
        return self.send(self.act("erasure_requested", target, "p1", self.officer, details={**ASKED, **details}))

    def certify(self, whole: str, **places: Outcome) -> Entry:
        details = {"whole": whole, "places": json.dumps({name: each.as_json for name, each in places.items()})}
        return self.send(self.act("erasure_certified", "erasure:0a0a0a0a", "p1", self.officer, details=details))


@pytest.fixture
def log() -> Erasures:
    return Erasures()


def test_asked_for_and_certified(log: Erasures) -> None:
    assert log.ask().accepted
    erasure = log.fold.state.erasures["0a0a0a0a"]
    assert not erasure.is_done and [stone.hash for stone in erasure.tombstones] == ["ab" * 32]
    assert log.certify("incomplete", a=DELETED, b=OPEN).accepted and not erasure.is_done
    assert log.certify("complete", a=DELETED, b=NOTHING).accepted and erasure.is_done
    assert log.certify("complete", a=DELETED).accepted  # a later look


def test_all_erasures_have_one_salt(log: Erasures) -> None:
    salt = salt_of_next(log.fold.state.erasures)
    assert len(salt) == 32 and salt != salt_of_next(log.fold.state.erasures)
    assert log.ask(salt=salt).accepted
    assert salt_of_next(log.fold.state.erasures) == salt


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"target": "anna"}, "the target is erasure:ID"),
        ({"target": "erasure:anna@example.org"}, "the target is erasure:ID"),
        ({"kind": "everybody"}, "what is erased is a subject"),
        ({"scope": "anna"}, "an id may not stand in the trail"),
        ({"salt": "00"}, "an id may not stand in the trail"),
        ({"searched": "{"}, "not JSON"),
        ({"searched": '{"files": ["gone", "g", 0, ""]}'}, "a place is deleted"),
    ],
)
def test_a_request_that_is_none_is_rejected(log: Erasures, details: dict[str, Any], reason: str) -> None:
    assert reason in log.ask(**details).reason
    assert log.fold.state.erasures == {}


def test_no_certificate_says_more_than_its_places(log: Erasures) -> None:
    assert log.certify("complete", a=DELETED).reason == "no erasure:0a0a0a0a was asked for"
    log.ask()
    assert log.ask().reason == "there was an erasure 0a0a0a0a before"
    for whole, places in (
        ("complete", {"a": DELETED, "b": OPEN}),
        ("complete", {"a": NOTHING}),  # that nothing was found is no deletion
        ("complete", {}),
        ("nothing found", {"a": DELETED}),
        ("whole", {"a": DELETED}),
    ):
        assert "the places say" in log.certify(whole, **places).reason, (whole, places)


def test_only_who_is_responsible_for_privacy_may(log: Erasures) -> None:
    act = log.act("erasure_requested", "erasure:0b0b0b0b", "p2", log.operator, details=ASKED)
    assert log.send(act).reason == "p2 may not: it takes one who is privacy"


def test_one_that_broke_off_or_waits_for_a_hold_goes_on_once_it_may(log: Erasures) -> None:
    log.ask()
    state = log.fold.state
    (erasure,) = state.erasures.values()
    hour_us = 3_600_000_000
    assert to_go_on_with([erasure], {}, erasure.time + 1) == []  # who asked is at work on it
    assert to_go_on_with([erasure], {}, erasure.time + 2 * hour_us) == [erasure]
    assert log.certify("pending", **{"hold h1": OPEN}).accepted
    assert to_go_on_with([erasure], {"h1": "tenant:acme"}, erasure.time) == []
    assert to_go_on_with([erasure], {"h2": "tenant:acme"}, erasure.time) == [erasure]
