"""What is named as the cause of planted incidents, and that nothing is where nothing is to blame."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.streams.monitor.finding_batches import first_ones
from tests.streams.monitor.incidents import (
    START,
    TIME,
    Incident,
    also,
    by,
    events,
    everything,
    told,
    without,
)
from watchline.schemas.codec import decode, encode
from watchline.schemas.records import Signal
from watchline.streams.monitor.causes import explain
from watchline.streams.monitor.events import Events
from watchline.streams.monitor.monitor import Monitor

pytestmark = pytest.mark.slow


def first(incident: Incident, seed: int = 0, **more: Any) -> Signal:
    """The first signal of the measure that an incident moves."""
    return told(events(incident, seed, **more))[0]


def named(signal: Signal) -> tuple[str, str, str]:
    return signal.cause, signal.cause_value, signal.cause_kind


def more_of(tenant: str, before: float, after: float, worse: float) -> Incident:
    """A tenant whose answers are worse throughout, and whose share grows."""

    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        if rng.random() < (after if on else before):
            return {**usual, "tenant": tenant, "worse": worse}
        return usual

    return change


def of_topic(topic: int, before: float, after: float, worse: float) -> Incident:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        asked = rng.random() < (after if on else before)
        return {**usual, "topic": topic, "worse": worse} if asked else {**usual, "topic": usual["topic"] % 4}

    return change


PLANTED: dict[str, tuple[Incident, tuple[str, str, str]]] = {
    "a prompt": (
        by(lambda rng, usual: {"prompt_version": "2", "worse": 0.5}),
        ("prompt_version", "2", "new value"),
    ),
    "a model": (by(lambda rng, usual: {"model": "large", "worse": 0.5}), ("model", "large", "new value")),
    "a fingerprint": (
        by(lambda rng, usual: {"system_fingerprint": "fp_c", "worse": 0.5}),
        ("system_fingerprint", "fp_c", "new value"),
    ),
    "a fingerprint that serves half": (
        by(lambda rng, usual: {"system_fingerprint": "fp_c", "worse": 0.6} if rng.random() < 0.5 else {}),
        ("system_fingerprint", "fp_c", "new value"),
    ),
    "a document set": (
        by(lambda rng, usual: {"document_set": "kb-8", "worse": 0.5}),
        ("document_set", "kb-8", "new value"),
    ),
    "one tenant": (
        by(lambda rng, usual: {"worse": 0.8} if usual["tenant"] == "acme" else {}),
        ("tenant", "acme", "within"),
    ),
    "a tenant that comes": (more_of("zeta", 0.0, 0.5, 0.6), ("tenant", "zeta", "new value")),
    "the mix of tenants": (more_of("zeta", 0.08, 0.5, 0.6), ("tenant", "zeta", "mix")),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_planted_cause_is_named_and_no_other(name: str) -> None:
    """In one run of four there may be too few events to tell when the change is seen: then nothing is named."""
    incident, expected = PLANTED[name]
    found = [first(incident, seed) for seed in range(4)]
    assert {named(signal) for signal in found} <= {expected, ("", "", "")}
    assert sum(named(signal) == expected for signal in found) >= 3
    for signal in found:
        assert signal.measure == "groundedness"
        assert signal.cause not in signal.ruled_out
        assert decode(encode(signal), Signal) == signal


def test_a_language_that_gets_worse() -> None:
    def german(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        language = "de" if rng.random() < 0.4 else None
        return {**usual, "language": language, "worse": 0.7 if on and language else 0.12}

    assert named(first(german)) == ("language", "de", "within")


@pytest.mark.parametrize("seed", range(2))
def test_a_topic_whose_answers_get_worse(seed: int) -> None:
    incident = by(lambda rng, usual: {"worse": 0.8} if usual["topic"] == 0 else {})
    signal = first(incident, seed)
    assert (signal.cause, signal.cause_kind) == ("topic", "within")
    assert signal.attribution[f"topic={signal.cause_value}"] > 0.5


@pytest.mark.parametrize("seed", range(2))
def test_a_mix_of_topics_that_moves_to_a_hard_one(seed: int) -> None:
    signal = first(of_topic(7, 0.1, 0.6, 0.6), seed)
    assert (signal.cause, signal.cause_kind) == ("topic", "mix")


@pytest.mark.parametrize("seed", range(3))
def test_where_all_moves_alike_nothing_is_named(seed: int) -> None:
    signal = first(everything(), seed)
    assert named(signal) == ("", "", "")
    assert signal.attribution == {}
    assert {"prompt_version", "model", "system_fingerprint", "document_set", "tenant", "language"} <= {
        *signal.ruled_out
    }


CROWDS = {
    "one event a tenant": lambda rng, on: {"tenant": f"t{rng.getrandbits(60)}"},
    "sixty tenants": lambda rng, on: {"tenant": f"t{rng.randrange(60)}"},
    "many tenants, few of them large": lambda rng, on: {"tenant": f"t{int(rng.paretovariate(0.8)) % 300}"},
    "one event a fingerprint": lambda rng, on: {"system_fingerprint": f"fp_{rng.getrandbits(60)}"},
    "nobody says": lambda rng, on: {"tenant": None, "system_fingerprint": None, "document_set": None},
    "half don't say": lambda rng, on: {"tenant": rng.choice(["acme", None])},
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("crowd", CROWDS)
def test_nothing_is_named_by_chance(crowd: str, seed: int) -> None:
    assert named(first(also(everything(), CROWDS[crowd]), seed)) == ("", "", "")


@pytest.mark.parametrize("seed", range(2))
def test_a_tenant_among_sixty_is_found(seed: int) -> None:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        tenant = "acme" if rng.random() < 0.3 else f"t{rng.randrange(60)}"
        return {**usual, "tenant": tenant, "worse": 0.8 if on and tenant == "acme" else 0.12}

    assert named(first(change, seed)) == ("tenant", "acme", "within")


@pytest.mark.parametrize("ahead", [100, 250])
def test_a_document_set_that_came_long_before_is_not_named(ahead: int) -> None:
    rng = random.Random(0)
    items = events(everything(), rng.randrange(9))
    new = TIME + (START - ahead) * 1_000_000
    moved = [item if item.time < new else replace(item, document_set="kb-8") for item in items]
    assert named(told(moved)[0]) == ("", "", "")


def test_what_nobody_says_is_neither_named_nor_ruled_out() -> None:
    names = ("tenant", "system_fingerprint", "document_set", "language", "prompt_version", "model")
    items = [replace(item, prompt_embedding=()) for item in without(events(everything()), *names)]
    signal = told(items)[0]
    assert (signal.cause, signal.ruled_out) == ("", ())


def test_that_version_model_and_fingerprint_stayed_is_said() -> None:
    incident = also(everything(), lambda rng, on: {"system_fingerprint": "fp_a"})
    assert {"prompt_version", "model", "system_fingerprint"} <= {*first(incident).ruled_out}


def test_a_new_version_beats_the_tenant_that_it_is_worse_for() -> None:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        worse = 0.8 if on and usual["tenant"] == "acme" else 0.12
        return {**usual, "prompt_version": "2" if on else "1", "worse": worse}

    signal = first(change)
    assert named(signal) == ("prompt_version", "2", "new value")
    assert signal.attribution["tenant=acme"] > 0.6
    assert signal.attribution["unsupported"] == 1.0


def test_a_new_version_that_goes_to_the_hard_tenant_first_is_not_blamed() -> None:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        tenant = "acme" if rng.random() < (0.75 if on else 0.3) else "beta"
        return {
            **usual,
            "tenant": tenant,
            "worse": 0.7 if tenant == "acme" else 0.05,
            "prompt_version": "2" if on else "1",
        }

    signal = first(change)
    assert signal.kind == "prompt_version"
    assert (signal.cause, signal.cause_kind) == ("tenant", "mix")


def test_a_fingerprint_that_came_with_the_change_beats_the_tenant() -> None:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        worse = 0.9 if on and usual["tenant"] == "acme" else 0.12
        return {**usual, "system_fingerprint": "fp_c" if on else "fp_a", "worse": worse}

    assert named(first(change)) == ("system_fingerprint", "fp_c", "new value")


def test_slower_answers_of_one_tenant() -> None:
    incident = by(lambda rng, usual: {"latency_s": 8.0} if usual["tenant"] == "acme" else {})
    signal = first(incident)
    assert signal.measure == "latency_s"
    assert named(signal) == ("tenant", "acme", "within")
    assert 0.5 < signal.attribution["tenant=acme"] <= 1


def test_examples_are_of_the_cause_and_of_either_side() -> None:
    items = events(PLANTED["one tenant"][0])
    signal = told(items)[0]
    by_id = {item.event_id: item for item in items}
    assert len(signal.examples_before) == len(signal.examples_after) == 3
    assert not {*signal.examples_before} & {*signal.examples_after}
    for event_id in signal.examples_before:
        assert by_id[event_id].time < signal.since
    for event_id in signal.examples_after:
        item = by_id[event_id]
        assert item.tenant == "acme" and signal.since <= item.time <= signal.time
        assert (item.findings[0].score or 0) > (signal.after or 1)


def test_what_moved_with_it_is_told() -> None:
    incident = by(lambda rng, usual: {"prompt_version": "2", "worse": 0.6, "latency_s": 6.0})
    one, other = told(events(incident))[:2]
    assert {one.measure, other.measure} == {"groundedness", "latency_s"}
    assert (one.moved_with, other.moved_with) == ((), (one.measure,))


def test_changes_at_different_times_did_not_move_together() -> None:
    def change(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        return {**usual, "worse": 0.6 if on else 0.12}

    items = events(change, after=1_200)
    late = TIME + (START + 600) * 1_000_000
    slower = [item if item.time < late else replace(item, latency_s=(item.latency_s or 0) * 5) for item in items]
    found = told(slower)
    assert [signal.measure for signal in found] == ["groundedness", "latency_s"]
    assert all(signal.moved_with == () for signal in found)


@pytest.mark.parametrize("seed", [1, 3, 4])
def test_a_change_that_is_found_late_is_still_explained(seed: int) -> None:
    """Most values from before it are summed up by then."""
    incident = by(lambda rng, usual: {"worse": 0.5} if usual["tenant"] == "acme" else {})
    signal = first(incident, seed, start=1_500, after=1_500)
    assert signal.events_after > 60
    assert named(signal) == ("tenant", "acme", "within")


@pytest.mark.parametrize(
    "name", ["a fingerprint that serves half", "one tenant", "the mix of tenants", "a document set"]
)
def test_loaded_after_every_batch_it_says_the_same(name: str) -> None:
    items = events(PLANTED[name][0], seed=1, after=300)
    whole, parts = Monitor(), Monitor()
    expected = told(items, whole)
    found: list[Signal] = []
    for start in range(0, len(items), 23):
        found += told(items[max(0, start - 5) : start + 23], parts, size=7)  # some come again
        parts = Monitor.load(parts.dump(), pytest.fail)
    assert expected and first_ones(found) == expected
    assert parts.dump() == whole.dump()


def test_a_replay_gives_the_same() -> None:
    items = events(PLANTED["a fingerprint"][0])
    expected = told(items)
    assert expected and told(items, size=1) == told(items, size=400) == expected


def test_a_part_without_events_that_are_kept_is_not_explained() -> None:
    part = Events().part([0.5] * 20, range(20))
    assert explain(part, part).dimension == ""


def test_values_that_do_not_vary_are_explained() -> None:
    kept = Events()
    for second in range(200):
        kept.add("", second, ("acme" if second % 2 else "beta", None, None, None, None))
    before = kept.part([0.0] * 100, range(100))
    after = kept.part([float(second % 2) for second in range(100)], range(100, 200))
    cause = explain(before, after)
    assert (cause.dimension, cause.value, cause.kind) == ("tenant", "acme", "within")


def test_most_incidents_of_all_sizes_are_explained() -> None:
    right, wrong = 0, Counter[str]()
    for name, (incident, expected) in PLANTED.items():
        for seed in range(10, 20):
            found = told(events(incident, seed))
            right += bool(found) and named(found[0]) == expected
            if not found or named(found[0]) != expected:
                wrong[name] += 1
    assert right >= 0.9 * (right + wrong.total()), wrong
