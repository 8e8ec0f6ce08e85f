from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.monitor.finding_batches import batches, first_ones, scored
from watchline.detectors.declarations import NOT_SUPPORTED
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Decision, ScoredInteraction, Signal
from watchline.streams.monitor import monitor as monitors
from watchline.streams.monitor.event_order import place
from watchline.streams.monitor.measures import measures
from watchline.streams.monitor.monitor import MAX_SLICES, Monitor
from watchline.streams.monitor.state import pack, unpack
from watchline.streams.monitor.topics import Topics


def signals(items: Iterable[ScoredInteraction], monitor: Monitor | None = None) -> list[Signal]:
    return first_ones(all_signals(items, monitor or Monitor()))


def all_signals(items: Iterable[ScoredInteraction], monitor: Monitor) -> list[Signal]:
    return [signal for batch in batches(items) for signal in monitor.process(batch)]


def loaded(state: bytes) -> Monitor:
    """The monitor of a state that is whole."""
    return Monitor.load(state, pytest.fail)


def two_versions(seed: int, **second: object) -> list[ScoredInteraction]:
    """250 events of version 1, then 250 of version 2."""
    rng = random.Random(seed)
    first = [scored(rng, offset) for offset in range(250)]
    return first + [scored(rng, offset, **{"version": "2", **second}) for offset in range(250, 500)]  # type: ignore[arg-type]


def test_a_worse_version_gives_a_signal_that_tells_what_moved() -> None:
    items = two_versions(1, unsupported=0.5)
    (signal,) = signals(items)
    assert (signal.kind, signal.measure) == ("prompt_version", "groundedness")
    assert signal.slice == {"prompt_version": "2", "model": "small"}
    assert signal.baseline == {"prompt_version": "1", "model": "small"}
    assert signal.before is not None and signal.after is not None and signal.before + 0.15 < signal.after
    assert signal.events_before == 250
    assert signal.since == items[250].time
    trigger = items[250 + signal.events_after - 1]
    assert (signal.time, signal.event_id) == (trigger.time, trigger.event_id)
    assert signal.p_value is not None and signal.p_value <= 0.001
    assert max(signal.attribution, key=lambda label: signal.attribution[label]) == "unsupported"
    assert sum(signal.attribution.values()) == pytest.approx(1)
    assert decode(encode(signal), Signal) == signal


@pytest.mark.parametrize("seed", range(4))
def test_an_equal_version_gives_none(seed: int) -> None:
    assert signals(two_versions(seed)) == []


def test_production_alone_is_watched() -> None:
    """An experiment that is far worse, between the events of production: neither a signal nor a place in a baseline."""
    monitor, items = Monitor(), two_versions(1)
    worse = [replace(item, source="experiment") for item in two_versions(2, unsupported=0.9)]
    mixed = [each for pair in zip(items, worse, strict=True) for each in pair]
    numbered = [replace(item, raw_offset=number, raw_time=item.raw_time + number) for number, item in enumerate(mixed)]
    assert signals(numbered, monitor) == []
    alone = Monitor()
    assert signals([item for item in numbered if item.source == "production"], alone) == []
    assert monitor._state().slices == alone._state().slices


def test_a_slower_version() -> None:
    (signal,) = signals(two_versions(2, latency_s=4.0))
    assert (signal.kind, signal.measure) == ("prompt_version", "latency_s")


def test_a_model_that_is_new_to_the_prompt() -> None:
    (signal,) = signals(two_versions(3, version="1", model="large", unsupported=0.5))
    assert (signal.kind, signal.measure) == ("model", "groundedness")
    assert signal.baseline == {"prompt_version": "1", "model": "small"}


def test_a_version_is_held_against_the_one_before_on_the_same_model() -> None:
    rng = random.Random(4)
    shares = {"small": 0.1, "large": 0.6}
    models = ["small", "large"]
    first = [scored(rng, n, model=models[n % 2], unsupported=shares[models[n % 2]]) for n in range(400)]
    second = [
        scored(rng, n, version="2", model=models[n % 2], unsupported=shares[models[n % 2]]) for n in range(400, 800)
    ]
    found = signals(first + second)
    # The second model of version 1 differs from the first and is new; version 2 differs from version 1 on neither.
    assert {signal.kind for signal in found} <= {"model"}
    assert {signal.slice["prompt_version"] for signal in found} <= {"1"}


def test_a_change_within_a_version() -> None:
    rng = random.Random(5)
    items = [scored(rng, n) for n in range(800)] + [scored(rng, n, unsupported=0.6) for n in range(800, 1_200)]
    (signal,) = signals(items)
    assert (signal.kind, signal.measure, signal.method) == ("drift", "groundedness", "ADWIN")
    assert signal.slice == signal.baseline
    assert abs(signal.since - items[800].time) < 60_000_000


def test_no_signals_without_a_change() -> None:
    for seed in range(2):
        rng = random.Random(seed)
        assert signals(scored(rng, n) for n in range(2_000)) == []


def test_a_baseline_still_growing_is_waited_for() -> None:
    rng = random.Random(6)
    canary = [scored(rng, n, version="12"[n % 2], unsupported=(0.1, 0.6)[n % 2]) for n in range(400)]
    (signal,) = signals([*canary])
    assert signal.events_before == 50
    assert signal.since == canary[1].time


def test_another_detector_version_is_no_change_of_the_traffic() -> None:
    rng = random.Random(7)
    items = [scored(rng, n) for n in range(400)]
    items += [scored(rng, n, unsupported=0.6, detector_version="b") for n in range(400, 800)]
    items += [scored(rng, n, version="2", unsupported=0.6, detector_version="c") for n in range(800, 1_000)]
    assert signals(items) == []


def test_missing_and_impossible_values_are_left_out() -> None:
    rng = random.Random(8)
    items = [
        replace(
            scored(rng, n, version=None, model=None),
            latency_s=None,
            cost=float("nan"),
            prompt_embedding=(),
            findings=(),
        )
        for n in range(300)
    ]
    assert signals(items) == []


@pytest.mark.parametrize("field", ["is_step", "cancelled", "refused"])
def test_what_happens_more_often_is_seen(field: str) -> None:
    rng = random.Random(12)
    items = [replace(scored(rng, n), **{field: rng.random() < (0.02 if n < 600 else 0.3)}) for n in range(900)]  # type: ignore[arg-type]
    assert [(signal.kind, signal.measure) for signal in signals(items)] == [("drift", field)]


def test_what_messages_of_before_do_not_say_is_left_out() -> None:
    """Else a worker that begins to say it would be a change of the traffic."""
    rng = random.Random(13)
    items = [scored(rng, n) for n in range(600)]
    items += [replace(scored(rng, n), is_step=True, cancelled=True, refused=True) for n in range(600, 1_200)]
    assert signals(items) == []


def not_evaluated(item: ScoredInteraction, decision: Decision, reason: str | None) -> ScoredInteraction:
    """With findings of which all but one say so."""
    findings = tuple(replace(found, decision=decision, reason=reason, score=None, scores={}) for found in item.findings)
    return replace(item, findings=(item.findings[0], *findings[1:]))


@pytest.mark.parametrize("decision", ["failed", "shed", "not_sampled"])
def test_findings_without_a_verdict_are_seen(decision: Decision) -> None:
    rng = random.Random(14)
    items = [scored(rng, n) for n in range(900)]
    items[600:] = [not_evaluated(item, decision, None) if n % 2 else item for n, item in enumerate(items[600:])]
    assert "not_evaluated" in {signal.measure for signal in signals(items)}


def test_another_language_is_seen_and_is_no_lack_of_a_verdict() -> None:
    rng = random.Random(15)
    items = [scored(rng, n) for n in range(900)]
    reason = f"{NOT_SUPPORTED}: de"
    items[600:] = [
        not_evaluated(item, "not_applicable", reason) if n % 2 else item for n, item in enumerate(items[600:])
    ]
    assert [signal.measure for signal in signals(items)] == ["other_language"]


def test_nothing_is_said_of_a_language_where_nothing_was_looked_at() -> None:
    item = scored(random.Random(16), 0)
    shed = replace(item, findings=tuple(replace(found, decision="shed", score=None) for found in item.findings))
    names = [
        {measure.name for measure in measures(each, Topics())} for each in (item, shed, replace(item, findings=()))
    ]
    assert ["other_language" in found for found in names] == [True, False, False]
    assert ["not_evaluated" in found for found in names] == [True, True, False]


def test_prompts_from_elsewhere_move_the_embedding() -> None:
    rng = random.Random(9)
    items = [scored(rng, n) for n in range(600)]
    for n in range(600, 900):
        item = scored(rng, n)
        items.append(replace(item, prompt_embedding=item.prompt_embedding[1:] + item.prompt_embedding[:1]))
    found = [signal.measure for signal in signals(items)]
    assert {"new_question", "prompt_embedding"} <= {*found}
    assert all(
        measure.startswith("question_direction_") or measure in ("new_question", "prompt_embedding")
        for measure in found
    )


def test_what_was_seen_is_skipped() -> None:
    items = two_versions(1, unsupported=0.5)
    monitor = Monitor()
    assert len(signals(items, monitor)) == 1
    state = monitor.dump()
    assert signals(items, monitor) == []
    assert monitor.dump() == state


def test_an_event_before_the_last_is_late_where_it_is_new_and_skipped_where_it_is_not() -> None:
    rng = random.Random(0)
    first, second, third = (scored(rng, offset, partition=offset % 2) for offset in range(3))
    monitor = Monitor()
    signals([first, third], monitor)
    assert monitor.late == 0
    signals([first, third, second], monitor)
    assert monitor.late == 1
    monitor = loaded(monitor.dump())
    signals([second, first, third], monitor)
    (part,) = monitor._slices.values()
    assert (part.events, monitor.late) == (2, 0)


def test_events_of_one_time_go_by_where_they_stand_in_the_raw_topic() -> None:
    rng = random.Random(0)
    places = [(0, 7, 0), (0, 8, 0), (1, 3, 0), (1, 3, 1), (2, 0, 0)]
    items = [
        replace(scored(rng, 0), raw_partition=partition, raw_offset=offset, raw_index=index)
        for partition, offset, index in places
    ]
    monitor = Monitor()
    signals(items, monitor)
    assert next(iter(monitor._slices.values())).events == len(places)


def test_the_time_of_an_event_is_at_most_when_kafka_got_it() -> None:
    items = two_versions(1, unsupported=0.5)
    ahead = [replace(item, time=item.time + 10**12) for item in items]
    (expected,), (signal,) = signals(items), signals(ahead)
    assert (signal.time, signal.since) == (expected.time + 2_000, expected.since + 2_000)  # which is 2 ms later


def test_a_state_of_before_event_order_skips_by_position() -> None:
    rng = random.Random(0)
    seen = [("a", 0, 7), ("a", 1, 3), ("b", 0, 9)]
    items = {(topic, number, n): scored(rng, n, partition=number) for topic, number, n in [*seen, ("a", 0, 6)]}
    items = {key: replace(item, raw_topic_id=key[0]) for key, item in items.items()}
    monitor = Monitor()
    signals(sorted((items[key] for key in seen), key=place), monitor)
    old = pack(replace(unpack(monitor.dump()), last=None, last_time=0))
    monitor = loaded(old)
    signals(sorted(items.values(), key=place), monitor)  # all was seen by then
    assert next(iter(monitor._slices.values())).events == 3
    signals([replace(scored(rng, 10), raw_topic_id="a"), *items.values()], monitor)
    assert next(iter(monitor._slices.values())).events == 4


def test_ids_differ_between_prompts() -> None:
    items = two_versions(1, unsupported=0.5)
    ids = [
        signal.signal_id
        for name in ("answer", "summary")
        for batch in batches(items, size=500, prompt_name=name)
        for signal in Monitor().process(batch)
    ]
    assert len(ids) == len(set(ids)) == 2


@cache
def eventful() -> tuple[tuple[ScoredInteraction, ...], tuple[Signal, ...], bytes]:
    """Versions that get worse, interleaved at first, drift, a new detector beside the old one; and what one monitor
    says of them in one go.
    """
    rng = random.Random(10)
    items = [scored(rng, n) for n in range(200)]
    items += [scored(rng, n, version="12"[n % 2], unsupported=(0.15, 0.5)[n % 2]) for n in range(200, 400)]
    items += [scored(rng, n, version="2", unsupported=0.5, latency_s=5) for n in range(400, 1_500)]
    items += [
        scored(rng, n, version="2", unsupported=0.15, latency_s=5, detector_version="ab"[n % 3 == 0])
        for n in range(1_500, 2_600)
    ]
    items += [scored(rng, n, version="3", unsupported=0.6, detector_version="b") for n in range(2_600, 3_000)]
    monitor = Monitor()
    return tuple(items), tuple(all_signals(items, monitor)), monitor.dump()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 2_999), min_size=1, max_size=8), repeat=st.integers(0, 40))
def test_the_same_signals_wherever_it_is_cut_and_loaded(cuts: list[int], repeat: int) -> None:
    items, expected, state = eventful()
    assert {signal.kind for signal in expected} == {"prompt_version", "drift"} and len(expected) >= 4
    found: list[Signal] = []
    monitor, start = Monitor(), 0
    for end in [*sorted(cuts), len(items)]:
        found += all_signals(items[max(0, start - repeat) : end], monitor)  # some come again
        monitor, start = loaded(monitor.dump()), end
    assert tuple(found) == expected
    assert monitor.dump() == state


@pytest.mark.slow
def test_loaded_after_every_batch_it_says_the_same() -> None:
    items, expected, state = eventful()
    found: list[Signal] = []
    monitor = Monitor()
    for batch in batches(items, size=25):
        found += monitor.process(batch)
        monitor = loaded(monitor.dump())
    assert tuple(found) == expected
    assert monitor.dump() == state


def test_state_stays_small_however_many_versions_come() -> None:
    rng = random.Random(11)
    monitor = Monitor()
    signals((scored(rng, n, version=str(n // 260)) for n in range(260 * (MAX_SLICES + 2))), monitor)
    assert len(monitor._slices) == MAX_SLICES
    assert len(monitor.dump()) < 400_000  # a Kafka message may have 1,000,000


def test_a_state_too_large_for_a_message_forgets_the_oldest_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor()
    signals(two_versions(1), monitor)
    monkeypatch.setattr(monitors, "MAX_STATE", len(monitor.dump()) - 1)
    (part,) = loaded(monitor.dump())._slices
    assert part == ("2", "small")


BUILDS = pytest.mark.parametrize("builds", ["a", "ab", "a" * 19 + "b", "abc"])


def by_builds(builds: str, count: int, start: int = 0, seed: int = 1, **event: object) -> list[ScoredInteraction]:
    """Events that workers of several builds have scored in turn; their scores differ by half."""
    rng = random.Random(seed + start)
    items = []
    for n in range(start, start + count):
        item = scored(rng, n, detector_version=builds[n % len(builds)], **event)  # type: ignore[arg-type]
        factor = 1.0 if builds[n % len(builds)] == "a" else 0.5
        items.append(replace(item, findings=tuple(replace(f, score=(f.score or 0) * factor) for f in item.findings)))
    return items


@BUILDS
@pytest.mark.parametrize("seed", range(3))
def test_a_worse_version_gives_one_signal_whatever_builds_score_it(builds: str, seed: int) -> None:
    items = by_builds(builds, 300, unsupported=0.05, seed=seed)
    items += by_builds(builds, 300, 300, version="2", unsupported=0.6, seed=seed)
    (signal,) = signals(items)
    assert (signal.kind, signal.measure) == ("prompt_version", "groundedness")
    assert max(signal.attribution, key=lambda label: signal.attribution[label]) == "unsupported"


@BUILDS
@pytest.mark.parametrize("seed", range(3))
def test_drift_gives_one_signal_whatever_builds_score_it(builds: str, seed: int) -> None:
    items = by_builds(builds, 1_200, unsupported=0.05, seed=seed)
    items += by_builds(builds, 900, 1_200, unsupported=0.6, seed=seed)
    (signal,) = signals(items)
    assert (signal.kind, signal.measure) == ("drift", "groundedness")


@pytest.mark.parametrize("seed", [0, 1])
def test_a_build_that_takes_over_does_not_tell_the_same_drift_again(seed: int) -> None:
    items = by_builds("a" * 9 + "b", 3_000, unsupported=0.05, seed=seed)
    items += by_builds("a" * 9 + "b", 300, 3_000, unsupported=0.3, seed=seed)
    (signal,) = signals(items)
    assert signals(items + by_builds("b", 600, 3_300, unsupported=0.3, seed=seed)) == [signal]


def test_what_an_older_build_alone_sees_is_no_drift() -> None:
    rng = random.Random(3)
    items = [
        scored(rng, n, detector_version="aab"[n % 3], unsupported=0.6 if n >= 1_500 and n % 3 == 2 else 0.05)
        for n in range(2_400)
    ]
    assert signals(items) == []


@BUILDS
def test_two_builds_that_score_otherwise_are_no_change(builds: str) -> None:
    assert signals(by_builds(builds, 600) + by_builds(builds, 400, 600, version="2")) == []


def test_a_worse_version_is_seen_in_the_middle_of_a_deploy() -> None:
    items = by_builds("a", 300, unsupported=0.05) + by_builds("ab", 200, 300, unsupported=0.05)
    items += by_builds("b", 200, 500, version="2", unsupported=0.6)
    (signal,) = signals(items)
    assert (signal.kind, signal.measure, signal.events_before) == ("prompt_version", "groundedness", 100)


def test_measures_without_a_baseline_are_counted() -> None:
    monitor = Monitor()
    signals(by_builds("a", 320), monitor)  # of which the last 64 are measured by topics
    assert monitor.waiting == 0  # nothing came before it
    signals(by_builds("b", 20, 320, version="2"), monitor)
    assert monitor.waiting == 6  # its detectors are of a version that the one before was not scored by
    assert loaded(monitor.dump()).waiting == 6
    signals(by_builds("b", 120, 340), monitor)
    signals(by_builds("b", 20, 460, version="2"), monitor)
    assert monitor.waiting == 0
    signals(by_builds("c", 1, 480, version="3"), monitor)
    assert monitor.waiting == 6


def test_what_can_be_no_value_is_left_out() -> None:
    """Whoever may write to the findings topic can't end the monitor by it."""
    monitor = Monitor()
    for n, odd in enumerate([1e300, -1e300, 1e39, float("inf"), float("nan"), 3e38, -3e38] * 20):
        item = scored(random.Random(n), n)
        finding = replace(item.findings[0], score=odd, scores={"unsupported": odd})
        embedding = (odd, *item.prompt_embedding[1:])
        item = replace(item, latency_s=odd, cost=odd, prompt_embedding=embedding, findings=(finding,))
        signals([item], monitor)
    assert "groundedness" not in next(iter(monitor._slices.values())).series
    assert loaded(monitor.dump()).dump() == monitor.dump()
