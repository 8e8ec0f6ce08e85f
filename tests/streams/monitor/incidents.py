"""Traffic of an app with tenants, fingerprints, languages, document sets and topics, in which incidents are planted."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from tests.streams.monitor.finding_batches import batches, first_ones
from watchline.schemas.records import Finding, ScoredInteraction, Signal
from watchline.streams.monitor.monitor import Monitor

TENANTS = {"acme": 30, "beta": 25, "corp": 20, "dune": 15, "echo": 10}
START = 600  # events before an incident
TIME = 1_700_000_000_000_000

Incident = Callable[[random.Random, bool, dict[str, Any]], dict[str, Any]]
"""Takes what an event is and whether the incident is on; returns it as it is by the incident."""


def event(rng: random.Random, number: int, incident: Incident, start: int = START) -> ScoredInteraction:
    """The next event. `worse` is the share of answers that groundedness finds unsupported."""
    usual: dict[str, Any] = {
        "tenant": rng.choices([*TENANTS], [*TENANTS.values()])[0],
        "system_fingerprint": rng.choices(["fp_a", "fp_b"], [70, 30])[0],
        "language": rng.choices([None, "de", "fr"], [85, 10, 5])[0],
        "document_set": "kb-7",
        "prompt_version": "1",
        "model": "small",
        "topic": rng.choices(range(8), [25, 20, 15, 12, 10, 8, 6, 4])[0],
        "worse": 0.12,
    }
    has = incident(rng, number >= start, usual)
    topic, worse = has.pop("topic"), has.pop("worse")
    event_id = f"{rng.getrandbits(128):032x}"
    event_id = "-".join((event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:]))
    score = rng.betavariate(6, 2) if rng.random() < worse else rng.betavariate(1.2, 12)
    embedding = [rng.gauss(0, 0.03) for _ in range(16)]
    embedding[topic] += 1
    return ScoredInteraction(
        event_id=event_id,
        time=TIME + number * 1_000_000,
        raw_time=TIME + number * 1_000_000 + 2_000,
        latency_s=has.pop("latency_s", 2.0) * math.exp(rng.gauss(0, 0.5)),
        input_length=rng.randrange(800, 3_600),
        output_length=rng.randrange(80, 800),
        error=False,
        prompt_embedding=tuple(value / math.hypot(*embedding) for value in embedding),
        findings=(
            Finding(
                event_id=event_id,
                detector="groundedness",
                detector_version="a",
                decision="evaluated",
                scores={"unsupported": score},
                score=score,
            ),
        ),
        raw_topic_id="topic",
        raw_partition=0,
        raw_offset=number,
        raw_index=0,
        **has,
    )


def events(incident: Incident, seed: int = 0, after: int = 500, start: int = START) -> list[ScoredInteraction]:
    """The events before an incident and so many from it on."""
    rng = random.Random(seed)
    return [event(rng, number, incident, start) for number in range(start + after)]


def told(items: Iterable[ScoredInteraction], monitor: Monitor | None = None, size: int = 16) -> list[Signal]:
    """What a monitor says of groundedness and latency: the measures in which incidents are planted."""
    monitor = monitor or Monitor()
    found = first_ones(signal for batch in batches(items, size) for signal in monitor.process(batch))
    return [signal for signal in found if signal.measure in ("groundedness", "latency_s")]


def by(change: Callable[[random.Random, dict[str, Any]], dict[str, Any]]) -> Incident:
    """An incident that changes events from its beginning on alone."""
    return lambda rng, on, usual: {**usual, **change(rng, usual)} if on else usual


def everything(worse: float = 0.45) -> Incident:
    """All answers are worse, whatever they are of."""
    return by(lambda rng, usual: {"worse": worse})


def also(incident: Incident, change: Callable[[random.Random, bool], dict[str, Any]]) -> Incident:
    """An incident in traffic that is otherwise than usual."""

    def both(rng: random.Random, on: bool, usual: dict[str, Any]) -> dict[str, Any]:
        return {**incident(rng, on, usual), **change(rng, on)}

    return both


def without(items: Iterable[ScoredInteraction], *names: str) -> list[ScoredInteraction]:
    """Events that lack these fields."""
    return [replace(item, **dict.fromkeys(names)) for item in items]
