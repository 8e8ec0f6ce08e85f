"""A provider that serves another build of a model under the same name."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.streams.monitor.incidents import START, TIME, also, by, events, everything, told
from watchline.streams.monitor.comparison import MIN_BASELINE
from watchline.streams.monitor.drift import Stream
from watchline.streams.monitor.fingerprints import MAX_KNOWN, MAX_WATCHED, UNSEEN, Fingerprints
from watchline.streams.monitor.measures import Measure
from watchline.streams.monitor.monitor import Monitor

NEW = by(lambda rng, usual: {"system_fingerprint": "fp_c", "worse": 0.5})


@pytest.mark.parametrize("seed", range(2))
def test_a_new_build_that_is_worse_gives_one_signal(seed: int) -> None:
    (signal,) = told(events(NEW, seed, after=700))
    assert signal.kind == "system_fingerprint"
    assert signal.slice == {"prompt_version": "1", "model": "small", "system_fingerprint": "fp_c"}
    assert signal.baseline == {"prompt_version": "1", "model": "small"}
    assert (signal.cause, signal.cause_value, signal.cause_kind) == ("system_fingerprint", "fp_c", "new value")
    assert signal.since == TIME + START * 1_000_000
    assert signal.before is not None and signal.after is not None and signal.before + 0.15 < signal.after
    assert {"prompt_version", "model", "document_set"} <= {*signal.ruled_out}


@pytest.mark.parametrize("seed", range(3))
def test_a_new_build_that_is_as_good_gives_none(seed: int) -> None:
    assert told(events(by(lambda rng, usual: {"system_fingerprint": "fp_c"}), seed, after=700)) == []


def test_a_build_that_a_version_begins_with_is_not_new_to_it() -> None:
    incident = by(lambda rng, usual: {"prompt_version": "2", "system_fingerprint": "fp_c", "worse": 0.5})
    assert {signal.kind for signal in told(events(incident))} == {"prompt_version"}


def test_several_builds_at_a_time_are_told_apart() -> None:
    def change(rng: random.Random, usual: dict[str, Any]) -> dict[str, Any]:
        name = rng.choice(["fp_c", "fp_d", "fp_a"])
        return {"system_fingerprint": name, "worse": 0.7 if name == "fp_d" else 0.12}

    signal = told(events(by(change), after=700))[0]
    assert (signal.kind, signal.cause_value) == ("system_fingerprint", "fp_d")


def test_without_fingerprints_a_change_is_drift() -> None:
    incident = also(everything(), lambda rng, on: {"system_fingerprint": None})
    (signal,) = told(events(incident))
    assert signal.kind == "drift"
    assert "system_fingerprint" not in signal.ruled_out


def test_one_fingerprint_an_event_takes_no_memory() -> None:
    incident = also(everything(0.12), lambda rng, on: {"system_fingerprint": f"fp_{rng.getrandbits(60)}"})
    monitor = Monitor()
    assert told(events(incident, after=300), monitor) == []
    (part,) = monitor._slices.values()
    assert len(part.fingerprints.known) == MAX_KNOWN
    assert len(part.fingerprints.watched) <= MAX_WATCHED
    assert Monitor.load(monitor.dump(), pytest.fail).dump() == monitor.dump()


def test_one_that_is_no_longer_seen_makes_room() -> None:
    fingerprints, events = Fingerprints(), MIN_BASELINE + 1
    for name in ("fp_1", "fp_2", "fp_3"):
        assert fingerprints.seen(name, 0, events) is not None
    assert fingerprints.seen("fp_4", 0, events) is None
    assert fingerprints.seen("fp_5", 0, events + UNSEEN + 1) is not None
    assert [*fingerprints.watched] == ["fp_5"]
    assert fingerprints.seen("fp_4", 0, events + UNSEEN + 2) is None  # it was seen by then


def test_a_measure_without_enough_before_is_not_compared() -> None:
    watched = Fingerprints().seen("fp_1", 0, MIN_BASELINE + 1)
    assert watched is not None
    stream = Stream(bounded=True)
    for number in range(MIN_BASELINE - 1):
        stream.update(0.1, number)
    assert [watched.update(Measure("toxicity", 0.9, True), stream) for _ in range(100)] == [None] * 100
