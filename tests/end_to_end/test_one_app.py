"""What one app sends is paid by that app: its poison, its wrong clock, its flood. The others' events go on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

from tests.end_to_end.test_bad_input import envelope, interaction
from tests.end_to_end.workers import Worker
from watchline.schemas.codec import decode
from watchline.schemas.records import FindingBatch
from watchline.streams.kafka import topics

POISON = 10_000  # events
MAIL = "jane.doe@example.com"


def test_poison_of_one_app_neither_stops_nor_holds_up_the_others(make_worker: Callable[..., Worker]) -> None:
    """With limits of the brake that it is far beyond; its bytes that can't be read have no app at all."""
    worker = make_worker(
        detectors="", topic_partitions="1", dead_letter_max_consecutive="5", dead_letter_max_ratio="0.01"
    )
    bad = interaction(app="poison", event_id="42", output_messages=())
    poison = [envelope(*[bad] * 60), *[b"junk"] * 20] * (POISON // 80)
    good = [envelope(interaction(app="good")) for _ in range(10)]
    worker.produce(*good[:5], *poison, *good[5:])
    worker.wait(lambda: worker.count("v_interactions") == len(good))
    worker.wait(lambda: worker.health()["lag_messages"] == 0)
    letters = worker.rows("SELECT app, kind, count() FROM v_dead_letters GROUP BY app, kind ORDER BY app")
    assert letters == [("", "undecodable", POISON // 4), ("poison", "invalid", POISON * 3 // 4)]
    metrics = worker.page("metrics")[1]
    assert f'\nwatchline_dead_letters_total{{app="poison",kind="invalid"}} {POISON * 3 // 4}.0\n' in metrics
    assert f'\nwatchline_dead_letters_total{{app="unknown",kind="undecodable"}} {POISON // 4}.0\n' in metrics
    warnings = [line for line in worker.log.read_text().splitlines() if "dead letter of app" in line]
    assert 2 <= len(warnings) <= 6, warnings  # one a minute for each app and kind
    assert any("dead letter of app poison: invalid, event_id: not a UUID" in line for line in warnings)


def test_a_host_with_a_wrong_clock_loses_no_event_and_stops_nobody(make_worker: Callable[..., Worker]) -> None:
    worker = make_worker(detectors="", topic_partitions="1", dead_letter_max_consecutive="5")
    ahead = [interaction(app="ahead") for _ in range(64)]
    ahead = [dataclasses.replace(event, time=event.time * 1000) for event in ahead]  # nanoseconds
    worker.produce(*(envelope(*ahead[start : start + 8]) for start in range(0, 64, 8)), envelope(interaction()))
    worker.wait(lambda: worker.count("v_interactions") == 65)
    select = "SELECT toString(event_id), sent_time FROM v_interactions WHERE has(invalid_fields, 'time')"
    assert dict(worker.rows(select)) == {event.event_id: event.time for event in ahead}
    assert worker.rows("SELECT countIf(abs(dateDiff('second', time, now())) > 600) FROM v_interactions") == [(0,)]
    assert '\nwatchline_invalid_fields_total{app="ahead",field="time"} 64.0\n' in worker.page("metrics")[1]
    # Read again, as after a crash: the same rows.
    stored = worker.rows("SELECT event_id, time FROM v_interactions ORDER BY event_id")
    assert worker.stop() == 0
    worker.environment["WATCHLINE_GROUP_ID"] += "-again"
    worker.start()
    worker.wait(lambda: worker.health()["events"] == 65)
    assert worker.rows("SELECT event_id, time FROM v_interactions ORDER BY event_id") == stored


def test_an_app_over_its_budget_is_stored_without_texts_and_the_others_are_scored(
    make_worker: Callable[..., Worker],
) -> None:
    budgets = {"flood": {"events_per_s": 2}}
    worker = make_worker(detectors="pii,toxicity", topic_partitions="1", app_budgets=json.dumps(budgets))
    flood = {"app": "flood", "tenant": "north", "conversation_id": f"of {MAIL}", "cost": 0.5, "error_message": MAIL}
    first, last = (envelope(interaction(app="other"), interaction(app="other")) for _ in range(2))
    worker.produce(first, *(envelope(*(interaction(**flood) for _ in range(32))) for _ in range(20)), last)
    worker.wait(lambda: worker.health()["events"] == 644)

    counts = "sum(planned), sum(evaluated), sum(shed), sum(missing)"
    coverage = worker.rows(f"SELECT detector, {counts} FROM v_coverage GROUP BY detector ORDER BY detector")
    evaluated = coverage[0][2]
    assert 24 <= evaluated <= 64  # 4 of the other app, and of the flood 20 for each of one to three windows
    assert coverage == [(name, 644, evaluated, 644 - evaluated, 0) for name in ("pii", "toxicity")]
    decisions = "SELECT DISTINCT app, detector, reason FROM v_findings WHERE decision = 'shed' ORDER BY detector"
    assert worker.rows(decisions) == [("flood", "pii", "budget"), ("flood", "toxicity", "budget")]

    shed = "event_id IN (SELECT event_id FROM v_findings WHERE decision = 'shed')"
    columns = "tenant, model, cost, conversation_id, input, output, error_message, length(input_messages)"
    (row,) = worker.rows(f"SELECT DISTINCT {columns} FROM v_interactions WHERE {shed}")
    assert row == ("north", "m", 0.5, "", "", "", "", 0)
    assert f'\nwatchline_over_budget_events_total{{app="flood"}} {644 - evaluated}.0\n' in worker.page("metrics")[1]
    published = [decode(value, FindingBatch) for value, _ in worker.consume(topics.findings)]
    assert sum(len(batch.items) for batch in published) == evaluated  # the monitors compare what was scored
