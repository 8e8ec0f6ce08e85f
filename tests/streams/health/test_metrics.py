"""What is counted, under which labels; the catalogue itself stands in tests/documentation and tests/end_to_end."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.documentation.metrics_table import families
from tests.schemas.samples import INTERACTION
from tests.streams.worker.parts import scored_part
from tests.streams.worker.test_stages import BAD, message
from watchline.detectors.scorer import Scored
from watchline.schemas.errors import Kind, PoisonError
from watchline.schemas.records import Decision, Finding
from watchline.schemas.texts import RedactedInteraction
from watchline.streams.dead_letters import DeadLetter
from watchline.streams.health.app_labels import MOST_APPS, AppLabels
from watchline.streams.health.metrics import Metrics
from watchline.streams.health.progress import ConsumerState, Progress
from watchline.streams.messages import DecodedMessage, ScoredEvent
from watchline.streams.worker.stages import decode

LABELS = {
    *("topic", "partition", "stage", "detector", "version", "kind", "code", "cache", "le", "app", "field"),
    *("reason", "source", "outcome"),
}


def values(metrics: Metrics, progress: Progress | None = None) -> dict[tuple[str, ...], float]:
    found = families(metrics.scrape(progress or Progress()).decode())
    samples = [sample for family in found.values() for sample in family.samples]
    assert {label for sample in samples for label in sample.labels} <= LABELS
    return {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples}


def counts(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """What a counter has counted, by its labels' values."""
    return {key[1:]: value for key, value in values(metrics).items() if key[0] == name and value}


def scored(*decisions: Decision) -> ScoredEvent:
    findings = tuple(
        Finding(event_id=INTERACTION.event_id, detector=f"d{n}", detector_version="1", decision=each, duration_us=500)
        for n, each in enumerate(decisions)
    )
    (event,) = decode.unpack(message(INTERACTION)).events
    return ScoredEvent(
        event.origin, Scored(RedactedInteraction(INTERACTION), findings, {}, {}, np.empty(0, np.float32))
    )


def test_a_batch_counts_events_time_failures_and_what_was_shed() -> None:
    metrics = Metrics({"d0": "abc"})
    events = [scored("evaluated", "failed"), scored("shed", "shed"), scored("evaluated", "evaluated")]
    metrics.batch_done(scored_part(events), 3)
    found = values(metrics)
    assert found["watchline_events_total",] == 3
    assert found["watchline_batch_events_sum",] == 3
    assert found["watchline_failed_findings_total", "d1"] == 1
    assert found["watchline_failed_findings_total", "d0"] == 0
    assert found["watchline_shed_events_total",] == 1
    assert found["watchline_scoring_seconds_total", "d0"] == pytest.approx(0.0015)
    assert found["watchline_detector_info", "abc", "d0"] == 1


def test_cache_lookups_are_summed_up() -> None:
    metrics = Metrics({})
    metrics.batch_done(scored_part([], lookups={"hit": 2, "miss": 5}), 0)
    metrics.batch_done(scored_part([], lookups={"hit": 7, "miss": 0}), 0)
    found = values(metrics)
    assert found["watchline_embedded_texts_total", "hit"] == 9
    assert found["watchline_embedded_texts_total", "miss"] == 5


def letters(*batches: DecodedMessage) -> Sequence[DeadLetter]:
    return [letter for batch in batches for letter in batch.dead]


def test_dead_letters_are_counted_by_kind() -> None:
    metrics = Metrics({})
    (event,) = decode.unpack(message(INTERACTION)).events
    bad_of_another = dataclasses.replace(BAD, app="Jane Doe")
    metrics.dead_lettered(
        [
            *letters(decode.unpack(message(BAD, bad_of_another)), decode.unpack(message(value=b"jane: x"))),
            event.dead_letter(PoisonError(Kind.REDACTION, "redaction failed")),
            event.dead_letter(PoisonError(Kind.REFUSED, "row refused: ClickHouse code 53")),
        ]
    )
    counted = counts(metrics, "watchline_dead_letters_total")
    assert counted == {
        ("invalid", "support-bot"): 1,
        ("invalid", "other"): 1,
        ("undecodable", "unknown"): 1,
        ("redaction", "support-bot"): 1,
        ("refused", "support-bot"): 1,
    }


def test_names_of_apps_are_labels_while_they_are_few_and_plain() -> None:
    labels = AppLabels()
    assert labels.label("") == "unknown"
    odd = ["Jane Doe", "a" * 65, "a\nb", 'a"b', "jane@example.com", "é", "4111111111111111"]
    assert [labels.label(name) for name in odd] == ["other"] * len(odd)
    assert [labels.label(f"app-{number}") for number in range(MOST_APPS)] == [f"app-{n}" for n in range(MOST_APPS)]
    assert (labels.label("one-more"), labels.label("app-7")) == ("other", "app-7")


def test_fields_that_had_to_be_left_out_are_counted_by_app() -> None:
    metrics = Metrics({})
    events = [dataclasses.replace(INTERACTION, time=0, cost=-1.0), dataclasses.replace(INTERACTION, cost=-1.0)]
    decoded = decode.unpack(message(*events))
    metrics.batch_done(scored_part([], [decoded]), 0)
    counted = counts(metrics, "watchline_invalid_fields_total")
    assert counted == {("support-bot", "time"): 1, ("cost", "support-bot"): 2}


def test_identifiers_that_were_replaced_are_counted_by_field() -> None:
    metrics = Metrics({})
    part = dataclasses.replace(scored_part([], []), replaced={("tenant", "dropped"): 2})
    metrics.batch_done(part, 0)
    metrics.replaced({("tenant", "dropped"): 1, ("app", "pseudonym"): 1})
    name = "watchline_replaced_identifiers_total"
    counted = {key: value for key, value in values(metrics).items() if key[0] == name}
    assert counted == {(name, *sorted(["tenant", "dropped"])): 3, (name, *sorted(["app", "pseudonym"])): 1}


@given(st.sampled_from([*Kind]), st.sampled_from([None, "event_id", "cost"]), st.text())
@example(Kind.UNDECODABLE, None, "event_id: redaction failed")
@example(Kind.INVALID, "event_id", "row refused")
def test_no_word_of_a_reason_decides_what_becomes_of_a_letter(kind: Kind, field: str | None, words: str) -> None:
    metrics = Metrics({})
    (event,) = decode.unpack(message(INTERACTION)).events
    letter = event.dead_letter(PoisonError(kind, words, field))
    metrics.dead_lettered([letter])
    assert counts(metrics, "watchline_dead_letters_total") == {tuple(sorted([kind, "support-bot"])): 1}
    assert letter.event_id == ("" if field == "event_id" else INTERACTION.event_id)
    assert words in letter.reason


def test_partitions_of_another_worker_are_gone_from_the_page() -> None:
    metrics, progress = Metrics({}), Progress()
    progress.observe(
        ConsumerState({("raw", 0): 4, ("raw", 1): 0}, {("raw", 0): 6, ("raw", 1): 0}, {"raw": 5}, {"raw": 900})
    )
    found = values(metrics, progress)
    assert found["watchline_lag_messages", "0", "raw"] == 6
    assert found["watchline_buffered_messages", "raw"] == 5
    assert found["watchline_buffered_bytes", "raw"] == 900
    progress.observe(ConsumerState({("raw", 1): 0}, {("raw", 1): 0}))
    found = values(metrics, progress)
    assert ("watchline_lag_messages", "0", "raw") not in found
    assert found["watchline_buffered_messages", "raw"] == 0


def test_every_counter_is_there_before_anything_is_counted() -> None:
    """Else the first five dead letters are a series that begins with 5, in which Prometheus sees no increase."""
    found = values(Metrics({"pii": "1"}))
    for name, *labels in (
        *(("watchline_dead_letters_total", kind, "unknown") for kind in Kind if kind != Kind.UNCLASSIFIED),
        ("watchline_failed_findings_total", "pii"),
        ("watchline_flagged_findings_total", "pii"),
        ("watchline_insert_retries_total", "none"),
        ("watchline_insert_retries_total", "252"),
        ("watchline_scoring_process_deaths_total", "memory"),
        ("watchline_heartbeats_total", "failed"),
        ("watchline_stage_duration_seconds_count", "store"),
        ("watchline_monitor_signals_total", "drift"),
        ("watchline_monitor_insert_retries_total", "none"),
        ("watchline_alert_webhook_failures_total", "timeout"),
        ("watchline_severe_findings_total",),
    ):
        assert found[(name, *sorted(labels))] == 0, name
    assert found["process_resident_memory_bytes",] > 1e6


def test_an_apps_counters_are_there_from_its_first_event() -> None:
    metrics = Metrics({})
    metrics.batch_done(scored_part([], [decode.unpack(message(INTERACTION))]), 1)
    assert values(metrics)["watchline_dead_letters_total", "invalid", "support-bot"] == 0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_gauges_of_a_source_that_is_silent_go_and_its_age_grows_from_the_start() -> None:
    clock = Clock()
    metrics, progress = Metrics({}, clock=clock), Progress(clock=clock)
    silent = values(metrics, progress)
    assert ("watchline_store_missing_events",) not in silent
    assert ("watchline_monitor_held_events",) not in silent
    metrics.store_missing_events.set(3)
    metrics.heard("store")
    metrics.heard("monitors")
    assert values(metrics, progress)["watchline_store_missing_events",] == 3
    assert values(metrics, progress)["watchline_monitor_held_events",] == 0
    clock.now += 600
    found = values(metrics, progress)
    assert ("watchline_store_missing_events",) not in found
    assert ("watchline_monitor_held_events",) not in found
    assert found["watchline_monitor_late_events_total",] == 0  # counters stay
    ages = [found["watchline_source_age_seconds", source] for source in ("store", "topics", "ends")]
    assert ages == [600, 600, 600]
    assert ("watchline_source_age_seconds", "alerts") not in found  # no webhook is set


def test_the_age_of_canaries_grows_from_the_start_and_begins_anew_with_each() -> None:
    clock = Clock()
    metrics, progress = Metrics({}, canaries="raw", clock=clock), Progress(clock=clock)
    progress.observe(ConsumerState({("raw", 0): 0, ("other", 0): 0}, {("raw", 0): 0, ("raw", 1): 0, ("other", 0): 0}))
    clock.now += 400
    found = values(metrics, progress)
    assert found["watchline_canary_age_seconds", "0"] == found["watchline_canary_age_seconds", "1"] == 400
    assert found["watchline_assigned_partitions", "raw"] == 2
    metrics.batch_done(dataclasses.replace(scored_part([]), canaries_sent={1: 0}), 0)
    clock.now += 10
    found = values(metrics, progress)
    assert (found["watchline_canary_age_seconds", "0"], found["watchline_canary_age_seconds", "1"]) == (410, 10)
    progress.observe(ConsumerState({("raw", 1): 0}, {("raw", 1): 0}))
    assert ("watchline_canary_age_seconds", "0") not in values(metrics, progress)


def test_delays_and_flagged_findings_are_counted() -> None:
    metrics = Metrics({"d0": "1"})
    part = dataclasses.replace(scored_part([]), flagged={"d0": 2})
    metrics.batch_done(part, 3, [0.2, 40.0, 7000.0])
    found = values(metrics)
    assert found["watchline_flagged_findings_total", "d0"] == 2
    assert found["watchline_event_delay_seconds_bucket", "60.0"] == 2
    assert found["watchline_event_delay_seconds_count",] == 3
