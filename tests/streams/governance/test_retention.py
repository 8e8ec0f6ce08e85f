"""For how long what is kept is set by a privacy officer, and text never outlives its row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.streams.governance.logs import Written
from watchline.streams.governance.keys import Key
from watchline.streams.governance.retention import DEFAULTS, holds, holds_in_force


@pytest.fixture
def officer() -> Key:
    return Key.new()


@pytest.fixture
def written(officer: Key) -> Written:
    written = Written()
    assert written.register(officer, "p1", "privacy").accepted
    return written


def set_to(written: Written, key: Key, target: str, days: str) -> str:
    """The reason why it is rejected; empty where it isn't."""
    return written.send(written.act("retention_set", target, "p1", key, details={"days": days})).reason


def test_the_last_word_counts_and_an_app_may_have_its_own(written: Written, officer: Key) -> None:
    kept = written.fold.state.retention
    assert [kept.days_of(kind) for kind in DEFAULTS] == [*DEFAULTS.values()]
    for target, days in (("text", "20"), ("text", "14"), ("text/app:shop", "7"), ("rows/app:shop", "8")):
        assert set_to(written, officer, target, days) == ""
    assert (kept.days_of("text"), kept.days_of("text", "shop"), kept.days_of("text", "other")) == (14, 7, 14)
    assert kept.days_of("rows", "shop") == 8 and kept.apps() == ["shop"]


@pytest.mark.parametrize(
    ("target", "days", "reason"),
    [
        ("audit", "9999", "the audit trail goes by log_trimmed alone, which leaves a signed seam"),
        ("everything", "30", "what is set is text, rows, metrics, or one of them with /app:NAME"),
        ("text/app:", "30", "what is set is text, rows, metrics, or one of them with /app:NAME"),
        ("text", "0", "days are a whole number from 1 to 9999"),
        ("text", "-1", "days are a whole number from 1 to 9999"),
        ("text", "1.5", "days are a whole number from 1 to 9999"),
        ("text", "²", "days are a whole number from 1 to 9999"),
        ("metrics", "10000", "days are a whole number from 1 to 9999"),
        ("text", "185", "text is kept no longer than rows, rows no longer than metrics; days were: text 185, rows 184"),
        ("rows/app:shop", "29", "text is kept no longer than rows, rows no longer than metrics; days of shop were"),
    ],
)
def test_what_makes_no_sense_is_rejected(target: str, days: str, reason: str, written: Written, officer: Key) -> None:
    before = repr(written.fold.state)
    assert set_to(written, officer, target, days).startswith(reason)
    assert repr(written.fold.state) == before


def test_only_privacy_sets_it(written: Written) -> None:
    other = Key.new()
    written.register(other, "p1", "owner,operator,auditor")
    assert set_to(written, other, "text", "20") == "p1 may not: it takes one who is privacy"


def test_a_hold_has_its_last_day(written: Written, officer: Key) -> None:
    def placed(target: str, **details: str) -> str:
        return written.send(written.act("hold_placed", target, "p1", officer, details=details)).reason

    assert placed("app:shop", hold="h1", until="2027-01-31") == placed("tenant:a:b", hold="h2") == ""
    assert placed("app:shop", hold="h3", until="soon") == "until is a date, such as 2027-01-31"
    assert holds(written.fold.state) == [("app", "shop", date(2027, 1, 31)), ("tenant", "a:b", None)]
    written.send(written.act("hold_released", "h1", "p1", officer))
    assert holds(written.fold.state) == [("tenant", "a:b", None)]


def test_a_hold_is_in_force_to_the_end_of_its_day(written: Written, officer: Key) -> None:
    today = datetime.now(UTC).date()
    for hold, until in (("a", None), ("b", today), ("c", today - timedelta(days=1))):
        details = {"hold": hold} | ({"until": f"{until:%Y-%m-%d}"} if until else {})
        assert written.send(written.act("hold_placed", "tenant:acme", "p1", officer, details=details)).accepted
    assert {*holds_in_force(written.fold.state, "UTC")} == {"a", "b"}
