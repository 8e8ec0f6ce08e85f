"""What the audit queries of governance say of a month of acts, and of traffic whose numbers are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.dashboards.trail import APP, DONE, OPEN, PURPOSE, Trail, acts, store
from watchline.dashboards import audits
from watchline.streams.governance import records
from watchline.streams.governance.places import TABLES


def run(client: Any, name: str, **values: str) -> list[dict[str, Any]]:
    return list(client.query(audits.load(name).statement(**values)).named_results())


def picked(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_what_is_held_of_a_person(governed: Any) -> None:
    held = dict(picked(run(governed, "subject_access", subject="k1:3"), "what", "records"))
    (count,) = governed.query("SELECT count() FROM v_interactions WHERE subject = 'k1:3'").result_rows[0]
    assert held["interactions"] == count == 20  # 9 of each version, and two leaks
    assert held["findings of pii"] == 20
    assert "feedback" in {row["what"] for row in run(governed, "subject_access", subject="k1:3")}
    assert run(governed, "subject_access") == run(governed, "subject_access", subject="nobody") == []


def test_judgements_of_a_person_have_version_and_threshold(governed: Any) -> None:
    rows = run(governed, "subject_judgements", subject="k1:5")
    leaks = [row for row in rows if row["detector"] == "pii" and row["flagged"]]
    assert picked(leaks, "score", "threshold") == [(pytest.approx(0.9), 0.5)]
    assert run(governed, "subject_judgements") == []


def test_automated_decisions_say_risk_and_whether_people_rate(governed: Any) -> None:
    rows = run(governed, "automated_decisions")
    assert picked(rows, "model", "risk_class", "answers") == [("small", "high", 123), ("unknown", "high", 1)]
    assert rows[0]["rated_in_app"] == 1


def test_an_erasure_that_is_not_certified_is_overdue(governed: Any) -> None:
    rows = run(governed, "erasures")
    names = ("erasure", "whole", "events_erased", "overdue")
    assert picked(rows, *names) == [(OPEN, "not certified", 0, 1), (DONE, "complete", 3, 0)]
    assert [int(row["days"]) for row in rows] == [40, 1]
    assert [row["overdue"] for row in run(governed, "erasures", days="41")] == [0, 0]


def test_a_certificate_is_shown_by_place(governed: Any) -> None:
    names = ("place", "word", "row_count", "until_time")
    expected = [("table interactions", "deleted", 3, ""), ("topic", "expires", 0, "2099")]
    assert picked(run(governed, "erasure_places"), *names) == expected
    assert run(governed, "erasure_places", erasure=OPEN) == []


def test_the_record_of_processing_has_purpose_basis_and_retention(governed: Any) -> None:
    shop, bot = run(governed, "records_of_processing")
    assert (shop["app"], shop["purpose"], shop["events"]) == ("shop", "", 0)
    assert (bot["purpose"], bot["legal_basis"], bot["contact"]) == (PURPOSE, "contract", "support@example.org")
    assert (bot["people"], bot["recipients"], bot["transfers"]) == ("customers", "the provider of small", "none")
    assert (bot["text_days"], bot["rows_days"], bot["metrics_days"]) == (30, 184, 730)
    assert (bot["redaction_policy"], bot["events"]) == ('{"input": "drop"}', 124)


def test_a_purpose_that_is_not_what_was_signed_is_not_shown(clickhouse: Callable[..., Any], now: datetime) -> None:
    client, trail = clickhouse("forged"), acts(now)
    for texts in trail.salted.values():
        texts |= {"purpose": "00:another"} if "purpose" in texts else {}
    store(client, trail)
    assert run(client, "records_of_processing")[1]["purpose"] == "erased, or not what was signed"
    assert run(client, "records_of_processing")[1]["text_days"] is None  # nothing was put in force


def test_a_leak_has_its_hour_its_people_and_its_term(governed: Any, now: datetime) -> None:
    rows = run(governed, "personal_data_leaks")
    assert sum(row["answers"] for row in rows) == 3
    assert max(row["people_who_asked"] for row in rows) <= 2
    assert all(row["notify_before"] - row["first_known"] == timedelta(hours=72) for row in rows)
    touched = run(governed, "people_touched")
    assert dict(picked(touched, "subject", "answers")) == {"k1:3": 2, "k1:5": 1}
    assert run(governed, "people_touched", app="shop") == []


def test_high_risk_apps(governed: Any) -> None:
    (row,) = run(governed, "high_risk_apps")
    assert (row["app"], row["answers"], row["flagged"], row["pages"]) == (APP, 124, 35, 1)
    assert (row["emergencies"], row["emergencies_without_review"]) == (1, 1)
    assert [row["app"] for row in run(governed, "high_risk_apps", risk_class="limited")] == ["shop"]


def test_acts_are_shown_with_who_did_them_and_no_hash(governed: Any) -> None:
    rows = [row for row in run(governed, "acts") if row["actor"] != ""]
    assert len(rows) + 1 == len(governed.trail.entries)
    assert {row["actor"] for row in run(governed, "acts", actor="ben")} == {"ben"}
    assert not {"salt", "scope", "places"} & {name for row in rows for name in row["details"]}
    counts = {(row["actor"], row["action"]): row for row in run(governed, "acts_by_person")}
    assert counts["ben", "prompt_approved"]["accepted_acts"] == 3
    assert (counts["olga", "prompt_promoted"]["accepted_acts"], counts["olga", "prompt_promoted"]["refused"]) == (1, 1)


def test_a_time_without_test_events_is_a_gap(governed: Any) -> None:
    rows = [row for row in run(governed, "monitoring_gaps") if not row["is_open"]]  # the tests may take minutes
    assert picked(rows, "partition", "minutes") == [(2, 90.0), (0, 178.0)]  # the first by a proof alone
    rows = run(governed, "monitoring_gaps", minutes="0")
    assert {row["partition"] for row in rows if row["is_open"]} == {0, 1}


def test_recording_counts_what_leads_to_its_prompt(governed: Any) -> None:
    rows = run(governed, "recorded_fields")
    total = {name: sum(row[name] for row in rows) for name in ("events", "with_model", "with_prompt_hash")}
    assert total == {"events": 124, "with_model": 124, "with_prompt_hash": 120}


def test_logs_are_kept_for_six_months(governed: Any, seeded: Any) -> None:
    (row,) = run(governed, "log_retention")
    assert (row["days_in_force"], row["verdict"], row["set_by_an_act"]) == (184, "long enough", 1)
    assert [row["verdict"] for row in run(governed, "log_retention", days="185")] == ["too short"]
    assert run(seeded, "log_retention")[0]["verdict"].startswith("nothing is deleted")


def test_oversight_and_models(governed: Any) -> None:
    row = next(row for row in run(governed, "oversight") if row["app"] == APP)
    assert row["people"] == ["anna", "ben", "cleo", "olga", "paul"]
    assert (row["approvals"], row["rollbacks"], row["emergencies"], row["reviews"]) == (4, 1, 1, 0)
    models = {row["model"]: row for row in run(governed, "models_in_use")}
    assert models["small"]["allowed_by"] == ["model_deployed", "use_case_registered"]
    assert (models["small"]["verdict"], models["unknown"]["verdict"]) == ("allowed", "not allowed")
    (drift,) = (row for row in run(governed, "provider_drift") if row["system_fingerprint"])
    assert (drift["system_fingerprint"], drift["events"]) == ("fp2", 1)


def test_incidents_are_in_one_line_of_time(governed: Any) -> None:
    rows = run(governed, "incidents")
    kinds = {row["kind"] for row in rows}
    assert kinds == {
        "alert",
        "change",
        "dead letters",
        "emergency",
        "leaked personal data",
        "messages gone before they were read",
        "refused act",
        "unapproved prompt",
    }
    assert [row["time"] for row in rows] == sorted((row["time"] for row in rows), reverse=True)


def test_keys_say_who_may_sign_and_who_may_no_more(governed: Any, now: datetime) -> None:
    keys = {row["holder"]: row for row in run(governed, "keys")}
    assert (keys["ci"]["in_force"], keys["ci"]["kind"], keys["ci"]["acts"]) == (0, "service", 0)
    assert (keys["ben"]["in_force"], keys["ben"]["roles"], keys["ben"]["acts"]) == (1, "approver", 3)
    before = f"{now - timedelta(days=10):%Y-%m-%d}"
    assert all(row["in_force"] for row in run(governed, "keys", until=before))


def test_refused_acts_have_a_reason(governed: Any) -> None:
    rows = run(governed, "refused_acts")
    assert [row["action"] for row in rows] == ["key_revoked", "", "prompt_promoted"]
    assert "1 of 2 approvals" in rows[2]["reason"]


def test_alerts_have_their_end_and_when_somebody_looked_after_them(governed: Any) -> None:
    rows = run(governed, "alerts_fired")
    names = ("incident", "severity", "app", "lasted_s")
    assert picked(rows, *names) == [("i2", "critical", "", None), ("i1", "critical", APP, 1200)]
    assert [row["acknowledged"] is not None for row in rows] == [False, True]
    assert picked(run(governed, "alerts_fired", app=APP), "incident") == [("i1",)]


@pytest.mark.parametrize("done_to_it", ["deleted", "edited", "cut off"])
def test_the_chain_shows_what_sql_can_see(done_to_it: str, clickhouse: Callable[..., Any], now: datetime) -> None:
    """That the end is gone it can't: the page says so, and `watchline audit verify` does."""
    client, trail = clickhouse("broken"), Trail(now)
    if done_to_it == "deleted":
        del trail.entries[3]
    elif done_to_it == "cut off":
        del trail.entries[-1]
    else:
        trail.entries[3] = dataclasses.replace(trail.entries[3], hash="00" * 32)
    store(client, trail)
    (row,) = run(client, "chain")
    expected = {"deleted": (1, 1, 4), "edited": (0, 1, 4), "cut off": (0, 0, None)}
    assert (row["missing"], row["broken_links"], row["first_broken"]) == expected[done_to_it]


def test_a_whole_chain_has_no_broken_link(governed: Any) -> None:
    (row,) = (row for row in run(governed, "chain") if row["log"] == governed.trail.roots.log)
    assert (row["entries"], row["missing"], row["broken_links"]) == (len(governed.trail.entries), 0, 0)
    assert (row["head"], row["refused"]) == (governed.trail.fold.head, 3)


def test_a_promotion_has_its_author_and_its_approvers(governed: Any) -> None:
    names = ("action", "target_version", "author", "approved_by", "promoted_by")
    assert picked(run(governed, "promotions"), *names) == [
        ("prompt_promoted", "1", "anna", ["ben", "cleo"], "olga"),
        ("emergency_promoted", "2", "anna", ["ben"], "olga"),
    ]
    assert run(governed, "promotions", app="shop") == []
    (emergency,) = run(governed, "emergencies")
    assert (emergency["promoted_by"], emergency["reviewed_at"], emergency["late"]) == ("olga", None, 1)
    assert [row["late"] for row in run(governed, "emergencies", hours="97")] == [0]


def test_what_was_taken_back_and_what_was_deployed(governed: Any) -> None:
    (row,) = run(governed, "rollbacks")
    assert (row["action"], row["target_version"], row["live_hours"]) == ("prompt_rolled_back", "2", 12.0)
    before = dict(picked(run(governed, "deployments"), "what", "before"))
    assert before == {
        "document set 7": "",
        "model small": "",
        "model large": "model small",
        "prompt:answer version 1": "",
        "prompt:answer version 2": "prompt:answer version 1",
    }


def test_thresholds(governed: Any) -> None:
    rows = run(governed, "threshold_changes")
    assert picked(rows, "threshold_before", "threshold", "actor") == [("", "0.5", "olga"), ("0.5", "0.6", "olga")]
    judged = {(row["detector"], row["threshold"]): row for row in run(governed, "thresholds_in_force")}
    assert (judged["pii", 0.5]["evaluated"], judged["pii", 0.5]["flagged"]) == (4, 3)


def test_exports_holds_policies_and_proofs(governed: Any) -> None:
    taken = picked(run(governed, "exports"), "who", "target", "app", "row_count")
    assert taken == [("aud", "bundle.zip", "", 12), ("p9", "https://models.example.org", APP, 100)]
    assert dict(picked(run(governed, "holds"), "hold", "in_force")) == {"h1": 0, "h2": 0, "h3": 1}
    first, second = run(governed, "redaction_policies")
    assert (first["replaced_at"], second["replaced_at"]) == (second["time"], None)
    (proof,) = run(governed, "proofs")
    assert (proof["events"], proof["unexplained"], proof["proven_from"]) == (120, 2, "2026-01-01T00:00:00Z")


def test_retention_that_is_set_and_not_in_force_is_named(governed: Any) -> None:
    verdicts = dict(picked(run(governed, "retention_in_force"), "class", "verdict"))
    assert verdicts["rows"] == "another one is in force: watchline retention apply"
    assert verdicts["text"] == "in force, by default"


def test_what_nobody_approved_or_registered(governed: Any) -> None:
    rows = run(governed, "unapproved_prompts")
    assert {row["why"] for row in rows} == {"nobody has promoted it", "it has no hash"}
    assert sum(row["answers"] for row in rows) == 124
    (row,) = run(governed, "unregistered_traffic")
    assert (row["what"], row["model"], row["answers"]) == ("model", "unknown", 1)


def test_conflicts_are_counted(governed: Any) -> None:
    assert sum(row["events"] for row in run(governed, "conflicts")) == 12


def test_the_record_of_processing_is_a_page_with_room_for_what_nobody_recorded(governed: Any) -> None:
    apps = run(governed, "records_of_processing")
    text = records.markdown([{**apps[0], "purpose": "a | b\n<script>"}, apps[1]], ["hidden"])
    assert "| purpose | answers customers |" in text
    assert "| time limits | text 30 days; rows 184 days; metrics 730 days |" in text
    assert "| purpose | a \\| b &lt;script> |" in text
    assert "nobody has registered what they are for: hidden" in text
    assert all(f"| table {name} | " in text for name in TABLES)
    unset = {f"{name}_days": None for name in ("text", "rows", "metrics")}
    assert "nothing is deleted" in records.markdown([{**apps[0], **unset}])
    assert "Not complete" not in records.markdown(apps)
