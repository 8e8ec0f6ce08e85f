"""Who may record a proof, what it must say, and when the keeper begins one."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from tests.streams.governance.logs import Written
from watchline.streams.governance.keys import Key
from watchline.streams.governance.proof.nightly import Nightly
from watchline.streams.settings import load

TARGET = "2026-03-04T00:00:00Z/2026-03-05T00:00:00Z"
DETAILS = {"rows": "3", "unexplained": "0", "explained": '{"events":{"stored":3}}', "sha256": "0" * 64}


def written(key: Key, roles: str = "auditor") -> Written:
    made = Written()
    made.register(key, "keeper", roles, "service")
    return made


def test_a_proof_is_recorded_by_who_may() -> None:
    key = Key.new()
    log = written(key)
    entry = log.send(log.act("proved", TARGET, "keeper", key, details=DETAILS))
    assert entry.accepted and log.fold.state.proved == {TARGET: entry.position}
    log = written(key, "privacy")
    assert "auditor or operator" in log.send(log.act("proved", TARGET, "keeper", key, details=DETAILS)).reason


@pytest.mark.parametrize(
    ("target", "changed", "reason"),
    [
        ("always", {}, "an interval of whole hours"),
        ("2026-03-05T00:00:00Z/2026-03-04T00:00:00Z", {}, "an interval of whole hours"),
        (TARGET, {"rows": "many"}, "rows is no number"),
        (TARGET, {"unexplained": "-1"}, "unexplained is no number"),
        (TARGET, {"explained": "[]"}, "no JSON object"),
        (TARGET, {"explained": "{"}, "no JSON object"),
        (TARGET, {"blind": '["raw"]'}, "no JSON list"),
        (TARGET, {"sha256": "abc"}, "no SHA-256"),
    ],
)
def test_a_proof_that_says_nothing_is_rejected(target: str, changed: dict[str, str], reason: str) -> None:
    key = Key.new()
    log = written(key)
    entry = log.send(log.act("proved", target, "keeper", key, details={**DETAILS, **changed}))
    assert not entry.accepted and reason in entry.reason


def test_yesterday_is_proven_once(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key.new()
    log = written(key)
    began: list[str] = []
    monkeypatch.setattr(Nightly, "_run", lambda self, interval, actor: began.append(f"{interval} by {actor}"))
    nightly = Nightly(load(), log.roots.log, key)
    assert not nightly.look(log.fold.state, datetime(2026, 3, 5, 0, 59, tzinfo=UTC))
    assert nightly.look(log.fold.state, datetime(2026, 3, 5, 1, 0, tzinfo=UTC))
    nightly.wait(10)
    assert began == [f"{TARGET} by keeper"]
    assert not nightly.look(log.fold.state, datetime(2026, 3, 5, 1, 30, tzinfo=UTC))
    log.send(log.act("proved", TARGET, "keeper", key, details=DETAILS))
    assert not nightly.look(log.fold.state, datetime(2026, 3, 5, 3, tzinfo=UTC))
    assert not Nightly(load(), log.roots.log, key).look(log.fold.state, datetime(2026, 3, 5, 3, tzinfo=UTC))
    assert nightly.look(log.fold.state, datetime(2026, 3, 6, 1, tzinfo=UTC))


def test_who_may_not_sign_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    key = Key.new()
    log = Written()
    nightly = Nightly(load(), log.roots.log, key)
    with caplog.at_level(logging.WARNING):
        for hour in (1, 3, 5):
            assert not nightly.look(log.fold.state, datetime(2026, 3, 5, hour, tzinfo=UTC))
    assert [record.message for record in caplog.records] == [
        f"nobody proves each night that nothing was lost: the keeper's key {key.id} is not registered"
    ]
    with caplog.at_level(logging.WARNING):
        assert not Nightly(load(), log.roots.log, None).look(log.fold.state, datetime(2026, 3, 5, 1, tzinfo=UTC))
    assert "WATCHLINE_GOVERNANCE_KEEPER_KEY" in caplog.text
