"""Every shipped rule on planted rows, through the engine: pending, firing, told to a receiver, and resolved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.dashboards.engine.receivers import Receiver, http_receiver
from watchline.dashboards import planted as planters
from watchline.dashboards.definitions import Rule
from watchline.dashboards.engine import evaluator
from watchline.dashboards.engine.channels import Webhook
from watchline.dashboards.engine.engine import Engine
from watchline.dashboards.engine.grouping import HOLD_S
from watchline.dashboards.engine.journal import MemoryJournal
from watchline.dashboards.engine.notification import Addresses
from watchline.streams.health.outgoing import post
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

alert_rules = pytest.importorskip("watchline.dashboards.alert_rules", reason="the rules are not here yet")
pytestmark = pytest.mark.slow

RULES: dict[str, Rule] = {rule.uid: rule for rule in alert_rules.all_rules()}
Place = tuple[Queries, datetime, datetime]  # with «now» in it, and when all was planted


@pytest.fixture(scope="module")
def well(clickhouse: Callable[..., Any]) -> Place:
    return planted(clickhouse, "alerts_good", ())


@pytest.fixture(scope="module")
def ill(clickhouse: Callable[..., Any]) -> Place:
    return planted(clickhouse, "alerts_bad", (uid for uid in planters.PLANTS if uid not in planters.APART))


@pytest.fixture(scope="module")
def late(clickhouse: Callable[..., Any]) -> Place:
    return planted(clickhouse, "alerts_late", planters.APART)


def planted(clickhouse: Callable[..., Any], name: str, uids: Iterable[str]) -> Place:
    client, now = clickhouse(name), datetime.now(UTC)
    planters.good(client, now)
    for plant in dict.fromkeys(planters.PLANTS[uid].plant for uid in uids):
        plant(client, now)
    restrict(client)
    return Queries(client, name), now, datetime.now(UTC)


class Switch:
    """Queries on the bad store, then on the good one."""

    def __init__(self, queries: Queries) -> None:
        self.queries = queries

    def query(self, *args: Any) -> Any:
        return self.queries.query(*args)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.mark.parametrize("uid", RULES)
def test_it_can_fire_and_names_labels_that_it_has(uid: str, well: Place) -> None:
    queries, now, _ = well
    assert evaluator.faults(RULES[uid]) == []
    found = evaluator.evaluate(RULES[uid], queries, now, evaluator.watermark(queries, now))
    assert not found.outcome.failure


@pytest.mark.parametrize("uid", RULES)
def test_pending_firing_told_and_resolved(
    uid: str, well: Place, request: pytest.FixtureRequest, hook: Receiver
) -> None:
    # Its own SQL, limit and texts; only its waits are short, so that what was planted isn't old when they are over.
    rule = replace(RULES[uid], for_s=1, keep_firing_for_s=0, interval_s=1, missing_evaluations=2)
    plant = planters.PLANTS[uid]
    bad, planted_at, done = request.getfixturevalue("late" if uid in planters.APART else "ill")
    switch = Switch(bad)
    now = [max(planted_at + plant.later, done)]  # what counts by when it was stored, was stored while it was planted
    engine = Engine(
        rules=lambda: [rule],
        queries=switch,
        journal=MemoryJournal(),
        channels=[Webhook("webhook", hook.url, post)],
        clock=lambda: now[0],
        watermark=lambda: now[0],
        addresses=Addresses(page="https://watchline.example"),
    )

    def states() -> set[str]:
        assert engine.tick(), engine.health()
        assert not [alert for alert in engine.book.alerts() if alert["state"] == "error"]
        while engine.couriers[0].step() == 0.0:
            pass
        now[0] += timedelta(seconds=1)
        engine._not_before.clear()  # this machine may be slow
        alerts = engine.book.alerts()
        return {alert["state"] for alert in alerts if plant.labels.items() <= alert["labels"].items()}

    assert states() == {"pending"} and not hook.bodies
    assert states() == {"firing"}
    incidents = {body["incident"] for body in hook.bodies if body["status"] == "firing"}
    assert incidents and not any(word in str(hook.raw) for word in ("<nil>", "{{", "None", "no value"))
    switch.queries = well[0]
    if plant.later > timedelta(minutes=1):  # it fires by time alone: so late the good store isn't good either
        now[0] = well[1] + timedelta(seconds=5)
    for _ in range(3):
        remaining = states()
    assert remaining == set()
    now[0] += timedelta(seconds=HOLD_S)
    states()
    assert {body["incident"] for body in hook.bodies if body["status"] == "resolved"} == incidents
