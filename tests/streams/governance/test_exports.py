"""What the log takes of exports, and who has withdrawn."""

from __future__ import annotations

import pytest

from tests.streams.governance.logs import Written
from watchline.streams.export.consent import hashed
from watchline.streams.governance.keys import Key

DETAILS = {"rows": "12", "sha256": "ab" * 32}


@pytest.fixture
def olga() -> Key:
    return Key.new()


@pytest.fixture
def log(olga: Key) -> Written:
    log = Written()
    log.register(olga, "olga", "operator")
    return log


def test_an_export_is_recorded(log: Written, olga: Key) -> None:
    more = {"until": "2026-02-02", "owner": "team-a", "format": "chat", "basis": "consent: training=yes"}
    assert log.send(log.act("exported", "january", "olga", olga, details={**DETAILS, **more})).accepted


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("rows", "-1", "whole number"), ("sha256", "ab", "64 lower-case"), ("until", "soon", "until is a date")],
)
def test_what_says_nothing_is_rejected(log: Written, olga: Key, name: str, value: str, reason: str) -> None:
    entry = log.send(log.act("exported", "january", "olga", olga, details={**DETAILS, name: value}))
    assert not entry.accepted and reason in entry.reason


def test_who_may_not_export_is_rejected(log: Written) -> None:
    anna = Key.new()
    log.register(anna, "anna", "author")
    assert "olga" not in log.send(log.act("exported", "january", "anna", anna, details=DETAILS)).reason
    assert not log.entries[-1].accepted


def test_a_withdrawal_stands_without_the_pseudonym(log: Written, olga: Key) -> None:
    subject = f"00112233:{7:064x}"
    assert log.send(log.act("consent_withdrawn", f"subject:{hashed(subject)}", "olga", olga)).accepted
    assert log.fold.state.withdrawn == {hashed(subject)}
    for target in (f"subject:{subject}", hashed(subject), "subject:", "customer-17"):
        assert not log.send(log.act("consent_withdrawn", target, "olga", olga)).accepted
    assert log.fold.state.withdrawn == {hashed(subject)}
