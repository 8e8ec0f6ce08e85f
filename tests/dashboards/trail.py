"""A month of acts, signed and folded as the keeper does it, beside the hour of made-up traffic; and a leak in it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.dashboards.seed import seed
from tests.streams.governance.prompts.people import People
from watchline.dashboards.planted import events, insert
from watchline.streams.governance import signed
from watchline.streams.governance.fold import Entry
from watchline.streams.governance.keeper import entries_table, texts_table
from watchline.streams.governance.keys import Key

APP, OPEN, DONE = "support-bot", "0a" * 8, "0b" * 8
MORE = {"dpo": "privacy", "aud": "auditor"}
PURPOSE = "answers customers"
LEAKED_TO = ("k1:3", "k1:3", "k1:5")


class Trail(People):
    """Acts of `support-bot`, whose risk is high: two must approve."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        super().__init__(time=self._at(days=45))
        for name, roles in MORE.items():
            self.keys[name] = Key.new()
            assert self.register(self.keys[name], name, roles).accepted
        self.keys["door"] = Key.new()
        assert self.register(self.keys["door"], "door", "reader", "service").accepted

    def _at(self, **ago: float) -> int:
        return int((self.now - timedelta(**ago)).timestamp() * 1_000_000)

    def on(self, days: float) -> None:
        """What follows was so many days ago."""
        self.time = self._at(days=days)

    def take(self, who: str, action: str, target: str, **more: Any) -> Entry:
        """An act that the rules allow."""
        entry = self.use(who, action, target, **more)
        assert entry.accepted, entry.reason
        return entry

    def prompt(self, who: str, what: str, version: int, **more: str) -> Entry:
        """An act on the prompt of the app."""
        return self.use(who, what, "prompt:answer", app=APP, version=version, **more)

    def erasure(self, erasure: str) -> None:
        """One is asked for."""
        scope = {"kind": "subject", "salt": "00" * 16, "scope": "ab" * 32}
        self.take("dpo", "erasure_requested", f"erasure:{erasure}", **scope)


def acts(now: datetime) -> Trail:
    """All of them, in their order."""
    trail = Trail(now)
    trail.on(40)
    trail.erasure(OPEN)
    trail.erasure(DONE)
    trail.on(39)
    places = {"table interactions": ["deleted", "a second look found none", 3, ""], "topic": ["expires", "", 0, "2099"]}
    trail.take("dpo", "erasure_certified", f"erasure:{DONE}", whole="complete", places=json.dumps(places))
    trail.on(30)
    use_case = {"risk_class": "high", "legal_basis": "contract", "contact": "support@example.org", "models": "small"}
    use_case |= {"people": "customers", "recipients": "the provider of small", "transfers": "none"}
    event, salted = signed.make("use_case_registered", APP, "paul", details=use_case, texts={"purpose": PURPOSE})
    trail.salted[event.governance_id] = salted
    assert trail.send(signed.sign(event, trail.keys["paul"], trail.roots.log)).accepted
    trail.take("dpo", "retention_set", "rows", days="200")
    trail.take("dpo", "policy_set", f"app:{APP}", fields='{"input": "pseudonym"}')
    trail.take("dpo", "policy_set", f"app:{APP}", fields='{"input": "drop"}')
    trail.take("dpo", "hold_placed", "tenant:t9", hold="h1")
    trail.take("dpo", "hold_placed", "tenant:t8", hold="h2", until="2020-01-31")
    trail.take("dpo", "hold_placed", "tenant:t7", hold="h3")
    trail.take("dpo", "hold_released", "h1")
    trail.on(20)
    for threshold in ("0.5", "0.6"):
        trail.take("olga", "threshold_changed", "toxicity", label="toxic", threshold=threshold)
    for model in ("small", "large"):
        trail.take("olga", "model_deployed", APP, model=model)
    trail.take("paul", "document_set_registered", APP, document_set="7")
    for version, text in ((1, "Answer."), (2, "Answer briefly."), (3, "Answer in a word.")):
        assert trail.prompt("anna", "prompt_drafted", version, text=text).accepted
    for who in ("ben", "cleo"):
        assert trail.prompt(who, "prompt_approved", 1).accepted
    assert trail.prompt("olga", "prompt_promoted", 1, environment="production").accepted
    trail.on(4)
    assert trail.prompt("ben", "prompt_approved", 2).accepted
    assert not trail.prompt("olga", "prompt_promoted", 2, environment="production").accepted
    emergency = {"environment": "production", "reason": "it answers wrongly"}
    assert trail.prompt("olga", "emergency_promoted", 2, **emergency).accepted
    trail.on(3.5)
    assert trail.prompt("olga", "prompt_rolled_back", 2, environment="production").accepted
    trail.on(3)
    assert trail.prompt("anna", "prompt_drafted", 4, text="Answer in two words.").accepted
    assert trail.prompt("ben", "prompt_approved", 4).accepted
    trail.take("aud", "exported", "bundle.zip", rows="12", sha256="cd" * 32)
    proof = {"rows": "120", "unexplained": "2", "explained": "{}", "sha256": "ef" * 32}
    proof["blind"] = '[["raw",2,"2026-01-01T04:00:00Z","2026-01-01T05:30:00Z"]]'
    trail.take("aud", "proved", "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z", **proof)
    at = f"{now - timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"
    read = json.dumps([["SELECT ?", ["v_interactions"], 2, 40, "ok", ""]])
    trail.take("door", "read", "reads", who_="p9", proven="claimed", door="cli", reads=read, from_=at, to=at)
    sent = {"app": APP, "prompt": "answer", "model": "small", "rows": "100", "sha256": "cd" * 32}
    trail.take("door", "inputs_sent", "https://models.example.org", who_="p9", proven="uid", **sent)
    incident = {"rule": "watchline-unsupported-answers", "severity": "warning", "app": APP}
    trail.take(
        "door", "incident_began", "i1", from_=f"{now - timedelta(days=3, minutes=20):%Y-%m-%dT%H:%M:%SZ}", **incident
    )
    trail.take("door", "acknowledged", "watchline-unsupported-answers", incident="i1")
    trail.take("door", "incident_ended", "i1", severity="critical", to=at)
    trail.take("door", "incident_began", "i2", from_=at, rule="watchline-no-canary", severity="critical")
    assert trail.revoke("ci").accepted
    assert not trail.send(b"junk").accepted
    assert not trail.send(trail.act("key_revoked", trail.keys["ben"].id, "first", trail.keys["ben"])).accepted
    return trail


def store(client: Any, trail: Trail) -> None:
    """As the keeper stores it."""
    table = entries_table(trail.roots.log, trail.entries)
    client.insert(table.name, [row.values for row in table.rows], column_names=table.columns)
    texts = [
        (each.event.governance_id, name, text)
        for each in trail.entries
        if each.event is not None
        for name, text in trail.salted.get(each.event.governance_id, {}).items()
    ]
    table = texts_table(texts)
    client.insert(table.name, [row.values for row in table.rows], column_names=table.columns)


def govern(client: Any, now: datetime) -> Trail:
    """The traffic, a leak of three answers half an hour ago, a model that may not answer, and the acts."""
    seed(client, now)
    leak: dict[str, Any] = {"app": APP, "model": "small", "prompt_version": "1"}
    for minutes, subject in zip((30, 29, 28), LEAKED_TO, strict=True):
        events(client, [now - timedelta(minutes=minutes)], flagged=["pii"], subject=subject, **leak)
    events(client, [now - timedelta(minutes=20)], app=APP, model="unknown", system_fingerprint="fp2")
    trail = acts(now)
    store(client, trail)
    kept = {"text": 30, "rows": 184, "metrics": 730}
    insert(
        client,
        "retention",
        [{"since": now - timedelta(days=25), "class": name, "app": "", "days": days} for name, days in kept.items()],
    )
    gone = {
        "records": "interactions",
        "app": APP,
        "environment": "production",
        "erasure": DONE,
        "producer_id": UUID(int=9),
    }
    insert(
        client,
        "erased",
        [
            {**gone, "event_id": UUID(int=900 + each), "time": now - timedelta(days=41), "producer_sequence": each}
            for each in range(3)
        ],
    )
    canary = {"worker": "w1", "raw_topic": "raw", "raw_topic_id": "t", "raw_partition": 0}
    hour = timedelta(hours=3)
    insert(
        client,
        "canaries",
        [{**canary, "event_id": UUID(int=800), "raw_offset": 1, "time": now - hour, "stored_at": now - hour}],
    )
    return trail
