"""What the trail says of what is in traffic: prompts and models that nobody has promoted, emergencies, names."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.schemas.samples import INTERACTION
from tests.schemas.test_views import scored, write
from tests.streams.governance.prompts.people import DAY, People
from watchline.schemas.records import Interaction
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.clickhouse.sink import Sink
from watchline.streams.governance.keeper import entries_table
from watchline.streams.governance.prompts.content import content_hash

HOUR = 3_600_000_000


@pytest.fixture
def client(clickhouse: Callable[..., Any]) -> Any:
    return clickhouse("governance")


def keep(client: Any, people: People) -> None:
    Sink(lambda: client, 5).write(entries_table(people.roots.log, people.entries))


def sent(client: Any, *events: dict[str, Any]) -> None:
    made = []
    for number, fields in enumerate(events):
        fields = {"app": "shop", "environment": "prod", "source": "production", **fields}
        event = scored(number)
        interaction: Interaction = dataclasses.replace(
            INTERACTION, event_id=event.scored.interaction.event_id, **fields
        )  # fmt: skip
        interaction_scored = dataclasses.replace(event.scored, interaction=RedactedInteraction(interaction))
        made.append(dataclasses.replace(event, scored=interaction_scored))
    write(client, made)


def test_a_prompt_that_nobody_promoted_is_named(client: Any) -> None:
    people = People()
    people.live(1, "one")
    promoted = people.time
    people.draft("anna", "two")
    people.time += 2 * HOUR
    people.withdraw("olga", 1)
    keep(client, people)
    one, two = content_hash("one"), content_hash("two")
    after = {"time": promoted + 1, "prompt_name": "answer"}
    sent(
        client,
        {**after, "prompt_hash": one},
        {**after, "prompt_hash": f"sha256:{one.upper()}"},
        {**after, "prompt_hash": two},
        {**after, "prompt_hash": ""},
        {**after, "prompt_hash": one, "environment": "test"},
        {**after, "prompt_hash": two, "source": "experiment"},
        {**after, "prompt_hash": two, "app": "without"},
        {**after, "prompt_hash": one, "time": promoted - 3 * HOUR},
        {**after, "prompt_hash": one, "time": promoted + 2 * HOUR + 1},  # apps get to know of it
        {**after, "prompt_hash": one, "time": promoted + 4 * HOUR},
    )
    rows = client.query("SELECT environment, prompt_hash, events, why FROM v_unapproved_prompts").result_rows
    assert sorted(rows) == sorted([
        ("prod", two, 1, "nobody has promoted it"), ("prod", "", 1, "it has no hash"),
        ("test", one, 1, "nobody has promoted it"), ("prod", one, 1, "it was promoted afterwards"),
        ("prod", one, 1, "it was withdrawn before"),
    ])  # fmt: skip


def test_apps_and_models_that_nobody_registered_are_named(client: Any) -> None:
    people = People()
    sent(client, {"request_model": "m1"}, {"app": "other"}, {"request_model": "m2", "response_model": "m2-2026"},
         {"request_model": "m3", "response_model": "m3"}, {"request_model": "m4", "response_model": "m4"})  # fmt: skip
    assert client.query("SELECT * FROM v_unregistered").result_rows == []  # nobody registers anything
    keep(client, people)
    sql = "SELECT app, what, model FROM v_unregistered ORDER BY app, model"
    assert [row[:2] for row in client.query(sql).result_rows] == [("other", "app")]  # it has no list of models
    people.use("paul", "use_case_registered", "shop", risk_class="limited", legal_basis="contract", models="m0")
    people.use("paul", "use_case_registered", "shop", risk_class="limited", legal_basis="contract", models="m1, m2")
    people.use("olga", "model_deployed", "shop", model="m3")
    keep(client, people)
    assert [row[1:] for row in client.query(sql).result_rows if row[0] == "shop"] == [("model", "m4")]
    people.draft("anna", "m4 of a provider", kind="model", name="m4")
    for who, act in (("ben", "approved"), ("olga", "promoted")):
        more = {"environment": "prod"} if act == "promoted" else {}
        assert people.use(who, f"model_{act}", "model:m4", app="shop", version=1, **more).accepted
    keep(client, people)
    assert {row[0] for row in client.query(sql).result_rows} == {"other"}
    models = client.query("SELECT model FROM v_registered_models WHERE app = 'shop' ORDER BY model").result_rows
    assert models == [("m1",), ("m2",), ("m3",), ("m4",)]


def test_an_emergency_waits_until_another_has_reviewed_it(client: Any) -> None:
    people = People()
    people.draft("anna", "one")
    people.draft("anna", "two")
    people.emergency("olga", 1)
    people.review("ben", 1)
    people.time += DAY
    people.emergency("olga", 2, "again")
    people.use("olga", "prompt_renamed", "prompt:answer", app="shop", name="reply", first="answer")
    people.use("olga", "prompt_renamed", "prompt:reply", app="shop", name="say", first="answer")
    keep(client, people)
    sql = "SELECT target_version, why, reviewed_by, reviewed_at IS NULL FROM v_emergencies ORDER BY position"
    assert client.query(sql).result_rows == [("1", "answers are wrong", "ben", 0), ("2", "again", "", 1)]
    names = client.query("SELECT name, first_name FROM v_prompt_names ORDER BY name").result_rows
    assert names == [("answer", "answer"), ("reply", "answer"), ("say", "answer")]


def test_a_review_is_overdue_after_48_hours(client: Any) -> None:
    for hours in (47, 49):
        people = People()
        people.draft("anna", "one")
        people.time = time.time_ns() // 1000 - hours * HOUR
        people.emergency("olga", 1)
        keep(client, people)
    assert client.query("SELECT overdue FROM v_emergencies ORDER BY time").result_rows == [(1,), (0,)]
