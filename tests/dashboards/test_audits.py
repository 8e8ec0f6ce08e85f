"""Every audit query runs on the real engine and gives the numbers that were put in."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from tests.dashboards.seed import CLAIM, EVIDENCE, QUESTION
from watchline.dashboards import audits
from watchline.schemas.errors import ConfigurationError


def run(client: Any, name: str, **values: str) -> list[dict[str, Any]]:
    return list(client.query(audits.load(name).statement(**values)).named_results())


GIVEN = {"subject": "k1:3"}


def test_each_has_its_question_who_asks_it_what_it_leaves_open_and_times() -> None:
    assert len(audits.names()) > 25
    asked_by = ""
    for name in audits.names():
        audit = audits.load(name)
        assert audit.question.endswith("?") and audit.not_answered.endswith(".")
        assert {*audit.parameters} & {"since", "until"}
        asked_by += f"{audit.asked_by}, "
    articles = "GDPR 15, GDPR 17, GDPR 22, GDPR 30, GDPR 33, GDPR 35, HIPAA 164.312(b), EU AI Act 12, EU AI Act 19"
    for article in (*articles.split(", "), "EU AI Act 26(", "SOC 2 CC6", "SOC 2 CC7"):
        assert article in asked_by, article


@pytest.mark.parametrize("name", audits.names())
def test_runs_with_its_defaults_and_leaves_no_placeholder(name: str, governed: Any) -> None:
    given = {key: value for key, value in GIVEN.items() if key in audits.load(name).parameters}
    assert run(governed, name, **given)
    assert not re.search(r"\{\w+:", audits.load(name).statement())


@pytest.mark.parametrize("name", audits.names())
def test_the_parameters_are_good_for_a_clients_own_binding(name: str, governed: Any) -> None:
    audit = audits.load(name)
    given = {**audit.parameters, **{key: value for key, value in GIVEN.items() if key in audit.parameters}}
    assert governed.query(audit.sql, parameters=given).result_rows


@pytest.mark.parametrize("name", audits.names())
def test_nothing_is_found_in_times_without_anything(name: str, governed: Any) -> None:
    """Its times bound it. What is in force counts from before: those with `since` alone or with both are of a time."""
    parameters = audits.load(name).parameters
    given = {"since": "1999-01-01", "until": "1999-12-31", **GIVEN}
    found = run(governed, name, **{key: value for key, value in given.items() if key in parameters})
    assert name in ("signals", "retention_in_force") or found == []


def test_coverage_counts_each_planned_check_once(seeded: Any) -> None:
    rows = run(seeded, "coverage")
    total = dict.fromkeys(("groundedness", "pii", "toxicity"), 0)
    missing = dict(total)
    for row in rows:
        total[row["detector"]] += row["planned"]
        missing[row["detector"]] += row["missing"]
    assert total == {"groundedness": 120, "pii": 120, "toxicity": 120}
    assert missing == {"groundedness": 0, "pii": 0, "toxicity": 2}
    sql = "SELECT detector, sum(c.planned) AS planned, sum(c.missing) AS missing FROM v_coverage AS c GROUP BY detector"
    whole = {row["detector"]: row for row in seeded.query(sql).named_results()}
    assert {detector: row["missing"] for detector, row in whole.items()} == missing
    assert {detector: row["planned"] for detector, row in whole.items()} == total


def test_prompts_served(seeded: Any) -> None:
    first, second = run(seeded, "prompts_served", app="support-bot")
    assert (first["prompt_version"], first["interactions"], first["alerts"]) == ("1", 60, 2)
    assert (second["prompt_version"], second["interactions"], second["alerts"]) == ("2", 60, 30)
    assert first["subjects"] == 7
    assert run(seeded, "prompts_served", app="other") == []


def test_redactions(seeded: Any) -> None:
    rows = run(seeded, "redactions")
    assert {row["entity_type"] for row in rows} == {"EMAIL_ADDRESS"}
    assert sum(row["replaced"] for row in rows) == 4


def test_lost_events_come_from_every_place_where_events_get_lost(seeded: Any) -> None:
    events = Counter[str]()
    for row in run(seeded, "lost_events"):
        events[row["place"]] += row["events"]
    assert events == {"dead letter": 3, "producer": 5, "Kafka": 20}
    assert run(seeded, "lost_events", since="2099-01-01") == []


def test_dead_letters_of_one_kind_and_field_are_one_line(seeded: Any) -> None:
    lines = {row["reason"]: row["events"] for row in run(seeded, "lost_events") if row["place"] == "dead letter"}
    bytes_left = next(reason for reason in lines if reason.startswith("undecodable, such as: "))
    assert lines == {bytes_left: 2, "invalid (latency_s), such as: latency_s: negative": 1}


def test_unsupported_answers_show_claim_and_source_by_code_points(seeded: Any, now: datetime) -> None:
    rows = run(seeded, "unsupported_answers")
    assert len(rows) == 32
    assert {row["unsupported"] for row in rows} == {CLAIM}
    assert {tuple(row["sources"]) for row in rows} == {(EVIDENCE,)}
    assert {row["question"] for row in rows} == {QUESTION}
    assert len(run(seeded, "unsupported_answers", limit="3")) == 3
    assert run(seeded, "unsupported_answers", until=f"{now.year - 1}-01-01") == []


def test_signals_say_what_changed(seeded: Any) -> None:
    (row,) = run(seeded, "signals")
    assert (row["measure"], row["before"], row["after"]) == ("groundedness", 0.03, 0.5)
    assert row["slice"] == {"prompt_version": "2"}


def test_reads_say_who_read_what_by_which_door(seeded: Any) -> None:
    first, second = run(seeded, "reads")
    assert (first["who"], first["proven"], first["door"], first["reads"]) == ("p1", "named", "page", 2)
    assert (first["views"], first["row_count"], first["how"]) == (["v_interactions"], 7, "ok")
    assert (second["row_count"], second["how"], second["why"]) == (None, "refused", "the function")
    assert run(seeded, "reads", view="v_interactions") == [first]
    assert run(seeded, "reads", who="p2") == run(seeded, "reads", since="2099-01-01") == []


def test_a_value_is_never_sql(seeded: Any) -> None:
    assert run(seeded, "prompts_served", app="' OR 1=1 --") == []
    assert run(seeded, "prompts_served", app="\\' OR 1=1 --") == []


def test_unknown_names_are_errors_that_list_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="coverage"):
        audits.load("nothing")
    with pytest.raises(ConfigurationError, match="since"):
        audits.load("coverage").statement(from_="2026-01-01")
