"""`watchline prompts impact` over stored traffic: side by side, under all names, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from watchline.streams.cli.main import main
from watchline.streams.query.reader import restrict
from watchline.streams.query.run import Queries

Run = Callable[..., tuple[int, Any]]
# Of a hundred events an hour for eight hours, by number: the version, and what it did.
_CALLS = """
INSERT INTO interactions (event_id, time, app, environment, conversation_id, prompt_name, prompt_version, latency_s,
    cost, error_type, input_messages, output_messages, source, tenant)
SELECT reinterpretAsUUID(unhex(leftPad(hex(number + {first:UInt64}), 32, '0'))),
    toDateTime64('2026-01-02 00:00:00', 6, 'UTC') + INTERVAL number * 36 SECOND, {app:String}, 'prod',
    concat('talk-', toString(intDiv(number, 2))), {name:String}, {version:String},
    {latency:Float64} * (1 + number % 3), {cost:Float64}, '', [('user', 'q')], [('assistant', 'a')], {source:String},
    't'
FROM numbers({events:UInt64})
"""
_FOUND = """
INSERT INTO findings (event_id, time, app, environment, prompt_name, prompt_version, detector, decision, flagged,
    tenant)
SELECT event_id, time, app, environment, prompt_name, prompt_version, 'groundedness', 'evaluated',
    cityHash64(event_id) % 100 < {percent:UInt8}, tenant
FROM interactions
WHERE prompt_version = {version:String} AND app = {app:String}
"""
_RATED = """
INSERT INTO feedback (feedback_id, event_id, time, app, environment, tenant, rating, score)
SELECT event_id, event_id, time, app, environment, tenant, 1, 1
FROM interactions
WHERE prompt_version = {version:String}
"""


@pytest.fixture(scope="module")
def database(clickhouse: Callable[..., Any]) -> Any:
    """One for all: making it takes longer than each test."""
    return clickhouse("impact")


@pytest.fixture
def store(database: Any, clickhouse: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an empty database, and commands that read it."""
    client = database

    @contextmanager
    def open_queries(settings: Any) -> Iterator[Queries]:
        reader = clickhouse(migrated=False)
        reader.command(f"USE {client.test_database}")
        restrict(reader)
        yield Queries(reader, client.test_database)

    monkeypatch.setattr("watchline.streams.query.open.open_queries", open_queries)
    client.command(f"USE {client.test_database}")
    for table in ("interactions", "findings", "feedback", "governance"):
        client.command(f"TRUNCATE TABLE {table}")
    return client


@pytest.fixture
def impact(store: Any, capsys: pytest.CaptureFixture[str]) -> Run:
    """Its exit code, and what it prints as JSON, or says."""

    def run(*arguments: str) -> tuple[int, Any]:
        code = main(["prompts", "impact", *arguments, "--since", "2026-01-01"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if "--json" in arguments and said.out else said.out + said.err

    return run


def add(
    client: Any, version: str, *, percent: int = 10, first: int, events: int = 800, name: str = "answer",
    app: str = "shop", latency: float = 1.0, cost: float = 0.01, source: str = "production",
) -> None:  # fmt: skip
    """Traffic of a version."""
    values = {"version": version, "app": app, "percent": percent, "first": first, "events": events, "name": name,
              "latency": latency, "cost": cost, "source": source}  # fmt: skip
    client.command(_CALLS, parameters=values)
    client.command(_FOUND, parameters=values)


def measures(found: Any) -> dict[str, Any]:
    return {each["measure"]: each for each in found["measures"]}


def test_a_worse_version(store: Any, impact: Run) -> None:
    add(store, "6", first=0, percent=10)
    add(store, "7", first=10_000, percent=60, latency=0.5)
    store.command(_RATED, parameters={"version": "6"})
    code, found = impact("answer", "6", "7", "--json")
    assert code == 0 and found["verdict"] == "mixed", found
    assert found["sentence"].startswith("version 7 is better in latency and worse in groundedness than version 6")
    assert found["answers"] == 1600 and found["app"] == "shop"
    by_name = measures(found)
    assert by_name["groundedness"]["conversations_a"] == by_name["groundedness"]["conversations_b"] == 400
    assert by_name["groundedness"]["a"] == pytest.approx(0.1, abs=0.04) and by_name["groundedness"]["low"] > 0.3
    assert by_name["latency"]["difference"] == pytest.approx(-1, abs=0.01) and by_name["latency"]["high"] < 0
    assert by_name["cost"]["says"] == "same" and by_name["errors"]["difference"] == 0
    assert "satisfaction" not in by_name  # of the other version nobody has said anything
    code, said = impact("answer", "6", "7")
    assert code == 0 and "not measured of both: satisfaction" in said
    assert "version 7 is better in latency and worse in groundedness" in said


def test_equal_versions_of_which_more_is_needed(store: Any, impact: Run) -> None:
    add(store, "6", first=0, events=100)
    add(store, "7", first=10_000, events=100)
    code, found = impact("answer", "6", "7", "--json")
    assert code == 0 and found["verdict"] == "open" and found["sentence"].startswith("not enough yet: about ")
    assert measures(found)["groundedness"]["answers_needed"] > 200
    code, said = impact("answer", "6", "7", "--margin", "0.9")
    assert code == 0 and "no difference larger than 0.9 between versions 6 and 7" in said


def test_versions_that_did_not_run_side_by_side(store: Any, impact: Run) -> None:
    add(store, "6", first=0)
    add(store, "7", first=10_000)
    code, said = impact("answer", "6", "8")
    assert code == 1 and "no answers of answer version 8 in production since 2026-01-01" in said
    store.command(
        "INSERT INTO interactions (event_id, time, app, environment, prompt_name, prompt_version) "
        "VALUES ('00000000-0000-0000-0000-0000000fffff', '2026-01-05 00:00:00', 'shop', 'prod', 'answer', '8')"
    )
    code, found = impact("answer", "6", "8", "--json")
    assert code == 1 and found["verdict"] == "apart" and found["measures"] == []
    assert (
        "did not run side by side (version 6 from 2026-01-02 00:00 to 2026-01-02 07:59; version 8" in found["sentence"]
    )


def test_a_prompt_that_was_renamed_is_one(store: Any, impact: Run) -> None:
    add(store, "6", first=0, name="answer")
    add(store, "7", first=10_000, name="reply", percent=60)
    code, said = impact("reply", "6", "7")
    assert code == 1 and "no answers of reply version 6" in said
    store.command(
        "INSERT INTO governance (position, governance_id, time, actor, action, target, details, accepted) VALUES "
        "(1, '00000000-0000-0000-0000-000000000001', '2026-01-02 00:00:00', 'olga', 'prompt_renamed', 'prompt:answer', "
        "{'app': 'shop', 'first': 'answer', 'name': 'reply'}, true)"
    )
    for name in ("reply", "answer"):
        code, found = impact(name, "6", "7", "--json")
        assert code == 0 and found["verdict"] == "worse" and found["answers"] == 1600, found


def test_two_apps_are_not_mixed(store: Any, impact: Run) -> None:
    for number, app in enumerate(("shop", "bank")):
        add(store, "6", first=100_000 * number, app=app)
        add(store, "7", first=100_000 * number + 10_000, app=app, percent=60 if app == "bank" else 10)
    code, said = impact("answer", "6", "7")
    assert code == 1 and "by --app and --environment: app 'bank', environment 'prod'; app 'shop', env" in said
    assert impact("answer", "6", "7", "--app", "bank", "--json")[1]["verdict"] == "worse"
    assert impact("answer", "6", "7", "--app", "shop", "--environment", "prod", "--json")[1]["verdict"] == "open"


def test_experiments_do_not_count(store: Any, impact: Run) -> None:
    add(store, "6", first=0)
    add(store, "7", first=10_000, source="experiment")
    assert "no answers of answer version 7 in production" in impact("answer", "6", "7")[1]


@pytest.mark.parametrize("more", [["6", "6"], ["6", "7", "--margin", "0"], ["6", "7", "--until", "2025-01-01"]])
def test_what_is_called_wrongly(more: list[str]) -> None:
    assert main(["prompts", "impact", "answer", "--since", "2026-01-01", *more]) == 2
